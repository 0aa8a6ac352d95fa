/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <ftw.h>
#include <sys/stat.h>

#include "agent/agent.h"
#include "agent/fsm.h"
#include "agent/internal.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "fake_session.h"
#include "proto/command.h"

#define CODE(class, detail) ((uint8_t)((class) << 5 | (detail)))
#define LIMIT_MS 20000 /* of a failure, never of a success */

/* The service behind the fake session: a queue of bodies, and what it says instead. */
static struct {
	uint8_t auth[16];   /* codes in order, the last one repeated; 0 ends */
	uint32_t max_age_s; /* of every answer but a good authentication */
	uint8_t bodies[8][2048];
	size_t body_len[8];
	size_t n_bodies, at_body;
	uint8_t fetch_code[8]; /* 0: 2.05 */
	int report_r[8];       /* in order; 0: 2.04 */
	uint8_t report_code[8];
	unsigned int n_auth, n_fetch, n_report, n_cloud;
	unsigned int cloud_refusals; /* 4.01 this many times */
	bool hold_fetch, clock_synchronised;
} service;

static void far_end(const struct fake_request *q, struct fake_reply *ret)
{
	if (strcmp(q->session, "cloud") == 0) {
		ret->code = CODE(2, 5);
		if (strcmp(q->path, "auth/jwt") == 0)
			ret->code = service.n_cloud++ < service.cloud_refusals ? CODE(4, 1)
									       : CODE(2, 1);
		return;
	}
	ret->has_max_age = service.max_age_s != 0;
	ret->max_age_s = service.max_age_s;
	if (strcmp(q->path, "p/auth-jwt") == 0) {
		unsigned int n = service.n_auth++;

		while (n > 0 && (n >= sizeof(service.auth) || !service.auth[n]))
			n--;
		ret->code = service.auth[n] ? service.auth[n] : CODE(2, 1);
		if (ret->code == CODE(2, 1)) {
			ret->has_max_age = true;
			ret->max_age_s = 2592000;
		}
	} else if (strcmp(q->path, "p/cmd") == 0) {
		unsigned int n = service.n_fetch++;

		ret->hold = service.hold_fetch;
		ret->code = n < 8 && service.fetch_code[n] ? service.fetch_code[n] : CODE(2, 5);
		if (ret->code == CODE(2, 5) && service.at_body < service.n_bodies) {
			ret->payload_len = service.body_len[service.at_body];
			memcpy(ret->payload, service.bodies[service.at_body++], ret->payload_len);
		}
	} else {
		unsigned int n = service.n_report++;

		ret->r = n < 8 ? service.report_r[n] : 0;
		ret->code = n < 8 && service.report_code[n] ? service.report_code[n] : CODE(2, 4);
	}
}

/* spec: "id=verb parameters" lines; "id=finished". */
static void offer(const char *const *spec)
{
	struct command commands[8] = {0};
	size_t n = 0, slot = service.n_bodies++;

	for (; spec[n]; n++) {
		const char *equals = strchr(spec[n], '='), *blank = strchr(spec[n], ' ');

		memcpy(commands[n].correlation, spec[n], (size_t)(equals - spec[n]));
		if (!blank) {
			commands[n].type = COMMAND_FINISHED;
			continue;
		}
		if (equals[1] != '%') {
			commands[n].type = COMMAND_CONFIG;
			commands[n].pairs[0] = (struct config_pair){
				strndup(equals + 1, (size_t)(blank - equals - 1)),
				strdup(blank + 1)};
			commands[n].n_pairs = 1;
			continue;
		}
		commands[n].type = COMMAND_AT;
		commands[n].verb = strndup(equals + 1, (size_t)(blank - equals - 1));
		commands[n].parameters = strdup(blank + 1);
	}
	assert_int_equal(command_list_encode(commands, n, service.bodies[slot],
					     sizeof(service.bodies[0]), &service.body_len[slot]),
			 0);
	for (size_t i = 0; i < n; i++)
		command_done(&commands[i]);
}

#define OFFER(...) offer((const char *const[]){__VA_ARGS__, NULL})

struct fixture {
	char dir[64];
	sd_event *event;
	struct config *config;
	struct agent *agent;
	unsigned int n_ended, n_callbacks;
	enum outcome outcome;
	char states[4096];
	char steps[8192];
};

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void on_changed(void *userdata, const char *from, const char *to, const char *why)
{
	struct fixture *f = userdata;
	size_t len = strlen(f->states);

	(void)from;
	assert_true(strlen(why) > 0);
	f->n_callbacks++;
	snprintf(f->states + len, sizeof(f->states) - len, "%s ", to);
}

static void on_step(void *userdata, const char *name, const char *text)
{
	struct fixture *f = userdata;
	size_t len = strlen(f->steps);

	f->n_callbacks++;
	snprintf(f->steps + len, sizeof(f->steps) - len, "%s: %s\n", name, text);
}

