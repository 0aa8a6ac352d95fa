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

#include "agent/internal.h"
#include "agent_fixture.h"
#include "credstore/staged.h"

/* What the agent does with the predecessors of the cloud's credentials. Three attempts, see
 * configure(). */

#define TAG 16842753
#define ROTATE "d=%CMNG 3,16842753,2", "k=%KEYGEN 16842753,2,1", "f=finished"

struct digest {
	uint8_t bytes[32];
};

static bool find_key(int (*list_all)(struct agent *, struct credential_info **, size_t *),
		     struct agent *a, struct digest *ret)
{
	_cleanup_(freep) struct credential_info *list = NULL;
	size_t n;

	assert_int_equal(list_all(a, &list, &n), 0);
	for (size_t i = 0; i < n; i++)
		if (list[i].tag == TAG && list[i].type == CREDENTIAL_PRIVATE_KEY) {
			memcpy(ret->bytes, list[i].sha256, sizeof(ret->bytes));
			return true;
		}
	return false;
}

static struct digest key_of(struct fixture *f)
{
	struct digest d;

	assert_true(find_key(agent_list_credentials, f->agent, &d));
	return d;
}

static bool has_previous(struct fixture *f)
{
	struct digest d;

	return find_key(agent_list_previous, f->agent, &d);
}

static bool is_same(struct digest a, struct digest b)
{
	return memcmp(a.bytes, b.bytes, sizeof(a.bytes)) == 0;
}

static enum staged_state state_of(struct fixture *f)
{
	enum staged_state s;

	assert_int_equal(staged_get(f->agent->store, TAG, &s, NULL), 0);
	return s;
}

/* A first key that the cloud accepts. */
static struct digest settle(struct fixture *f)
{
	OFFER("1=%KEYGEN 16842753,2,1", "2=finished");
	start(f);
	run_until_ended(f, 1);
	assert_int_equal(f->outcome, OUTCOME_OK);
	assert_int_equal(state_of(f), STAGED_SETTLED);
	f->states[0] = '\0';
	return key_of(f);
}

static void refuse(unsigned int times)
{
	service.n_cloud = 0;
	service.cloud_refusals = times;
}

static void cycle(struct fixture *f)
{
	unsigned int n = f->n_ended;

	agent_provision(f->agent, REQUEST_BUS);
	run_until_ended(f, n + 1);
}

static void restart(struct fixture *f)
{
	unsigned int n = f->n_ended;

	f->agent = agent_free(f->agent);
	start(f);
	run_until_ended(f, n + 1);
}

static void agent_promotes_what_the_cloud_accepts(void **state)
{
	struct fixture *f = *state;
	struct digest old = settle(f);

	OFFER(ROTATE);
	refuse(2);
	agent_provision(f->agent, REQUEST_BUS);
	run_until_state(f, "waiting-to-validate");
	assert_true(has_previous(f));
	run_until_ended(f, 2);
	assert_int_equal(f->outcome, OUTCOME_OK);
	assert_false(is_same(key_of(f), old));
	assert_false(has_previous(f));
	assert_int_equal(state_of(f), STAGED_SETTLED);
	assert_int_equal(f->n_rolled_back, 0);
}

static void agent_returns_to_what_worked_when_the_new_key_is_refused_for_good(void **state)
{
	struct fixture *f = *state;
	struct digest old = settle(f);

	OFFER(ROTATE);
	refuse(3);
	cycle(f);
	assert_int_equal(f->outcome, OUTCOME_ROLLED_BACK);
	assert_int_equal(outcome_exit_code(f->outcome), EXIT_CODE_DEGRADED);
	assert_true(is_in(f, "degraded"));
	assert_non_null(strstr(f->states, "validating falling-back degraded "));
	assert_true(is_same(key_of(f), old));
	assert_false(has_previous(f));
	assert_int_equal(f->n_rolled_back, 1);
	assert_int_equal(f->rolled_back_tag, TAG);
	assert_non_null(strstr(f->rolled_back_why, "auth/jwt: answered 4.01"));
	assert_string_equal(status_of(f).cloud, "rolled-back");
	assert_non_null(strstr(status_of(f).reason, "refused (auth/jwt: answered 4.01)"));
	assert_non_null(strstr(status_of(f).reason, "queue their commands again"));
}

