/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* When a certificate's age asks for a cycle: at two thirds of its life; when that brings no other
 * one, at half of what is left each time, not more often than every hour, and for the last time
 * when it has ended. Pure but for the store's one value, the last cycle that ended well. */

#include <stdint.h>

#include "base/macros.h"
#include "credstore/validity.h"

struct store;

/* last_s: when a cycle was last run for this certificate, 0 never. Seconds since 1970, 0: no more.
 */
int64_t renewal_next(const struct validity *v, int64_t last_s);

/* 0 when the store has none of this certificate. */
int64_t renewal_load(struct store *s, const struct validity *v);
int renewal_save(struct store *s, const struct validity *v, int64_t last_s) _must_check_;
