/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Counts of sessions that followed one another, as one. */

#include "session/session.h"

static inline void stats_add(struct session_stats *sum, const struct session_stats *s)
{
	sum->handshakes_full += s->handshakes_full;
	sum->handshakes_abbreviated += s->handshakes_abbreviated;
	sum->resumes += s->resumes;
	sum->moves += s->moves;
	sum->datagrams_tx += s->datagrams_tx;
	sum->datagrams_rx += s->datagrams_rx;
	sum->bytes_tx += s->bytes_tx;
	sum->bytes_rx += s->bytes_rx;
	sum->round_trips += s->round_trips;
	sum->retransmissions += s->retransmissions;
	if (s->srtt_ms)
		sum->srtt_ms = s->srtt_ms;
}
