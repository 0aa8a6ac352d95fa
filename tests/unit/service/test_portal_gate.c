/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "service/portal_gate.h"

#define US "http://localhost:8080"
#define HERE "localhost:8080"

static int set_up(void **state)
{
	static const char *const urls[] = {"https://portal.example"};
	char *detail = NULL;

	return portal_hosts_new(urls, 1, "127.0.0.1:8080", false, (struct portal_hosts **)state,
				&detail);
}

static int tear_down(void **state)
{
	portal_hosts_free(*state);
	return 0;
}

static unsigned int ask(const struct portal_hosts *hosts, const char *method, const char *host,
			const char *origin, const char *fetch_site)
{
	const struct portal_headers h = {
		.method = method, .host = host, .origin = origin, .fetch_site = fetch_site};
	const char *detail = NULL;
	unsigned int status;
	bool is_https;

	status = portal_gate(hosts, &h, &is_https, &detail);
	assert_true(status == 0 || detail);
	return status;
}

static void a_page_of_ours_is_let_through(void **state)
{
	static const char *const writes[] = {"POST", "PUT", "PATCH", "DELETE"};

	for (size_t i = 0; i < ARRAY_SIZE(writes); i++) {
		assert_int_equal(ask(*state, writes[i], HERE, US, NULL), 0);
		assert_int_equal(ask(*state, writes[i], HERE, US, "same-origin"), 0);
		assert_int_equal(ask(*state, writes[i], "portal.example", "https://portal.example",
				     "same-origin"),
				 0);
	}
	assert_int_equal(ask(*state, "GET", HERE, NULL, NULL), 0);
	assert_int_equal(ask(*state, "GET", HERE, NULL, "same-origin"), 0);
	assert_int_equal(ask(*state, "GET", HERE, NULL, "none"), 0);
	assert_int_equal(ask(*state, "HEAD", HERE, US, "same-origin"), 0);
}

static void another_name_is_misdirected(void **state)
{
	static const char *const hosts[] = {
		NULL, "", "evil.example", "evil.example:8080", "localhost", "portal.example:8080"};

	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		assert_int_equal(ask(*state, "GET", hosts[i], NULL, NULL), 421);
		assert_int_equal(ask(*state, "POST", hosts[i], US, "same-origin"), 421);
	}
}

static void another_page_is_forbidden(void **state)
{
	static const char *const origins[] = {"null", "", "http://evil.example",
					      "https://localhost:8080", "http://localhost"};
	static const char *const methods[] = {"GET", "POST", "PATCH", "DELETE", "OPTIONS", "BREW"};
	static const char *const sites[] = {"cross-site", "same-site", "", "None"};

	for (size_t m = 0; m < ARRAY_SIZE(methods); m++) {
		for (size_t i = 0; i < ARRAY_SIZE(origins); i++)
			assert_int_equal(ask(*state, methods[m], HERE, origins[i], NULL), 403);
		for (size_t i = 0; i < ARRAY_SIZE(sites); i++)
			assert_int_equal(ask(*state, methods[m], HERE, US, sites[i]), 403);
	}
}

static void what_changes_something_says_where_it_comes_from(void **state)
{
	static const char *const methods[] = {"POST", "PUT", "PATCH", "DELETE", "get"};

	for (size_t m = 0; m < ARRAY_SIZE(methods); m++) {
		assert_int_equal(ask(*state, methods[m], HERE, NULL, NULL), 403);
		assert_int_equal(ask(*state, methods[m], HERE, NULL, "same-origin"), 403);
		assert_int_equal(ask(*state, methods[m], HERE, US, "none"), 403);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_page_of_ours_is_let_through),
		TEST(another_name_is_misdirected),
		TEST(another_page_is_forbidden),
		TEST(what_changes_something_says_where_it_comes_from),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
