/* SPDX-License-Identifier: Apache-2.0 */
#include "session/hedge.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"

#define FRESH_MS 10000 /* longer ago the server may have forgotten it again */

static int begin(struct udp_line *u)
{
	const struct line base = {
		.session = u->line.session,
		.config = u->line.config,
		.event = u->line.event,
	};
	struct resolve_address peer = {.len = sizeof(peer.v6)};
	struct line *made;
	int r;

	if (getpeername(u->fd, &peer.any, &peer.len) < 0)
		return -errno;
	r = udp_line_new(&base, &made);
	if (r < 0)
		return r;
	u->spare = (struct udp_line *)made;
	u->spare->hedged = u;
	*exchange_rto(u->spare->exchange) = *exchange_rto(u->exchange);
	/* An abbreviated handshake that nothing followed may be wedged: not again (docs/dtls.md).
	 */
	if (!dtls_is_abbreviated(u->dtls))
		dtls_lend_session(u->dtls, u->spare->dtls);
	u->spare->line.state = SESSION_CONNECTING;
	connect_begin(u->spare, &peer, 1);
	return 0;
}

void hedge_look(struct udp_line *u)
{
	int r;

	if (!exchange_probing(u->exchange))
		hedge_end(u);
	if (!exchange_is_doubtful(u->exchange)) {
		u->has_hedged = false;
		return;
	}
	if (u->has_hedged)
		return;
	u->has_hedged = true;
	log_debug("session %s: no answer yet, a handshake begins beside it", u->line.config->name);
	r = begin(u);
	if (r < 0)
		log_debug("session %s: no spare, ignoring: %s", u->line.config->name,
			  session_strerror(r));
}

void hedge_connected(struct udp_line *spare, int r)
{
	struct udp_line *u = spare->hedged;

	if (r != 0) {
		hedge_end(u);
		return;
	}
	spare->connect.end_ms = clock_ms() + FRESH_MS;
	if (u->line.state != SESSION_OPEN)
		return;
	udp_down(u, SESSION_E_LOST);
	udp_deliver(u);
}

/* One that has heard nothing is no better than a new attempt, which asks for addresses again. */
static bool is_usable(const struct udp_line *spare)
{
	switch (spare->line.state) {
	case SESSION_CONNECTING:
		return spare->line.ops->is_heard(&spare->line);
	case SESSION_OPEN:
		return clock_ms() < spare->connect.end_ms;
	case SESSION_CLOSED:
	case SESSION_SUSPENDED:
		break;
	}
	return false;
}

/* Takes the connection out of the spare, which keeps the old one's remains to be freed. */
static int take(struct udp_line *u, struct udp_line *spare)
{
	const struct dtls_counters *counted = dtls_counters(u->dtls);
	struct dtls *old = u->dtls;
	int r;

	spare->io = sd_event_source_disable_unref(spare->io);
	r = udp_watch(u, spare->fd);
	if (r < 0)
		return r;
	u->fd = TAKE_FD(spare->fd);
	u->connect = spare->connect;
	u->connect.current = u->connect.list + (spare->connect.current - spare->connect.list);
	u->connect.rx_before += counted->datagrams_rx;
	u->connect.rx_seen += counted->datagrams_rx;
	*exchange_rto(u->exchange) = *exchange_rto(spare->exchange);
	u->dtls = spare->dtls;
	spare->dtls = old;
	dtls_add_counters(u->dtls, counted);
	dtls_set_rto(u->dtls, exchange_rto(u->exchange));
	return 0;
}

bool hedge_take(struct udp_line *u)
{
	struct udp_line *spare = u->spare;

	if (!spare)
		return false;
	if (!is_usable(spare) || take(u, spare) < 0) {
		hedge_end(u);
		return false;
	}
	u->spare = NULL;
	spare->line.state = SESSION_CLOSED;
	spare->line.ops->free(&spare->line);
	u->line.state = SESSION_CONNECTING;
	udp_kick(u);
	return true;
}

void hedge_end(struct udp_line *u)
{
	struct udp_line *spare = u->spare;

	u->spare = NULL;
	if (!spare)
		return;
	if (spare->line.state == SESSION_CONNECTING || spare->line.state == SESSION_OPEN)
		udp_down(spare, SESSION_E_CANCELLED);
	dtls_add_counters(u->dtls, dtls_counters(spare->dtls));
	spare->line.ops->free(&spare->line);
}
