/* SPDX-License-Identifier: Apache-2.0 */
#include "session/rto.h"

#include "base/macros.h"

#define SAMPLE_MAX_MS 60000
#define LONG_MS 3000
#define SLACK_MIN_MS 100 /* a server that is busy for a moment */

/* A quarter, not the half of RFC 6298 §2.2: docs/decisions/0040. */
struct rto rto_restored(unsigned int srtt_ms)
{
	return (struct rto){.srtt_ms = srtt_ms, .rttvar_ms = srtt_ms / 4};
}

void rto_sample(struct rto *rto, uint64_t rtt_ms)
{
	/* At least 1, since 0 means "no sample"; bounded, since clocks may jump. */
	unsigned int sample = (unsigned int)MAX(MIN(rtt_ms, (uint64_t)SAMPLE_MAX_MS), (uint64_t)1);
	unsigned int distance;

	rto->unsure_ms = 0;
	if (rto->srtt_ms == 0) {
		*rto = rto_restored(sample);
		return;
	}
	/* RFC 6298 §2.3: beta = 1/4, then alpha = 1/8, rounded. */
	distance = sample > rto->srtt_ms ? sample - rto->srtt_ms : rto->srtt_ms - sample;
	rto->rttvar_ms = (3 * rto->rttvar_ms + distance + 2) / 4;
	rto->srtt_ms = (7 * rto->srtt_ms + sample + 4) / 8;
}

void rto_unsure(struct rto *rto)
{
	if (rto->srtt_ms > 0)
		rto->unsure_ms =
			(unsigned int)MIN(2 * rto_ms(rto, RTO_MAX_MS), (uint64_t)RTO_MAX_MS);
}

uint64_t rto_ms(const struct rto *rto, uint64_t fallback_ms)
{
	uint64_t wanted;

	if (rto->srtt_ms == 0)
		return fallback_ms;
	wanted = rto->srtt_ms + MAX(4 * (uint64_t)rto->rttvar_ms, (uint64_t)SLACK_MIN_MS);
	wanted = MAX(wanted, (uint64_t)rto->unsure_ms);
	return MIN(MAX(wanted, (uint64_t)RTO_MIN_MS), (uint64_t)RTO_MAX_MS);
}

uint64_t rto_next_ms(uint64_t first_ms, uint64_t waited_ms)
{
	if (waited_ms < 1000)
		return 3 * waited_ms;
	return first_ms > LONG_MS ? waited_ms + waited_ms / 2 : 2 * waited_ms;
}
