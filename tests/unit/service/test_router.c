/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "service/routes.h"

#define ID "50363154-3931-44f0-8022-121b6401627d"
#define UPPER "50363154-3931-44F0-8022-121B6401627D"

static unsigned int nothing(const struct router_call *call, struct answer *ret)
{
	(void)call;
	(void)ret;
	return 204;
}

#define ROW(method, pattern)                                                                       \
	{                                                                                          \
		method, pattern, ROLE_VIEWER, 0, 0, 0, nothing                                     \
	}

static const struct router_route table[] = {
	ROW("POST", "/v1/claimed-devices"),
	ROW("GET", "/v1/claimed-devices"),
	ROW("DELETE", "/v1/claimed-devices/{id}"),
	ROW("POST", "/v1/claimed-devices/{id}/provisioning"),
	ROW("GET", "/v1/claimed-devices/{id}/provisioning"),
	ROW("GET", "/v1/claimed-devices/{id}/provisioning/{cmdId}"),
	ROW("GET", "/v1/claimed-devices/{id}/certificates/{serial}"),
	ROW("GET", "/v1/devices/{id}"),
	ROW("PATCH", "/v1/devices/{id}/state"),
	ROW("GET", "/v1/provisioning-rules/{ruleId}"),
	ROW("DELETE", "/v1/provisioning/tags/{tag}"),
	ROW("GET", "/v1/api-keys/{keyId}"),
	ROW("GET", "/v1/users/{userId}"),
	ROW("GET", "/v1/account"),
};
static const struct router router = {table, ARRAY_SIZE(table)};

static enum router_verdict find(const char *method, const char *path,
				const struct router_route **route, struct router_params *params)
{
	char allow[ROUTER_ALLOW_MAX];

	return router_find(&router, method, path, route, params, allow);
}

static void every_parameter_is_taken_out_of_its_path(void **state)
{
	static const struct {
		const char *method, *path;
		size_t offset;
		const char *value;
	} rows[] = {
		{"DELETE", "/v1/claimed-devices/" UPPER, offsetof(struct router_params, device),
		 ID},
		{"GET", "/v1/devices/" ID, offsetof(struct router_params, device), ID},
		{"GET", "/v1/claimed-devices/" ID "/provisioning/x-Y.1_f",
		 offsetof(struct router_params, command), "x-Y.1_f"},
		{"GET", "/v1/claimed-devices/" ID "/certificates/00aF",
		 offsetof(struct router_params, serial), "00af"},
		{"GET", "/v1/provisioning-rules/" UPPER, offsetof(struct router_params, rule), ID},
		{"GET", "/v1/provisioning-rules/nrf-cloud-onboarding",
		 offsetof(struct router_params, rule), "nrf-cloud-onboarding"},
		{"DELETE", "/v1/provisioning/tags/a:b.c", offsetof(struct router_params, tag),
		 "a:b.c"},
		{"DELETE", "/v1/provisioning/tags/a%3Ab", offsetof(struct router_params, tag),
		 "a:b"},
		{"GET", "/v1/api-keys/" UPPER, offsetof(struct router_params, key), ID},
		{"GET", "/v1/users/" UPPER, offsetof(struct router_params, user), ID},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct router_route *route;
		struct router_params params;

		if (find(rows[i].method, rows[i].path, &route, &params) != ROUTER_FOUND)
			fail_msg("%s", rows[i].path);
		assert_string_equal((const char *)&params + rows[i].offset, rows[i].value);
	}
}

static void other_paths_do_not_exist(void **state)
{
	static const char *const bad[] = {
		"",
		"/",
		"/v1",
		"/v1/",
		"/v1/accounts",
		"/v1/account/",
		"v1/account",
		"//v1/account",
		"/v1/account%00",
		"/v1/claimed%2Ddevices",
		"/v1/claimed-devices/",
		"/v1/claimed-devices/" ID "/",
		"/v1/claimed-devices/" ID "/provisioning/",
		"/v1/claimed-devices/" ID "/provisioning/x/y",
		"/v1/devices/" ID "/state/desired",
		"/v2/account",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		const struct router_route *route;
		struct router_params params;
		enum router_verdict v = find("GET", bad[i], &route, &params);

		assert_int_equal(v, ROUTER_NO_PATH);
	}
}

static void other_methods_are_told_what_is_allowed(void **state)
{
	static const struct {
		const char *path, *allow;
	} paths[] = {
		{"/v1/claimed-devices", "POST, GET"},
		{"/v1/claimed-devices/" ID, "DELETE"},
		{"/v1/claimed-devices/" ID "/provisioning", "POST, GET"},
		{"/v1/account", "GET"},
		{"/v1/devices/" ID "/state", "PATCH"},
	};
	static const char *const methods[] = {"PUT", "HEAD", "OPTIONS", "get", "TRACE", ""};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		for (size_t j = 0; j < ARRAY_SIZE(methods); j++) {
			const struct router_route *route;
			struct router_params params;
			char allow[ROUTER_ALLOW_MAX];

			assert_int_equal(router_find(&router, methods[j], paths[i].path, &route,
						     &params, allow),
					 ROUTER_NO_METHOD);
			assert_string_equal(allow, paths[i].allow);
		}
}

