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
#include <sched.h>

#include "wifi/station/address.h"

/* Real interfaces in a network namespace of the test's own: a pair of cable ends, whose far end
 * gives or takes the carrier. */

struct scene {
	sd_event *event;
	struct address *address;
	unsigned int told;
};

static void on_change(void *userdata)
{
	struct scene *s = userdata;

	s->told++;
}

static void ip(const char *command)
{
	char line[256];

	snprintf(line, sizeof(line), "ip %s", command);
	assert_int_equal(system(line), 0);
}

static int setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	*state = s;
	assert_non_null(s);
	assert_true(sd_event_new(&s->event) >= 0);
	if (unshare(CLONE_NEWNET) != 0 ||
	    system("ip link add wl0 type veth peer name far 2>/dev/null") != 0)
		return 0;
	ip("link set wl0 up");
	ip("link set far up");
	/* Not in the way of the order of things. */
	if (system("sysctl -qw net.ipv6.conf.wl0.accept_dad=0 2>/dev/null") != 0)
		return 0;
	assert_int_equal(address_new(s->event, "wl0", on_change, s, &s->address), 0);
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;

	address_free(s->address);
	sd_event_unref(s->event);
	free(s);
	return 0;
}

static struct scene *scene(void **state)
{
	struct scene *s = *state;

	if (!s->address) /* no right to make interfaces */
		skip();
	return s;
}

static bool has_ip4(const struct scene *s, const char *wanted)
{
	uint8_t a[4];
	char text[16] = "";

	if (address_ip4(s->address, a))
		snprintf(text, sizeof(text), "%d.%d.%d.%d", a[0], a[1], a[2], a[3]);
	return strcmp(text, wanted) == 0;
}

static void wait_for_ip4(struct scene *s, const char *wanted)
{
	while (!has_ip4(s, wanted))
		assert_true(sd_event_run(s->event, 10000000) > 0);
}

static void wait_for_news(struct scene *s)
{
	unsigned int before = s->told;

	while (s->told == before)
		assert_true(sd_event_run(s->event, 10000000) > 0);
}

static void an_interface_that_is_not_there_is_refused(void **state)
{
	struct scene *s = scene(state);
	struct address *a = NULL;

	assert_int_equal(address_new(s->event, "wl9", on_change, s, &a), -ENODEV);
	assert_int_equal(address_new(s->event, "", on_change, s, &a), -ENODEV);
	assert_int_equal(address_new(s->event, "an-interface-name-of-too-many", on_change, s, &a),
			 -ENODEV);
	assert_null(a);
}

static void an_address_is_told_when_it_comes_and_when_it_goes(void **state)
{
	struct scene *s = scene(state);

	assert_true(has_ip4(s, ""));
	ip("addr add 192.0.2.7/24 dev wl0 valid_lft 100 preferred_lft 100");
	wait_for_ip4(s, "192.0.2.7");
	assert_int_equal(s->told, 1);
	ip("addr del 192.0.2.7/24 dev wl0");
	wait_for_ip4(s, "");
	assert_int_equal(s->told, 2);
}

static void an_address_that_was_there_before_counts_until_a_restart(void **state)
{
	struct scene *s = scene(state);
	struct address *later = NULL;
	uint8_t a[4];

	ip("addr add 192.0.2.7/24 dev wl0 valid_lft 100 preferred_lft 100");
	assert_int_equal(address_new(s->event, "wl0", on_change, s, &later), 0);
	assert_int_equal(s->told, 0);
	assert_true(address_ip4(later, a));
	address_restart(later);
	assert_false(address_ip4(later, a));
	address_free(later);
}

static void what_the_network_before_has_left_is_no_proof_but_its_renewal_is(void **state)
{
	struct scene *s = scene(state);

	ip("addr add 192.0.2.7/24 dev wl0 valid_lft 100 preferred_lft 100");
	wait_for_ip4(s, "192.0.2.7");
	address_restart(s->address);
	assert_true(has_ip4(s, ""));
	wait_for_news(s); /* of the restart itself */
	assert_true(has_ip4(s, ""));
	ip("addr replace 192.0.2.7/24 dev wl0 valid_lft 200 preferred_lft 200");
	wait_for_ip4(s, "192.0.2.7");
}

