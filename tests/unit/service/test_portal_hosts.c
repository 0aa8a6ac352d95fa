/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "service/portal_hosts.h"

static struct portal_hosts *make(const char *listen, bool has_tls, const char *url,
				 const char *url2)
{
	const char *const urls[] = {url, url2};
	struct portal_hosts *h = NULL;
	char *detail = NULL;

	assert_int_equal(portal_hosts_new(urls, (size_t)(url != NULL) + (url2 != NULL), listen,
					  has_tls, &h, &detail),
			 0);
	assert_null(detail);
	return h;
}

static bool host(const struct portal_hosts *h, const char *text)
{
	bool is_https;

	return portal_hosts_has_host(h, text, &is_https);
}

static void loopback_answers_for_itself_and_localhost(void **state)
{
	static const char *const good[] = {"localhost:8080", "LocalHost:8080", "127.0.0.1:8080",
					   "[::1]:8080", "[0:0:0:0:0:0:0:1]:8080"};
	static const char *const bad[] = {
		"localhost",        "localhost:8081",    "localhost.:8080",
		"127.0.0.2:8080",   "evil.example:8080", "",
		"localhost:8080x",  "localhost:",        "localhost:08080",
		"a@localhost:8080", "localhost:8080/",   "localhost:8080,x",
		"[::1:8080",        "[::2]:8080",        "[]:8080",
		"127.1:8080",       "2130706433:8080",   ":8080",
		"localhost :8080",  " localhost:8080",   "evil.localhost:8080",
		"localhost:8080 ",  "[::1]8080",         "localhost:99999",
	};
	struct portal_hosts *h = make("127.0.0.1:8080", false, NULL, NULL);
	bool is_https = true;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(host(h, good[i]));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (host(h, bad[i]))
			fail_msg("%s", bad[i]);
	assert_true(portal_hosts_has_host(h, "localhost:8080", &is_https));
	assert_false(is_https);
	portal_hosts_free(h);
}

static void an_origin_has_to_be_ours_in_all_parts(void **state)
{
	static const char *const good[] = {"http://localhost:8080",  "http://[::1]:8080",
					   "https://portal.example", "https://portal.example:443",
					   "HTTPS://Portal.Example", "https://two.example:8443"};
	static const char *const bad[] = {
		"null",
		"",
		"http://portal.example",
		"https://portal.example:8443",
		"https://portal.example.evil.example",
		"https://evil.example",
		"https://evil.example#https://portal.example",
		"https://portal.example@evil.example",
		"https://portal.example/",
		"https://xportal.example",
		"https://localhost:8080",
		"http://localhost",
		"https://two.example",
		"portal.example",
		"ftp://portal.example",
		"https:portal.example",
		"https://portal.example https://portal.example",
	};
	struct portal_hosts *h = make("127.0.0.1:8080", false, "https://portal.example",
				      "https://two.example:8443/");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(portal_hosts_has_origin(h, good[i]));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (portal_hosts_has_origin(h, bad[i]))
			fail_msg("%s", bad[i]);
	portal_hosts_free(h);
}

static void a_public_name_says_whether_tls_is_before_us(void **state)
{
	struct portal_hosts *h = make("127.0.0.1:8080", false, "https://portal.example",
				      "https://two.example:8443/");
	bool is_https = false;

	(void)state;
	assert_true(portal_hosts_has_host(h, "portal.example", &is_https) && is_https);
	is_https = false;
	assert_true(portal_hosts_has_host(h, "portal.example:443", &is_https) && is_https);
	is_https = false;
	assert_true(portal_hosts_has_host(h, "two.example:8443", &is_https) && is_https);
	assert_false(host(h, "two.example"));
	assert_false(host(h, "portal.example:80"));
	assert_true(portal_hosts_has_host(h, "localhost:8080", &is_https) && !is_https);
	portal_hosts_free(h);
}

