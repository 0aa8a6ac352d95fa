/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>

#include "service/forwarded.h"

static union address address(const char *text)
{
	union address a = {0};

	a.sa.sa_family = strchr(text, ':') ? AF_INET6 : AF_INET;
	assert_int_equal(
		inet_pton(a.sa.sa_family, text,
			  strchr(text, ':') ? (void *)&a.in6.sin6_addr : (void *)&a.in.sin_addr),
		1);
	return a;
}

static struct forwarded_proxies proxies(const char *first, const char *second)
{
	struct forwarded_proxies p = {0};

	if (first)
		assert_int_equal(forwarded_add(&p, first), 0);
	if (second)
		assert_int_equal(forwarded_add(&p, second), 0);
	return p;
}

static void assert_client(const struct forwarded_proxies *p, const char *peer, const char *list,
			  const char *expected)
{
	union address a = address(peer);
	char got[FORWARDED_ADDRESS_TEXT];

	forwarded_client(p, &a, list, got);
	assert_string_equal(got, expected);
}

static void nobody_is_believed_without_a_proxy_of_ours(void **state)
{
	struct forwarded_proxies none = proxies(NULL, NULL), other = proxies("10.0.0.2", NULL);

	(void)state;
	assert_client(&none, "10.0.0.1", "192.0.2.1", "10.0.0.1");
	assert_client(&other, "10.0.0.1", "192.0.2.1", "10.0.0.1");
	assert_client(&other, "10.0.0.2", NULL, "10.0.0.2");
	assert_client(&other, "10.0.0.2", "", "10.0.0.2");
}

static void a_proxy_of_ours_says_who_asks(void **state)
{
	struct forwarded_proxies p = proxies("10.0.0.0/8", "fd00::/7");

	(void)state;
	assert_client(&p, "10.1.2.3", "192.0.2.1", "192.0.2.1");
	assert_client(&p, "10.1.2.3", "2001:db8::1", "2001:db8::1");
	assert_client(&p, "fd12::1", "  192.0.2.1\t", "192.0.2.1");
	assert_client(&p, "::ffff:10.1.2.3", "192.0.2.1", "192.0.2.1");
	assert_client(&p, "10.1.2.3", "::ffff:192.0.2.1", "192.0.2.1");
}

static void of_several_proxies_the_farthest_of_ours_counts(void **state)
{
	struct forwarded_proxies p = proxies("10.0.0.1", "10.0.0.2");

	(void)state;
	assert_client(&p, "10.0.0.1", "192.0.2.1, 10.0.0.2", "192.0.2.1");
	assert_client(&p, "10.0.0.1", "10.0.0.2", "10.0.0.2");
	assert_client(&p, "10.0.0.1", "10.0.0.2,10.0.0.1", "10.0.0.2");
}

static void what_the_client_itself_wrote_is_never_reached(void **state)
{
	struct forwarded_proxies p = proxies("10.0.0.1", "10.0.0.2");

	(void)state;
	assert_client(&p, "10.0.0.1", "198.51.100.9, 192.0.2.1", "192.0.2.1");
	assert_client(&p, "10.0.0.1", "10.0.0.2, 192.0.2.1", "192.0.2.1");
	assert_client(&p, "10.0.0.1", "198.51.100.9, 192.0.2.1, 10.0.0.2", "192.0.2.1");
}

static void an_entry_that_is_no_address_ends_at_who_passed_it_on(void **state)
{
	static const char *const bad[] = {
		"unknown",    "_hidden", "192.0.2.1:80",       "[2001:db8::1]",
		"192.0.2.1,", ",",       "192.0.2.256",        "192.0.2.1 192.0.2.2",
		"1",          "0x7f.1",  "::ffff:192.0.2.1%lo"};
	struct forwarded_proxies p = proxies("10.0.0.1", "10.0.0.2");
	char list[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_client(&p, "10.0.0.1", bad[i], "10.0.0.1");
		snprintf(list, sizeof(list), "%s, 10.0.0.2", bad[i]);
		assert_client(&p, "10.0.0.1", list, "10.0.0.2");
	}
}

static void a_network_is_held_to_its_bits(void **state)
{
	struct forwarded_proxies p = proxies("192.0.2.128/25", "2001:db8:8000::/33");
	static const struct {
		const char *address;
		bool is_ours;
	} rows[] = {{"192.0.2.128", true},      {"192.0.2.255", true},
		    {"192.0.2.127", false},     {"192.0.3.128", false},
		    {"2001:db8:8000::", true},  {"2001:db8:ffff::1", true},
		    {"2001:db8:7fff::", false}, {"c000:280::", false}};
	struct forwarded_proxies all = proxies("0.0.0.0/0", NULL);
	union address a;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		a = address(rows[i].address);
		assert_int_equal(forwarded_is_ours(&p, &a), rows[i].is_ours);
	}
	a = address("203.0.113.7");
	assert_true(forwarded_is_ours(&all, &a));
	a = address("2001:db8::");
	assert_false(forwarded_is_ours(&all, &a));
}

static void what_is_no_network_is_refused_and_there_are_not_too_many(void **state)
{
	static const char *const bad[] = {
		"",          "proxy.example", "10.0.0.1/33", "::1/129",
		"10.0.0.1/", "10.0.0.1/x",    "10.0.0.1/-1", "10.0.0.1/8/8",
		"/8",        "10.0.0",        "10.0.0.1:80", "[::1]"};
	struct forwarded_proxies p = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(forwarded_add(&p, bad[i]), -EINVAL);
	assert_int_equal(p.n, 0);
	for (size_t i = 0; i < FORWARDED_PROXIES_MAX; i++)
		assert_int_equal(forwarded_add(&p, "::1"), 0);
	assert_int_equal(forwarded_add(&p, "::1"), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_is_believed_without_a_proxy_of_ours),
		cmocka_unit_test(a_proxy_of_ours_says_who_asks),
		cmocka_unit_test(of_several_proxies_the_farthest_of_ours_counts),
		cmocka_unit_test(what_the_client_itself_wrote_is_never_reached),
		cmocka_unit_test(an_entry_that_is_no_address_ends_at_who_passed_it_on),
		cmocka_unit_test(a_network_is_held_to_its_bits),
		cmocka_unit_test(what_is_no_network_is_refused_and_there_are_not_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
