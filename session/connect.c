/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "session/internal.h"
#include "session/rto.h"

/* Every address in turn, each attempt from a port of its own: a server that still holds an old
 * session of a port swallows every ClientHello from there (docs/dtls.md). So an attempt gets two
 * ClientHellos, and when both stay unanswered the next address or another port is tried instead of
 * waiting ever longer. */

#define FIRST_TIMEOUT_MS 1000 /* RFC 6347 §4.2.4.1 */
#define FIRST_TIMEOUT_MIN_MS 600
#define PATIENCE_DOUBLINGS                                                                         \
	2 /* slow networks: later attempts wait 2 and 4 s for the first answer                     \
	   */

void connect_abandon(struct session *s)
{
	s->connect.resolve = resolve_free(s->connect.resolve);
	s->connect.fn = NULL;
}

static void connect_done(struct session *s, int r, const char *detail)
{
	session_connect_fn fn = s->connect.fn;
	void *userdata = s->connect.userdata;
	char text[sizeof(s->connect.detail)];

	snprintf(text, sizeof(text), "%s", detail);
	connect_abandon(s);
	if (r == 0)
		s->state = SESSION_OPEN;
	else
		session_down(s, r);
	session_arm(s);
	fn(s, r, text, userdata); /* may have freed the session: nothing may follow */
}

/* Certificate over handshake over unreachable: what a person can act upon. */
static unsigned int weight(int r)
{
	return r == SESSION_E_CERTIFICATE ? 3 : r == SESSION_E_HANDSHAKE ? 2 : r != 0 ? 1 : 0;
}

static void note_failure(struct session *s, int r, const char *why)
{
	struct connect_attempts *c = &s->connect;
	char address[RESOLVE_TEXT_MAX] = "?";

	if (c->current)
		resolve_format(&c->current->address, address);
	log_debug("session %s: %s port %u: %s", s->name, address, s->config.port, why);
	if (weight(r) <= weight(c->result))
		return;
	c->result = r;
	snprintf(c->detail, sizeof(c->detail), "%s (%s port %u): %s", s->server, address,
		 s->config.port, why);
}

static int open_socket(const struct resolve_address *address, int *ret_fd)
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

static uint32_t first_timeout(const struct session *s)
{
	const struct rto rto = {.srtt_ms = exchange_srtt_ms(s->exchange)};
	uint64_t wanted = rto_probe_ms(&rto, FIRST_TIMEOUT_MS);
	const size_t round = s->connect.n > 0 ? s->connect.made / s->connect.n : 0;

	wanted = MIN(MAX(wanted, (uint64_t)FIRST_TIMEOUT_MIN_MS), (uint64_t)FIRST_TIMEOUT_MS);
	return (uint32_t)(wanted << MIN(round, (size_t)PATIENCE_DOUBLINGS));
}

/* 0, -errno of this address, SESSION_E_UNREACHABLE when none is left. */
static int start_attempt(struct session *s)
{
	struct connect_attempts *c = &s->connect;
	const uint64_t now = clock_ms();
	const uint32_t timeout = first_timeout(s);
	bool offer;
	int r;

	dtls_stop(s->dtls);
	s->io = sd_event_source_disable_unref(s->io);
	closep(&s->fd);
	s->fd = -1;
	c->current = next_address(c);
	if (!c->current)
		return SESSION_E_UNREACHABLE;
	c->made++;
	r = open_socket(&c->current->address, &s->fd);
	if (r == 0)
		r = session_watch(s, s->fd);
	if (r < 0)
		return r;
	/* Offered once: a second abbreviated handshake would meet the same fate (docs/dtls.md). */
	offer = s->config.resumption && !c->offered && dtls_has_session(s->dtls);
	c->offered |= offer;
	c->rx_before = dtls_counters(s->dtls)->datagrams_rx;
	c->unanswered_ms = now + 3 * (uint64_t)timeout; /* two ClientHellos: 1 + 2 */
	c->attempt_end_ms = MIN(now + s->config.handshake_timeout_ms, c->end_ms);
	return dtls_start(s->dtls, s->fd, offer, timeout);
}

static bool is_unanswered(const struct session *s)
{
	return dtls_counters(s->dtls)->datagrams_rx == s->connect.rx_before;
}

