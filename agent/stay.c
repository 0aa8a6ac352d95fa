/* SPDX-License-Identifier: Apache-2.0 */
/* Staying connected: looks at the shadow on the session that validation kept, and does what it
 * asks. docs/protocol.md §8.4. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/internal.h"
#include "agent/journal.h"
#include "agent/shadow.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#define POLL_VALUE "shadow/poll-interval-sec" /* what the shadow wished for last */

/* ---- how often ---- */

void agent_load_poll(struct agent *a)
{
	_cleanup_(freep) char *text = NULL;
	uint64_t s;

	a->poll_interval_ms = a->config->cloud_poll_ms;
	if (store_value_get(a->store, POLL_VALUE, &text) == 0 &&
	    decimal_parse(text, strlen(text), SHADOW_POLL_MAX_S, &s) == 0)
		a->poll_interval_ms = s * 1000;
	if (a->cloud)
		cloud_device_set_keep(a->cloud, a->poll_interval_ms > 0 && !a->once);
}

static bool set_poll(struct agent *a, uint32_t s)
{
	char text[16];
	int r;

	if (a->poll_interval_ms == (uint64_t)s * 1000)
		return true;
	snprintf(text, sizeof(text), "%" PRIu32, s);
	r = store_value_put(a->store, POLL_VALUE, text);
	if (r != 0) {
		log_warning("the shadow's poll interval is not stored: %s, trying again with the "
			    "next poll",
			    strerror(abs(r)));
		return false;
	}
	log_notice("shadow poll-interval=%" PRIu32, s);
	a->poll_interval_ms = (uint64_t)s * 1000;
	a->poll_due_ms = 0; /* whoever ends this attempt plans the next one */
	cloud_device_set_keep(a->cloud, s > 0 && !a->once);
	return true;
}

static void plan_in(struct agent *a, uint64_t ms)
{
	a->poll_due_ms = clock_ms() + MAX(ms, (uint64_t)1);
}

/* Spread by a tenth, so that a fleet does not ask in step. */
static void plan_next(struct agent *a)
{
	uint64_t ms = a->poll_interval_ms;

	backoff_reset(&a->stay_backoff);
	a->poll_due_ms = 0;
	if (a->cloud && ms > 0)
		plan_in(a, ms + (uint64_t)agent_random() % (ms / 10 + 1));
}

void agent_plan_poll(struct agent *a)
{
	if (a->poll_due_ms == 0)
		plan_next(a);
}

void agent_poll_now(struct agent *a, const char *why)
{
	if (!a->cloud || a->once)
		return;
	log_debug("shadow to be looked at: %s", why);
	plan_in(a, 0);
	if (a->fsm.state == FSM_STATE_IDLE)
		agent_arm_timer(a);
}

/* ---- what the shadow asks ---- */

/* The command to acknowledge now: one that was run; 0 for none. */
static uint32_t take_command(struct agent *a, uint32_t command)
{
	char text[REQUESTS_TEXT_MAX];
	int r;

	if (command == 0)
		return 0;
	r = requests_add_command(&a->requests, command);
	if (r == REQUESTS_E_DONE)
		return command;
	if (r == REQUESTS_E_PENDING)
		return 0;
	requests_describe(&a->requests, true, text);
	journal_requested(text);
	if (r < 0)
		log_warning("a request is not stored: %s, the shadow has it still", strerror(-r));
	return 0;
}

static void tell_refused(struct agent *a, const char *refused)
{
	if (refused && refused != a->shadow_refused)
		log_warning("shadow refused why='%s'", refused);
	a->shadow_refused = refused;
}

json_t *agent_on_delta(const json_t *delta, void *userdata)
{
	struct agent *a = userdata;
	const char *refused_before = a->shadow_refused;
	int64_t poll_s = -1;
	struct shadow_wish wish;
	uint32_t command;

	shadow_read(delta, &wish);
	tell_refused(a, wish.refused);
	command = take_command(a, wish.command);
	/* A wish that cannot be stays in the delta: what holds instead is said once. */
	if ((wish.sets_poll && set_poll(a, wish.poll_s)) || (wish.has_bad_poll && !refused_before))
		poll_s = (int64_t)(a->poll_interval_ms / 1000);
	return shadow_report(poll_s, command);
}

/* ---- the poll ---- */

static void retry_later(struct agent *a, uint32_t max_age_s, const char *why)
{
	uint64_t floor = MIN((uint64_t)max_age_s * 1000,
			     a->config->validate_ceiling_ms); /* of a busy cloud */
	uint64_t ms = backoff_next(&a->stay_backoff, floor, agent_random());

	plan_in(a, ms);
	a->stay_failed = true;
	log_warning("cloud poll failed why=\"%s\", trying again in %" PRIu64 " ms", why, ms);
}

static void on_polled(struct cloud_device *d, const struct cloud_result *result, void *userdata)
{
	struct agent *a = userdata;

	(void)d;
	if (result->outcome == OUTCOME_OK) {
		a->polls++;
		a->stay_failed = false;
		a->cloud_word = "validated";
		plan_next(a);
		agent_tell_step(a, "poll", "%s", result->detail);
		agent_post(a, FSM_EVENT_POLLED, -1, "%s", result->detail);
		return;
	}
	if (agent_is_refusal(result->outcome)) {
		log_warning("cloud poll refused why=\"%s\"", result->detail);
		plan_next(a);
		a->validated = false;
		agent_reset_attempts(a);
		agent_post(a, FSM_EVENT_REFUSED, -1, "%s", result->detail);
		return;
	}
	a->cloud_word = agent_cloud_word(result->outcome);
	retry_later(a, result->outcome == OUTCOME_BUSY ? result->max_age_s : 0, result->detail);
	agent_post(a, FSM_EVENT_TRANSIENT, -1, "%s", result->detail);
}

void agent_do_poll(struct agent *a)
{
	int r = requests_finish(&a->requests);

	/* No cycle runs: these are what the store did not take at the end of the last one. */
	if (r < 0)
		log_debug("requests that were run are still not noted: %s", strerror(-r));
	r = cloud_device_poll(a->cloud, on_polled, a);
	if (r == 0)
		return;
	retry_later(a, 0, session_strerror(r));
	agent_post(a, FSM_EVENT_TRANSIENT, -1, "connect: %s", session_strerror(r));
}

void agent_do_stop_poll(struct agent *a)
{
	cloud_device_cancel(a->cloud);
}

void agent_do_end_poll(struct agent *a)
{
	/* It did not end by itself. */
	if (a->poll_due_ms != 0 && a->poll_due_ms <= clock_ms())
		retry_later(a, 0, "no end in sight");
	agent_arm_timer(a);
	if (requests_are_waiting(&a->requests))
		agent_post_external(a, FSM_EVENT_PROVISION);
}

void agent_on_network(struct agent *a)
{
	if (a->stay_failed)
		agent_poll_now(a, "the network changed");
}