static void an_address_set_since_the_link_came_up_counts_although_we_heard_late(void **state)
{
	struct scene *s = scene(state);

	ip("addr add 192.0.2.6/24 dev wl0 valid_lft 100 preferred_lft 100");
	address_restart(s->address);
	ip("link set wl0 down");
	ip("link set wl0 up");
	/* A worker of the kernel says that it runs. */
	assert_int_equal(system("until ip link show wl0 | grep -q 'state UP'; do :; done"), 0);
	ip("addr add 198.51.100.7/24 dev wl0 valid_lft 100 preferred_lft 100");
	address_restart(s->address);
	assert_true(has_ip4(s, "198.51.100.7"));
	/* That was the proof of one link, not of the next. */
	address_restart(s->address);
	assert_true(has_ip4(s, ""));
}

static void a_permanent_address_counts_after_a_time_of_grace(void **state)
{
	struct scene *s = scene(state);

	ip("addr add 192.0.2.7/24 dev wl0");
	wait_for_ip4(s, "192.0.2.7");
	address_restart(s->address);
	assert_true(has_ip4(s, ""));
	wait_for_ip4(s, "192.0.2.7");
	/* Nothing but time made the difference, and it was told. */
	assert_true(s->told >= 3);
}

static void a_permanent_address_that_is_new_counts_at_once(void **state)
{
	struct scene *s = scene(state);

	address_restart(s->address);
	ip("addr add 192.0.2.7/24 dev wl0");
	wait_for_ip4(s, "192.0.2.7");
}

static void addresses_that_lead_nowhere_do_not_count(void **state)
{
	struct scene *s = scene(state);

	ip("addr add 169.254.3.4/16 dev wl0 valid_lft 100 preferred_lft 100");
	wait_for_news(s);
	assert_true(has_ip4(s, ""));
	ip("addr add 192.0.2.8/24 dev far valid_lft 100 preferred_lft 100");
	ip("addr add 192.0.2.7/24 dev wl0 valid_lft 100 preferred_lft 0");
	wait_for_news(s);
	assert_true(has_ip4(s, ""));
	ip("addr add 192.0.2.9/24 dev wl0 valid_lft 100 preferred_lft 100");
	wait_for_ip4(s, "192.0.2.9");
}

static void ipv6_counts_only_in_global_scope(void **state)
{
	struct scene *s = scene(state);

	ip("addr add fe80::7/64 dev wl0 nodad valid_lft 100 preferred_lft 100");
	wait_for_news(s);
	assert_false(address_has_ip6(s->address));
	ip("addr add 2001:db8::7/64 dev wl0 nodad valid_lft 100 preferred_lft 100");
	while (!address_has_ip6(s->address))
		assert_true(sd_event_run(s->event, 10000000) > 0);
	assert_true(has_ip4(s, ""));
}

static void an_interface_that_was_taken_away_and_came_back_is_followed(void **state)
{
	struct scene *s = scene(state);

	ip("addr add 192.0.2.7/24 dev wl0 valid_lft 100 preferred_lft 100");
	wait_for_ip4(s, "192.0.2.7");
	ip("link del wl0");
	wait_for_ip4(s, "");
	ip("link add other type veth peer name another");
	ip("link add wl0 type veth peer name far");
	ip("addr add 192.0.2.9/24 dev wl0 valid_lft 100 preferred_lft 100");
	wait_for_ip4(s, "192.0.2.9");
}

static void more_addresses_than_anybody_has_do_no_harm(void **state)
{
	struct scene *s = scene(state);

	for (int i = 1; i < 100; i++) {
		char line[64];

		snprintf(line, sizeof(line), "addr add 192.0.2.%d/32 dev wl0", i);
		ip(line);
	}
	wait_for_ip4(s, "192.0.2.1");
	ip("addr flush dev wl0");
	wait_for_ip4(s, "");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_interface_that_is_not_there_is_refused),
		TEST(an_address_is_told_when_it_comes_and_when_it_goes),
		TEST(an_address_that_was_there_before_counts_until_a_restart),
		TEST(what_the_network_before_has_left_is_no_proof_but_its_renewal_is),
		TEST(an_address_set_since_the_link_came_up_counts_although_we_heard_late),
		TEST(a_permanent_address_counts_after_a_time_of_grace),
		TEST(a_permanent_address_that_is_new_counts_at_once),
		TEST(addresses_that_lead_nowhere_do_not_count),
		TEST(ipv6_counts_only_in_global_scope),
		TEST(an_interface_that_was_taken_away_and_came_back_is_followed),
		TEST(more_addresses_than_anybody_has_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
