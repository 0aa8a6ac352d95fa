/* SPDX-License-Identifier: Apache-2.0 */
/* Why the agent is in its state, and what to do about it, as a sentence for people. */

#include <stdio.h>

#include "agent/internal.h"
#include "agent/timewatch.h"
#include "base/clock.h"
#include "credstore/staged.h"
#include "wifi/tell.h"

void agent_set_network_reason(struct agent *a)
{
	struct wifi *wifi = agent_wifi(a);
	char stage[TELL_TEXT_MAX];
	struct wifi_view v;

	if (!wifi) {
		snprintf(a->reason, sizeof(a->reason),
			 "Waiting for a default route. Check cable or Wi-Fi; for a network without "
			 "one set `wait-for-default-route = no` in [network].");
		return;
	}
	wifi_get_view(wifi, &v);
	snprintf(a->reason, sizeof(a->reason), "Waiting for a default route. Wi-Fi: %s",
		 tell_stage(&v, stage));
}

/* What the device knows of its own clock, where that may be the cause. "" otherwise. */
static void describe_clock(struct agent *a, enum outcome o, char *ret, size_t size)
{
	int64_t now = clock_wall_s();
	bool is_synchronised = timewatch_is_synchronised();
	const char *fault = timewatch_fault(now, timewatch_floor(a->store), is_synchronised,
					    a->config->time_require_sync);
	char text[TIMEWATCH_TEXT_MAX];
	bool is_suspect = o == OUTCOME_NO_TIME || o == OUTCOME_CLOCK ||
			  ((o == OUTCOME_REJECTED || o == OUTCOME_CERTIFICATE) && !is_synchronised);

	*ret = '\0';
	if (!is_suspect)
		return;
	timewatch_format(now, text);
	snprintf(ret, size, " The clock says %s%s%s.", text,
		 fault             ? ", which is "
		 : is_synchronised ? ", and is synchronised"
				   : ", and is not synchronised",
		 fault ? fault : "");
}

static void set_failure_reason(struct agent *a, const char *why)
{
	char clock[160];

	describe_clock(a, a->outcome, clock, sizeof(clock));
	snprintf(a->reason, sizeof(a->reason), "%s: %s%s", why, outcome_help(a->outcome), clock);
}

static void set_time_reason(struct agent *a)
{
	char clock[160];

	describe_clock(a, OUTCOME_NO_TIME, clock, sizeof(clock));
	snprintf(a->reason, sizeof(a->reason), "Waiting for the right time. %s%s",
		 outcome_help(OUTCOME_NO_TIME), clock);
}

static void set_degraded_reason(struct agent *a, const char *why)
{
	uint32_t tag = a->config->cloud_tag;
	char way_back[128] = "";

	if (agent_is_refusal(a->outcome) && staged_has_previous(a->store, tag))
		snprintf(way_back, sizeof(way_back),
			 " What tag %u held before is kept: `onboardctl credentials rollback %u` "
			 "returns to it.",
			 tag, tag);
	snprintf(a->reason, sizeof(a->reason), "%s: %s%s", why, outcome_help(a->outcome), way_back);
}

void agent_set_reason(struct agent *a, const char *why)
{
	switch (a->fsm.state) {
	case FSM_STATE_UNCLAIMED:
		snprintf(a->reason, sizeof(a->reason), "%s", agent_unclaimed_help(a));
		return;
	case FSM_STATE_DEGRADED:
		set_degraded_reason(a, why);
		return;
	case FSM_STATE_BACKING_OFF:
	case FSM_STATE_FAILED:
	case FSM_STATE_WAITING_TO_VALIDATE:
		set_failure_reason(a, why);
		return;
	case FSM_STATE_IDLE:
		snprintf(a->reason, sizeof(a->reason), "%s", outcome_help(a->outcome));
		return;
	case FSM_STATE_WAITING_FOR_NETWORK:
		agent_set_network_reason(a);
		return;
	case FSM_STATE_WAITING_FOR_TIME:
		set_time_reason(a);
		return;
	case FSM_STATE_BOOTING:
	case FSM_STATE_CONNECTING:
	case FSM_STATE_AUTHENTICATING:
	case FSM_STATE_FETCHING:
	case FSM_STATE_SUSPENDING:
	case FSM_STATE_EXECUTING:
	case FSM_STATE_RESUMING:
	case FSM_STATE_REPORTING:
	case FSM_STATE_VALIDATING:
	case FSM_STATE_FALLING_BACK:
	case FSM_STATE_POLLING:
	case FSM_STATE_STOPPED:
	case FSM_N_STATES:
		break;
	}
	snprintf(a->reason, sizeof(a->reason), "%s", why);
}
