/* SPDX-License-Identifier: Apache-2.0 */
#include "session/session.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "session/internal.h"

#define HANDSHAKE_TIMEOUT_MS 20000
#define ACK_TIMEOUT_MS 2000
#define MAX_RETRANSMIT 4
#define ANSWER_TIMEOUT_MS 30000
#define BLOCK_SIZE 1024
#define READS_PER_WAKE 64
#define TIMER_ACCURACY_US 1000

const char *session_strerror(int r)
{
	static const char *const texts[] = {
		[SESSION_E_RESOLVE] = "the server's name has no address",
		[SESSION_E_UNREACHABLE] = "the server cannot be reached",
		[SESSION_E_CERTIFICATE] = "the server's certificate is not acceptable",
		[SESSION_E_HANDSHAKE] = "the server refused or broke the handshake",
		[SESSION_E_TIMEOUT] = "the server did not answer in time",
		[SESSION_E_LOST] = "the server no longer has this session",
		[SESSION_E_RESET] = "the server does not understand this request",
		[SESSION_E_PROTOCOL] = "the server's answer breaks the protocol",
		[SESSION_E_TOO_LARGE] = "the server's answer is too large",
		[SESSION_E_CANCELLED] = "cancelled",
		[SESSION_E_NOT_RESUMABLE] = "the saved session cannot be resumed",
		[SESSION_E_NOT_SUSPENDABLE] = "the session cannot be suspended now",
	};

	if (r < 0)
		return strerror(-r);
	if (r > 0 && (size_t)r < ARRAY_SIZE(texts))
		return texts[r];
	return "no error";
}

static void session_ref(struct session *s)
{
	s->refs++;
}

static void session_unref(struct session *s)
{
	if (--s->refs > 0)
		return;
	connect_abandon(s);
	sd_event_source_disable_unref(s->io);
	sd_event_source_disable_unref(s->timer);
	closep(&s->fd);
	closep(&s->saved_fd);
	exchange_free(s->exchange);
	dtls_free(s->dtls);
	sd_event_unref(s->event);
	free(s->name);
	free(s->server);
	free(s->address);
	free(s->ca_pem);
	free(s->owner);
	free(s);
}

/* Runs the callbacks of what has ended. They may do anything, also free the session. */
static void deliver(struct session *s)
{
	struct exchange_request *ended;

	session_ref(s);
	while ((ended = exchange_take_finished(s->exchange))) {
		struct session_request *request = exchange_request_owner(ended);
		const struct reply *reply = NULL;
		int r = exchange_request_result(ended, &reply);

		request->fn(s, r, reply, request->userdata);
		free(request);
		exchange_request_free(ended);
	}
	session_unref(s);
}

int session_flush(struct session *s)
{
	uint8_t datagram[MESSAGE_MAX];
	size_t len;
	int r = 0;

	while (r == 0 && exchange_output(s->exchange, clock_ms(), datagram, &len))
		r = dtls_write(s->dtls, datagram, len);
	secret_wipe(datagram, sizeof(datagram));
	return r;
}

int session_drain(struct session *s)
{
	uint8_t record[DTLS_RECORD_MAX];
	size_t len;
	int r = 0;

	for (unsigned int i = 0; r == 0 && i < READS_PER_WAKE; i++) {
		r = dtls_read(s->dtls, record, &len);
		if (r == 0) {
			r = exchange_input(s->exchange, record, len, clock_ms());
			secret_wipe(record, len);
		}
	}
	return r == -EAGAIN ? 0 : r;
}

void session_arm(struct session *s)
{
	uint64_t when = UINT64_MAX;

	if (s->state == SESSION_CONNECTING)
		when = MIN(connect_deadline(s), dtls_deadline(s->dtls));
	else if (s->state == SESSION_OPEN)
		when = exchange_deadline(s->exchange);
	if (when == UINT64_MAX) {
		sd_event_source_set_enabled(s->timer, SD_EVENT_OFF);
		return;
	}
	sd_event_source_set_time(s->timer, when * 1000);
	sd_event_source_set_enabled(s->timer, SD_EVENT_ONESHOT);
}

