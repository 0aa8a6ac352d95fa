/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A configuration on trial and what has been told of it: AUTHENTICATION, ASSOCIATION, OBTAINING_IP,
 * CONNECTED, each once, in this order, or CONNECTION_FAILED once in the place of the rest. A state
 * that went by unseen is told before the next. Pure. */

#include <stdbool.h>

#include "proto/wifi/wifi.h"

struct trial {
	struct wifi_config config; /* wiped when the outcome is known */
	bool is_on;                /* the outcome is not known yet */
	enum wifi_state reached, told;
	bool has_failed;
	enum wifi_reason reason;
};

/* Whatever was there before is dropped. config is copied. */
void trial_begin(struct trial *t, const struct wifi_config *config);
/* It got so far; CONNECTED ends it. Nothing happens when it is over, or was further before. */
void trial_reach(struct trial *t, enum wifi_state state);
void trial_fail(struct trial *t, enum wifi_reason reason);
/* Ends it without a word: what was not told yet is never told. */
void trial_drop(struct trial *t);
/* The next thing to tell, taken as told; false when there is none. *ret_reason counts with
 * CONNECTION_FAILED. */
bool trial_next(struct trial *t, enum wifi_state *ret_state, enum wifi_reason *ret_reason);
