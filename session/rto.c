/* SPDX-License-Identifier: Apache-2.0 */
#include "session/rto.h"

#include "base/macros.h"

#define SAMPLE_MAX_MS 60000

void rto_sample(struct rto *rto, uint64_t rtt_ms)
{
	/* At least 1, since 0 means "no sample"; bounded, since clocks may jump. */
	unsigned int sample = (unsigned int)MAX(MIN(rtt_ms, (uint64_t)SAMPLE_MAX_MS), (uint64_t)1);

	/* RFC 6298 §2, alpha = 1/8, rounded. */
	rto->srtt_ms = rto->srtt_ms == 0 ? sample : (7 * rto->srtt_ms + sample + 4) / 8;
}

uint64_t rto_probe_ms(const struct rto *rto, uint64_t fallback_ms)
{
	uint64_t wanted;

	if (rto->srtt_ms == 0)
		return fallback_ms;
	wanted = 2 * (uint64_t)rto->srtt_ms + 100;
	return MIN(MAX(wanted, (uint64_t)RTO_MIN_MS), (uint64_t)RTO_MAX_MS);
}

uint64_t rto_first_ms(const struct rto *rto, uint64_t ceiling_ms)
{
	uint64_t wanted = MAX(rto_probe_ms(rto, ceiling_ms), (uint64_t)RTO_POLITE_MS);

	return MIN(wanted, ceiling_ms);
}
