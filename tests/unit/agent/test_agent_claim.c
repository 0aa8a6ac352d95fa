/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/internal.h"
#include "agent_fixture.h"
#include "proto/attest.h"

/* What a configurator over BLE is told of the owner: decision 31. */

#define MAY "[wifi]\nclaim-token = yes\n[cloud]\nvalidate = no\n"
#define UNCLAIMED_REPLY CODE(4, 1)

static void assert_told(struct fixture *f, enum wifi_claim_state state, bool has_token)
{
	struct claimread_news news = {0};

	agent_tell_claim(f->agent, &news);
	assert_string_equal(news.uuid, status_of(f).uuid);
	assert_int_equal(news.state, state);
	assert_true(has_token == (news.token != NULL));
	if (has_token)
		assert_string_equal(news.token, status_of(f).claim_token);
}

static void a_new_device_does_not_know_and_tells_no_token(void **state)
{
	struct fixture *f = *state;

	configure(f, MAY);
	make_agent(f);
	assert_told(f, WIFI_CLAIM_STATE_UNKNOWN, false);
}

static void a_device_of_nobody_tells_its_token_where_it_may(void **state)
{
	struct fixture *f = *state;
	struct claimread_news news = {0};
	struct attest attest;
	char of[UUID_TEXT_LEN + 1];

	configure(f, MAY);
	service.auth[0] = UNCLAIMED_REPLY;
	start(f);
	run_until_ended(f, 1);
	assert_told(f, WIFI_CLAIM_STATE_UNCLAIMED, true);
	agent_tell_claim(f->agent, &news);
	assert_int_equal(attest_parse(news.token, strlen(news.token), &attest), 0);
	uuid_format(attest.uuid, of);
	assert_string_equal(of, news.uuid);
}

static void by_default_it_keeps_its_token_and_says_that_it_is_nobodys(void **state)
{
	struct fixture *f = *state;

	configure(f, "[cloud]\nvalidate = no\n");
	service.auth[0] = UNCLAIMED_REPLY;
	start(f);
	run_until_ended(f, 1);
	assert_told(f, WIFI_CLAIM_STATE_UNCLAIMED, false);
}

/* Who asks just then would take it for one that keeps its token. */
static void while_the_key_signs_the_first_token_nothing_is_known(void **state)
{
	struct fixture *f = *state;

	configure(f, MAY);
	service.auth[0] = UNCLAIMED_REPLY;
	start(f);
	while (!f->agent->token_worker)
		assert_true(sd_event_run(f->event, (uint64_t)LIMIT_MS * 1000) > 0);
	assert_told(f, WIFI_CLAIM_STATE_UNKNOWN, false);
	run_until_ended(f, 1);
	assert_told(f, WIFI_CLAIM_STATE_UNCLAIMED, true);
}

static void one_that_is_claimed_says_so_and_tells_no_token_any_more(void **state)
{
	struct fixture *f = *state;

	configure(f, MAY);
	service.auth[0] = UNCLAIMED_REPLY;
	service.auth[1] = CODE(2, 1);
	start(f);
	run_until_state(f, "idle");
	assert_told(f, WIFI_CLAIM_STATE_CLAIMED, false);
}

static void one_that_its_owner_released_is_nobodys_again(void **state)
{
	struct fixture *f = *state;

	configure(f, MAY);
	start(f);
	run_until_state(f, "idle");
	assert_told(f, WIFI_CLAIM_STATE_CLAIMED, false);
	f->agent = agent_free(f->agent);
	f->n_ended = 0;
	service.auth[0] = UNCLAIMED_REPLY;
	service.auth[1] = 0;
	service.n_auth = 0;
	start(f);
	run_until_ended(f, 1);
	assert_told(f, WIFI_CLAIM_STATE_UNCLAIMED, true);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_new_device_does_not_know_and_tells_no_token),
		TEST(a_device_of_nobody_tells_its_token_where_it_may),
		TEST(by_default_it_keeps_its_token_and_says_that_it_is_nobodys),
		TEST(while_the_key_signs_the_first_token_nothing_is_known),
		TEST(one_that_is_claimed_says_so_and_tells_no_token_any_more),
		TEST(one_that_its_owner_released_is_nobodys_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
