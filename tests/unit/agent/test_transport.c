/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sched.h>
#include <string.h>

#include "agent/network.h"

#define NOW 1800000000
#define DAY 86400

static const struct network home = {"wlan0", "192.168.1.1", "02:00:00:00:00:01"};
static const struct network office = {"eth0", "10.0.0.1", "02:00:00:00:00:02"};

/* What is remembered after this connect; the caller frees it. */
static char *note(const char *memory, const struct network *n, enum session_transport first,
		  enum session_transport won, int64_t now_s)
{
	char *changed;

	assert_int_equal(transport_note(memory, n, first, won, now_s, &changed), 0);
	return changed;
}

static char *https_won(const char *memory, const struct network *n, int64_t now_s)
{
	return note(memory, n, SESSION_COAP, SESSION_HTTPS, now_s);
}

static void udp_goes_first_where_nothing_is_remembered(void **state)
{
	(void)state;
	assert_int_equal(transport_first(NULL, &home, NOW), SESSION_COAP);
	assert_int_equal(transport_first("", &home, NOW), SESSION_COAP);
}

static void https_goes_first_for_a_day_where_it_won_and_nowhere_else(void **state)
{
	char *memory = https_won(NULL, &home, NOW);

	(void)state;
	assert_string_equal(memory, "1800000000 wlan0 192.168.1.1 02:00:00:00:00:01\n");
	assert_int_equal(transport_first(memory, &home, NOW), SESSION_HTTPS);
	assert_int_equal(transport_first(memory, &home, NOW + DAY - 1), SESSION_HTTPS);
	assert_int_equal(transport_first(memory, &home, NOW + DAY), SESSION_COAP);
	assert_int_equal(transport_first(memory, &office, NOW), SESSION_COAP);
	free(memory);
}

static void that_it_wins_again_when_it_goes_first_does_not_prolong_the_day(void **state)
{
	char *memory = https_won(NULL, &home, NOW);

	(void)state;
	assert_null(note(memory, &home, SESSION_HTTPS, SESSION_HTTPS, NOW + 1000));
	free(memory);
}

static void after_the_day_udp_is_tried_back_and_may_lose_again(void **state)
{
	char *memory = https_won(NULL, &home, NOW);
	char *again = https_won(memory, &home, NOW + DAY);

	(void)state;
	assert_int_equal(transport_first(again, &home, NOW + 2 * DAY - 1), SESSION_HTTPS);
	assert_string_equal(strchr(again, '\n') + 1, ""); /* one line */
	free(again);
	free(memory);
}

static void where_udp_wins_https_is_forgotten(void **state)
{
	char *both, *memory = https_won(NULL, &home, NOW), *left;

	(void)state;
	both = https_won(memory, &office, NOW + 1);
	left = note(both, &home, SESSION_HTTPS, SESSION_COAP, NOW + 2);
	assert_int_equal(transport_first(left, &home, NOW + 2), SESSION_COAP);
	assert_int_equal(transport_first(left, &office, NOW + 2), SESSION_HTTPS);
	assert_null(note(left, &home, SESSION_COAP, SESSION_COAP, NOW + 3));
	free(left);
	free(both);
	free(memory);
}

static void a_gateway_whose_hardware_is_not_known_yet_is_the_same(void **state)
{
	struct network early = home, other = home;
	char *memory = https_won(NULL, &home, NOW);

	(void)state;
	early.hardware[0] = '\0';
	assert_int_equal(transport_first(memory, &early, NOW), SESSION_HTTPS);
	snprintf(other.hardware, sizeof(other.hardware), "02:00:00:00:00:09");
	assert_int_equal(transport_first(memory, &other, NOW), SESSION_COAP);
	free(memory);
}

