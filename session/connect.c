/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "session/hedge.h"
#include "session/udp.h"

/* Every address in turn, each attempt from a port of its own: a server that still holds an old
 * session of a port swallows every ClientHello from there (docs/dtls.md). So an attempt gets two
 * ClientHellos, and when both stay unanswered the next address or another port is tried instead of
 * waiting ever longer. */

#define PROGRESS_FACTOR 3 /* times the timeout may an attempt take that gets answers */
#define PATIENCE_DOUBLINGS                                                                         \
	2 /* slow networks: later attempts wait 2 and 4 s for the first answer                     \
	   */

void connect_abandon(struct udp_line *u)
{
	u->connect.resolve = resolve_free(u->connect.resolve);
}

static void connect_done(struct udp_line *u, int r, const char *detail)
{
	char text[sizeof(u->connect.detail)];

	snprintf(text, sizeof(text), "%s", detail);
	connect_abandon(u);
	if (r == 0)
		u->line.state = SESSION_OPEN;
	else
		udp_down(u, r);
	udp_arm(u);
	if (u->hedged)
		hedge_connected(u, r);
	else
		session_line_connected(&u->line, r, text);
}

/* Certificate over handshake over unreachable: what a person can act upon. */
static unsigned int weight(int r)
{
	return r == SESSION_E_CERTIFICATE ? 3 : r == SESSION_E_HANDSHAKE ? 2 : r != 0 ? 1 : 0;
}

static void note_failure(struct udp_line *u, int r, const char *why)
{
	struct connect_attempts *c = &u->connect;
	char address[RESOLVE_TEXT_MAX] = "?";

	if (c->current)
		resolve_format(&c->current->address, address);
	log_debug("session %s: %s port %u: %s", u->line.config->name, address, u->line.config->port,
		  why);
	if (weight(r) <= weight(c->result))
		return;
	c->result = r;
	snprintf(c->detail, sizeof(c->detail), "%s (%s port %u): %s", u->line.config->server,
		 address, u->line.config->port, why);
}

