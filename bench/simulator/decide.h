/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Chance that repeats itself: what happens to whom is a function of the seed and of who it is, not
 * of when the question is asked. */

#include <stdbool.h>
#include <stdint.h>

/* What is decided, so that two questions about one device have nothing to do with each other. */
enum decision {
	DECIDE_ARRIVAL,
	DECIDE_NODE,
	DECIDE_SKEW,
	DECIDE_RESTART,
	DECIDE_RESTART_DELAY,
	DECIDE_LOSS,
	DECIDE_DUPLICATE,
	DECIDE_REORDER,
	DECIDE_REORDER_DELAY,
};

uint64_t decide(uint64_t seed, enum decision what, uint64_t device, uint64_t n);
/* 0 … 1, without 1. */
double decide_fraction(uint64_t seed, enum decision what, uint64_t device, uint64_t n);
static inline bool decide_is(double probability, uint64_t seed, enum decision what, uint64_t device,
			     uint64_t n)
{
	return probability > 0 && decide_fraction(seed, what, device, n) < probability;
}
