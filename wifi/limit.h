/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* So many in so long, over any stretch of that length: n moments are remembered, and the oldest has
 * to be old enough before the next may happen. Pure; time comes as an argument. */

#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"

struct limit {
	uint64_t *at_ms; /* owned; a ring of n */
	unsigned int n, next, n_used;
	uint64_t period_ms;
};

/* n 0: never. -ENOMEM. */
int limit_init(struct limit *l, unsigned int n, uint64_t period_ms) _must_check_;
void limit_done(struct limit *l);

bool limit_allows(const struct limit *l, uint64_t now_ms);
/* Counts one. What comes after the limit was reached prolongs nothing. */
void limit_count(struct limit *l, uint64_t now_ms);
