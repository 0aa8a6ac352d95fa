/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The adaptive timeout: how long an answer of this server usually takes, and how long to wait for
 * one before doubting that the session still exists. */

#include <stdint.h>

#define RTO_MIN_MS 300
#define RTO_MAX_MS 2000
/* RFC 8085 §3.1.1: nobody should retransmit sooner than this without good reason. The adaptive
 * value may be smaller only where a session is being probed. */
#define RTO_POLITE_MS 1000

struct rto {
	unsigned int srtt_ms; /* smoothed; 0 before the first sample */
};

/* Of an exchange without retransmission only (Karn): else nobody knows what was answered. */
void rto_sample(struct rto *rto, uint64_t rtt_ms);
/* clamp(2 * SRTT + 100, 300 … 2000); fallback_ms before the first sample. */
uint64_t rto_probe_ms(const struct rto *rto, uint64_t fallback_ms);
/* First timeout of an ordinary request: the probe value, not below RTO_POLITE_MS, not above
 * ceiling_ms. */
uint64_t rto_first_ms(const struct rto *rto, uint64_t ceiling_ms);
