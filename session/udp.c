/* SPDX-License-Identifier: Apache-2.0 */
#include "session/udp.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "session/follow.h"
#include "session/hedge.h"
#include "session/pathmtu.h"

#define READS_PER_WAKE 64
#define TIMER_ACCURACY_US 1000

void udp_deliver(struct udp_line *u)
{
	struct session *s = u->line.session;
	struct exchange_request *ended;

	session_ref(s);
	while ((ended = exchange_take_finished(u->exchange))) {
		struct udp_request *request = exchange_request_owner(ended);
		const struct reply *reply = NULL;
		int r = exchange_request_result(ended, &reply);

		request->base.fn(s, r, reply, request->base.userdata);
		free(request);
		exchange_request_free(ended);
	}
	session_unref(s);
}

void udp_measure(struct udp_line *u, bool is_new_path)
{
	exchange_set_room(u->exchange, EXCHANGE_ROOM(pathmtu_payload(u->fd)), is_new_path);
}

int udp_flush(struct udp_line *u)
{
	uint8_t datagram[MESSAGE_MAX];
	size_t len;
	int r = 0;

	if (exchange_has_output(u->exchange))
		follow_path(u);
	while (r == 0 && exchange_output(u->exchange, clock_ms(), datagram, &len))
		r = dtls_write(u->dtls, datagram, len);
	secret_wipe(datagram, sizeof(datagram));
	return r;
}

int udp_drain(struct udp_line *u)
{
	uint8_t record[DTLS_RECORD_MAX];
	size_t len;
	int r = 0;

	for (unsigned int i = 0; r == 0 && i < READS_PER_WAKE; i++) {
		r = dtls_read(u->dtls, record, &len);
		if (r == 0) {
			r = exchange_input(u->exchange, record, len, clock_ms());
			secret_wipe(record, len);
		}
	}
	return r == -EAGAIN ? 0 : r;
}

void udp_arm(struct udp_line *u)
{
	uint64_t when = UINT64_MAX;

	if (u->line.state == SESSION_CONNECTING)
		when = MIN(connect_deadline(u), dtls_deadline(u->dtls));
	else if (u->line.state == SESSION_OPEN)
		when = exchange_deadline(u->exchange);
	if (when == UINT64_MAX) {
		sd_event_source_set_enabled(u->timer, SD_EVENT_OFF);
		return;
	}
	sd_event_source_set_time(u->timer, when * 1000);
	sd_event_source_set_enabled(u->timer, SD_EVENT_ONESHOT);
}

void udp_kick(struct udp_line *u)
{
	sd_event_source_set_time(u->timer, 0);
	sd_event_source_set_enabled(u->timer, SD_EVENT_ONESHOT);
}

void udp_down(struct udp_line *u, int r)
{
	if (u->line.state == SESSION_OPEN) {
		/* A session that looks dead may live: the server would refuse our port for minutes.
		 */
		follow_path(u);
		dtls_close_notify(u->dtls);
		/* One that never answered after an abbreviated handshake may be wedged
		 * (docs/dtls.md): no second try of that. */
		if (dtls_is_abbreviated(u->dtls) && exchange_probing(u->exchange))
			dtls_forget_session(u->dtls);
		log_debug("session %s: closed: %s", u->line.config->name, session_strerror(r));
	}
	dtls_stop(u->dtls);
	u->io = sd_event_source_disable_unref(u->io);
	closep(&u->fd);
	u->fd = -1;
	u->line.state = SESSION_CLOSED;
	exchange_fail(u->exchange, r);
	udp_arm(u);
}

/* What the loop does after any event of an OPEN session; r is what reading ended with. */
static void turn(struct udp_line *u, int r)
{
	int dead = r < 0 ? r : r > 0 ? SESSION_E_LOST : 0;

	udp_measure(u, false); /* a router may have said something */
	if (dead == 0)
		dead = exchange_advance(u->exchange, clock_ms());
	if (dead == 0 && udp_flush(u) != 0)
		dead = SESSION_E_LOST;
	if (dead != 0)
		udp_down(u, dead);
	else
		hedge_look(u);
	udp_arm(u);
	udp_deliver(u);
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct udp_line *u = userdata;
	int r;

	(void)source;
	(void)fd;
	(void)events;
	if (u->line.state == SESSION_CONNECTING) {
		connect_step(u);
	} else if (u->line.state == SESSION_OPEN) {
		r = udp_drain(u);
		if (r == 0 && dtls_take_refused(u->dtls))
			exchange_doubt(u->exchange, clock_ms());
		turn(u, r);
	}
	return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct udp_line *u = userdata;

	(void)source;
	(void)usec;
	switch (u->line.state) {
	case SESSION_CONNECTING:
		connect_step(u);
		break;
	case SESSION_OPEN:
		turn(u, 0);
		break;
	case SESSION_CLOSED:
	case SESSION_SUSPENDED:
		udp_deliver(u);
		break;
	}
	return 0;
}

int udp_watch(struct udp_line *u, int fd)
{
	int r;

	u->io = sd_event_source_disable_unref(u->io);
	r = sd_event_add_io(u->line.event, &u->io, fd, EPOLLIN, on_readable, u);
	if (r < 0)
		return r;
	(void)sd_event_source_set_description(u->io, u->line.config->name);
	return 0;
}

