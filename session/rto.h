/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How long an answer of this server usually takes, and how long to wait for one: the estimator of
 * RFC 6298 §2, fed by handshake flights and by requests alike. */

#include <stdint.h>

#define RTO_MIN_MS 300
/* For what nobody doubts. RFC 8085 §3.1.1 asks for a second without samples; with them it allows
 * less, and a server that is busy for a moment should not be asked twice. */
#define RTO_POLITE_MS 500
#define RTO_MAX_MS 10000

struct rto {
	unsigned int srtt_ms; /* smoothed; 0 before the first sample */
	unsigned int rttvar_ms;
	unsigned int unsure_ms; /* no shorter wait until the next sample; 0: none */
};

/* Of what was sent once only (Karn): else nobody knows what was answered. */
void rto_sample(struct rto *rto, uint64_t rtt_ms);
/* An answer came, nobody knows to which sending: the next wait is twice as long, until a sample
 * tells (RFC 6298 §5.5). Not by way of RTTVAR: where a fifth is lost, that would grow faster than
 * the samples in between bring it down. */
void rto_unsure(struct rto *rto);
/* Where only the smoothed time is known, of an earlier process; 0: nothing is. */
struct rto rto_restored(unsigned int srtt_ms);
/* clamp(SRTT + max(100, 4 * RTTVAR), 300 … 10000); fallback_ms before the first sample. */
uint64_t rto_ms(const struct rto *rto, uint64_t fallback_ms);
/* The wait after one that was in vain: three times that below a second, else twice; half as long
 * again where the first wait was longer than three seconds already, as four doublings of that would
 * be minutes for a single datagram. */
uint64_t rto_next_ms(uint64_t first_ms, uint64_t waited_ms);