/* Somebody who looks a day later must still learn of it. */
static void agent_goes_on_telling_of_a_roll_back_until_there_are_other_credentials(void **state)
{
	struct fixture *f = *state;

	settle(f);
	OFFER(ROTATE);
	refuse(3);
	cycle(f);
	cycle(f);
	assert_int_equal(f->outcome, OUTCOME_ROLLED_BACK);
	assert_string_equal(status_of(f).cloud, "rolled-back");
	restart(f);
	assert_int_equal(f->outcome, OUTCOME_ROLLED_BACK);
	assert_true(is_in(f, "degraded"));
	assert_string_equal(status_of(f).cloud, "rolled-back");
	assert_non_null(strstr(status_of(f).reason, "answered 4.01"));
	assert_int_equal(f->n_rolled_back, 1);
	OFFER("e=%CMNG 3,16842753,2", "l=%KEYGEN 16842753,2,1", "g=finished");
	cycle(f);
	assert_int_equal(f->outcome, OUTCOME_OK);
	assert_string_equal(status_of(f).cloud, "validated");
	assert_int_equal(state_of(f), STAGED_SETTLED);
}

static void agent_keeps_the_new_credentials_when_the_old_ones_fail_as_well(void **state)
{
	struct fixture *f = *state;
	struct digest old = settle(f);

	OFFER(ROTATE);
	refuse(4);
	cycle(f);
	assert_int_equal(f->outcome, OUTCOME_CLOUD_REFUSED);
	assert_true(is_in(f, "degraded"));
	assert_string_equal(status_of(f).cloud, "refused");
	assert_non_null(strstr(status_of(f).reason, "nor the ones before"));
	assert_false(is_same(key_of(f), old));
	assert_true(has_previous(f));
	assert_int_equal(f->n_rolled_back, 0);
	/* The next cycle finds the new ones accepted after all. */
	cycle(f);
	assert_int_equal(f->outcome, OUTCOME_OK);
	assert_false(has_previous(f));
}

static void agent_never_returns_because_the_cloud_cannot_be_reached(void **state)
{
	static const int failures[] = {SESSION_E_TIMEOUT, SESSION_E_UNREACHABLE, SESSION_E_LOST,
				       SESSION_E_HANDSHAKE};
	struct fixture *f = *state;
	struct digest old = settle(f);

	OFFER(ROTATE);
	for (size_t i = 0; i < ARRAY_SIZE(failures); i++) {
		refuse(3);
		service.cloud_r = failures[i];
		cycle(f);
		assert_true(is_in(f, "degraded"));
		assert_true(has_previous(f));
		assert_false(is_same(key_of(f), old));
	}
	assert_null(strstr(f->states, "falling-back"));
	service.cloud_r = 0;
	refuse(1000);
	service.cloud_code = CODE(5, 3);
	cycle(f);
	cycle(f);
	assert_null(strstr(f->states, "falling-back"));
	assert_int_equal(f->n_rolled_back, 0);
}

/* Two refusals among network failures are fewer than the three that are asked for. */
static void agent_counts_refusals_and_not_failures(void **state)
{
	struct fixture *f = *state;

	settle(f);
	OFFER(ROTATE);
	refuse(1);
	service.cloud_r = SESSION_E_TIMEOUT;
	agent_provision(f->agent, REQUEST_BUS);
	run_until_state(f, "waiting-to-validate");
	service.cloud_r = 0;
	refuse(2);
	run_until_ended(f, 2);
	assert_true(is_in(f, "degraded"));
	assert_int_equal(f->outcome, OUTCOME_CLOUD_REFUSED);
	assert_null(strstr(f->states, "falling-back"));
	refuse(1);
	run_until_ended(f, 3);
	assert_int_equal(f->outcome, OUTCOME_ROLLED_BACK);
}

