/* SPDX-License-Identifier: Apache-2.0 */
/* The last action of a cycle: does the cloud accept what was provisioned? */

#include <string.h>

#include "agent/internal.h"
#include "base/log.h"

static const char *word_of(enum outcome o)
{
	switch (o) {
	case OUTCOME_OK:
		return "validated";
	case OUTCOME_NO_CREDENTIALS:
		return "no-credentials";
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
	case OUTCOME_CANCELLED:
	case OUTCOME_FAILED:
	case OUTCOME_N:
		break;
	}
	return "refused";
}

/* Trying again cannot help before somebody changes something. */
static bool is_final(enum outcome o)
{
	return !outcome_is_transient(o) && o != OUTCOME_BAD_REQUEST && o != OUTCOME_NOT_FOUND;
}

static void on_validated(struct cloud_device *d, const struct cloud_result *result, void *userdata)
{
	struct agent *a = userdata;

	(void)d;
	a->cloud_word = word_of(result->outcome);
	if (result->outcome == OUTCOME_OK) {
		a->validated = true;
		a->validate_tries = 0;
		backoff_reset(&a->validate_backoff);
		agent_tell_step(a, "validate", "%s", result->detail);
		/* A command that failed is not made good by a cloud that answers. */
		agent_post(a, FSM_EVENT_VALIDATED, a->failed_command ? OUTCOME_PARTIAL : OUTCOME_OK,
			   "%s", result->detail);
		return;
	}
	if (a->failed_command && result->outcome == OUTCOME_NO_CREDENTIALS) {
		agent_post(a, FSM_EVENT_DEGRADED, OUTCOME_PARTIAL, "%s", result->detail);
		return;
	}
	if (result->outcome == OUTCOME_NO_CREDENTIALS) {
		agent_post(a, FSM_EVENT_TRANSIENT, OUTCOME_NO_CREDENTIALS, "%s", result->detail);
		return;
	}
	/* It says nothing about the credentials. */
	if (outcome_is_of_token(result->outcome)) {
		agent_post(a,
			   outcome_is_transient(result->outcome) ? FSM_EVENT_TRANSIENT
								 : FSM_EVENT_PERMANENT,
			   (int)result->outcome, "%s", result->detail);
		return;
	}
	/* The service may still be registering the new key. */
	if (!is_final(result->outcome) && ++a->validate_tries < a->config->validate_attempts)
		agent_post(a, FSM_EVENT_NOT_YET, (int)result->outcome, "%s", result->detail);
	else
		agent_post(a, FSM_EVENT_DEGRADED, (int)result->outcome, "%s", result->detail);
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

	if (!a->config->validate || a->validated) {
		agent_post(a, FSM_EVENT_NOT_NEEDED, (int)quiet_outcome(a), "%s",
			   a->validated ? "nothing changed since cloud access was validated"
					: "validation is off");
		return;
	}
	r = cloud_device_validate(a->cloud, on_validated, a);
	if (r != 0)
		agent_post(a, FSM_EVENT_NOT_YET, (int)outcome_of_connect(r), "connect: %s",
			   session_strerror(r));
}