static void established(struct session *s)
{
	const bool abbreviated = dtls_is_abbreviated(s->dtls);

	if (abbreviated)
		s->handshakes_abbreviated++;
	else
		s->handshakes_full++;
	snprintf(s->suite, sizeof(s->suite), "%s", dtls_suite(s->dtls));
	/* Whether our last flight arrived shows with the first answer. */
	if (abbreviated)
		exchange_probe(s->exchange);
	else
		exchange_trust(s->exchange);
	connect_done(s, 0, "");
}

/* Judges a failed attempt: the address may be of no use, or worth another port. */
static void attempt_failed(struct session *s, int r)
{
	struct connect_address *a = s->connect.current;

	if (r == DTLS_E_CERTIFICATE) {
		a->dead = true;
		note_failure(s, SESSION_E_CERTIFICATE, dtls_detail(s->dtls));
	} else if (r == DTLS_E_REFUSED) {
		/* Alerts of a handshake are not authenticated: believe the second one. */
		a->dead = a->was_refused;
		a->was_refused = true;
		note_failure(s, SESSION_E_HANDSHAKE, dtls_detail(s->dtls));
	} else if (r == -ECONNREFUSED) {
		a->dead = true;
		note_failure(s, SESSION_E_UNREACHABLE, "nothing listens there");
	} else if (r == -ETIMEDOUT) {
		note_failure(s, SESSION_E_UNREACHABLE,
			     is_unanswered(s) ? "no answer" : "the handshake did not complete");
	} else {
		a->dead = true;
		note_failure(s, SESSION_E_UNREACHABLE, strerror(-r));
	}
}

/* 0 established, -EAGAIN goes on, else why the attempt ended. */
static int judge_attempt(struct session *s)
{
	const struct connect_attempts *c = &s->connect;
	const uint64_t now = clock_ms();
	int r;

	r = dtls_handshake(s->dtls);
	if (r != -EAGAIN)
		return r;
	if (dtls_take_refused(s->dtls) && is_unanswered(s))
		return -ECONNREFUSED;
	if (now >= c->attempt_end_ms || (now >= c->unanswered_ms && is_unanswered(s)))
		return -ETIMEDOUT;
	return -EAGAIN;
}

void connect_step(struct session *s)
{
	struct connect_attempts *c = &s->connect;
	int r;

	if (c->resolve)
		return;
	r = c->current ? judge_attempt(s) : start_attempt(s);
	for (;;) {
		if (r == 0 && dtls_handshake(s->dtls) == 0) {
			established(s);
			return;
		}
		if (r == 0 || r == -EAGAIN)
			break;
		if (c->current)
			attempt_failed(s, r);
		if (!c->current || clock_ms() >= c->end_ms) {
			connect_done(s, c->result, c->detail);
			return;
		}
		r = start_attempt(s);
	}
	session_arm(s);
}

uint64_t connect_deadline(const struct session *s)
{
	const struct connect_attempts *c = &s->connect;

	if (c->resolve)
		return UINT64_MAX;
	return is_unanswered(s) ? MIN(c->unanswered_ms, c->attempt_end_ms) : c->attempt_end_ms;
}

static void begin(struct session *s, const struct resolve_address *addresses, size_t n)
{
	struct connect_attempts *c = &s->connect;

	for (size_t i = 0; i < n; i++)
		c->list[i] = (struct connect_address){.address = addresses[i]};
	c->n = n;
	c->end_ms = clock_ms() + n * s->config.handshake_timeout_ms;
	session_kick(s);
}

static void on_resolved(const struct resolve_address *addresses, size_t n, const char *detail,
			void *userdata)
{
	struct session *s = userdata;
	struct connect_attempts *c = &s->connect;

	if (n > 0) {
		begin(s, addresses, n);
		c->resolve = resolve_free(c->resolve);
		return;
	}
	snprintf(c->detail, sizeof(c->detail), "%s: %s", s->server,
		 detail[0] ? detail : "no address");
	connect_done(s, SESSION_E_RESOLVE, c->detail);
}

int session_connect(struct session *s, session_connect_fn fn, void *userdata)
{
	const char *target = s->address ? s->address : s->server;
	struct resolve_address address;
	int r;

	if (s->state != SESSION_CLOSED)
		return -EBUSY;
	s->connect = (struct connect_attempts){.fn = fn, .userdata = userdata};
	if (resolve_literal(target, s->config.port, &address) == 0) {
		begin(s, &address, 1);
	} else {
		r = resolve_new(s->event, target, s->config.port, s->config.handshake_timeout_ms,
				on_resolved, s, &s->connect.resolve);
		if (r < 0)
			return r;
	}
	s->state = SESSION_CONNECTING;
	return 0;
}