static void agent_does_not_return_when_it_is_told_not_to(void **state)
{
	struct fixture *f = *state;
	struct digest old;

	configure(f, "[cloud]\nroll-back = no\n");
	old = settle(f);
	OFFER(ROTATE);
	refuse(1000);
	cycle(f);
	assert_true(is_in(f, "degraded"));
	assert_null(strstr(f->states, "falling-back"));
	assert_false(is_same(key_of(f), old));
	assert_true(has_previous(f));
}

static void agent_returns_when_a_rotation_stopped_half_way(void **state)
{
	struct fixture *f = *state;
	struct digest old = settle(f);

	OFFER("d=%CMNG 3,16842753,2", "k=%KEYGEN 16842753,2,7", "f=finished");
	cycle(f);
	assert_int_equal(f->outcome, OUTCOME_ROLLED_BACK);
	assert_true(is_same(key_of(f), old));
	assert_non_null(strstr(f->rolled_back_why, "no private key"));
}

/* The service knows of the failure, and what comes next is lost: the next cycle has heard of none.
 */
static void agent_returns_from_half_a_rotation_in_the_next_cycle_too(void **state)
{
	struct fixture *f = *state;
	struct digest old = settle(f);

	OFFER("d=%CMNG 3,16842753,2", "k=%KEYGEN 16842753,2,7", "f=finished");
	service.fetch_code[service.n_fetch + 1] = CODE(5, 3);
	agent_provision(f->agent, REQUEST_BUS);
	run_until_state(f, "backing-off");
	assert_int_equal(status_of(f).pending_results, 0);
	restart(f);
	assert_int_equal(f->outcome, OUTCOME_ROLLED_BACK);
	assert_true(is_same(key_of(f), old));
}

/* What failed in an earlier rotation says nothing of what the owner asks for now. */
static void agent_forgets_a_failure_with_the_next_change(void **state)
{
	struct fixture *f = *state;

	settle(f);
	OFFER("c=%CMNG 3,16842753,2", "k=%KEYGEN 16842753,2,7", "f=finished");
	service.fetch_code[service.n_fetch + 1] = CODE(5, 3);
	agent_provision(f->agent, REQUEST_BUS);
	run_until_state(f, "backing-off");
	OFFER("d=%KEYGEN 16842753,2,1", "e=%CMNG 3,16842753,2", "g=finished");
	restart(f);
	assert_int_equal(f->outcome, OUTCOME_NO_CREDENTIALS);
	assert_int_equal(f->n_rolled_back, 0);
}

/* The owner took the key away, and every command did what it should. */
static void agent_does_not_bring_back_a_key_that_was_deleted_on_purpose(void **state)
{
	struct fixture *f = *state;
	struct digest key;

	settle(f);
	OFFER("d=%CMNG 3,16842753,2", "f=finished");
	cycle(f);
	assert_int_equal(f->outcome, OUTCOME_NO_CREDENTIALS);
	assert_false(find_key(agent_list_credentials, f->agent, &key));
	assert_int_equal(f->n_rolled_back, 0);
}

static void agent_without_validation_promotes_what_the_service_acknowledged(void **state)
{
	struct fixture *f = *state;

	configure(f, "[cloud]\nvalidate = no\n");
	settle(f);
	OFFER(ROTATE);
	service.report_code[1] = CODE(5, 3);
	agent_provision(f->agent, REQUEST_BUS);
	run_until_state(f, "backing-off");
	assert_true(has_previous(f));
	run_until_state(f, "idle");
	assert_false(has_previous(f));
	assert_int_equal(state_of(f), STAGED_SETTLED);
}

