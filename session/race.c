/* SPDX-License-Identifier: Apache-2.0 */
#include "session/race.h"

#include "base/macros.h"

#define HEAD_START_MS 2000
#define HEAD_START_MIN_MS 1500
#define HEAD_START_MAX_MS 6000
#define REPEATED_MS 1000 /* when a lost first flight is sent again: RFC 6347 §4.2.4.1 */

uint64_t race_head_start_ms(unsigned int srtt_ms)
{
	if (srtt_ms == 0)
		return HEAD_START_MS;
	/* A lost datagram must not look like a dead path. */
	return MIN(MAX(REPEATED_MS + 4 * (uint64_t)srtt_ms, (uint64_t)HEAD_START_MIN_MS),
		   (uint64_t)HEAD_START_MAX_MS);
}

void race_begin(struct race *r, enum session_transport first, bool is_alone, uint64_t now_ms,
		uint64_t head_start_ms)
{
	*r = (struct race){
		.is_alone = is_alone,
		.first = first == SESSION_HTTPS ? SESSION_HTTPS : SESSION_COAP,
		.head_start_ms = head_start_ms,
		.other_ms = is_alone ? RACE_NEVER : now_ms + head_start_ms,
	};
	r->started[r->first] = true;
}

enum session_transport race_other(const struct race *r)
{
	return r->first == SESSION_COAP ? SESSION_HTTPS : SESSION_COAP;
}

static bool start_other(struct race *r)
{
	r->other_ms = RACE_NEVER;
	if (r->is_alone || r->started[race_other(r)])
		return false;
	r->started[race_other(r)] = true;
	return true;
}

bool race_look(struct race *r, uint64_t now_ms, bool heard)
{
	if (now_ms < r->other_ms)
		return false;
	if (heard && !r->is_extended) {
		r->is_extended = true;
		r->other_ms = now_ms + 2 * r->head_start_ms;
		return false;
	}
	return start_other(r);
}

bool race_failed(struct race *r, enum session_transport way, int result)
{
	r->result[way] = result;
	return start_other(r);
}

bool race_is_lost(const struct race *r)
{
	for (unsigned int i = 0; i < RACE_WAYS; i++)
		if (r->started[i] && r->result[i] == 0)
			return false;
	return true;
}

static unsigned int weight(int r)
{
	return r == SESSION_E_CERTIFICATE ? 3 : r == SESSION_E_HANDSHAKE ? 2 : r != 0 ? 1 : 0;
}

enum session_transport race_telling(const struct race *r)
{
	return weight(r->result[SESSION_HTTPS]) > weight(r->result[SESSION_COAP]) ? SESSION_HTTPS
										  : SESSION_COAP;
}
