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

#include "agent/fsm.h"
#include "agent/internal.h"
#include "agent_fixture.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "proto/command.h"
#include "proto/jwt.h"

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
	agent_provision(f->agent, REQUEST_BUS);
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
	leave_session(clock_ms() + 60000, "9f86d081884c7d65");
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
	leave_session(1, "9f86d081884c7d65");
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

/* What was queued since the service said finished has not been fetched yet. */
static void a_cycle_that_was_asked_for_fetches_though_it_reports_an_earlier_finished(void **state)
{
	struct fixture *f = *state;

	OFFER("k=%KEYGEN 16842753,2,0", "f=finished");
	for (int i = 0; i < 4; i++)
		service.report_r[i] = SESSION_E_LOST;
	start(f);
	run_until_ended(f, 1);
	assert_true(is_in(f, "backing-off"));
	OFFER("d=%CMNG 0,7,3,\"00\"", "g=finished");
	agent_provision(f->agent, REQUEST_BUS);
	run_until_ended(f, 2);
	assert_true(is_in(f, "idle"));
	assert_int_equal(status_of(f).commands_ok, 4);
	assert_int_equal(service.at_body, 2);
	assert_string_equal(status_of(f).requests, "");
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
	agent_provision(f->agent, REQUEST_BUS);
	run_until_state(f, "unclaimed");
	assert_non_null(strstr(at + 1, "claim token: "));
	assert_string_equal(status_of(f).claimed, "released");
	assert_non_null(strstr(status_of(f).reason, "its owner released it"));
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
	agent_provision(f->agent, REQUEST_BUS);
	run_until_ended(f, 2);
	assert_in_range(status_of(f).next_try_ms, 3590000, 3600000);
}

static void the_clouds_max_age_is_waited_too(void **state)
{
	struct fixture *f = *state;

	configure(f, "[provisioning]\nretry-max = 1h\n[cloud]\nretry-max = 1h\n");
	OFFER("k=%KEYGEN 16842753,2,1", "f=finished");
	service.cloud_refusals = 1;
	service.cloud_code = CODE(4, 29);
	service.cloud_max_age_s = 600;
	start(f);
	run_until_state(f, "waiting-to-validate");
	assert_in_range(status_of(f).next_try_ms, 590000, 600000);
}

/* --- trace ids */

static void trace_of(const char *jti, char ret[static JWT_TRACE_TEXT])
{
	assert_true(jwt_trace(jti, ret));
}

static void all_tokens_of_a_cycle_carry_its_trace_and_no_two_are_alike(void **state)
{
	char first[JWT_TRACE_TEXT], cloud[JWT_TRACE_TEXT], second[JWT_TRACE_TEXT];
	struct fixture *f = *state;

	service.auth[0] = CODE(4, 1); /* unclaimed: polls, in one cycle */
	service.auth[1] = CODE(4, 1);
	service.auth[2] = CODE(2, 1);
	OFFER("k=%KEYGEN 16842753,2,1", "f=finished");
	start(f);
	run_until_state(f, "unclaimed");
	trace_of(service.jti[0], first);
	assert_string_equal(status_of(f).trace, first);
	run_until_state(f, "idle");
	assert_int_equal(service.n_auth, 3);
	trace_of(service.jti[0], second);
	assert_string_equal(second, first);
	trace_of(service.jti[1], cloud);
	assert_string_equal(cloud, first);
}

static void a_cycle_on_a_kept_session_keeps_the_trace_that_the_service_knows(void **state)
{
	struct fixture *f = *state;
	char first[JWT_TRACE_TEXT], lost[JWT_TRACE_TEXT];

	configure(f, "[cloud]\nvalidate = no\n");
	start(f);
	run_until_state(f, "idle");
	trace_of(service.jti[0], first);
	agent_provision(f->agent, REQUEST_BUS);
	run_until_ended(f, 2);
	assert_int_equal(service.n_auth, 1);
	assert_int_equal(service.n_fetch, 2);
	assert_string_equal(status_of(f).trace, first);

	/* The session is lost: its id goes with it. */
	fake_set_resume(SESSION_E_LOST);
	agent_provision(f->agent, REQUEST_BUS);
	run_until_ended(f, 3);
	assert_int_equal(service.n_auth, 2);
	trace_of(service.jti[0], lost);
	assert_string_not_equal(lost, first);
	assert_string_equal(status_of(f).trace, lost);
}

