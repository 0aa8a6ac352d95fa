/* SPDX-License-Identifier: Apache-2.0 */
/* Between cycles: what a cycle that ended well has settled, and what leads to the next one. */

#include <errno.h>
#include <string.h>

#include "agent/internal.h"
#include "agent/journal.h"
#include "agent/renewal.h"
#include "base/clock.h"
#include "base/log.h"

uint32_t agent_random(void)
{
	uint32_t bits;

	random_fill(&bits, sizeof(bits));
	return bits;
}

/* ---- requests ---- */

void agent_load_requests(struct agent *a)
{
	char text[REQUESTS_TEXT_MAX];
	int r = requests_load(&a->requests, a->store);

	if (r < 0)
		log_warning("requests of an earlier process cannot be read: %s, ignoring",
			    strerror(-r));
	requests_describe(&a->requests, false, text);
	if (*text)
		log_info("request earlier=\"%s\"", text);
}

void agent_provision(struct agent *a, enum request_source source)
{
	char text[REQUESTS_TEXT_MAX];
	int r = requests_add(&a->requests, source);

	if (r < 0)
		log_warning("a request is not stored: %s, it is lost when onboardd ends early",
			    strerror(-r));
	requests_describe(&a->requests, true, text);
	journal_requested(text);
	agent_post_external(a, FSM_EVENT_PROVISION);
}

static void settle_requests(struct agent *a)
{
	uint32_t done = a->requests.done;
	int r = requests_finish(&a->requests);

	if (r < 0)
		log_error("requests that were run cannot be taken out of the store: %s, a restart "
			  "would run them again",
			  strerror(-r));
	if (a->requests.done == done)
		return;
	journal_command_done(a->requests.done);
	agent_poll_now(a, "a command of the shadow was run");
}

/* ---- schedule ---- */

static bool is_same(const struct schedule *x, const struct schedule *y)
{
	return x->interval_s == y->interval_s && x->next_s == y->next_s;
}

static void plan_schedule(struct agent *a, bool advance)
{
	int64_t now = clock_wall_s();
	struct schedule next =
		schedule_plan(&a->schedule, schedule_get_interval(a->store), now, agent_random());
	int r = 0;

	if (advance)
		next = schedule_advance(&next, a->began_s, now, agent_random());
	if (is_same(&next, &a->schedule))
		return;
	a->schedule = next;
	r = schedule_save(a->store, &next);
	if (r != 0)
		log_warning("the next run is not stored: %s, a restart will plan it anew",
			    strerror(abs(r)));
}

int agent_set_interval(struct agent *a, uint64_t interval_s)
{
	int r = schedule_set_interval(a->store, interval_s);

	if (r != 0)
		return r;
	journal_interval(interval_s);
	plan_schedule(a, false);
	if (a->fsm.state == FSM_STATE_IDLE)
		agent_arm_timer(a);
	return 0;
}

/* ---- certificate ---- */

/* Plans the cycle for the certificate that the tag holds now; one has just ended well. */
static void plan_renewal(struct agent *a)
{
	int64_t now = clock_wall_s(), last;
	struct validity v;
	int r = validity_of_client_cert(a->store, a->config->cloud_tag, &v);

	a->renew_at_s = 0;
	if (r != 0) {
		if (r != -ENOENT)
			log_warning("the client certificate in tag %u cannot be watched: %s, "
				    "ignoring",
				    a->config->cloud_tag, strerror(abs(r)));
		return;
	}
	last = renewal_load(a->store, &v);
	a->renew_at_s = renewal_next(&v, last);
	if (a->renew_at_s == 0 || a->renew_at_s > a->began_s)
		return;
	r = renewal_save(a->store, &v, now);
	if (r != 0)
		log_warning("the run for the certificate is not stored: %s, ignoring",
			    strerror(abs(r)));
	a->renew_at_s = renewal_next(&v, now);
	journal_certificate_aged(a->config->cloud_tag);
}

/* ---- all of it ---- */

void agent_settle(struct agent *a)
{
	settle_requests(a);
	if (a->once) /* it ends, and has no next run */
		return;
	plan_schedule(a, true);
	plan_renewal(a);
	agent_plan_poll(a);
}

static uint64_t ms_until(int64_t at_s)
{
	int64_t s = at_s - clock_wall_s();

	return s > 0 ? (uint64_t)s * 1000 : 1;
}

/* The nearer of two waits, of which 0 is none. */
static uint64_t nearer(uint64_t x, uint64_t y)
{
	return x == 0 ? y : y == 0 ? x : MIN(x, y);
}

uint64_t agent_rest_ms(struct agent *a)
{
	uint64_t ms = 0, now = clock_ms();

	if (a->schedule.next_s)
		ms = nearer(ms, ms_until(a->schedule.next_s));
	if (a->renew_at_s)
		ms = nearer(ms, ms_until(a->renew_at_s));
	if (a->poll_due_ms)
		ms = nearer(ms, a->poll_due_ms > now ? a->poll_due_ms - now : 1);
	return ms;
}

void agent_end_rest(struct agent *a)
{
	int64_t now = clock_wall_s();

	if (schedule_is_due(&a->schedule, now))
		agent_post(a, FSM_EVENT_TIMEOUT, -1, "a run of the schedule is due");
	else if (a->renew_at_s != 0 && a->renew_at_s <= now)
		agent_post(a, FSM_EVENT_TIMEOUT, -1,
			   "the client certificate is past two thirds of its life");
	else if (a->poll_due_ms != 0 && a->poll_due_ms <= clock_ms())
		agent_post(a, FSM_EVENT_POLL, -1, "time to look at the shadow");
	else /* the wall clock was set back */
		agent_arm_timer(a);
}
