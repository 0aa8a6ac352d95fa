/* SPDX-License-Identifier: Apache-2.0 */
#include "around.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/worker.h"
#include "credstore/key.h"
#include "credstore/prepare.h"
#include "wrap.h"

const struct fsm_move *row_made;
char around_sentinel;

static sd_event_handler_t on_dispatch;
static sd_event_time_handler_t on_timer, on_tick;
static netwatch_fn on_network;

static struct {
	worker_fn run;
	worker_done_fn done;
	void (*free_job)(void *job);
	void *job, *userdata;
} worker;

void around_forget(void)
{
	on_dispatch = NULL;
	on_timer = on_tick = NULL;
}

void around_dispatch(void)
{
	(void)on_dispatch(NULL, agent);
}

void around_timer(void)
{
	(void)on_timer(NULL, 0, agent);
}

void around_tick(void)
{
	(void)on_tick(NULL, 0, agent);
}

void around_network(void)
{
	on_network(world.outside.is_up, agent);
}

/* ---- the table ---- */

WRAP(const struct fsm_move *, fsm_find, enum fsm_state state, enum fsm_event event)
{
	const struct fsm_move *m = __real_fsm_find(state, event);

	return m && m == removed ? NULL : m;
}

WRAP(int, fsm_step, struct fsm *f, enum fsm_event event, struct fsm_move *ret)
{
	const struct fsm_move *m = __real_fsm_find(f->state, event);
	int r;

	if (m && m == removed) {
		row_made = m;
		say("%s has no move for %s", fsm_state_name(f->state), fsm_event_name(event));
		return FSM_E_REFUSED_AGAIN;
	}
	r = __real_fsm_step(f, event, ret);
	if (r != 0)
		return r;
	row_made = m;
	say("%s -> %s by %s", fsm_state_name(m->state), fsm_state_name(m->next),
	    fsm_event_name(event));
	if (m->actions & FSM_DO_BEGIN_CYCLE || m->state == FSM_STATE_UNCLAIMED)
		if (world.witness.asked > 0)
			world.witness.asked = 2;
	return 0;
}

WRAP(void, requests_take, struct requests *r)
{
	__real_requests_take(r);
	if (mutant == MUTANT_REQUEST_TAKEN && r->durable[REQUEST_BUS]) {
		(void)!store_value_delete(r->store, "request/bus");
		r->durable[REQUEST_BUS] = false;
	}
}

/* ---- time, chance, the loop, the network ---- */

WRAP(uint64_t, clock_ms, void)
{
	return is_on ? NOW_MS : __real_clock_ms();
}

WRAP(int64_t, clock_wall_s, void)
{
	return is_on ? NOW_S : __real_clock_wall_s();
}

WRAP(uint32_t, agent_random, void)
{
	return 0;
}

WRAP(void, random_fill, void *buf, size_t len)
{
	if (is_on)
		memset(buf, 0, len);
	else
		__real_random_fill(buf, len);
}

WRAP(bool, timewatch_is_good, int64_t now_s, int64_t floor_s, bool is_synchronised,
     bool require_sync)
{
	(void)now_s;
	(void)floor_s;
	(void)is_synchronised;
	(void)require_sync;
	return world.outside.is_clock_good;
}

WRAP(bool, timewatch_is_synchronised, void)
{
	return true;
}

WRAP(int, sd_event_add_defer, sd_event *e, sd_event_source **ret, sd_event_handler_t handler,
     void *userdata)
{
	on_dispatch = on_dispatch ? on_dispatch : handler;
	return __real_sd_event_add_defer(e, ret, handler, userdata);
}

WRAP(int, sd_event_add_time, sd_event *e, sd_event_source **ret, clockid_t clock, uint64_t usec,
     uint64_t accuracy, sd_event_time_handler_t handler, void *userdata)
{
	if (!on_timer)
		on_timer = handler;
	else if (!on_tick)
		on_tick = handler;
	return __real_sd_event_add_time(e, ret, clock, usec, accuracy, handler, userdata);
}

WRAP(int, sd_event_source_set_enabled, sd_event_source *s, int enabled)
{
	return is_on ? 0 : __real_sd_event_source_set_enabled(s, enabled);
}

WRAP(int, sd_event_source_set_time, sd_event_source *s, uint64_t usec)
{
	return is_on ? 0 : __real_sd_event_source_set_time(s, usec);
}

WRAP(int, sd_event_source_set_time_relative, sd_event_source *s, uint64_t usec)
{
	return is_on ? 0 : __real_sd_event_source_set_time_relative(s, usec);
}

WRAP(int, netwatch_new, sd_event *event, netwatch_fn fn, void *userdata, struct netwatch **ret)
{
	(void)event;
	(void)userdata;
	on_network = fn;
	*ret = (struct netwatch *)&around_sentinel;
	return 0;
}

