/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fake_core.h"
#include "service/router.h"

#define ID "50363154-3931-44f0-8022-121b6401627d"

static const struct {
	const char *method, *path;
	enum router_role role;
	const char *called, *device, *command;
} rows[] = {
	{"POST", "/v1/claimed-devices", ROLE_EDITOR, "claim", "", ""},
	{"POST", "/v1/identities/claimed-devices", ROLE_EDITOR, "claim", "", ""},
	{"GET", "/v1/claimed-devices", ROLE_VIEWER, "claimed_list", "", ""},
	{"GET", "/v1/identities/claimed-devices", ROLE_VIEWER, "claimed_list", "", ""},
	{"DELETE", "/v1/claimed-devices/" ID, ROLE_EDITOR, "unclaim", ID, ""},
	{"DELETE", "/v1/claimed-devices/50363154-3931-44F0-8022-121B6401627D", ROLE_EDITOR,
	 "unclaim", ID, ""},
	{"POST", "/v1/claimed-devices/" ID "/provisioning", ROLE_EDITOR, "command_add", ID, ""},
	{"GET", "/v1/claimed-devices/" ID "/provisioning", ROLE_VIEWER, "command_list", ID, ""},
	{"GET", "/v1/claimed-devices/" ID "/provisioning/" ID ".1f", ROLE_VIEWER, "command_get", ID,
	 ID ".1f"},
	{"GET", "/v1/devices", ROLE_VIEWER, "device_list", "", ""},
	{"GET", "/v1/devices/" ID, ROLE_VIEWER, "device_get", ID, ""},
	{"PATCH", "/v1/devices/" ID "/state", ROLE_EDITOR, "device_state_patch", ID, ""},
	{"POST", "/v1/provisioning-rules", ROLE_EDITOR, "rule_add", "", ""},
	{"GET", "/v1/provisioning-rules", ROLE_VIEWER, "rule_list", "", ""},
	{"GET", "/v1/account", ROLE_VIEWER, "account", "", ""},
};

static enum router_verdict find(const char *method, const char *path,
				const struct router_route **route, struct router_params *params)
{
	char allow[ROUTER_ALLOW_MAX];

	return router_find(method, path, route, params, allow);
}

static void every_row_is_found_and_calls_its_part_of_core(void **state)
{
	struct core_owner owner = {.role = "admin"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct router_route *route;
		struct router_params params;
		struct router_call call = {.owner = &owner, .params = &params};
		json_t *json = NULL;

		fake_reset();
		assert_int_equal(find(rows[i].method, rows[i].path, &route, &params), ROUTER_FOUND);
		assert_int_equal(route->role, rows[i].role);
		assert_int_equal(route->has_body, strcmp(rows[i].method, "POST") == 0 ||
							  strcmp(rows[i].method, "PATCH") == 0);
		assert_int_equal(route->run(&call, &json), 200);
		json_decref(json);
		assert_string_equal(fake.called, rows[i].called);
		assert_string_equal(fake.device, rows[i].device);
		assert_string_equal(fake.command, rows[i].command);
	}
	fake_reset();
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

		/* an empty parameter has the shape of a path with one */
		assert_true(v == ROUTER_NO_PATH || v == ROUTER_BAD_PARAMETER ||
			    v == ROUTER_NO_METHOD);
		assert_true(v != ROUTER_FOUND);
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

			assert_int_equal(
				router_find(methods[j], paths[i].path, &route, &params, allow),
				ROUTER_NO_METHOD);
			assert_string_equal(allow, paths[i].allow);
		}
}

static void parameters_are_checked(void **state)
{
	static const char *const bad[] = {
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
	assert_true(ROLE_NONE < ROLE_VIEWER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_found_and_calls_its_part_of_core),
		cmocka_unit_test(other_paths_do_not_exist),
		cmocka_unit_test(other_methods_are_told_what_is_allowed),
		cmocka_unit_test(parameters_are_checked),
		cmocka_unit_test(roles_are_ordered_and_unknown_ones_may_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
