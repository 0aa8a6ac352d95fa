/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Two ways to one server, and when to try the second beside the first. Pure: no clock, no I/O. The
 * first gets a head start; the other one starts when that is over without an answer, or at once
 * when the first has failed. A server that has answered something, but is not connected, gets the
 * head start twice more: its handshake may be slow, or large datagrams may not come through. */

#include <stdbool.h>
#include <stdint.h>

#include "session/session.h"

#define RACE_NEVER UINT64_MAX
#define RACE_WAYS 2 /* SESSION_COAP and SESSION_HTTPS */

struct race {
	bool is_alone; /* there is no other way */
	enum session_transport first;
	bool started[RACE_WAYS];
	int result[RACE_WAYS]; /* why each failed; 0: it did not */
	uint64_t head_start_ms;
	uint64_t other_ms; /* when to look whether the other one starts */
	bool is_extended;
};

/* The head start for a server with this round trip time; 0: not known. */
uint64_t race_head_start_ms(unsigned int srtt_ms);
/* The first one starts now. */
void race_begin(struct race *r, enum session_transport first, bool is_alone, uint64_t now_ms,
		uint64_t head_start_ms);
enum session_transport race_other(const struct race *r);
/* At other_ms: true when the other one is to start. heard: the server has answered the first. */
bool race_look(struct race *r, uint64_t now_ms, bool heard);
/* It failed, and why. True when the other one is to start. */
bool race_failed(struct race *r, enum session_transport way, int result);
/* All that may be tried has failed. */
bool race_is_lost(const struct race *r);
/* Whose failure to tell of first: what a person can act upon, else UDP's. */
enum session_transport race_telling(const struct race *r);