static void parameters_are_checked(void **state)
{
	static const char *const bad[] = {
		"/v1/claimed-devices/" ID "/certificates/xy",
		"/v1/claimed-devices/" ID "/certificates/01234567890123456789012345678901234567890",
		"/v1/provisioning-rules/a_b",
		"/v1/api-keys/x",
		"/v1/users/x",
		"/v1/devices/x",
		"/v1/devices/..",
		"/v1/devices/" ID "0",
		"/v1/devices/50363154393144f08022121b6401627d",
		"/v1/claimed-devices/x/provisioning",
		"/v1/claimed-devices/x/provisioning/y",
		"/v1/claimed-devices/" ID "/provisioning/a%20b",
		"/v1/claimed-devices/" ID "/provisioning/a'b",
		"/v1/claimed-devices/" ID
		"/provisioning/0123456789012345678901234567890123456789012345",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		const struct router_route *route;
		struct router_params params;

		assert_int_equal(find("GET", bad[i], &route, &params), ROUTER_BAD_PARAMETER);
	}
}

static void roles_are_ordered_and_unknown_ones_may_nothing(void **state)
{
	(void)state;
	assert_true(router_role_parse("viewer") < router_role_parse("editor"));
	assert_true(router_role_parse("editor") < router_role_parse("admin"));
	assert_int_equal(router_role_parse(""), ROLE_NONE);
	assert_int_equal(router_role_parse("Admin"), ROLE_NONE);
	assert_int_equal(router_role_parse("owner"), ROLE_NONE);
	assert_int_equal(router_role_parse("public"), ROLE_NONE);
	assert_true(ROLE_NONE < ROLE_VIEWER);
}

static void queries_are_decoded_once_or_refused(void **state)
{
	static const struct {
		const char *text, *value; /* NULL: refused */
	} rows[] = {
		{"", ""},         {"abc", "abc"},       {"a+b%20c", "a b c"},
		{"%2B%25", "+%"}, {"%25%32%30", "%20"}, {"%c3%BC", "\303\274"},
		{"%", NULL},      {"%4", NULL},         {"%4g", NULL},
		{"%00", NULL},    {"a%00b", NULL},      {"%ff", NULL},
		{"%c3", NULL},    {"%ed%a0%80", NULL},
	};
	char text[ROUTER_QUERY_TEXT_MAX + 2];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		snprintf(text, sizeof(text), "%s", rows[i].text);
		if (router_query_decode(text) != (rows[i].value != NULL))
			fail_msg("%s", rows[i].text);
		if (rows[i].value)
			assert_string_equal(text, rows[i].value);
	}
	memset(text, 'a', sizeof(text));
	text[ROUTER_QUERY_TEXT_MAX] = '\0';
	assert_true(router_query_decode(text));
	memset(text, 'a', sizeof(text));
	text[ROUTER_QUERY_TEXT_MAX + 1] = '\0';
	assert_false(router_query_decode(text));
	assert_int_equal(router_query_parse("pageLimit"), QUERY_PAGE_LIMIT);
	assert_int_equal(router_query_parse("pagelimit"), QUERY_N);
	assert_int_equal(router_query_parse(""), QUERY_N);
}

/* No row of the real table is hidden by another, lacks a role, or has a parameter that is none. */
static void the_table_is_sound(void **state)
{
	const struct router *r = &routes_owner;

	(void)state;
	assert_true(r->n > 0);
	for (size_t i = 0; i < r->n; i++) {
		assert_int_not_equal(r->routes[i].role, ROLE_NONE);
		assert_non_null(r->routes[i].run);
		/* Only the way to the portal's pages lies beside the API. */
		if (r->routes[i].role != ROLE_PUBLIC)
			assert_int_equal(strncmp(r->routes[i].pattern, "/v1/", 4), 0);
		for (size_t j = 0; j < i; j++)
			assert_false(strcmp(r->routes[i].pattern, r->routes[j].pattern) == 0 &&
				     strcmp(r->routes[i].method, r->routes[j].method) == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_parameter_is_taken_out_of_its_path),
		cmocka_unit_test(other_paths_do_not_exist),
		cmocka_unit_test(other_methods_are_told_what_is_allowed),
		cmocka_unit_test(parameters_are_checked),
		cmocka_unit_test(queries_are_decoded_once_or_refused),
		cmocka_unit_test(the_table_is_sound),
		cmocka_unit_test(roles_are_ordered_and_unknown_ones_may_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
