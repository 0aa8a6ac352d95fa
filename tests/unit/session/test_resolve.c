/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

#include "session/resolve.h"

static void a_literal_address_needs_no_resolver(void **state)
{
	char text[RESOLVE_TEXT_MAX];
	struct resolve_address a;

	(void)state;
	assert_int_equal(resolve_literal("192.0.2.7", 5684, &a), 0);
	assert_int_equal(a.any.sa_family, AF_INET);
	assert_int_equal(ntohs(a.v4.sin_port), 5684);
	resolve_format(&a, text);
	assert_string_equal(text, "192.0.2.7");
	assert_int_equal(resolve_literal("2001:db8::1", 5684, &a), 0);
	assert_int_equal(a.any.sa_family, AF_INET6);
	assert_int_equal(ntohs(a.v6.sin6_port), 5684);
	resolve_format(&a, text);
	assert_string_equal(text, "2001:db8::1");
}

static void a_name_is_no_literal_address(void **state)
{
	const char *const wrong[] = {"",          "localhost", "192.0.2",    "192.0.2.7.",
				     "1.2.3.4:5", "[::1]",     "192.0.2.256"};
	struct resolve_address a;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(resolve_literal(wrong[i], 1, &a), -EINVAL);
}

struct answer {
	bool done;
	size_t n;
	struct resolve_address first;
	struct resolve *resolve; /* freed inside the callback */
};

static void on_resolved(const struct resolve_address *addresses, size_t n, const char *detail,
			void *userdata)
{
	struct answer *a = userdata;

	a->done = true;
	a->n = n;
	if (n > 0)
		a->first = addresses[0];
	else
		assert_true(detail[0] != '\0');
	a->resolve = resolve_free(a->resolve);
}

static void a_name_of_the_hosts_file_is_resolved_in_the_loop(void **state)
{
	struct answer a = {.done = false};
	sd_event *event = NULL;

	(void)state;
	assert_true(sd_event_new(&event) >= 0);
	assert_int_equal(resolve_new(event, "localhost", 5684, 10000, on_resolved, &a, &a.resolve),
			 0);
	assert_false(a.done);
	while (!a.done)
		assert_true(sd_event_run(event, 30000000) > 0);
	assert_true(a.n > 0);
	sd_event_unref(event);
}

static void one_that_is_freed_first_calls_nobody(void **state)
{
	struct answer a = {.done = false};
	struct resolve *r = NULL;
	sd_event *event = NULL;

	(void)state;
	assert_true(sd_event_new(&event) >= 0);
	assert_int_equal(resolve_new(event, "localhost", 5684, 10000, on_resolved, &a, &r), 0);
	assert_null(resolve_free(r));
	assert_true(sd_event_run(event, 0) >= 0);
	assert_false(a.done);
	sd_event_unref(event);
}

static void the_time_limit_ends_it(void **state)
{
	struct answer a = {.done = false};
	sd_event *event = NULL;

	(void)state;
	assert_true(sd_event_new(&event) >= 0);
	/* Due before any answer can be: the timer is looked at in the same turn. */
	assert_int_equal(
		resolve_new(event, "no-such-host.invalid", 5684, 0, on_resolved, &a, &a.resolve),
		0);
	while (!a.done)
		assert_true(sd_event_run(event, 30000000) > 0);
	assert_int_equal(a.n, 0);
	sd_event_unref(event);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_literal_address_needs_no_resolver),
		cmocka_unit_test(a_name_is_no_literal_address),
		cmocka_unit_test(a_name_of_the_hosts_file_is_resolved_in_the_loop),
		cmocka_unit_test(one_that_is_freed_first_calls_nobody),
		cmocka_unit_test(the_time_limit_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
