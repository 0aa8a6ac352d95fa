/* SPDX-License-Identifier: Apache-2.0 */
/* The real agent, whole, in a world that stands still between two moves: put back into a state,
 * moved by one of its own callbacks, and read out again. A field of struct agent that is neither in
 * struct process nor among those that do not matter is noticed (machine_take()). */

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/schedule.h"
#include "around.h"
#include "base/file.h"
#include "base/log.h"
#include "wrap.h"

#define LATER_MS (NOW_MS + 86400000)

struct agent *agent;
bool is_quiet, is_on;

void __real_provisioning_cancel(struct provisioning *p);

static struct agent pristine;
static struct config *config;
static sd_event *loop;
static char dir[64];

/* ---- the agent, put back and read out ---- */

static void put_queue(void)
{
	const struct process *p = &world.process;

	agent->generation = 1;
	agent->queue_head = 0;
	agent->queue_len = p->n_posted;
	for (unsigned int i = 0; i < p->n_posted; i++)
		agent->queue[i] = (struct agent_posted){
			.event = (enum fsm_event)p->posted[i],
			.is_result = !(p->external & 1 << i),
			.generation = p->dead & 1 << i ? 0 : 1,
			.outcome = -1,
		};
}

static void put_fields(void)
{
	const struct process *p = &world.process;
	struct agent *a = agent;

	memcpy(a, &pristine, sizeof(*a));
	put_queue();
	a->fsm.state = (enum fsm_state)p->state;
	a->n_lost = p->n_lost;
	a->n_batches = p->has_batch;
	a->validate_tries = p->validate_tries;
	a->n_refused = p->n_refused;
	a->claimed = p->claimed;
	a->shadow_refused = p->shadow_refused;
	a->authenticated_until_ms = p->authenticated ? LATER_MS : 0;
	a->reauthenticated = p->reauthenticated;
	a->failed_command = p->failed_command;
	a->validated = p->validated;
	a->token_shown = p->token_shown;
	a->network_changed = p->network_changed;
	a->requests.pending[REQUEST_BUS] = p->pending;
	a->requests.durable[REQUEST_BUS] = p->durable;
	a->requests.taken[REQUEST_BUS] = p->taken;
	a->executing = p->executing;
	a->link_hook = p->hook ? (struct hook *)&around_sentinel : NULL;
	a->link_is_down = p->link_is_down;
	a->link_comes_up = p->link_comes_up;
	a->link_then = p->link_then;
	a->link_event = (enum fsm_event)p->link_event;
	a->poll_due_ms = p->poll_due == 0 ? 0 : p->poll_due == 1 ? LATER_MS : 1;
	a->stay_failed = p->stay_failed;
	a->trace_is_kept = p->trace_is_kept;
}

void machine_put(void)
{
	is_quiet = true;
	__real_provisioning_cancel(agent->provisioning);
	put_fields();
	if (mutant == MUTANT_OLD_FINISHED)
		agent->n_batches = 1;
	if (world.process.held)
		session_put_held();
	if (world.process.request == REQUEST_LOGIN)
		agent_do_authenticate(agent);
	else if (world.process.request == REQUEST_FETCH)
		agent_do_fetch(agent);
	else if (world.process.request == REQUEST_REPORT)
		agent_do_report(agent);
	else if (world.process.worker)
		agent_do_execute(agent);
	is_quiet = false;
}

static void take_queue(void)
{
	struct process *p = &world.process;

	memset(p->posted, 0, sizeof(p->posted));
	p->n_posted = p->dead = p->external = 0;
	for (size_t i = 0; i < agent->queue_len; i++) {
		const struct agent_posted *q =
			&agent->queue[(agent->queue_head + i) % AGENT_QUEUE_MAX];
		const uint8_t bit = (uint8_t)(1 << p->n_posted);

		if (p->n_posted == POSTED_MAX) {
			violate(PROPERTY_BOUNDS, "events pile up");
			return;
		}
		p->posted[p->n_posted++] = (uint8_t)q->event;
		if (!q->is_result)
			p->external |= bit;
		else if (q->generation != agent->generation)
			p->dead |= bit;
	}
}

/* It is looked at when the session of a cycle is lost, and each cycle says it anew. */
static bool is_trace_kept(const struct agent *a)
{
	return a->trace_is_kept &&
	       (fsm_is_busy(a->fsm.state) || a->fsm.state == FSM_STATE_UNCLAIMED);
}

static void take_fields(void)
{
	struct process *p = &world.process;
	const struct agent *a = agent;

	take_queue();
	p->state = (uint8_t)a->fsm.state;
	p->n_lost = (uint8_t)a->n_lost;
	p->has_batch = a->n_batches > 0;
	p->validate_tries = (uint8_t)MIN(a->validate_tries, a->config->validate_attempts);
	p->n_refused = (uint8_t)MIN(a->n_refused, a->config->validate_attempts);
	p->claimed = a->claimed;
	p->shadow_refused = a->shadow_refused;
	p->authenticated = a->authenticated_until_ms > NOW_MS;
	p->reauthenticated = a->reauthenticated;
	p->failed_command = a->failed_command;
	p->validated = a->validated;
	p->token_shown = a->token_shown;
	p->network_changed = a->network_changed;
	p->pending = a->requests.pending[REQUEST_BUS];
	p->durable = a->requests.durable[REQUEST_BUS];
	p->taken = a->requests.taken[REQUEST_BUS];
	p->executing = a->executing;
	p->link_is_down = a->link_is_down;
	p->link_comes_up = a->link_comes_up;
	p->link_then = a->link_then;
	p->link_event = (uint8_t)a->link_event;
	p->poll_due = a->poll_due_ms == 0 ? 0 : a->poll_due_ms > NOW_MS ? 1 : 2;
	p->stay_failed = a->stay_failed;
	p->trace_is_kept = is_trace_kept(a);
}