static void all_addresses_are_names_of_a_wildcard(void **state)
{
	static const char *const good[] = {"192.0.2.1:8443", "[2001:db8::1]:8443",
					   "localhost:8443"};
	static const char *const bad[] = {"192.0.2.1",
					  "192.0.2.1:443",
					  "evil.example:8443",
					  "3221225985:8443",
					  "192.0.2.1.evil.example:8443",
					  "192.0.2:8443"};
	static const char *const listens[] = {"0.0.0.0:8443", "[::]:8443"};

	(void)state;
	for (size_t l = 0; l < ARRAY_SIZE(listens); l++) {
		struct portal_hosts *h = make(listens[l], true, NULL, NULL);

		for (size_t i = 0; i < ARRAY_SIZE(good); i++)
			assert_true(host(h, good[i]));
		for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
			if (host(h, bad[i]))
				fail_msg("%s", bad[i]);
		assert_true(portal_hosts_has_origin(h, "https://192.0.2.1:8443"));
		assert_false(portal_hosts_has_origin(h, "http://192.0.2.1:8443"));
		assert_false(portal_hosts_has_origin(h, "https://evil.example:8443"));
		portal_hosts_free(h);
	}
}

static void one_address_is_the_name_of_its_listener(void **state)
{
	struct portal_hosts *h = make("192.0.2.1:443", true, NULL, NULL);

	(void)state;
	assert_true(host(h, "192.0.2.1"));
	assert_true(host(h, "192.0.2.1:443"));
	assert_true(portal_hosts_has_origin(h, "https://192.0.2.1"));
	assert_false(host(h, "192.0.2.2"));
	assert_false(host(h, "localhost"));
	portal_hosts_free(h);
}

static void a_public_url_is_checked(void **state)
{
	static const char *const bad[] = {
		"",
		"portal.example",
		"https://",
		"https://portal.example/onboard",
		"https://portal.example//",
		"https://user@portal.example",
		"https://portal.example?x",
		"https://portal.example:0",
		"https://portal.example:65536",
		"ftp://portal.example",
		"http://portal.example",
		"https://p\xc3\xb6rtal.example",
		"https://[::1",
	};
	static const char *const good[] = {"https://portal.example", "https://portal.example:8443/",
					   "http://localhost:3000", "https://[2001:db8::1]"};
	char name[400] = "https://";
	struct portal_hosts *h;
	char *detail = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(portal_hosts_new(&bad[i], 1, "127.0.0.1:1", false, &h, &detail),
				 PORTAL_HOSTS_E_URL);
		assert_memory_equal(detail, bad[i], strlen(bad[i]));
		free(TAKE_PTR(detail));
	}
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		portal_hosts_free(make("127.0.0.1:1", false, good[i], NULL));
	for (size_t n = 253; n <= 254; n++) {
		const char *one = name;

		memset(name + 8, 'a', n);
		name[8 + n] = '\0';
		assert_int_equal(portal_hosts_new(&one, 1, "127.0.0.1:1", false, &h, &detail),
				 n == 253 ? 0 : PORTAL_HOSTS_E_URL);
		if (n == 253)
			portal_hosts_free(h);
		free(TAKE_PTR(detail));
	}
	assert_int_equal(portal_hosts_new(NULL, 0, "nowhere", false, &h, &detail), -EINVAL);
}

static void there_are_not_too_many(void **state)
{
	const char *urls[PORTAL_HOSTS_MAX + 1];
	struct portal_hosts *h;
	char *detail = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(urls); i++)
		urls[i] = "https://portal.example";
	assert_int_equal(portal_hosts_new(urls, PORTAL_HOSTS_MAX, "[::]:1", true, &h, &detail), 0);
	portal_hosts_free(h);
	assert_int_equal(portal_hosts_new(urls, PORTAL_HOSTS_MAX + 1, "[::]:1", true, &h, &detail),
			 PORTAL_HOSTS_E_URL);
	free(detail);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loopback_answers_for_itself_and_localhost),
		cmocka_unit_test(an_origin_has_to_be_ours_in_all_parts),
		cmocka_unit_test(a_public_name_says_whether_tls_is_before_us),
		cmocka_unit_test(all_addresses_are_names_of_a_wildcard),
		cmocka_unit_test(one_address_is_the_name_of_its_listener),
		cmocka_unit_test(a_public_url_is_checked),
		cmocka_unit_test(there_are_not_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