static void on_ended(void *userdata, enum outcome outcome)
{
	struct fixture *f = userdata;

	f->n_callbacks++;
	f->n_ended++;
	f->outcome = outcome;
}

static void write_file(struct fixture *f, const char *name, const char *text)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	assert_int_equal(file_write_atomic(path, text, strlen(text), 0600), 0);
}

/* What `more` sets wins: it is a drop-in. */
static void configure(struct fixture *f, const char *more)
{
	char path[96], text[1024];
	char *detail = NULL;

	snprintf(text, sizeof(text),
		 "[provisioning]\nserver = localhost\naddress = 127.0.0.1\nroot-ca = %s/ca.pem\n"
		 "retry-first = 10ms\nretry-max = 100ms\nunclaimed-poll = 10ms\n"
		 "[cloud]\nretry-first = 10ms\nretry-max = 20ms\nattempts = 3\n"
		 "[network]\nwait-for-default-route = no\n[daemon]\nstate-directory = %s/state\n",
		 f->dir, f->dir);
	write_file(f, "onboardd.conf", text);
	write_file(f, "conf.d/more.conf", more);
	f->config = config_free(f->config);
	snprintf(path, sizeof(path), "%s/onboardd.conf", f->dir);
	if (config_load(path, &f->config, &detail) != 0)
		fail_msg("%s", detail);
}