WRAP(struct netwatch *, netwatch_free, struct netwatch *w)
{
	(void)w;
	return NULL;
}

WRAP(bool, netwatch_is_up, const struct netwatch *w)
{
	(void)w;
	return world.outside.is_up;
}

/* ---- work beside the loop ---- */

WRAP(int, identity_signer, struct identity *i, struct signer **ret)
{
	if (!is_on)
		return __real_identity_signer(i, ret);
	*ret = NULL;
	return 0;
}

/* Which id a new one is does not matter, only what it is to the service's. */
WRAP(void, identity_new_trace, struct identity *i)
{
	if (is_on)
		world.process.trace = TRACE_OTHER;
	else
		__real_identity_new_trace(i);
}

WRAP(int, identity_keep_trace, struct identity *i, const char *trace)
{
	int r = __real_identity_keep_trace(i, trace);

	if (r == 0 && is_on)
		world.process.trace = (uint8_t)(mutant == MUTANT_TRACE_LOST      ? TRACE_NONE
						: mutant == MUTANT_TRACE_CHANGED ? TRACE_OTHER
										 : trace_of(trace));
	return r;
}

WRAP(const char *, identity_trace, const struct identity *i)
{
	return is_on ? trace_text((enum trace)world.process.trace) : __real_identity_trace(i);
}

WRAP(int, sign_start, sd_event *event, struct signer *signer, enum sign_what what, int64_t now_s,
     unsigned int lifetime_s, sign_fn fn, void *userdata, struct worker **ret)
{
	(void)event;
	(void)signer;
	(void)what;
	(void)now_s;
	(void)lifetime_s;
	fn(0, "signed", userdata);
	*ret = NULL;
	return 0;
}

WRAP(bool, prepared_is_idle, const struct prepared *p)
{
	return is_on ? p->n == 0 : __real_prepared_is_idle(p);
}

WRAP(int, worker_start, sd_event *event, worker_fn run, worker_done_fn done,
     void (*free_job)(void *), void *job, void *userdata, struct worker **ret)
{
	if (!is_on)
		return __real_worker_start(event, run, done, free_job, job, userdata, ret);
	worker.run = run;
	worker.done = done;
	worker.free_job = free_job;
	worker.job = job;
	worker.userdata = userdata;
	world.process.worker = true;
	*ret = (struct worker *)&around_sentinel;
	return 0;
}

WRAP(struct worker *, worker_cancel, struct worker *w)
{
	if (w != (struct worker *)&around_sentinel)
		return __real_worker_cancel(w);
	worker.free_job(worker.job);
	worker.job = NULL;
	if (!is_quiet)
		world.process.worker = false;
	return NULL;
}

void around_end_worker(void)
{
	static const char *const names[] = {"the keys are there", "their token is gone",
					    "the token has no such key"};
	static const int results[] = {0, KEY_E_TOKEN_ABSENT, KEY_E_NOT_FOUND};
	struct prepared *job = worker.job;

	world.process.worker = false;
	worker.run(job);
	job->r = results[choose(3, names)];
	worker.done(job, worker.userdata);
	worker.free_job(job);
}

WRAP(int, hook_start, sd_event *event, const struct hook_config *c, hook_fn fn, void *userdata,
     struct hook **ret)
{
	(void)event;
	(void)c;
	(void)userdata;
	world.process.hook = fn;
	*ret = (struct hook *)&around_sentinel;
	return 0;
}

WRAP(struct hook *, hook_free, struct hook *h)
{
	if (h)
		world.process.hook = NULL;
	return NULL;
}

void around_end_hook(void)
{
	static const char *const names[] = {"the hook is done", "the hook fails"};
	hook_fn fn = world.process.hook;
	bool fails = choose(2, names) != 0;

	world.process.hook = NULL;
	fn(agent, fails ? "the model says so" : NULL);
}

/* Of a hook that is waited for before the end. */
WRAP(int, sd_event_loop, sd_event *e)
{
	if (!is_on)
		return __real_sd_event_loop(e);
	around_end_hook();
	return 0;
}

WRAP(int, sd_event_exit, sd_event *e, int code)
{
	return is_on ? 0 : __real_sd_event_exit(e, code);
}

WRAP(int, execute_batch, struct executor *e, const struct command_list *commands,
     const struct prepared *prepared, struct batch_result *ret)
{
	int r = __real_execute_batch(e, commands, prepared, ret);

	if (r == 0)
		world.process.held = 0;
	return r;
}

WRAP(void, provisioning_cancel, struct provisioning *p)
{
	__real_provisioning_cancel(p);
	if (is_on && !is_quiet)
		world.process.held = 0;
}