/* ---- of struct line_ops ---- */

static struct udp_line *udp_of(struct line *l)
{
	return (struct udp_line *)l;
}

static bool udp_is_heard(const struct line *l)
{
	const struct udp_line *u = (const struct udp_line *)l;

	return u->connect.made > 0 && dtls_counters(u->dtls)->datagrams_rx != u->connect.rx_before;
}

static int udp_request(struct line *l, const struct request *request, session_reply_fn fn,
		       void *userdata, struct session_request **ret)
{
	struct udp_line *u = udp_of(l);
	_cleanup_(freep) struct udp_request *made = malloc(sizeof(*made));
	int r;

	if (!made)
		return -ENOMEM;
	*made = (struct udp_request){.base = {.line = l, .fn = fn, .userdata = userdata}};
	r = exchange_submit(u->exchange, request, made, &made->request);
	if (r < 0)
		return r;
	udp_kick(u);
	if (ret)
		*ret = &made->base;
	made = NULL;
	return 0;
}

static void udp_cancel(struct session_request *request)
{
	struct udp_request *own = (struct udp_request *)request;
	struct udp_line *u = udp_of(request->line);

	exchange_cancel(u->exchange, own->request);
	free(own);
	udp_kick(u);
}

static void udp_close(struct line *l)
{
	struct udp_line *u = udp_of(l);

	switch (l->state) {
	case SESSION_CONNECTING:
		connect_abandon(u);
		udp_down(u, SESSION_E_CANCELLED);
		break;
	case SESSION_SUSPENDED:
		/* Only a loaded context can say goodbye. */
		if (udp_resume(l) == 0)
			udp_down(u, SESSION_E_CANCELLED);
		break;
	case SESSION_OPEN:
		udp_down(u, SESSION_E_CANCELLED);
		break;
	case SESSION_CLOSED:
		break;
	}
	hedge_end(u);
	udp_deliver(u);
}

static void udp_get_stats(const struct line *l, struct session_stats *ret)
{
	const struct udp_line *u = (const struct udp_line *)l;
	const struct dtls_counters *counters = dtls_counters(u->dtls);
	const struct exchange_stats *stats = exchange_stats(u->exchange);

	*ret = (struct session_stats){
		.handshakes_full = u->handshakes_full,
		.handshakes_abbreviated = u->handshakes_abbreviated,
		.resumes = u->resumes,
		.moves = u->moves,
		.datagrams_tx = counters->datagrams_tx,
		.datagrams_rx = counters->datagrams_rx,
		.bytes_tx = counters->bytes_tx,
		.bytes_rx = counters->bytes_rx,
		.round_trips = counters->flights_answered + stats->answers,
		.retransmissions = stats->retransmissions,
		.srtt_ms = exchange_rto(u->exchange)->srtt_ms,
	};
}

static const char *udp_suite(const struct line *l)
{
	return ((const struct udp_line *)l)->suite;
}

static void udp_free(struct line *l)
{
	struct udp_line *u = udp_of(l);

	hedge_end(u);
	connect_abandon(u);
	sd_event_source_disable_unref(u->io);
	sd_event_source_disable_unref(u->timer);
	closep(&u->fd);
	closep(&u->saved_fd);
	exchange_free(u->exchange);
	dtls_free(u->dtls);
	free(u);
}

static const struct line_ops ops = {
	.connect = udp_connect,
	.is_heard = udp_is_heard,
	.request = udp_request,
	.cancel = udp_cancel,
	.put_away = udp_put_away,
	.resume = udp_resume,
	.adopt = udp_adopt,
	.close = udp_close,
	.get_stats = udp_get_stats,
	.suite = udp_suite,
	.free = udp_free,
};

static int set_parts(struct udp_line *u)
{
	const struct session_config *config = u->line.config;
	struct dtls_config dtls = {
		.server = config->server,
		.port = config->port,
		.ca_pem = config->ca_pem,
		.owner = config->owner,
		.resumption = config->resumption,
		.tickets = config->tickets,
		.cid = config->cid,
	};
	const struct exchange_config exchange = {
		.ack_timeout_ms = config->ack_timeout_ms,
		.max_retransmit = config->max_retransmit,
		.answer_timeout_ms = config->answer_timeout_ms,
		.block_size = config->block_size,
		.random = random_fill,
	};
	int r;

	r = exchange_new(&exchange, &u->exchange);
	if (r < 0)
		return r;
	dtls.rto = exchange_rto(u->exchange);
	r = dtls_new(&dtls, &u->dtls);
	if (r < 0)
		return r;
	r = sd_event_add_time(u->line.event, &u->timer, CLOCK_BOOTTIME, 0, TIMER_ACCURACY_US,
			      on_timer, u);
	if (r < 0)
		return r;
	sd_event_source_set_enabled(u->timer, SD_EVENT_OFF);
	return 0;
}

int udp_line_new(const struct line *base, struct line **ret)
{
	struct udp_line *u = calloc(1, sizeof(*u));
	int r;

	if (!u)
		return -ENOMEM;
	u->line = *base;
	u->line.ops = &ops;
	u->fd = u->saved_fd = -1;
	r = set_parts(u);
	if (r < 0) {
		udp_free(&u->line);
		return r;
	}
	*ret = &u->line;
	return 0;
}