int udp_open(const struct resolve_address *address, int *ret_fd)
{
	_cleanup_(closep) int fd = -1;

	fd = socket(address->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* Not bound: the kernel picks a port that no socket of ours holds. */
	if (connect(fd, &address->any, address->len) < 0)
		return -errno;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static struct connect_address *next_address(struct connect_attempts *c)
{
	for (size_t i = 0; i < c->n; i++) {
		struct connect_address *a = &c->list[(c->next + i) % c->n];

		if (!a->dead) {
			c->next = (size_t)(a - c->list) + 1;
			return a;
		}
	}
	return NULL;
}

static uint32_t first_timeout(const struct udp_line *u)
{
	const uint64_t wanted = rto_ms(exchange_rto(u->exchange), DTLS_HANDSHAKE_TIMEOUT_MIN_MS);
	const size_t round = u->connect.n > 0 ? u->connect.made / u->connect.n : 0;

	return (uint32_t)(MAX(wanted, (uint64_t)RTO_POLITE_MS)
			  << MIN(round, (size_t)PATIENCE_DOUBLINGS));
}

/* 0, -errno of this address, SESSION_E_UNREACHABLE when none is left. */
static int start_attempt(struct udp_line *u)
{
	struct connect_attempts *c = &u->connect;
	const uint64_t now = clock_ms();
	const uint32_t timeout = first_timeout(u);
	bool offer;
	int r;

	dtls_stop(u->dtls);
	u->io = sd_event_source_disable_unref(u->io);
	closep(&u->fd);
	u->fd = -1;
	c->current = next_address(c);
	if (!c->current)
		return SESSION_E_UNREACHABLE;
	c->made++;
	r = udp_open(&c->current->address, &u->fd);
	if (r == 0)
		r = udp_watch(u, u->fd);
	if (r < 0)
		return r;
	/* Offered once: a second abbreviated handshake would meet the same fate (docs/dtls.md). */
	offer = u->line.config->resumption && !c->offered && dtls_has_session(u->dtls);
	c->offered |= offer;
	c->rx_before = dtls_counters(u->dtls)->datagrams_rx;
	c->unanswered_ms = now + 3 * (uint64_t)timeout; /* two ClientHellos: 1 + 2 */
	c->rx_seen = c->rx_before;
	c->attempt_end_ms = MIN(now + u->line.config->handshake_timeout_ms, c->end_ms);
	c->attempt_limit_ms =
		now + PROGRESS_FACTOR * (uint64_t)u->line.config->handshake_timeout_ms;
	return dtls_start(u->dtls, u->fd, offer, timeout);
}

static bool is_unanswered(const struct udp_line *u)
{
	return dtls_counters(u->dtls)->datagrams_rx == u->connect.rx_before;
}

static void established(struct udp_line *u)
{
	const bool abbreviated = dtls_is_abbreviated(u->dtls);

	if (abbreviated)
		u->handshakes_abbreviated++;
	else
		u->handshakes_full++;
	snprintf(u->suite, sizeof(u->suite), "%s", dtls_suite(u->dtls));
	udp_measure(u, true);
	/* Whether our last flight arrived shows with the first answer. */
	if (abbreviated)
		exchange_probe(u->exchange);
	else
		exchange_trust(u->exchange);
	connect_done(u, 0, "");
}

/* Judges a failed attempt: the address may be of no use, or worth another port. */
static void attempt_failed(struct udp_line *u, int r)
{
	struct connect_address *a = u->connect.current;

	if (r == DTLS_E_CERTIFICATE) {
		a->dead = true;
		note_failure(u, SESSION_E_CERTIFICATE, dtls_detail(u->dtls));
	} else if (r == DTLS_E_REFUSED) {
		/* Alerts of a handshake are not authenticated: believe the second one. */
		a->dead = a->was_refused;
		a->was_refused = true;
		note_failure(u, SESSION_E_HANDSHAKE, dtls_detail(u->dtls));
	} else if (r == -ECONNREFUSED) {
		a->dead = true;
		note_failure(u, SESSION_E_UNREACHABLE, "nothing listens there");
	} else if (r == -ETIMEDOUT) {
		note_failure(u, SESSION_E_UNREACHABLE,
			     is_unanswered(u) ? "no answer" : "the handshake did not complete");
	} else {
		a->dead = true;
		note_failure(u, SESSION_E_UNREACHABLE, strerror(-r));
	}
}

/* Something came: where a flight takes seconds and some are lost, giving up would begin the same
 * all over again. Whoever keeps us busy with nothing can do so for a while only. */
static void note_progress(struct udp_line *u, uint64_t now)
{
	struct connect_attempts *c = &u->connect;
	const uint64_t rx = dtls_counters(u->dtls)->datagrams_rx;

	if (rx == c->rx_seen)
		return;
	c->rx_seen = rx;
	c->attempt_end_ms = MIN(now + u->line.config->handshake_timeout_ms, c->attempt_limit_ms);
}

/* 0 established, -EAGAIN goes on, else why the attempt ended. */
static int judge_attempt(struct udp_line *u)
{
	const struct connect_attempts *c = &u->connect;
	const uint64_t now = clock_ms();
	int r;

	r = dtls_handshake(u->dtls);
	if (r != -EAGAIN)
		return r;
	if (dtls_take_refused(u->dtls) && is_unanswered(u))
		return -ECONNREFUSED;
	note_progress(u, now);
	if (now >= c->attempt_end_ms || (now >= c->unanswered_ms && is_unanswered(u)))
		return -ETIMEDOUT;
	return -EAGAIN;
}

void connect_step(struct udp_line *u)
{
	struct connect_attempts *c = &u->connect;
	int r;

	if (c->resolve)
		return;
	r = c->current ? judge_attempt(u) : start_attempt(u);
	for (;;) {
		if (r == 0 && dtls_handshake(u->dtls) == 0) {
			established(u);
			return;
		}
		if (r == 0 || r == -EAGAIN)
			break;
		if (c->current)
			attempt_failed(u, r);
		if (!c->current || clock_ms() >= c->end_ms) {
			connect_done(u, c->result, c->detail);
			return;
		}
		r = start_attempt(u);
	}
	udp_arm(u);
}

uint64_t connect_deadline(const struct udp_line *u)
{
	const struct connect_attempts *c = &u->connect;

	if (c->resolve)
		return UINT64_MAX;
	return is_unanswered(u) ? MIN(c->unanswered_ms, c->attempt_end_ms) : c->attempt_end_ms;
}

void connect_begin(struct udp_line *u, const struct resolve_address *addresses, size_t n)
{
	struct connect_attempts *c = &u->connect;

	for (size_t i = 0; i < n; i++)
		c->list[i] = (struct connect_address){.address = addresses[i]};
	c->n = n;
	c->end_ms = clock_ms() + n * u->line.config->handshake_timeout_ms;
	udp_kick(u);
}

static void on_resolved(const struct resolve_address *addresses, size_t n, const char *detail,
			void *userdata)
{
	struct udp_line *u = userdata;
	struct connect_attempts *c = &u->connect;

	if (n > 0) {
		connect_begin(u, addresses, n);
		c->resolve = resolve_free(c->resolve);
		return;
	}
	snprintf(c->detail, sizeof(c->detail), "%s: %s", u->line.config->server,
		 detail[0] ? detail : "no address");
	connect_done(u, SESSION_E_RESOLVE, c->detail);
}

int udp_connect(struct line *l)
{
	struct udp_line *u = (struct udp_line *)l;
	const struct session_config *config = l->config;
	const char *target = config->address ? config->address : config->server;
	struct resolve_address address;
	int r;

	if (hedge_take(u))
		return 0;
	u->connect = (struct connect_attempts){.result = 0};
	if (resolve_literal(target, config->port, &address) == 0) {
		connect_begin(u, &address, 1);
	} else {
		r = resolve_new(l->event, target, config->port, config->handshake_timeout_ms,
				on_resolved, u, &u->connect.resolve);
		if (r < 0)
			return r;
	}
	l->state = SESSION_CONNECTING;
	return 0;
}
