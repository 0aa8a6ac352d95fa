/* SPDX-License-Identifier: Apache-2.0 */
/* A service answers 4.01 to a device that nobody has claimed yet, and to one whose owner has
 * released it. Only the device knows which it is: it remembers that it was claimed. What it got
 * from that owner stays until somebody says so: new commands, or a reset of the credentials, which
 * forgets the owner, too. */

#include <errno.h>
#include <string.h>

#include "agent/internal.h"
#include "base/clock.h"
#include "base/log.h"
#include "provisioning/outcome.h"

#define VALUE "claimed"

static bool was_claimed(struct agent *a)
{
	_cleanup_(freep) char *text = NULL;

	return store_value_get(a->store, VALUE, &text) == 0;
}

void agent_note_claimed(struct agent *a)
{
	int r;

	a->claimed = "yes";
	if (was_claimed(a))
		return;
	r = store_value_put(a->store, VALUE, "yes");
	if (r != 0)
		log_warning("that this device is claimed is not stored: %s, trying again with the "
			    "next authentication",
			    strerror(abs(r)));
}

void agent_note_unclaimed(struct agent *a)
{
	if (!agent_is_unclaimed(a)) {
		a->unclaimed_since_ms = clock_ms();
		backoff_reset(&a->poll_backoff);
		a->claimed = was_claimed(a) ? "released" : "no";
		if (strcmp(a->claimed, "released") == 0)
			log_notice("claim event=released: its owner has released this device");
	}
}

bool agent_is_unclaimed(const struct agent *a)
{
	return strcmp(a->claimed, "no") == 0 || strcmp(a->claimed, "released") == 0;
}

const char *agent_token_to_show(const struct agent *a)
{
	return agent_is_unclaimed(a) && *a->claim_token ? a->claim_token : NULL;
}

void agent_tell_claim(void *userdata, struct claimread_news *ret)
{
	const struct agent *a = userdata;
	const char *token = agent_token_to_show(a);

	ret->uuid = identity_uuid_text(a->identity);
	ret->state = token                            ? WIFI_CLAIM_STATE_UNCLAIMED
		     : strcmp(a->claimed, "yes") == 0 ? WIFI_CLAIM_STATE_CLAIMED
						      : WIFI_CLAIM_STATE_UNKNOWN;
	ret->token = a->config->wifi_claim_token ? token : NULL;
}

const char *agent_unclaimed_why(const struct agent *a)
{
	return strcmp(a->claimed, "released") == 0 ? "was claimed, its owner released it"
						   : "nobody has claimed this device yet";
}

const char *agent_unclaimed_help(const struct agent *a)
{
	if (strcmp(a->claimed, "released") != 0)
		return outcome_help(OUTCOME_UNCLAIMED);
	return "The device was claimed, its owner released it. What it holds is kept: the commands "
	       "of the next owner replace it, `onboardctl reset --credentials` removes it. Claim "
	       "it with its token, in the portal, by REST or with `onboardctl claim`.";
}