void session_kick(struct session *s)
{
	sd_event_source_set_time(s->timer, 0);
	sd_event_source_set_enabled(s->timer, SD_EVENT_ONESHOT);
}

void session_down(struct session *s, int r)
{
	if (s->state == SESSION_OPEN) {
		/* A session that looks dead may live: the server would refuse our port for minutes.
		 */
		dtls_close_notify(s->dtls);
		/* One that never answered after an abbreviated handshake may be wedged
		 * (docs/dtls.md): no second try of that. */
		if (dtls_is_abbreviated(s->dtls) && exchange_probing(s->exchange))
			dtls_forget_session(s->dtls);
		log_debug("session %s: closed: %s", s->name, session_strerror(r));
	}
	dtls_stop(s->dtls);
	s->io = sd_event_source_disable_unref(s->io);
	closep(&s->fd);
	s->fd = -1;
	s->state = SESSION_CLOSED;
	exchange_fail(s->exchange, r);
	session_arm(s);
}

/* What the loop does after any event of an OPEN session; r is what reading ended with. */
static void turn(struct session *s, int r)
{
	int dead = r < 0 ? r : r > 0 ? SESSION_E_LOST : 0;

	if (dead == 0)
		dead = exchange_advance(s->exchange, clock_ms());
	if (dead == 0 && session_flush(s) != 0)
		dead = SESSION_E_LOST;
	if (dead != 0)
		session_down(s, dead);
	session_arm(s);
	deliver(s);
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct session *s = userdata;
	int r;

	(void)source;
	(void)fd;
	(void)events;
	if (s->state == SESSION_CONNECTING) {
		connect_step(s);
	} else if (s->state == SESSION_OPEN) {
		r = session_drain(s);
		if (r == 0 && dtls_take_refused(s->dtls))
			exchange_doubt(s->exchange, clock_ms());
		turn(s, r);
	}
	return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct session *s = userdata;

	(void)source;
	(void)usec;
	switch (s->state) {
	case SESSION_CONNECTING:
		connect_step(s);
		break;
	case SESSION_OPEN:
		turn(s, 0);
		break;
	case SESSION_CLOSED:
	case SESSION_SUSPENDED:
		deliver(s);
		break;
	}
	return 0;
}

int session_watch(struct session *s, int fd)
{
	int r;

	s->io = sd_event_source_disable_unref(s->io);
	r = sd_event_add_io(s->event, &s->io, fd, EPOLLIN, on_readable, s);
	if (r < 0)
		return r;
	(void)sd_event_source_set_description(s->io, s->name);
	return 0;
}

static int copy_text(const char *text, char **ret)
{
	*ret = text ? strdup(text) : NULL;
	return text && !*ret ? -ENOMEM : 0;
}

static unsigned int or_default(unsigned int value, unsigned int otherwise)
{
	return value > 0 ? value : otherwise;
}

static int set_config(struct session *s, const struct session_config *config)
{
	struct session_config *own = &s->config;
	int r;

	if (!config->name || !config->name[0] ||
	    config->name[strspn(config->name, "abcdefghijklmnopqrstuvwxyz")] || !config->server ||
	    !config->server[0] || config->port == 0 || !config->ca_pem)
		return -EINVAL;
	r = copy_text(config->name, &s->name);
	if (r == 0)
		r = copy_text(config->server, &s->server);
	if (r == 0)
		r = copy_text(config->address, &s->address);
	if (r == 0)
		r = copy_text(config->ca_pem, &s->ca_pem);
	if (r == 0)
		r = copy_text(config->owner, &s->owner);
	if (r < 0)
		return r;
	*own = *config;
	own->name = s->name;
	own->server = s->server;
	own->address = s->address;
	own->ca_pem = s->ca_pem;
	own->owner = s->owner;
	own->handshake_timeout_ms = or_default(own->handshake_timeout_ms, HANDSHAKE_TIMEOUT_MS);
	own->ack_timeout_ms = or_default(own->ack_timeout_ms, ACK_TIMEOUT_MS);
	own->max_retransmit = or_default(own->max_retransmit, MAX_RETRANSMIT);
	own->answer_timeout_ms = or_default(own->answer_timeout_ms, ANSWER_TIMEOUT_MS);
	own->block_size = own->block_size > 0 ? own->block_size : BLOCK_SIZE;
	if (own->block_size < 16 || own->block_size > 1024 ||
	    (own->block_size & (own->block_size - 1)) != 0 || own->max_retransmit > 20)
		return -EINVAL;
	return 0;
}