static void an_adopted_session_goes_on_under_the_trace_that_the_service_knows(void **state)
{
	struct fixture *f = *state;
	char cloud[JWT_TRACE_TEXT], lost[JWT_TRACE_TEXT];

	leave_session(clock_ms() + 60000, "9f86d081884c7d65");
	OFFER("k=%KEYGEN 16842753,2,0", "f=finished");
	start(f);
	assert_string_equal(status_of(f).trace, "9f86d081884c7d65");
	run_until_ended(f, 1);
	assert_int_equal(service.n_auth, 0);
	assert_string_equal(status_of(f).trace, "9f86d081884c7d65");
	trace_of(service.jti[1], cloud);
	assert_string_equal(cloud, "9f86d081884c7d65");

	fake_set_resume(SESSION_E_LOST);
	agent_provision(f->agent, REQUEST_BUS);
	run_until_ended(f, 2);
	trace_of(service.jti[0], lost);
	assert_string_not_equal(lost, "9f86d081884c7d65");
}

static void a_cycle_on_an_adopted_session_whose_login_ran_out_has_a_trace_of_its_own(void **state)
{
	struct fixture *f = *state;
	char trace[JWT_TRACE_TEXT];

	configure(f, "[cloud]\nvalidate = no\n");
	leave_session(1, "9f86d081884c7d65");
	start(f);
	run_until_ended(f, 1);
	trace_of(service.jti[0], trace);
	assert_string_not_equal(trace, "9f86d081884c7d65");
	assert_string_equal(status_of(f).trace, trace);
}

/* Nobody could tell to which cycle of the service's log its lines belong. */
static void a_session_that_says_of_no_cycle_that_it_is_its_own_is_not_adopted(void **state)
{
	static const char *const wrong[] = {"", "zyxwvutsrqponmlk"};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct fixture *f = *state;

		configure(f, "[cloud]\nvalidate = no\n");
		leave_session(clock_ms() + 60000, wrong[i]);
		start(f);
		run_until_ended(f, 1);
		assert_string_equal(fake_log(), "provisioning: adopt\n"
						"provisioning: close\n"
						"provisioning: connect\n"
						"provisioning: POST p/auth-jwt\n"
						"provisioning: GET p/cmd\n"
						"provisioning: park\n");
		teardown(state);
		setup(state);
	}
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
	agent_provision(f->agent, REQUEST_BUS);
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
		agent_provision(f->agent, REQUEST_BUS);
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
	agent_provision(f->agent, REQUEST_BUS);
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
		TEST(a_cycle_that_was_asked_for_fetches_though_it_reports_an_earlier_finished),
		TEST(agent_waits_before_trying_on_with_a_server_that_hangs_up_at_once),
		TEST(agent_authenticates_again_once_when_the_service_forgot_it),
		TEST(agent_takes_a_second_refusal_as_a_failure),
		TEST(agent_shows_one_token_and_polls_the_open_session_until_it_is_claimed),
		TEST(agent_stays_unclaimed_when_its_session_is_gone_at_every_poll),
		TEST(agent_shows_the_token_again_when_its_owner_gave_it_up),
		TEST(defect_15_a_transient_failure_is_retried_without_being_asked),
		TEST(defect_14_the_servers_max_age_is_waited_and_defect_34_clamped),
		TEST(the_clouds_max_age_is_waited_too),
		TEST(all_tokens_of_a_cycle_carry_its_trace_and_no_two_are_alike),
		TEST(a_cycle_on_a_kept_session_keeps_the_trace_that_the_service_knows),
		TEST(an_adopted_session_goes_on_under_the_trace_that_the_service_knows),
		TEST(a_cycle_on_an_adopted_session_whose_login_ran_out_has_a_trace_of_its_own),
		TEST(a_session_that_says_of_no_cycle_that_it_is_its_own_is_not_adopted),
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
