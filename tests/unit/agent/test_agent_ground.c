/* SPDX-License-Identifier: Apache-2.0 */
/* What a cycle stands on: configuration, clock, root CA; and how the agent tells where it stands.
 */
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

static void agent_starts_with_the_extremes_that_its_configuration_allows(void **state)
{
	struct fixture *f = *state;

	configure(f, "[provisioning]\njwt-lifetime = 30s\nrx-max-size = 256\n"
		     "tx-max-size = 512\nlimit = 1\n");
	make_agent(f);
	f->agent = agent_free(f->agent);
	configure(f, "[provisioning]\njwt-lifetime = 6min\nrx-max-size = 16384\n"
		     "tx-max-size = 16384\nlimit = 20\n");
	make_agent(f);
}

static void agent_believes_a_synchronised_clock_more_than_an_earlier_one(void **state)
{
	struct fixture *f = *state;
	char floor[24];

	configure(f, "[cloud]\nvalidate = no\n");
	make_agent(f);
	snprintf(floor, sizeof(floor), "%lld", (long long)clock_wall_s() + 1000000);
	assert_int_equal(store_value_put(f->agent->store, "time-floor", floor), 0);
	assert_int_equal(agent_start(f->agent), 0);
	run_until_ended(f, 1);
	assert_true(is_in(f, "idle"));
}

static void agent_gives_up_a_clock_that_stays_wrong_with_the_reason(void **state)
{
	struct fixture *f = *state;
	char floor[24];

	service.clock_synchronised = false;
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

/* A board without a battery boots with the time of its last day, and is refused until it is told
 * better: an hour would be long. */
static void agent_tries_again_soon_when_the_clock_may_be_what_it_is_refused_for(void **state)
{
	struct fixture *f = *state;

	configure(f, "[cloud]\nvalidate = no\n[provisioning]\nretry-max = 1h\n");
	service.clock_synchronised = false;
	service.auth[0] = CODE(4, 3);
	service.auth[1] = CODE(2, 1);
	start(f);
	run_until_ended(f, 1);
	assert_int_equal(f->outcome, OUTCOME_REJECTED);
	assert_true(is_in(f, "backing-off"));
	run_until_state(f, "idle");
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
	agent_provision(f->agent, REQUEST_BUS);
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
	agent_provision(f->agent, REQUEST_BUS);
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

int main(void)
{
#define TEST(x) cmocka_unit_test_setup_teardown(x, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(agent_starts_with_the_extremes_that_its_configuration_allows),
		TEST(agent_believes_a_synchronised_clock_more_than_an_earlier_one),
		TEST(agent_gives_up_a_clock_that_stays_wrong_with_the_reason),
		TEST(agent_tries_again_soon_when_the_clock_may_be_what_it_is_refused_for),
		TEST(defect_28_a_root_ca_that_ships_changed_replaces_the_old_one),
		TEST(agent_leaves_a_root_ca_that_the_owner_put_there_alone),
		TEST(agent_leaves_a_kept_session_when_the_root_ca_was_replaced),
		TEST(agent_goes_on_with_what_it_has_when_a_new_session_cannot_be_made),
		TEST(agent_without_any_root_ca_says_which_file_it_misses),
		TEST(agent_accepts_only_listed_config_keys_and_sane_intervals),
		TEST(agent_comes_back_at_the_interval_that_the_service_set),
		TEST(agent_status_as_json_has_what_scripts_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
