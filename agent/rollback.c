/* SPDX-License-Identifier: Apache-2.0 */
/* Which credentials the cloud tag holds: the new ones are promoted when they are good, and make
 * room for their predecessors when the cloud refuses them for good. docs/state-machine.md has the
 * table of what counts as a refusal. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/internal.h"
#include "agent/journal.h"
#include "base/log.h"
#include "credstore/staged.h"

bool agent_promote(struct agent *a)
{
	bool changed = false;
	int r = staged_promote(a->store, a->config->cloud_tag, &changed);

	if (r != 0)
		log_warning("predecessors of tag %u not forgotten: %s, trying again after the next "
			    "validation",
			    a->config->cloud_tag, strerror(abs(r)));
	else if (changed)
		log_info("credentials promoted tag=%u", a->config->cloud_tag);
	if (changed)
		agent_sweep(a);
	return r == 0;
}

bool agent_is_refusal(enum outcome o)
{
	switch (o) {
	case OUTCOME_CLOUD_REFUSED:
	case OUTCOME_BAD_REQUEST:
	case OUTCOME_NOT_FOUND:
	case OUTCOME_CERTIFICATE:
	case OUTCOME_IDENTITY:
	case OUTCOME_NO_CREDENTIALS:
		return true;
	case OUTCOME_OK:
	case OUTCOME_NO_COMMANDS:
	case OUTCOME_FINISHED:
	case OUTCOME_PARTIAL:
	case OUTCOME_UNCLAIMED:
	case OUTCOME_REAUTHENTICATE:
	case OUTCOME_REJECTED:
	case OUTCOME_BUSY:
	case OUTCOME_BODY_INVALID:
	case OUTCOME_TOO_MANY_COMMANDS:
	case OUTCOME_BODY_TOO_LARGE:
	case OUTCOME_NO_NETWORK:
	case OUTCOME_HANDSHAKE:
	case OUTCOME_TIMEOUT:
	case OUTCOME_LOST:
	case OUTCOME_NO_TIME:
	case OUTCOME_CLOCK:
	case OUTCOME_TOKEN_ABSENT:
	case OUTCOME_TOKEN_FAILED:
	case OUTCOME_PIN_MISSING:
	case OUTCOME_PIN_WRONG:
	case OUTCOME_PIN_LOCKED:
	case OUTCOME_KEY_MISSING:
	case OUTCOME_STORE:
	case OUTCOME_ROLLED_BACK:
	case OUTCOME_CANCELLED:
	case OUTCOME_FAILED:
	case OUTCOME_N:
		break;
	}
	return false;
}

bool agent_may_roll_back(struct agent *a, enum outcome o)
{
	uint32_t tag = a->config->cloud_tag;

	/* What did not change is not to blame, and would be refused again. */
	return a->config->roll_back && agent_is_refusal(o) && staged_has_previous(a->store, tag) &&
	       staged_is_changed(a->store, tag,
				 o == OUTCOME_CERTIFICATE ? CREDENTIAL_ROOT_CA
							  : CREDENTIAL_PRIVATE_KEY);
}

char *agent_rolled_back_why(struct agent *a)
{
	enum staged_state state;
	char *why = NULL;
	int r = staged_get(a->store, a->config->cloud_tag, &state, &why);

	if (r != 0)
		log_warning("what became of tag %u is not known: %s, ignoring",
			    a->config->cloud_tag, strerror(abs(r)));
	return why;
}

static void tell(struct agent *a, uint32_t tag, const char *why)
{
	journal_rolled_back(tag, why);
	agent_sweep(a);
	for (size_t i = 0; i < a->n_observers; i++)
		if (a->observers[i].rolled_back)
			a->observers[i].rolled_back(a->observers[i].userdata, tag, why);
}

/* Durable before anybody hears of it. */
static void return_to_previous(struct agent *a, const char *detail)
{
	uint32_t tag = a->config->cloud_tag;
	char why[sizeof(a->refusal_why) + 64];
	int r;

	snprintf(why, sizeof(why), "the new cloud credentials were refused (%s)", a->refusal_why);
	r = staged_roll_back(a->store, tag, why);
	if (r != 0) {
		agent_post(a, FSM_EVENT_DEGRADED, OUTCOME_STORE,
			   "the predecessors of tag %u cannot be put back: %s", tag,
			   strerror(abs(r)));
		return;
	}
	a->validated = true;
	agent_reset_attempts(a);
	a->cloud_word = "rolled-back";
	agent_tell_step(a, "roll back", "tag %u holds its predecessors again: %s", tag, detail);
	tell(a, tag, why);
	agent_post(a, FSM_EVENT_ROLLED_BACK, OUTCOME_ROLLED_BACK, "%s", why);
}

static void on_previous_validated(struct cloud_device *d, const struct cloud_result *result,
				  void *userdata)
{
	struct agent *a = userdata;

	(void)d;
	if (result->outcome == OUTCOME_OK) {
		return_to_previous(a, result->detail);
		return;
	}
	agent_tell_step(a, "roll back", "not possible: %s", result->detail);
	agent_post(a, FSM_EVENT_DEGRADED, (int)a->refusal, "%.150s; nor the ones before (%.150s)",
		   a->refusal_why, result->detail);
}

void agent_do_validate_previous(struct agent *a)
{
	int r = cloud_device_validate_previous(a->cloud, on_previous_validated, a);

	if (r != 0)
		agent_post(a, FSM_EVENT_DEGRADED, (int)a->refusal,
			   "%.150s; the ones before cannot be tried (%.150s)", a->refusal_why,
			   session_strerror(r));
}

int agent_list_previous(struct agent *a, struct credential_info **ret, size_t *ret_n)
{
	return staged_previous_list(a->store, ret, ret_n);
}

int agent_roll_back(struct agent *a, uint32_t tag)
{
	int r;

	if (fsm_is_busy(a->fsm.state))
		return -EBUSY;
	r = staged_roll_back(a->store, tag, NULL);
	if (r != 0)
		return r;
	if (tag == a->config->cloud_tag) {
		a->validated = false;
		agent_reset_attempts(a);
		if (a->config->validate)
			a->cloud_word = "unknown";
	}
	exports_update(a->exports);
	tell(a, tag, "asked for");
	agent_provision(a, REQUEST_BUS);
	return 0;
}
