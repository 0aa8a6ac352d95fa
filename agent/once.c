/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/once.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "agent/charset.h"
#include "agent/plain.h"
#include "agent/qr.h"
#include "base/log.h"

struct once {
	sd_event *event;     /* borrowed */
	struct agent *agent; /* borrowed */
	struct once_options options;
	sd_event_source *timer; /* owned */

	bool decided, timed_out;
	bool token_printed;
	enum outcome outcome;
	char last_problem[512]; /* printed already: repeats are not */
};

static void put_json(json_t *line)
{
	if (!line)
		return;
	json_dumpf(line, stdout, JSON_COMPACT);
	fputc('\n', stdout);
	fflush(stdout);
	json_decref(line);
}

static void put_line(bool good, const char *name, const char *text)
{
	const char *mark = charset_is_utf8() ? (good ? "✓" : "✗") : (good ? "+" : "!");
	char plain[1024];

	printf("%s %-14s %s\n", mark, name, plain_text(text, plain, sizeof(plain)));
	fflush(stdout);
}

void once_print_token(FILE *f, const char *token)
{
	fprintf(f,
		"----- BEGIN ATTESTATION TOKEN -----\n\n%s\n\n----- END ATTESTATION TOKEN -----\n",
		token);
	fflush(f);
}

static void print_claim(struct once *o)
{
	struct agent_status status;

	if (o->token_printed || o->options.json)
		return;
	o->token_printed = true;
	agent_get_status(o->agent, &status);
	printf("\nThis device belongs to nobody yet. Claim it with this token:\n\n");
	once_print_token(stdout, status.claim_token);
	fputc('\n', stdout);
	if (qr_show(stdout, status.claim_token) != 0)
		log_debug("no QR code of this token");
	fflush(stdout);
}

static void decide(struct once *o, enum outcome outcome)
{
	o->decided = true;
	o->outcome = outcome;
	if (sd_event_exit(o->event, 0) < 0)
		log_error("the event loop cannot be ended");
}

static void on_step(void *userdata, const char *name, const char *text)
{
	struct once *o = userdata;

	if (o->decided)
		return;
	if (o->options.json)
		put_json(json_pack("{s:s, s:s, s:s}", "event", "step", "name", name, "text", text));
	else if (strcmp(name, "claim token") != 0) /* printed as a block of its own */
		put_line(strcmp(name, STEP_EXPORT_FAILED) != 0 &&
				 strcmp(name, STEP_HOOK_FAILED) != 0,
			 name, text);
}

static bool is_problem(const char *state)
{
	return strcmp(state, "backing-off") == 0 || strcmp(state, "failed") == 0 ||
	       strcmp(state, "degraded") == 0 || strcmp(state, "waiting-to-validate") == 0;
}

static void on_changed(void *userdata, const char *old_state, const char *new_state,
		       const char *why)
{
	struct once *o = userdata;

	if (o->decided)
		return;
	if (o->options.json) {
		put_json(json_pack("{s:s, s:s, s:s, s:s}", "event", "state", "old", old_state,
				   "new", new_state, "why", why));
		return;
	}
	if (!is_problem(new_state) || strcmp(why, o->last_problem) == 0)
		return;
	snprintf(o->last_problem, sizeof(o->last_problem), "%s", why);
	put_line(false, old_state, why);
}

/* Worth another try within the time that the person gave us. */
static bool is_worth_waiting(enum outcome o)
{
	return o == OUTCOME_NO_NETWORK || o == OUTCOME_HANDSHAKE || o == OUTCOME_TIMEOUT ||
	       o == OUTCOME_LOST || o == OUTCOME_BUSY;
}

static void on_cycle_ended(void *userdata, enum outcome outcome)
{
	struct once *o = userdata;

	if (o->decided)
		return;
	o->outcome = outcome;
	if (outcome == OUTCOME_UNCLAIMED) {
		print_claim(o);
		if (!o->options.wait_claim)
			decide(o, outcome);
		return;
	}
	if (!is_worth_waiting(outcome))
		decide(o, outcome);
}

