/* Targets: a whole agent, agent_new() to agent_free(), over a service that may do anything. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "agent/internal.h"
#include "base/file.h"
#include "base/log.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/place.h"
#include "tests/fuzz/server.h"
#include "tests/fuzz/world.h"

#define PENDING_MAX 64
/* Steps of the loop that a script leads, and that an honest service needs after it. */
#define SCRIPT_STEPS 1500
#define HONEST_STEPS 6000
#define HEARD_MAX 4000

/* As a device is configured whose state directory place.c keeps. */
static struct config *config;

/* Which state followed which, with results in the journal and without. */
FUZZ_COUNTERS static uint8_t moves[2][FSM_N_STATES][FSM_N_STATES];

struct run {
	sd_event *event;
	struct agent *agent;
	enum fsm_state state; /* before the last step */
	char pending[PENDING_MAX][CORRELATION_MAX + 1];
	size_t n_pending;
};

static void on_changed(void *userdata, const char *old_state, const char *new_state,
		       const char *why)
{
	struct run *r = userdata;

	FUZZ_ASSERT(why[0] != '\0' && strcmp(old_state, new_state) != 0);
	/* What was executed has a result, durably, before anything else happens. */
	if (strcmp(old_state, "executing") == 0 && strcmp(new_state, "resuming") == 0)
		FUZZ_ASSERT(journal_count(r->agent->store) > 0);
	if (strcmp(old_state, "reporting") == 0 && strcmp(new_state, "fetching") == 0)
		FUZZ_ASSERT(journal_count(r->agent->store) == 0);
}

static void start(struct run *r)
{
	const struct agent_observer o = {.changed = on_changed, .userdata = r};

	FUZZ_ASSERT(agent_new(r->event, config, &r->agent, NULL) == 0);
	FUZZ_ASSERT(agent_add_observer(r->agent, &o) == 0);
	FUZZ_ASSERT(agent_start(r->agent) == 0);
}

static bool is_pending(const struct response_list *list, const char *correlation)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->items[i].correlation, correlation) == 0)
			return true;
	return false;
}

/* A result leaves the journal when the service has it, and not before. */
static void check(struct run *r)
{
	_cleanup_(response_list_done) struct response_list now = RESPONSE_LIST_INIT;

	moves[r->n_pending > 0][r->state][r->agent->fsm.state] = 1;
	r->state = r->agent->fsm.state;
	FUZZ_ASSERT(r->agent->fsm.state < FSM_N_STATES && server_heard() < HEARD_MAX);
	if (journal_count(r->agent->store) == 0 && r->n_pending == 0)
		return;
	FUZZ_ASSERT(journal_pending(r->agent->store, &now) == 0 && now.n <= PENDING_MAX);
	for (size_t i = 0; i < r->n_pending; i++)
		FUZZ_ASSERT(is_pending(&now, r->pending[i]) || server_has_result(r->pending[i]));
	r->n_pending = now.n;
	for (size_t i = 0; i < now.n; i++)
		strcpy(r->pending[i], now.items[i].correlation);
}

/* What a person who asks is told. */
static void look(struct agent *a)
{
	_cleanup_(json_decrefp) json_t *status = NULL, *facts = agent_facts_json(a);
	struct agent_status s;

	agent_get_status(a, &s);
	status = agent_status_json(&s);
	FUZZ_ASSERT(status && facts);
	FUZZ_ASSERT(s.pending_results == journal_count(a->store));
}

/* What else happens to a device: a byte of the input, when there is nothing to do. */
static void happen(struct run *r, uint8_t what)
{
	switch (what) {
	case 0xf0:
		agent_provision(r->agent, REQUEST_BUS);
		break;
	case 0xf1: /* killed, and started again */
		agent_free(r->agent);
		start(r);
		break;
	case 0xf2:
		agent_stop(r->agent);
		agent_free(r->agent);
		start(r);
		break;
	case 0xf3:
	case 0xf4:
		world_set_network(what == 0xf3);
		break;
	case 0xf5:
		server_disturb();
		break;
	case 0xf6:
		world_step_clock(86400);
		break;
	case 0xf7:
		(void)!agent_roll_back(r->agent, config->cloud_tag);
		break;
	case 0xf8:
		FUZZ_ASSERT(agent_set_interval(r->agent, 3600) == 0);
		break;
	case 0xf9:
		look(r->agent);
		break;
	default:
		(void)world_wait();
	}
}

static void step(struct run *r, struct reader *input)
{
	int n = sd_event_run(r->event, 0);

	FUZZ_ASSERT(n >= 0);
	if (n == 0 && reader_left(input) > 0)
		happen(r, reader_u8(input));
	else if (n == 0)
		FUZZ_ASSERT(world_wait());
	check(r);
}

static bool is_at_rest(const struct agent *a)
{
	return a->queue_len == 0 && !fsm_is_busy(a->fsm.state) &&
	       a->fsm.state != FSM_STATE_POLLING && a->fsm.state != FSM_STATE_UNCLAIMED;
}

/* An honest service, a network, and time: then everything that was queued is done and told. */
static void finish(struct run *r, struct reader *input)
{
	FUZZ_ASSERT(reader_left(input) == 0);
	world_set_network(true);
	for (unsigned int i = 0;
	     !is_at_rest(r->agent) || server_waits() || journal_count(r->agent->store) > 0; i++) {
		FUZZ_ASSERT(i < HONEST_STEPS);
		step(r, input);
	}
}

/* ---- the device ---- */

static void put(const char *name, const char *text, char ret_path[static 128])
{
	snprintf(ret_path, 128, "%s/%s", place_dir(), name);
	FUZZ_ASSERT(file_write_atomic(ret_path, text, strlen(text), 0600) == 0);
}

static void be_born(void)
{
	char ca[128], file[128], text[512];
	_cleanup_(freep) char *detail = NULL;
	struct run r = {.n_pending = 0};

	unsetenv("STATE_DIRECTORY");
	unsetenv("NOTIFY_SOCKET");
	log_set_level(LOG_LEVEL_ERROR);
	place_make();
	put("ca.pem", "a root\n", ca);
	snprintf(text, sizeof(text),
		 "[provisioning]\nserver = localhost\naddress = 127.0.0.1\nroot-ca = %s\n"
		 "transport = coap\n[cloud]\npoll = 1h\n[daemon]\nstate-directory = %s\n",
		 ca, place_state());
	put("onboardd.conf", text, file);
	FUZZ_ASSERT(config_load(file, &config, &detail) == 0);
	world_begin();
	FUZZ_ASSERT(sd_event_new(&r.event) >= 0);
	FUZZ_ASSERT(agent_new(r.event, config, &r.agent, &detail) == 0);
	agent_free(r.agent);
	sd_event_unref(r.event);
	place_keep();
}

/* data: what becomes of each handshake, datagram and command, and what else happens, in the order
 * in which it is asked for: server.c, happen(). */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct run r = {.n_pending = 0};
	struct reader input;

	if (!config)
		be_born();
	reader_init(&input, data, len);
	place_restore();
	world_begin();
	server_begin(&input);
	FUZZ_ASSERT(sd_event_new(&r.event) >= 0);
	start(&r);
	for (unsigned int i = 0; reader_left(&input) > 0; i++) {
		FUZZ_ASSERT(i < SCRIPT_STEPS * 8);
		step(&r, &input);
	}
	finish(&r, &input);
	agent_stop(r.agent);
	agent_free(r.agent);
	sd_event_unref(r.event);
	return 0;
}
