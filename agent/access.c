/* SPDX-License-Identifier: Apache-2.0 */
/* The last action of a cycle: does the cloud accept what was provisioned? */

#include <stdio.h>
#include <string.h>

#include "agent/internal.h"
#include "base/log.h"
#include "credstore/staged.h"

const char *agent_cloud_word(enum outcome o)
{
	switch (o) {
	case OUTCOME_OK:
		return "validated";
	case OUTCOME_NO_CREDENTIALS:
		return "no-credentials";
	case OUTCOME_CLOCK:
	case OUTCOME_TOKEN_ABSENT:
	case OUTCOME_TOKEN_FAILED:
	case OUTCOME_PIN_MISSING:
	case OUTCOME_PIN_WRONG:
	case OUTCOME_PIN_LOCKED:
	case OUTCOME_KEY_MISSING:
		return "unknown";
	case OUTCOME_NO_NETWORK:
	case OUTCOME_CERTIFICATE:
	case OUTCOME_HANDSHAKE:
	case OUTCOME_TIMEOUT:
	case OUTCOME_LOST:
	case OUTCOME_BUSY:
		return "unreachable";
	case OUTCOME_NO_COMMANDS:
	case OUTCOME_FINISHED:
	case OUTCOME_PARTIAL:
	case OUTCOME_UNCLAIMED:
	case OUTCOME_REAUTHENTICATE:
	case OUTCOME_REJECTED:
	case OUTCOME_BAD_REQUEST:
	case OUTCOME_NOT_FOUND:
	case OUTCOME_BODY_INVALID:
	case OUTCOME_TOO_MANY_COMMANDS:
	case OUTCOME_BODY_TOO_LARGE:
	case OUTCOME_NO_TIME:
	case OUTCOME_IDENTITY:
	case OUTCOME_STORE:
	case OUTCOME_CLOUD_REFUSED:
	case OUTCOME_ROLLED_BACK:
	case OUTCOME_CANCELLED:
	case OUTCOME_FAILED:
	case OUTCOME_N:
		break;
	}
	return "refused";
}

void agent_reset_attempts(struct agent *a)
{
	a->validate_tries = a->n_refused = 0;
	backoff_reset(&a->validate_backoff);
}

/* Trying again cannot help before somebody changes something. */
static bool is_final(enum outcome o)
{
	return !outcome_is_transient(o) && o != OUTCOME_BAD_REQUEST && o != OUTCOME_NOT_FOUND;
}

/* Told again in each cycle until there are other credentials. True when there was something to
 * tell. */
static bool post_rolled_back(struct agent *a)
{
	_cleanup_(freep) char *why = agent_rolled_back_why(a);

	if (!why)
		return false;
	a->cloud_word = "rolled-back";
	agent_post(a, FSM_EVENT_DEGRADED, OUTCOME_ROLLED_BACK, "%s", why);
	return true;
}

static void accepted(struct agent *a, const struct cloud_result *result)
{
	agent_reset_attempts(a);
	a->validated = agent_promote(a);
	agent_tell_step(a, "validate", "%s", result->detail);
	if (post_rolled_back(a))
		return;
	/* A command that failed is not made good by a cloud that answers. */
	agent_post(a, FSM_EVENT_VALIDATED, a->failed_command ? OUTCOME_PARTIAL : OUTCOME_OK, "%s",
		   result->detail);
}

/* The last attempt with these credentials; o as the cycle is to end when nothing better is found.
 */
static void give_up(struct agent *a, bool may_roll_back, enum outcome o, const char *why)
{
	if (!may_roll_back) {
		agent_post(a, FSM_EVENT_DEGRADED, (int)o, "%s", why);
		return;
	}
	a->refusal = o;
	snprintf(a->refusal_why, sizeof(a->refusal_why), "%s", why);
	agent_post(a, FSM_EVENT_REFUSED, (int)o, "%s", why);
}

static void refused(struct agent *a, const struct cloud_result *result)
{
	enum outcome o = result->outcome;
	bool is_last;

	if (agent_is_refusal(o))
		a->n_refused++;
	is_last = is_final(o) || ++a->validate_tries >= a->config->validate_attempts;
	a->max_age_s = o == OUTCOME_BUSY ? result->max_age_s : 0;
	if (!is_last) {
		/* The service may still be registering the new key. */
		agent_post(a, FSM_EVENT_NOT_YET, (int)o, "%s", result->detail);
		return;
	}
	give_up(a,
		(is_final(o) || a->n_refused >= a->config->validate_attempts) &&
			agent_may_roll_back(a, o),
		o, result->detail);
}

/* The cycle in which it stopped may be over, or another process's. */
static bool has_stopped_half_way(struct agent *a)
{
	return a->failed_command || (staged_is_half_done(a->store, a->config->cloud_tag) &&
				     agent_may_roll_back(a, OUTCOME_NO_CREDENTIALS));
}

static void on_validated(struct cloud_device *d, const struct cloud_result *result, void *userdata)
{
	struct agent *a = userdata;

	(void)d;
	a->cloud_word = agent_cloud_word(result->outcome);
	if (result->outcome == OUTCOME_OK)
		accepted(a, result);
	else if (outcome_is_of_token(result->outcome)) /* it says nothing about the credentials */
		agent_post(a,
			   outcome_is_transient(result->outcome) ? FSM_EVENT_TRANSIENT
								 : FSM_EVENT_PERMANENT,
			   (int)result->outcome, "%s", result->detail);
	else if (result->outcome != OUTCOME_NO_CREDENTIALS)
		refused(a, result);
	else if (has_stopped_half_way(a))
		give_up(a, agent_may_roll_back(a, OUTCOME_NO_CREDENTIALS), OUTCOME_PARTIAL,
			result->detail);
	else
		agent_post(a, FSM_EVENT_TRANSIENT, OUTCOME_NO_CREDENTIALS, "%s", result->detail);
}

/* The outcome of a cycle that needs no validation. */
static enum outcome quiet_outcome(const struct agent *a)
{
	if (a->failed_command)
		return OUTCOME_PARTIAL;
	return a->validated || a->commands_ok > 0 ? OUTCOME_OK : OUTCOME_NO_COMMANDS;
}

void agent_do_validate(struct agent *a)
{
	int r;

	/* Nobody will say that they are good: the service has taken their results. */
	if (!a->config->validate && !staged_is_half_done(a->store, a->config->cloud_tag))
		(void)agent_promote(a);
	if (a->validated && post_rolled_back(a))
		return;
	if (!a->config->validate || a->validated) {
		agent_post(a, FSM_EVENT_NOT_NEEDED, (int)quiet_outcome(a), "%s",
			   a->validated ? "nothing changed since cloud access was validated"
					: "validation is off");
		return;
	}
	cloud_device_set_first(a->cloud, session_get_transport(a->session));
	r = cloud_device_validate(a->cloud, on_validated, a);
	if (r != 0)
		agent_post(a, FSM_EVENT_NOT_YET, (int)outcome_of_connect(r), "connect: %s",
			   session_strerror(r));
}