/* The cause to exit with when time runs out: of the state we are stuck in, else of the last try. */
static enum outcome outcome_of_state(struct once *o)
{
	struct agent_status s;

	agent_get_status(o->agent, &s);
	if (strcmp(s.state, "waiting-for-network") == 0)
		return OUTCOME_NO_NETWORK;
	if (strcmp(s.state, "waiting-for-time") == 0)
		return OUTCOME_NO_TIME;
	if (strcmp(s.claimed, "no") == 0 || strcmp(s.claimed, "released") == 0)
		return OUTCOME_UNCLAIMED;
	if (s.outcome != OUTCOME_OK)
		return s.outcome;
	/* Not even the first handshake: that server was never reached. */
	if (strcmp(s.state, "connecting") == 0)
		return OUTCOME_NO_NETWORK;
	return OUTCOME_TIMEOUT;
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct once *o = userdata;

	(void)source;
	(void)usec;
	o->timed_out = true;
	decide(o, outcome_of_state(o));
	return 0;
}

int once_new(sd_event *event, struct agent *agent, const struct once_options *options,
	     struct once **ret)
{
	_cleanup_(once_freep) struct once *o = calloc(1, sizeof(*o));
	int r;

	if (!o)
		return -ENOMEM;
	o->event = event;
	o->agent = agent;
	o->options = *options;
	o->outcome = OUTCOME_CANCELLED;
	r = sd_event_add_time_relative(event, &o->timer, CLOCK_BOOTTIME, options->timeout_ms * 1000,
				       0, on_timeout, o);
	if (r < 0)
		return r;
	r = agent_add_observer(agent, &(struct agent_observer){.changed = on_changed,
							       .step = on_step,
							       .cycle_ended = on_cycle_ended,
							       .userdata = o});
	if (r < 0)
		return r;
	agent_set_once(agent);
	*ret = TAKE_PTR(o);
	return 0;
}

struct once *once_free(struct once *o)
{
	if (!o)
		return NULL;
	sd_event_source_disable_unref(o->timer);
	free(o);
	return NULL;
}

static void print_cost(const char *what, const struct session_stats *s)
{
	if (s->datagrams_tx == 0)
		return;
	printf("%s: %" PRIu64 " bytes of UDP payload, %" PRIu64 " round trips\n", what,
	       s->bytes_tx + s->bytes_rx, s->round_trips);
	printf("  handshakes: %" PRIu64 " full, %" PRIu64
	       " abbreviated; resumed without one: %" PRIu64 "\n",
	       s->handshakes_full, s->handshakes_abbreviated, s->resumes);
}

enum exit_code once_finish(struct once *o)
{
	static const char *const counted[] = {"provisioning", "cloud_connection"};
	enum outcome outcome = o->decided ? o->outcome : OUTCOME_CANCELLED;
	enum exit_code code = outcome_exit_code(outcome);
	struct agent_status status;
	json_t *told;

	/* The state that the cycle ended in, but the bytes with the goodbye. */
	o->decided = true;
	agent_get_status(o->agent, &status);
	told = agent_status_json(&status);
	agent_stop(o->agent);
	agent_get_status(o->agent, &status);
	if (o->options.json) {
		json_t *final = agent_status_json(&status);

		for (size_t i = 0; i < ARRAY_SIZE(counted); i++)
			if (json_object_set(told, counted[i], json_object_get(final, counted[i])) <
			    0)
				log_error("the bytes of the goodbye are not counted");
		put_json(json_pack("{s:s, s:s, s:i, s:o}", "event", "result", "outcome",
				   outcome_name(outcome), "exit", (int)code, "status", told));
		json_decref(final);
		return code;
	}
	json_decref(told);
	printf("\n%s%s: %s\n", o->timed_out ? "time is up, " : "", outcome_name(outcome),
	       outcome_help(outcome));
	print_cost("provisioning", &status.provisioning);
	print_cost("cloud connection", &status.cloud_stats);
	fflush(stdout);
	return code;
}