static void make_agent(struct fixture *f)
{
	const struct agent_observer o = {on_changed, on_step, on_ended, f};
	char *detail = NULL;

	if (agent_new(f->event, f->config, &f->agent, &detail) != 0)
		fail_msg("%s", detail);
	assert_int_equal(agent_add_observer(f->agent, &o), 0);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char path[96];

	assert_non_null(f);
	log_set_level(LOG_LEVEL_ERROR);
	memset(&service, 0, sizeof(service));
	fake_reset(far_end);
	snprintf(f->dir, sizeof(f->dir), "/tmp/agent-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(path, sizeof(path), "%s/conf.d", f->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	write_file(f, "ca.pem", "a root\n");
	assert_true(sd_event_new(&f->event) >= 0);
	configure(f, "");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	agent_free(f->agent);
	config_free(f->config);
	sd_event_unref(f->event);
	nftw(f->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

static struct agent_status status_of(struct fixture *f)
{
	struct agent_status s;

	agent_get_status(f->agent, &s);
	return s;
}

static bool is_in(struct fixture *f, const char *state)
{
	return strcmp(status_of(f).state, state) == 0;
}

static void run_until_ended(struct fixture *f, unsigned int n)
{
	uint64_t limit = clock_ms() + LIMIT_MS;

	while (f->n_ended < n) {
		assert_true(clock_ms() < limit);
		assert_true(sd_event_run(f->event, 1000000) >= 0);
	}
}

static void run_until_state(struct fixture *f, const char *state)
{
	uint64_t limit = clock_ms() + LIMIT_MS;

	while (!is_in(f, state)) {
		assert_true(clock_ms() < limit);
		assert_true(sd_event_run(f->event, 1000000) >= 0);
	}
}

static void start(struct fixture *f)
{
	make_agent(f);
	assert_int_equal(agent_start(f->agent), 0);
}

static void agent_goes_from_unprovisioned_to_validated_in_the_documented_order(void **state)
{
	struct fixture *f = *state;

	OFFER("k=%KEYGEN 16842753,2,0");
	OFFER("f=finished");
	start(f);
	run_until_ended(f, 1);
	assert_int_equal(f->outcome, OUTCOME_OK);
	assert_string_equal(fake_log(), "provisioning: connect\n"
					"provisioning: POST p/auth-jwt\n"
					"provisioning: GET p/cmd\n"
					"provisioning: suspend\n"
					"provisioning: resume\n"
					"provisioning: POST p/rsp\n"
					"provisioning: GET p/cmd\n"
					"provisioning: suspend\n"
					"provisioning: resume\n"
					"provisioning: POST p/rsp\n"
					"provisioning: park\n"
					"cloud: connect\n"
					"cloud: POST auth/jwt\n"
					"cloud: GET state\n"
					"cloud: PATCH state/reported\n"
					"cloud: close\n");
	assert_string_equal(f->states,
			    "waiting-for-network waiting-for-time connecting authenticating "
			    "fetching suspending executing resuming reporting fetching suspending "
			    "executing resuming reporting validating idle ");
	assert_string_equal(status_of(f).cloud, "validated");
	assert_string_equal(status_of(f).claimed, "yes");
	assert_int_equal(status_of(f).pending_results, 0);
	assert_int_equal(status_of(f).commands_ok, 2);
	assert_int_equal(status_of(f).cycles, 1);
}

static void agent_resumes_the_kept_session_without_authenticating_again(void **state)
{
	struct fixture *f = *state;

	OFFER("k=%KEYGEN 16842753,2,0", "f=finished");
	start(f);
	run_until_ended(f, 1);
	agent_provision(f->agent);
	run_until_ended(f, 2);
	assert_int_equal(f->outcome, OUTCOME_OK);
	assert_int_equal(fake_count("provisioning: connect"), 1);
	assert_int_equal(fake_count("provisioning: POST p/auth-jwt"), 1);
	assert_int_equal(fake_count("cloud: connect"), 1);
	assert_int_equal(status_of(f).cycles, 2);
}

static void agent_uses_an_adopted_session_while_its_authentication_holds(void **state)
{
	struct fixture *f = *state;

	configure(f, "[cloud]\nvalidate = no\n");
	fake_set_adoptable(clock_ms() + 60000);
	start(f);
	run_until_ended(f, 1);
	assert_string_equal(fake_log(), "provisioning: adopt\n"
					"provisioning: resume\n"
					"provisioning: GET p/cmd\n"
					"provisioning: park\n");
}

static void agent_authenticates_an_adopted_session_whose_authentication_ran_out(void **state)
{
	struct fixture *f = *state;

	configure(f, "[cloud]\nvalidate = no\n");
	fake_set_adoptable(1);
	start(f);
	run_until_ended(f, 1);
	assert_string_equal(fake_log(), "provisioning: adopt\n"
					"provisioning: resume\n"
					"provisioning: POST p/auth-jwt\n"
					"provisioning: GET p/cmd\n"
					"provisioning: park\n");
}

/* Defect 18 again, across a power cut: what an earlier process did is told first. */
static void
defect_18_results_of_an_earlier_run_are_reported_before_anything_is_fetched(void **state)
{
	struct fixture *f = *state;
	struct response r = {.correlation = "old", .code = RESPONSE_AT};

	configure(f, "[cloud]\nvalidate = no\n");
	make_agent(f);
	r.message = strdup("OK");
	assert_int_equal(journal_add(f->agent->store, &r), 0);
	response_done(&r);
	assert_int_equal(agent_start(f->agent), 0);
	run_until_ended(f, 1);
	assert_string_equal(fake_log(), "provisioning: connect\n"
					"provisioning: POST p/auth-jwt\n"
					"provisioning: POST p/rsp\n"
					"provisioning: GET p/cmd\n"
					"provisioning: park\n");
	assert_int_equal(status_of(f).pending_results, 0);
}

static void agent_reports_over_a_new_session_when_the_old_one_cannot_be_resumed(void **state)
{
	struct fixture *f = *state;

	configure(f, "[cloud]\nvalidate = no\n");
	OFFER("d=%CMNG 3,16842753,2", "f=finished");
	fake_set_resume(SESSION_E_NOT_RESUMABLE);
	start(f);
	run_until_ended(f, 1);
	assert_string_equal(fake_log(), "provisioning: connect\n"
					"provisioning: POST p/auth-jwt\n"
					"provisioning: GET p/cmd\n"
					"provisioning: suspend\n"
					"provisioning: resume failed\n"
					"provisioning: connect\n"
					"provisioning: POST p/auth-jwt\n"
					"provisioning: POST p/rsp\n"
					"provisioning: GET p/cmd\n"
					"provisioning: park\n");
	assert_int_equal(status_of(f).pending_results, 0);
	/* Defect 1: the second authentication has a token of its own. */
	assert_string_not_equal(fake_payload("p/auth-jwt", 0), fake_payload("p/auth-jwt", 1));
}

static void agent_repeats_the_report_over_a_new_session_when_the_session_is_lost(void **state)
{
	struct fixture *f = *state;

	configure(f, "[cloud]\nvalidate = no\n");
	OFFER("d=%CMNG 0,7,3,\"00\"");
	service.report_r[0] = SESSION_E_LOST;
	start(f);
	run_until_ended(f, 1);
	assert_int_equal(fake_count("provisioning: connect"), 2);
	assert_int_equal(fake_count("provisioning: POST p/rsp"), 2);
	assert_string_equal(fake_payload("p/rsp", 0), fake_payload("p/rsp", 1));
	assert_int_equal(status_of(f).pending_results, 0);
}

static void agent_waits_before_trying_on_with_a_service_that_loses_every_session(void **state)
{
	struct fixture *f = *state;

	configure(f, "[cloud]\nvalidate = no\n[provisioning]\nretry-first = 90ms\n");
	OFFER("d=%CMNG 0,7,3,\"00\"");
	for (int i = 0; i < 8; i++)
		service.report_r[i] = SESSION_E_LOST;
	start(f);
	run_until_ended(f, 1);
	assert_int_equal(f->outcome, OUTCOME_LOST);
	assert_true(is_in(f, "backing-off"));
	assert_int_equal(status_of(f).pending_results, 1);
	run_until_state(f, "idle");
	assert_int_equal(status_of(f).pending_results, 0);
}

static void agent_waits_before_trying_on_with_a_server_that_hangs_up_at_once(void **state)
{
	struct fixture *f = *state;
	uint64_t limit = clock_ms() + LIMIT_MS;

	configure(f, "[cloud]\nvalidate = no\n");
	fake_set_stillborn();
	start(f);
	while (f->n_ended == 0 && fake_count("provisioning: connect") < 20) {
		assert_true(clock_ms() < limit);
		assert_true(sd_event_run(f->event, 1000000) >= 0);
	}
	assert_true(is_in(f, "backing-off"));
	assert_int_equal(f->outcome, OUTCOME_LOST);
	assert_int_equal(fake_count("provisioning: connect"), AGENT_LOST_MAX + 1);
}

static void agent_authenticates_again_once_when_the_service_forgot_it(void **state)
{
	struct fixture *f = *state;

	configure(f, "[cloud]\nvalidate = no\n");
	service.fetch_code[0] = CODE(4, 1);
	start(f);
	run_until_ended(f, 1);
	assert_string_equal(fake_log(), "provisioning: connect\n"
					"provisioning: POST p/auth-jwt\n"
					"provisioning: GET p/cmd\n"
					"provisioning: POST p/auth-jwt\n"
					"provisioning: GET p/cmd\n"
					"provisioning: park\n");
	assert_string_equal(status_of(f).state, "idle");
}

static void agent_takes_a_second_refusal_as_a_failure(void **state)
{
	struct fixture *f = *state;

	configure(f, "[cloud]\nvalidate = no\n");
	service.fetch_code[0] = service.fetch_code[1] = CODE(4, 1);
	start(f);
	run_until_ended(f, 1);
	assert_int_equal(f->outcome, OUTCOME_REAUTHENTICATE);
	assert_true(is_in(f, "backing-off"));
}

static void agent_shows_one_token_and_polls_the_open_session_until_it_is_claimed(void **state)
{
	struct fixture *f = *state;
	const char *at;

	configure(f, "[cloud]\nvalidate = no\n");
	for (int i = 0; i < 4; i++)
		service.auth[i] = CODE(4, 1);
	service.auth[4] = CODE(2, 1);
	start(f);
	run_until_ended(f, 1);
	assert_int_equal(f->outcome, OUTCOME_UNCLAIMED);
	assert_string_equal(status_of(f).state, "unclaimed");
	assert_string_equal(status_of(f).claimed, "no");
	assert_true(strlen(status_of(f).claim_token) > 100);
	at = strstr(f->steps, "claim token: ");
	assert_non_null(at);
	run_until_state(f, "idle");
	assert_null(strstr(at + 1, "claim token: "));
	assert_int_equal(fake_count("provisioning: connect"), 1);
	assert_int_equal(fake_count("provisioning: POST p/auth-jwt"), 5);
	assert_string_equal(status_of(f).claim_token, "");
	assert_string_equal(status_of(f).claimed, "yes");
}

/* A server that lets every session go between two polls is not a failure. */
static void agent_stays_unclaimed_when_its_session_is_gone_at_every_poll(void **state)
{
	struct fixture *f = *state;

	configure(f, "[cloud]\nvalidate = no\n");
	service.auth[0] = CODE(4, 1);
	start(f);
	for (unsigned int n = 1; n <= 2 * AGENT_LOST_MAX; n++) {
		run_until_ended(f, n);
		assert_int_equal(f->outcome, OUTCOME_UNCLAIMED);
		session_close(f->agent->session);
	}
}

static void agent_shows_the_token_again_when_its_owner_gave_it_up(void **state)
{
	struct fixture *f = *state;
	const char *at;

	configure(f, "[cloud]\nvalidate = no\n");
	service.auth[0] = CODE(4, 1);
	service.auth[1] = CODE(2, 1);
	service.auth[2] = CODE(4, 1);
	service.fetch_code[1] = CODE(4, 1);
	start(f);
	run_until_state(f, "idle");
	at = strstr(f->steps, "claim token: ");
	assert_non_null(at);
	agent_provision(f->agent);
	run_until_state(f, "unclaimed");
	assert_non_null(strstr(at + 1, "claim token: "));
	assert_string_equal(status_of(f).claimed, "no");
}

/* Defect 13 and 15: a fetch that failed was neither named nor repeated. */
static void defect_15_a_transient_failure_is_retried_without_being_asked(void **state)
{
	struct fixture *f = *state;

	configure(f, "[cloud]\nvalidate = no\n");
	service.fetch_code[0] = service.fetch_code[1] = CODE(5, 3);
	start(f);
	run_until_ended(f, 1);
	assert_int_equal(f->outcome, OUTCOME_BUSY);
	assert_true(status_of(f).next_try_ms <= 10);
	run_until_state(f, "idle");
	assert_int_equal(service.n_fetch, 3);
}

/* Defect 14: a wish of the service for a pause was not heard; 34: and a large one is clamped. */
static void defect_14_the_servers_max_age_is_waited_and_defect_34_clamped(void **state)
{
	struct fixture *f = *state;

	configure(f, "[cloud]\nvalidate = no\n[provisioning]\nretry-max = 1h\n");
	service.max_age_s = 600;
	service.fetch_code[0] = CODE(5, 3);
	start(f);
	run_until_ended(f, 1);
	assert_in_range(status_of(f).next_try_ms, 590000, 600000);

	service.max_age_s = UINT32_MAX;
	service.fetch_code[1] = CODE(5, 3);
	agent_provision(f->agent);
	run_until_ended(f, 2);
	assert_in_range(status_of(f).next_try_ms, 3590000, 3600000);
}

/* Defect 24: backoff without jitter, 34: beyond its ceiling. */
static void defect_24_and_34_backoff_is_jittered_and_stays_below_its_ceiling(void **state)
{
	struct fixture *f = *state;
	uint64_t seen[64], differing = 0;

	configure(f, "[provisioning]\nretry-first = 1s\nretry-max = 1h\n");
	make_agent(f);
	for (size_t i = 0; i < ARRAY_SIZE(seen); i++) {
		seen[i] = agent_timer_ms(f->agent, FSM_TIMER_BACKOFF);
		assert_in_range(seen[i], 500, 3600000);
		if (i > 20 && seen[i] != seen[i - 1])
			differing++;
	}
	assert_true(seen[0] <= 1000);
	assert_true(seen[63] >= 1800000);
	assert_true(differing > 30);
}

static void agent_rests_in_failed_until_asked_when_it_is_rejected(void **state)
{
	struct fixture *f = *state;

	configure(f, "[provisioning]\nretry-max = 1h\n[cloud]\nvalidate = no\n");
	service.auth[0] = CODE(4, 3);
	service.auth[1] = CODE(2, 1);
	start(f);
	run_until_ended(f, 1);
	assert_int_equal(f->outcome, OUTCOME_REJECTED);
	assert_true(is_in(f, "failed"));
	assert_in_range(status_of(f).next_try_ms, 3590000, 3600000);
	/* Defect 3: nothing stays open behind a failure. */
	assert_int_equal(fake_open_sessions(), 0);
	agent_provision(f->agent);
	run_until_ended(f, 2);
	assert_true(is_in(f, "idle"));
}

/* Defect 30: a failed command ended as "no commands"; 29: and was told as success. */
static void defect_30_and_29_a_failed_command_makes_the_outcome_partial(void **state)
{
	struct fixture *f = *state;

	configure(f, "[cloud]\nvalidate = no\n");
	OFFER("bad=%CMNG 3,16842753,2", "never=%CMNG 1");
	start(f);
	run_until_ended(f, 1);
	assert_int_equal(f->outcome, OUTCOME_PARTIAL);
	assert_int_equal(status_of(f).commands_failed, 1);
	assert_int_equal(status_of(f).commands_ok, 0);
	assert_int_equal(outcome_exit_code(f->outcome), EXIT_CODE_DEGRADED);
}

static void agent_says_that_a_body_cannot_be_decoded(void **state)
{
	struct fixture *f = *state;

	service.n_bodies = 1;
	memcpy(service.bodies[0], "\xff\xff", 2);
	service.body_len[0] = 2;
	start(f);
	run_until_ended(f, 1);
	assert_int_equal(f->outcome, OUTCOME_BODY_INVALID);
	assert_true(is_in(f, "failed"));
	assert_non_null(strstr(status_of(f).reason, "p/cmd"));
}

static void agent_validates_again_while_the_new_key_is_being_registered(void **state)
{
	struct fixture *f = *state;

	OFFER("k=%KEYGEN 16842753,2,0", "f=finished");
	service.cloud_refusals = 2;
	start(f);
	run_until_ended(f, 1);
	assert_int_equal(f->outcome, OUTCOME_OK);
	assert_int_equal(fake_count("cloud: POST auth/jwt"), 3);
	assert_non_null(strstr(f->states, "waiting-to-validate"));
}

static void agent_is_degraded_after_the_last_attempt_and_goes_on_at_the_ceiling(void **state)
{
	struct fixture *f = *state;

	OFFER("k=%KEYGEN 16842753,2,0", "f=finished");
	service.cloud_refusals = 5;
	start(f);
	run_until_ended(f, 1);
	assert_int_equal(f->outcome, OUTCOME_CLOUD_REFUSED);
	assert_true(is_in(f, "degraded"));
	assert_string_equal(status_of(f).cloud, "refused");
	assert_int_equal(fake_count("cloud: POST auth/jwt"), 3);
	run_until_state(f, "idle");
	assert_string_equal(status_of(f).cloud, "validated");
	assert_int_equal(f->outcome, OUTCOME_OK);
}

static void agent_asks_for_commands_again_while_there_is_no_key_to_validate(void **state)
{
	struct fixture *f = *state;

	start(f);
	run_until_ended(f, 1);
	assert_int_equal(f->outcome, OUTCOME_NO_CREDENTIALS);
	OFFER("k=%KEYGEN 16842753,2,0", "f=finished");
	run_until_state(f, "idle");
	assert_int_equal(f->outcome, OUTCOME_OK);
	assert_int_equal(fake_count("provisioning: connect"), 1);
}

static void agent_asked_three_times_while_busy_runs_exactly_once_more(void **state)
{
	struct fixture *f = *state;

	configure(f, "[cloud]\nvalidate = no\n");
	service.hold_fetch = true;
	start(f);
	run_until_state(f, "fetching");
	for (int i = 0; i < 3; i++) {
		agent_provision(f->agent);
		assert_true(sd_event_run(f->event, 0) >= 0);
		assert_true(is_in(f, "fetching"));
	}
	service.hold_fetch = false;
	fake_release();
	run_until_ended(f, 2);
	for (int i = 0; i < 20; i++)
		assert_true(sd_event_run(f->event, 0) >= 0);
	assert_int_equal(f->n_ended, 2);
	assert_int_equal(service.n_fetch, 2);
}

/* Defect 31: no way to cancel; 11: and what was cancelled came back. */
static void defect_31_stopping_in_the_middle_cancels_and_nothing_comes_after(void **state)
{
	struct fixture *f = *state;
	unsigned int before;

	service.hold_fetch = true;
	start(f);
	run_until_state(f, "fetching");
	agent_stop(f->agent);
	assert_string_equal(status_of(f).state, "stopped");
	assert_int_equal(fake_count("provisioning: cancel p/cmd"), 1);
	assert_int_equal(fake_open_sessions(), 0);
	before = f->n_callbacks;
	fake_release();
	agent_provision(f->agent);
	for (int i = 0; i < 20; i++)
		assert_true(sd_event_run(f->event, 0) >= 0);
	assert_int_equal(f->n_callbacks, before);
	agent_stop(f->agent);
}

static void agent_stopped_while_it_connects_hears_nothing_of_the_session_it_closed(void **state)
{
	struct fixture *f = *state;
	unsigned int before;

	start(f);
	run_until_state(f, "connecting");
	agent_stop(f->agent);
	assert_true(is_in(f, "stopped"));
	assert_int_equal(fake_open_sessions(), 0);
	before = f->n_callbacks;
	for (int i = 0; i < 20; i++)
		assert_true(sd_event_run(f->event, 0) >= 0);
	assert_int_equal(f->n_callbacks, before);
}

static void agent_of_one_run_says_goodbye_instead_of_keeping_its_session(void **state)
{
	struct fixture *f = *state;

	configure(f, "[cloud]\nvalidate = no\n");
	make_agent(f);
	agent_set_once(f->agent);
	assert_int_equal(agent_start(f->agent), 0);
	run_until_ended(f, 1);
	assert_int_equal(fake_open_sessions(), 0);
	assert_int_equal(fake_count("provisioning: suspend"), 0);
	assert_int_equal(fake_count("provisioning: close"), 1);
}

static void agent_executes_beside_an_open_session_when_suspension_is_off_or_impossible(void **state)
{
	struct fixture *f = *state;

	configure(f, "[cloud]\nvalidate = no\n");
	fake_set_suspend(SESSION_E_NOT_SUSPENDABLE);
	OFFER("d=%CMNG 0,7,3,\"00\"", "f=finished");
	start(f);
	run_until_ended(f, 1);
	assert_int_equal(fake_count("provisioning: resume"), 0);
	assert_int_equal(fake_count("provisioning: POST p/rsp"), 1);
	assert_int_equal(f->outcome, OUTCOME_OK);
}

bool __wrap_timewatch_is_synchronised(void);

bool __wrap_timewatch_is_synchronised(void)
{
	return service.clock_synchronised;
}

static void agent_believes_a_synchronised_clock_more_than_an_earlier_one(void **state)
{
	struct fixture *f = *state;
	char floor[24];

	configure(f, "[cloud]\nvalidate = no\n");
	make_agent(f);
	snprintf(floor, sizeof(floor), "%lld", (long long)clock_wall_s() + 1000000);
	assert_int_equal(store_value_put(f->agent->store, "time-floor", floor), 0);
	service.clock_synchronised = true;
	assert_int_equal(agent_start(f->agent), 0);
	run_until_ended(f, 1);
	assert_true(is_in(f, "idle"));
}

static void agent_gives_up_a_clock_that_stays_wrong_with_the_reason(void **state)
{
	struct fixture *f = *state;
	char floor[24];

	configure(f, "[time]\nwait = 1s\n[provisioning]\nretry-max = 1h\nretry-first = 1h\n");
	make_agent(f);
	snprintf(floor, sizeof(floor), "%lld", (long long)clock_wall_s() + 1000000);
	assert_int_equal(store_value_put(f->agent->store, "time-floor", floor), 0);
	assert_int_equal(agent_start(f->agent), 0);
	run_until_ended(f, 1);
	assert_int_equal(f->outcome, OUTCOME_NO_TIME);
	assert_true(is_in(f, "backing-off"));
	assert_int_equal(fake_count("provisioning: connect"), 0);
}

/* Defect 28: a root CA once written was never replaced. */
static void defect_28_a_root_ca_that_ships_changed_replaces_the_old_one(void **state)
{
	struct fixture *f = *state;
	_cleanup_(secret_done) struct secret held = SECRET_INIT;

	make_agent(f);
	f->agent = agent_free(f->agent);
	write_file(f, "ca.pem", "another root\n");
	make_agent(f);
	assert_int_equal(store_credential_get(f->agent->store, 189298, CREDENTIAL_ROOT_CA, &held),
			 0);
	assert_string_equal((char *)held.data, "another root\n");
}

static void agent_leaves_a_root_ca_that_the_owner_put_there_alone(void **state)
{
	struct fixture *f = *state;
	_cleanup_(secret_done) struct secret held = SECRET_INIT;
	const uint8_t digest[32] = {0};

	make_agent(f);
	assert_int_equal(store_credential_put(f->agent->store, 189298, CREDENTIAL_ROOT_CA,
					      "the owner's\n", 12, digest),
			 0);
	f->agent = agent_free(f->agent);
	make_agent(f);
	assert_int_equal(store_credential_get(f->agent->store, 189298, CREDENTIAL_ROOT_CA, &held),
			 0);
	assert_string_equal((char *)held.data, "the owner's\n");
	assert_string_equal(f->agent->ca_pem, "the owner's\n");
}

/* What the old CA vouched for must not live on in a kept session. */
static void agent_leaves_a_kept_session_when_the_root_ca_was_replaced(void **state)
{
	struct fixture *f = *state;
	const uint8_t digest[32] = {0};

	configure(f, "[cloud]\nvalidate = no\n");
	start(f);
	run_until_ended(f, 1);
	assert_int_equal(store_credential_put(f->agent->store, 189298, CREDENTIAL_ROOT_CA,
					      "another root\n", 13, digest),
			 0);
	agent_provision(f->agent);
	run_until_ended(f, 2);
	assert_string_equal(fake_log(), "provisioning: connect\n"
					"provisioning: POST p/auth-jwt\n"
					"provisioning: GET p/cmd\n"
					"provisioning: park\n"
					"provisioning: close\n"
					"provisioning: connect\n"
					"provisioning: POST p/auth-jwt\n"
					"provisioning: GET p/cmd\n"
					"provisioning: park\n");
	assert_string_equal(f->agent->ca_pem, "another root\n");
}

static void agent_goes_on_with_what_it_has_when_a_new_session_cannot_be_made(void **state)
{
	struct fixture *f = *state;
	const uint8_t digest[32] = {0};

	configure(f, "[cloud]\nvalidate = no\n");
	start(f);
	run_until_ended(f, 1);
	assert_int_equal(store_credential_put(f->agent->store, 189298, CREDENTIAL_ROOT_CA,
					      "another root\n", 13, digest),
			 0);
	fake_set_new(-ENOMEM);
	agent_provision(f->agent);
	run_until_ended(f, 2);
	assert_int_equal(f->outcome, OUTCOME_FAILED);
	assert_true(is_in(f, "backing-off"));
	fake_set_new(0);
	run_until_state(f, "idle");
	assert_string_equal(f->agent->ca_pem, "another root\n");
}

static void agent_without_any_root_ca_says_which_file_it_misses(void **state)
{
	struct fixture *f = *state;
	char path[96];
	char *detail = NULL;

	snprintf(path, sizeof(path), "%s/ca.pem", f->dir);
	assert_int_equal(remove(path), 0);
	assert_int_equal(agent_new(f->event, f->config, &f->agent, &detail), EXIT_CODE_FAILED);
	assert_non_null(strstr(detail, "ca.pem"));
	assert_null(f->agent);
	free(detail);
}

static void agent_accepts_only_listed_config_keys_and_sane_intervals(void **state)
{
	struct fixture *f = *state;

	make_agent(f);
	assert_null(agent_check_config("provisioning/interval-sec", "3600"));
	assert_null(agent_check_config("provisioning/interval-sec", "0"));
	assert_non_null(agent_check_config("provisioning/interval-sec", "59"));
	assert_null(agent_check_config("provisioning/interval-sec", "60"));
	assert_null(agent_check_config("provisioning/interval-sec", "31622400"));
	assert_non_null(agent_check_config("provisioning/interval-sec", "31622401"));
	assert_non_null(agent_check_config("provisioning/interval-sec", "0x10"));
	assert_non_null(agent_check_config("provisioning/interval-sec", "-1"));
	assert_non_null(agent_check_config("provisioning/interval", "3600"));
	assert_non_null(agent_check_config("i", "3600"));
}

static void agent_comes_back_at_the_interval_that_the_service_set(void **state)
{
	struct fixture *f = *state;
	struct agent_status s;

	OFFER("k=%KEYGEN 16842753,2,0", "i=provisioning/interval-sec 120", "f=finished");
	start(f);
	run_until_ended(f, 1);
	agent_get_status(f->agent, &s);
	assert_string_equal(s.state, "idle");
	/* a tenth is spread */
	assert_in_range(s.next_try_ms, 1, 132 * 1000);
}

static void agent_status_as_json_has_what_scripts_use(void **state)
{
	struct fixture *f = *state;
	struct agent_status s;
	json_t *j;

	OFFER("k=%KEYGEN 16842753,2,0", "f=finished");
	start(f);
	run_until_ended(f, 1);
	agent_get_status(f->agent, &s);
	j = agent_status_json(&s);
	assert_non_null(j);
	assert_string_equal(json_string_value(json_object_get(j, "state")), "idle");
	assert_string_equal(json_string_value(json_object_get(j, "outcome")), "ok");
	assert_string_equal(json_string_value(json_object_get(j, "cloud")), "validated");
	assert_int_equal(json_integer_value(json_object_get(j, "cycles")), 1);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(j, "provisioning"),
							    "handshakes_full")),
			 1);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(j, "cloud_connection"),
							    "handshakes_full")),
			 1);
	json_decref(j);
}

