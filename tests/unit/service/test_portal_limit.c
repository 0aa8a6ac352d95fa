/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "service/portal_limit.h"

#define HERE "192.0.2.1"
#define MINUTE_MS 60000
#define START_MS 1000000

static int set_up(void **state)
{
	return portal_limit_new((struct portal_limit **)state);
}

static int tear_down(void **state)
{
	portal_limit_free(*state);
	return 0;
}

/* How many of n tries are let through. */
static unsigned int try_often(struct portal_limit *l, unsigned int n, const char *user,
			      const char *address, uint64_t now_ms)
{
	unsigned int passed = 0;

	for (unsigned int i = 0; i < n; i++)
		passed += portal_limit_take(l, user, address, now_ms) == 0;
	return passed;
}

static void a_guesser_gets_five_tries_then_one_a_minute(void **state)
{
	struct portal_limit *l = *state;

	assert_int_equal(try_often(l, 100, "anna", HERE, START_MS), 5);
	assert_int_equal(portal_limit_take(l, "anna", HERE, START_MS), 60);
	assert_int_equal(portal_limit_take(l, "anna", HERE, START_MS + 59001), 1);
	assert_int_equal(try_often(l, 10, "anna", HERE, START_MS + MINUTE_MS), 1);
	assert_int_equal(try_often(l, 10, "anna", HERE, START_MS + 3 * MINUTE_MS), 2);
	assert_int_equal(try_often(l, 10, "anna", HERE, START_MS + 100 * MINUTE_MS), 5);
}

static void the_owner_of_a_name_is_not_kept_out_by_one_guesser(void **state)
{
	struct portal_limit *l = *state;

	assert_int_equal(try_often(l, 100, "anna", HERE, START_MS), 5);
	assert_int_equal(portal_limit_take(l, "anna", "192.0.2.2", START_MS), 0);
}

static void many_addresses_together_are_held_by_the_name(void **state)
{
	struct portal_limit *l = *state;
	unsigned int passed = 0;

	for (unsigned int i = 0; i < 250; i++) {
		char address[32];

		snprintf(address, sizeof(address), "198.51.100.%u", i);
		passed += try_often(l, 2, "anna", address, START_MS);
	}
	assert_int_equal(passed, 30);
	assert_int_equal(portal_limit_take(l, "anna", HERE, START_MS), 60);
	assert_int_equal(portal_limit_take(l, "bert", HERE, START_MS), 0);
}

static void one_address_is_held_whatever_the_names(void **state)
{
	struct portal_limit *l = *state;
	unsigned int passed = 0;

	for (unsigned int i = 0; i < 500; i++) {
		char user[32];

		snprintf(user, sizeof(user), "user%u", i);
		passed += try_often(l, 1, user, HERE, START_MS);
	}
	assert_int_equal(passed, 30);
	assert_int_equal(portal_limit_take(l, "anna", HERE, START_MS), 20);
	assert_int_equal(portal_limit_take(l, "anna", "192.0.2.2", START_MS), 0);
}

static void who_is_right_loses_nothing(void **state)
{
	struct portal_limit *l = *state;

	for (unsigned int i = 0; i < 1000; i++) {
		assert_int_equal(portal_limit_take(l, "anna", HERE, START_MS), 0);
		portal_limit_return(l, "anna", HERE, START_MS);
	}
	assert_int_equal(try_often(l, 100, "anna", HERE, START_MS), 5);
}

static void an_ipv6_customer_is_one_address(void **state)
{
	struct portal_limit *l = *state;
	unsigned int passed = 0;

	for (unsigned int i = 0; i < 100; i++) {
		char address[48];

		snprintf(address, sizeof(address), "2001:db8:1:2:%x::%x", i, i);
		passed += try_often(l, 1, "anna", address, START_MS);
	}
	assert_int_equal(passed, 5);
	assert_int_equal(portal_limit_take(l, "anna", "2001:db8:1:3::1", START_MS), 0);
	/* IPv4 inside of IPv6 stays what it is */
	assert_int_equal(try_often(l, 9, "bert", "::ffff:192.0.2.7", START_MS), 5);
	assert_int_equal(portal_limit_take(l, "bert", "::ffff:192.0.2.8", START_MS), 0);
}

static void more_names_than_places_do_not_make_room_for_the_guessed_one(void **state)
{
	struct portal_limit *l = *state;

	/* Held by its name, from several addresses. */
	for (unsigned int i = 0; i < 10; i++) {
		char address[32];

		snprintf(address, sizeof(address), "192.0.2.%u", i);
		try_often(l, 5, "anna", address, START_MS);
	}
	for (unsigned int i = 0; i < 2 * PORTAL_LIMIT_PLACES; i++) {
		char user[32], address[32];

		snprintf(user, sizeof(user), "user%u", i);
		snprintf(address, sizeof(address), "10.%u.%u.1", i >> 8, i & 0xff);
		assert_int_equal(portal_limit_take(l, user, address, START_MS), 0);
	}
	assert_int_equal(portal_limit_take(l, "anna", "192.0.2.200", START_MS), 60);
}

static void a_clock_that_goes_back_gives_nothing(void **state)
{
	struct portal_limit *l = *state;

	assert_int_equal(try_often(l, 100, "anna", HERE, START_MS), 5);
	assert_int_equal(try_often(l, 100, "anna", HERE, 0), 0);
	assert_int_equal(try_often(l, 100, "anna", HERE, 1), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_guesser_gets_five_tries_then_one_a_minute),
		TEST(the_owner_of_a_name_is_not_kept_out_by_one_guesser),
		TEST(many_addresses_together_are_held_by_the_name),
		TEST(one_address_is_held_whatever_the_names),
		TEST(who_is_right_loses_nothing),
		TEST(an_ipv6_customer_is_one_address),
		TEST(more_names_than_places_do_not_make_room_for_the_guessed_one),
		TEST(a_clock_that_goes_back_gives_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