/* Nobody says that a rotation which stopped half way is good. */
static void agent_without_validation_keeps_what_half_a_rotation_replaced(void **state)
{
	struct fixture *f = *state;
	struct digest old;

	configure(f, "[cloud]\nvalidate = no\n");
	old = settle(f);
	OFFER("d=%CMNG 3,16842753,2", "k=%KEYGEN 16842753,2,7", "f=finished");
	cycle(f);
	assert_true(has_previous(f));
	assert_int_equal(agent_roll_back(f->agent, TAG), 0);
	assert_true(is_same(key_of(f), old));
}

static void agent_killed_before_the_end_decides_after_its_restart(void **state)
{
	struct fixture *f = *state;
	struct digest old = settle(f);

	OFFER(ROTATE);
	refuse(3);
	agent_provision(f->agent, REQUEST_BUS);
	run_until_state(f, "falling-back");
	refuse(3);
	restart(f);
	assert_int_equal(f->outcome, OUTCOME_ROLLED_BACK);
	assert_true(is_same(key_of(f), old));
}

/* --- by hand */

static void agent_rolls_back_by_hand_and_validates_again(void **state)
{
	struct fixture *f = *state;
	struct digest old = settle(f);

	OFFER(ROTATE);
	refuse(1);
	agent_provision(f->agent, REQUEST_BUS);
	run_until_state(f, "waiting-to-validate");
	service.n_cloud = 0;
	service.cloud_refusals = 0;
	assert_int_equal(agent_roll_back(f->agent, TAG), 0);
	assert_true(is_same(key_of(f), old));
	assert_int_equal(f->n_rolled_back, 1);
	assert_string_equal(status_of(f).cloud, "unknown");
	run_until_ended(f, 2);
	assert_int_equal(f->outcome, OUTCOME_OK);
	assert_string_equal(status_of(f).cloud, "validated");
	assert_int_equal(service.n_cloud, 1);
	assert_int_equal(agent_roll_back(f->agent, TAG), -ENOENT);
}

static void agent_refuses_to_roll_back_while_a_cycle_runs(void **state)
{
	struct fixture *f = *state;
	struct digest old = settle(f);

	OFFER(ROTATE);
	refuse(1000);
	agent_provision(f->agent, REQUEST_BUS);
	run_until_state(f, "validating");
	assert_int_equal(agent_roll_back(f->agent, TAG), -EBUSY);
	assert_true(has_previous(f));
	assert_false(is_same(key_of(f), old));
	assert_int_equal(agent_roll_back(f->agent, TAG + 1), -EBUSY);
	run_until_state(f, "waiting-to-validate");
	assert_int_equal(agent_roll_back(f->agent, TAG + 1), -ENOENT);
}

int main(void)
{
#define TEST(x) cmocka_unit_test_setup_teardown(x, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(agent_promotes_what_the_cloud_accepts),
		TEST(agent_returns_to_what_worked_when_the_new_key_is_refused_for_good),
		TEST(agent_goes_on_telling_of_a_roll_back_until_there_are_other_credentials),
		TEST(agent_keeps_the_new_credentials_when_the_old_ones_fail_as_well),
		TEST(agent_never_returns_because_the_cloud_cannot_be_reached),
		TEST(agent_counts_refusals_and_not_failures),
		TEST(agent_does_not_return_when_it_is_told_not_to),
		TEST(agent_returns_when_a_rotation_stopped_half_way),
		TEST(agent_returns_from_half_a_rotation_in_the_next_cycle_too),
		TEST(agent_forgets_a_failure_with_the_next_change),
		TEST(agent_does_not_bring_back_a_key_that_was_deleted_on_purpose),
		TEST(agent_without_validation_promotes_what_the_service_acknowledged),
		TEST(agent_without_validation_keeps_what_half_a_rotation_replaced),
		TEST(agent_killed_before_the_end_decides_after_its_restart),
		TEST(agent_rolls_back_by_hand_and_validates_again),
		TEST(agent_refuses_to_roll_back_while_a_cycle_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
