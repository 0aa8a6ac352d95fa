/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "service/address.h"

static void addresses_round_trip(void **state)
{
	static const struct {
		const char *text;
		bool is_loopback;
		uint16_t port;
	} rows[] = {
		{"0.0.0.0:5684", false, 5684}, {"127.0.0.1:0", true, 0},
		{"127.255.0.9:1", true, 1},    {"192.0.2.1:65535", false, 65535},
		{"[::]:443", false, 443},      {"[::1]:8443", true, 8443},
		{"[2001:db8::1]:1", false, 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[ADDRESS_TEXT];
		union address a;
		socklen_t len;

		assert_int_equal(address_parse(rows[i].text, &a, &len), 0);
		assert_int_equal(len, rows[i].text[0] == '[' ? sizeof(a.in6) : sizeof(a.in));
		address_format(&a, text);
		assert_string_equal(text, rows[i].text);
		assert_int_equal(address_is_loopback(&a), rows[i].is_loopback);
		assert_int_equal(address_port(&a), rows[i].port);
		address_set_port(&a, 1234);
		assert_int_equal(address_port(&a), 1234);
	}
}

static void what_is_not_an_address_with_a_port_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		":",
		"127.0.0.1",
		"127.0.0.1:",
		"127.0.0.1:65536",
		":5684",
		"localhost:1",
		"127.0.0.1:01",
		"127.0.0.1:-1",
		"::1:5684",
		"[::1]",
		"[]:1",
		"[127.0.0.1]:1",
		"[::1:1",
		"1.2.3:1",
		"1.2.3.4.5:1",
		" 127.0.0.1:1",
		"[::1%lo]:1",
		"127.0.0.1:1 ",
		"[aaaa:aaaa:aaaa:aaaa:aaaa:aaaa:aaaa:aaaa:aaaa:aaaa:aaaa]:1",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		union address a;
		socklen_t len;

		assert_int_not_equal(address_parse(bad[i], &a, &len), 0);
	}
}

static void a_host_is_the_address_alone_and_one_text_for_one_host(void **state)
{
	static const struct {
		const char *text, *host;
	} rows[] = {
		{"192.0.2.1:5684", "192.0.2.1"},
		{"[2001:db8::1]:5684", "2001:db8::1"},
		{"[::ffff:192.0.2.1]:5684",
		 "192.0.2.1"}, /* as a socket for both families tells it */
		{"[::]:1", "::"},
	};
	char host[INET6_ADDRSTRLEN];
	union address a;
	socklen_t len;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(address_parse(rows[i].text, &a, &len), 0);
		address_host(&a, host, sizeof(host));
		assert_string_equal(host, rows[i].host);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_round_trip),
		cmocka_unit_test(what_is_not_an_address_with_a_port_is_refused),
		cmocka_unit_test(a_host_is_the_address_alone_and_one_text_for_one_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