/* What is told, and how long timers are, does not decide what comes next. */
static void drop_irrelevant(struct agent *a)
{
	const struct agent *p = &pristine;

	memset(a->queue, 0, sizeof(a->queue));
	a->queue_head = a->generation = 0;
	memcpy(a->fsm.refused, p->fsm.refused, sizeof(a->fsm.refused));
	a->deadline_ms = 0;
	a->began_s = 0;
	a->trace_is_kept = is_trace_kept(a);
	a->abbreviated_before = 0;
	a->n_batches = a->n_batches > 0;
	a->validate_tries = MIN(a->validate_tries, a->config->validate_attempts);
	a->n_refused = MIN(a->n_refused, a->config->validate_attempts);
	a->commands_ok = a->commands_failed = 0;
	memset(a->link_why, 0, sizeof(a->link_why));
	a->unclaimed_since_ms = 0;
	a->max_age_s = 0;
	a->authenticated_until_ms = a->authenticated_until_ms > NOW_MS ? LATER_MS : 0;
	a->backoff = p->backoff;
	a->poll_backoff = p->poll_backoff;
	a->validate_backoff = p->validate_backoff;
	a->stay_backoff = p->stay_backoff;
	memset(a->requests_text, 0, sizeof(a->requests_text));
	a->poll_due_ms = a->poll_due_ms == 0 ? 0 : a->poll_due_ms > NOW_MS ? LATER_MS : 1;
	a->polls = 0;
	a->refusal = 0;
	memset(a->refusal_why, 0, sizeof(a->refusal_why));
	a->outcome = 0;
	memset(a->reason, 0, sizeof(a->reason));
	memset(a->claim_token, 0, sizeof(a->claim_token));
	a->cloud_word = NULL;
	a->cycles = 0;
	a->last_success_s = 0;
}

static void check_complete(void)
{
	static struct agent was, is;
	const uint8_t *x = (const uint8_t *)&was, *y = (const uint8_t *)&is;

	memcpy(&was, agent, sizeof(was));
	put_fields();
	memcpy(&is, agent, sizeof(is));
	memcpy(agent, &was, sizeof(was));
	drop_irrelevant(&was);
	drop_irrelevant(&is);
	if (memcmp(x, y, sizeof(was)) == 0)
		return;
	for (size_t i = 0; i < sizeof(was); i++)
		if (x[i] != y[i]) {
			fprintf(stderr, "byte %zu of struct agent is of no state of the model\n",
				i);
			abort();
		}
}

void machine_take(void)
{
	take_fields();
	check_complete();
}

/* As agent_new() after the store is open. */
void machine_boot(void)
{
	is_quiet = true;
	__real_provisioning_cancel(agent->provisioning);
	is_quiet = false;
	memset(&world.process, 0, sizeof(world.process));
	memcpy(agent, &pristine, sizeof(*agent));
	agent->schedule = schedule_load(agent->store);
	agent_load_requests(agent);
	agent_load_poll(agent);
	agent_adopt_session(agent);
	if (agent_start(agent) != 0)
		abort();
}

/* ---- set up ---- */

static void write_file(const char *name, const char *text)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (file_write_atomic(path, text, strlen(text), 0600) != 0)
		abort();
}

void machine_init(const struct scenario *s)
{
	char text[1024], path[96], *detail = NULL;

	scenario = s;
	setenv("NOTIFY_SOCKET", "/nonexistent/notify", 1); /* sessions are kept when it stops */
	log_set_level(LOG_LEVEL_ERROR);
	snprintf(dir, sizeof(dir), "/tmp/onboard-model-XXXXXX");
	if (!mkdtemp(dir) || sd_event_new(&loop) < 0)
		abort();
	write_file("ca.pem", "a root\n");
	snprintf(text, sizeof(text),
		 "[provisioning]\nserver = localhost\naddress = 127.0.0.1\nroot-ca = "
		 "%s/ca.pem\ntransport = coap\n"
		 "[daemon]\nstate-directory = %s/state\n"
		 "%s",
		 dir, dir, s->config);
	write_file("onboardd.conf", text);
	snprintf(path, sizeof(path), "%s/onboardd.conf", dir);
	around_forget();
	if (config_load(path, &config, &detail) != 0 ||
	    agent_new(loop, config, &agent, &detail) != 0) {
		fprintf(stderr, "%s\n", detail ? detail : "no agent");
		abort();
	}
	memcpy(&pristine, agent, sizeof(pristine));
	pristine.schedule = (struct schedule){0, 0};
	memset(&world, 0, sizeof(world));
	world.outside.is_up = true;
	world.outside.is_claimed = !s->is_claimed_late;
	world.outside.is_clock_good = !s->is_clock_late;
	is_on = true;
	(void)!store_value_put(agent->store, "config/provisioning/interval-sec", "0");
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void machine_done(void)
{
	is_quiet = true;
	__real_provisioning_cancel(agent->provisioning);
	is_quiet = is_on = false;
	memcpy(agent, &pristine, sizeof(pristine));
	agent = agent_free(agent);
	config = config_free(config);
	loop = sd_event_unref(loop);
	nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}
