/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How often a password may be tried: one bucket for a name, one for the address that asks, and a
 * smaller one for the two together. A try takes one token of each, success gives them back. Who
 * knows a name alone can so keep others from guessing, but not for long: the bucket of a name fills
 * again within the hour, and is wide enough that its owner gets a turn. Pure: the caller brings the
 * time. Memory is fixed; when all places are taken, the fullest bucket goes first, since it
 * remembers the least. Each process counts for itself. */

#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

#define PORTAL_LIMIT_PLACES 4096 /* of each kind */

struct portal_limit;

int portal_limit_new(struct portal_limit **ret) _must_check_;
struct portal_limit *portal_limit_free(struct portal_limit *l);
DEFINE_CLEANUP(struct portal_limit *, portal_limit_free);

/* 0 and the try is counted, else the seconds after which another makes sense. address is numeric,
 * without a port: IPv6 counts by its /64. */
unsigned int portal_limit_take(struct portal_limit *l, const char *user, const char *address,
			       uint64_t now_ms);
/* The try that was counted last for these was right. */
void portal_limit_return(struct portal_limit *l, const char *user, const char *address,
			 uint64_t now_ms);
