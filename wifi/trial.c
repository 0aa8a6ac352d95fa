/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi/trial.h"

void trial_begin(struct trial *t, const struct wifi_config *config)
{
	struct wifi_config copy = *config;

	trial_drop(t);
	t->config = copy;
	t->is_on = true;
	wifi_config_wipe(&copy);
}

static void end(struct trial *t)
{
	wifi_config_wipe(&t->config);
	t->is_on = false;
}

void trial_reach(struct trial *t, enum wifi_state state)
{
	if (!t->is_on || state <= t->reached || state > WIFI_STATE_CONNECTED)
		return;
	t->reached = state;
	if (state == WIFI_STATE_CONNECTED)
		end(t);
}

void trial_fail(struct trial *t, enum wifi_reason reason)
{
	if (!t->is_on)
		return;
	t->has_failed = true;
	t->reason = reason;
	end(t);
}

void trial_drop(struct trial *t)
{
	end(t);
	t->reached = t->told = WIFI_STATE_DISCONNECTED;
	t->has_failed = false;
}

bool trial_next(struct trial *t, enum wifi_state *ret_state, enum wifi_reason *ret_reason)
{
	if (t->told < t->reached) {
		t->told = (enum wifi_state)(t->told + 1);
		*ret_state = t->told;
		*ret_reason = WIFI_REASON_AUTH_ERROR;
		return true;
	}
	if (t->has_failed) {
		t->has_failed = false;
		*ret_state = WIFI_STATE_CONNECTION_FAILED;
		*ret_reason = t->reason;
		return true;
	}
	return false;
}