static void a_machine_without_a_route_has_a_network_too(void **state)
{
	const struct network none = {"", "", ""}, modem = {"wwan0", "", ""};
	char *memory = https_won(NULL, &none, NOW), *both = https_won(memory, &modem, NOW);

	(void)state;
	assert_string_equal(both, "1800000000 - - -\n1800000000 wwan0 - -\n");
	assert_int_equal(transport_first(both, &none, NOW), SESSION_HTTPS);
	assert_int_equal(transport_first(both, &modem, NOW), SESSION_HTTPS);
	assert_int_equal(transport_first(both, &home, NOW), SESSION_COAP);
	free(both);
	free(memory);
}

static void a_clock_that_went_back_makes_void_what_comes_from_the_future(void **state)
{
	char *memory = https_won(NULL, &home, NOW);

	(void)state;
	assert_int_equal(transport_first(memory, &home, NOW - 1), SESSION_COAP);
	free(memory);
}

static void the_oldest_of_many_networks_is_forgotten(void **state)
{
	char *memory = NULL;
	struct network n = office;

	(void)state;
	for (int i = 0; i < 9; i++) {
		char *more;

		snprintf(n.gateway, sizeof(n.gateway), "10.0.0.%d", i);
		more = https_won(memory, &n, NOW + i);
		free(memory);
		memory = more;
	}
	assert_int_equal(transport_first(memory, &n, NOW + 9), SESSION_HTTPS);
	snprintf(n.gateway, sizeof(n.gateway), "10.0.0.1");
	assert_int_equal(transport_first(memory, &n, NOW + 9), SESSION_HTTPS);
	snprintf(n.gateway, sizeof(n.gateway), "10.0.0.0");
	assert_int_equal(transport_first(memory, &n, NOW + 9), SESSION_COAP);
	free(memory);
}

static void what_is_not_understood_is_no_memory(void **state)
{
	static const char *const broken[] = {
		"x",
		"\n\n",
		"1800000000",
		"1800000000 wlan0",
		"1800000000 wlan0 192.168.1.1",
		"99999999999999999999999 wlan0 192.168.1.1 02:00:00:00:00:01",
		"-1 wlan0 192.168.1.1 02:00:00:00:00:01",
		"1800000000 wlan0wlan0wlan0wlan0 192.168.1.1 02:00:00:00:00:01",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
		assert_int_equal(transport_first(broken[i], &home, NOW), SESSION_COAP);
}

static void the_words_of_the_configuration_are_transports(void **state)
{
	(void)state;
	assert_int_equal(transport_parse("auto"), SESSION_AUTO);
	assert_int_equal(transport_parse("coap"), SESSION_COAP);
	assert_int_equal(transport_parse("https"), SESSION_HTTPS);
}

static void a_machine_without_a_network_is_nowhere(void **state)
{
	struct network n = home;

	(void)state;
	/* In a chroot there is no user namespace; root does without. */
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0 && unshare(CLONE_NEWNET) < 0)
		skip();
	network_now(&n);
	assert_string_equal(n.interface, "");
	assert_string_equal(n.gateway, "");
	assert_string_equal(n.hardware, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(udp_goes_first_where_nothing_is_remembered),
		cmocka_unit_test(https_goes_first_for_a_day_where_it_won_and_nowhere_else),
		cmocka_unit_test(that_it_wins_again_when_it_goes_first_does_not_prolong_the_day),
		cmocka_unit_test(after_the_day_udp_is_tried_back_and_may_lose_again),
		cmocka_unit_test(where_udp_wins_https_is_forgotten),
		cmocka_unit_test(a_gateway_whose_hardware_is_not_known_yet_is_the_same),
		cmocka_unit_test(a_machine_without_a_route_has_a_network_too),
		cmocka_unit_test(a_clock_that_went_back_makes_void_what_comes_from_the_future),
		cmocka_unit_test(the_oldest_of_many_networks_is_forgotten),
		cmocka_unit_test(what_is_not_understood_is_no_memory),
		cmocka_unit_test(the_words_of_the_configuration_are_transports),
		cmocka_unit_test(a_machine_without_a_network_is_nowhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