static int set_parts(struct session *s)
{
	const struct session_config *config = &s->config;
	const struct dtls_config dtls = {
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

	r = dtls_new(&dtls, &s->dtls);
	if (r < 0)
		return r;
	r = exchange_new(&exchange, &s->exchange);
	if (r < 0)
		return r;
	r = sd_event_add_time(s->event, &s->timer, CLOCK_BOOTTIME, 0, TIMER_ACCURACY_US, on_timer,
			      s);
	if (r < 0)
		return r;
	sd_event_source_set_enabled(s->timer, SD_EVENT_OFF);
	return 0;
}

int session_new(sd_event *event, const struct session_config *config, struct session **ret)
{
	_cleanup_(session_freep) struct session *s = NULL;
	int r;

	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->refs = 1;
	s->fd = s->saved_fd = -1;
	s->event = sd_event_ref(event);
	r = set_config(s, config);
	if (r < 0)
		return r;
	r = set_parts(s);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(s);
	return 0;
}

struct session *session_free(struct session *s)
{
	if (!s)
		return NULL;
	if (s->state == SESSION_OPEN || s->state == SESSION_CONNECTING)
		session_close(s);
	session_unref(s);
	return NULL;
}

void session_close(struct session *s)
{
	session_connect_fn fn = NULL;
	void *userdata = NULL;

	session_ref(s);
	switch (s->state) {
	case SESSION_CONNECTING:
		fn = s->connect.fn;
		userdata = s->connect.userdata;
		connect_abandon(s);
		session_down(s, SESSION_E_CANCELLED);
		break;
	case SESSION_SUSPENDED:
		/* Only a loaded context can say goodbye. */
		if (session_resume(s) == 0)
			session_down(s, SESSION_E_CANCELLED);
		break;
	case SESSION_OPEN:
		session_down(s, SESSION_E_CANCELLED);
		break;
	case SESSION_CLOSED:
		break;
	}
	if (fn)
		fn(s, SESSION_E_CANCELLED, session_strerror(SESSION_E_CANCELLED), userdata);
	deliver(s);
	session_unref(s);
}

enum session_state session_get_state(const struct session *s)
{
	return s->state;
}

int session_request(struct session *s, const struct request *request, session_reply_fn fn,
		    void *userdata, struct session_request **ret_request)
{
	_cleanup_(freep) struct session_request *made = NULL;
	int r;

	if (s->state != SESSION_OPEN)
		return -ENOTCONN;
	made = malloc(sizeof(*made));
	if (!made)
		return -ENOMEM;
	*made = (struct session_request){.session = s, .fn = fn, .userdata = userdata};
	r = exchange_submit(s->exchange, request, made, &made->request);
	if (r < 0)
		return r;
	session_kick(s);
	if (ret_request)
		*ret_request = made;
	made = NULL;
	return 0;
}

void session_cancel(struct session_request *request)
{
	struct session *s = request->session;

	exchange_cancel(s->exchange, request->request);
	free(request);
	session_kick(s);
}

uint64_t session_note(const struct session *s)
{
	return s->note;
}

const char *session_suite(const struct session *s)
{
	return s->suite;
}

void session_get_stats(const struct session *s, struct session_stats *ret)
{
	const struct dtls_counters *counters = dtls_counters(s->dtls);
	const struct exchange_stats *stats = exchange_stats(s->exchange);

	*ret = (struct session_stats){
		.handshakes_full = s->handshakes_full,
		.handshakes_abbreviated = s->handshakes_abbreviated,
		.resumes = s->resumes,
		.datagrams_tx = counters->datagrams_tx,
		.datagrams_rx = counters->datagrams_rx,
		.bytes_tx = counters->bytes_tx,
		.bytes_rx = counters->bytes_rx,
		.round_trips = counters->flights_answered + stats->answers,
		.retransmissions = stats->retransmissions,
		.srtt_ms = exchange_srtt_ms(s->exchange),
	};
}