static void agent_tells_spans_as_people_do(void **state)
{
	static const struct {
		uint64_t s;
		const char *text;
	} rows[] = {{2592000, "30 days"}, {86400, "1 day"}, {90000, "25 hours"},
		    {7200, "2 hours"},    {60, "1 minute"}, {119, "119 seconds"},
		    {1, "1 second"},      {0, "0 seconds"}};
	char text[32];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		agent_format_duration(rows[i].s, text, sizeof(text));
		assert_string_equal(text, rows[i].text);
	}
}

int main(void)
{
#define TEST(x) cmocka_unit_test_setup_teardown(x, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(agent_goes_from_unprovisioned_to_validated_in_the_documented_order),
		TEST(agent_resumes_the_kept_session_without_authenticating_again),
		TEST(agent_uses_an_adopted_session_while_its_authentication_holds),
		TEST(agent_authenticates_an_adopted_session_whose_authentication_ran_out),
		TEST(defect_18_results_of_an_earlier_run_are_reported_before_anything_is_fetched),
		TEST(agent_reports_over_a_new_session_when_the_old_one_cannot_be_resumed),
		TEST(agent_repeats_the_report_over_a_new_session_when_the_session_is_lost),
		TEST(agent_waits_before_trying_on_with_a_service_that_loses_every_session),
		TEST(agent_waits_before_trying_on_with_a_server_that_hangs_up_at_once),
		TEST(agent_authenticates_again_once_when_the_service_forgot_it),
		TEST(agent_takes_a_second_refusal_as_a_failure),
		TEST(agent_shows_one_token_and_polls_the_open_session_until_it_is_claimed),
		TEST(agent_shows_the_token_again_when_its_owner_gave_it_up),
		TEST(agent_stays_unclaimed_when_its_session_is_gone_at_every_poll),
		TEST(defect_15_a_transient_failure_is_retried_without_being_asked),
		TEST(defect_14_the_servers_max_age_is_waited_and_defect_34_clamped),
		TEST(defect_24_and_34_backoff_is_jittered_and_stays_below_its_ceiling),
		TEST(agent_rests_in_failed_until_asked_when_it_is_rejected),
		TEST(defect_30_and_29_a_failed_command_makes_the_outcome_partial),
		TEST(agent_says_that_a_body_cannot_be_decoded),
		TEST(agent_validates_again_while_the_new_key_is_being_registered),
		TEST(agent_is_degraded_after_the_last_attempt_and_goes_on_at_the_ceiling),
		TEST(agent_asks_for_commands_again_while_there_is_no_key_to_validate),
		TEST(agent_asked_three_times_while_busy_runs_exactly_once_more),
		TEST(defect_31_stopping_in_the_middle_cancels_and_nothing_comes_after),
		TEST(agent_stopped_while_it_connects_hears_nothing_of_the_session_it_closed),
		TEST(agent_of_one_run_says_goodbye_instead_of_keeping_its_session),
		TEST(agent_executes_beside_an_open_session_when_suspension_is_off_or_impossible),
		TEST(agent_believes_a_synchronised_clock_more_than_an_earlier_one),
		TEST(agent_gives_up_a_clock_that_stays_wrong_with_the_reason),
		TEST(defect_28_a_root_ca_that_ships_changed_replaces_the_old_one),
		TEST(agent_leaves_a_root_ca_that_the_owner_put_there_alone),
		TEST(agent_goes_on_with_what_it_has_when_a_new_session_cannot_be_made),
		TEST(agent_leaves_a_kept_session_when_the_root_ca_was_replaced),
		TEST(agent_without_any_root_ca_says_which_file_it_misses),
		TEST(agent_accepts_only_listed_config_keys_and_sane_intervals),
		TEST(agent_comes_back_at_the_interval_that_the_service_set),
		TEST(agent_status_as_json_has_what_scripts_use),
		TEST(agent_tells_spans_as_people_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
