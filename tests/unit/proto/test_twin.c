/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/macros.h"
#include "proto/twin.h"

#define CODE(class, detail) ((uint8_t)((class) << 5 | (detail)))

static const struct {
	uint8_t method;
	const char *path, *http_method, *http_path;
} pairs[] = {
	{2, "p/auth-jwt", "POST", "/v1/provisioning/auth-jwt"},
	{1, "p/cmd", "GET", "/v1/provisioning/commands"},
	{2, "p/rsp", "POST", "/v1/provisioning/response"},
	{2, "auth/jwt", "POST", "/v1/device/auth/jwt"},
	{1, "state", "GET", "/v1/device/state"},
	{6, "state/reported", "PATCH", "/v1/device/state/reported"},
	{6, "state/desired", "PATCH", "/v1/device/state/desired"},
};

static void every_request_of_a_device_has_one_twin(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		const struct twin *t = twin_find(pairs[i].method, pairs[i].path);

		assert_non_null(t);
		assert_string_equal(t->http_method, pairs[i].http_method);
		assert_string_equal(t->http_path, pairs[i].http_path);
		assert_ptr_equal(twin_find_http(pairs[i].http_method, pairs[i].http_path), t);
	}
}

static void nothing_else_has_one(void **state)
{
	(void)state;
	assert_null(twin_find(1, "p/auth-jwt"));
	assert_null(twin_find(2, "p/cmd"));
	assert_null(twin_find(2, ".dtls/suspend"));
	assert_null(twin_find(2, ""));
	assert_null(twin_find(1, "state/"));
	assert_null(twin_find_http("GET", "/v1/provisioning/response"));
	assert_null(twin_find_http("get", "/v1/device/state"));
	assert_null(twin_find_http("GET", "/v1/device/state/"));
}

static void a_request_is_preceded_by_the_login_of_its_half(void **state)
{
	(void)state;
	assert_string_equal(twin_login(false)->path, "p/auth-jwt");
	assert_string_equal(twin_login(true)->path, "auth/jwt");
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		const struct twin *t = twin_find(pairs[i].method, pairs[i].path);

		assert_int_equal(t->is_login, twin_login(t->is_cloud) == t);
	}
}

static void an_answer_survives_the_way_there_and_back(void **state)
{
	static const struct {
		uint8_t method;
		const char *path;
		uint8_t code;
		bool has_body;
		unsigned int status;
	} rows[] = {
		{2, "p/auth-jwt", CODE(2, 1), false, 201},
		{2, "p/auth-jwt", CODE(4, 1), true, 401},
		{2, "p/auth-jwt", CODE(4, 3), true, 403},
		{1, "p/cmd", CODE(2, 5), true, 200},
		{1, "p/cmd", CODE(2, 5), false, 204},
		{1, "p/cmd", CODE(4, 1), true, 401},
		{1, "p/cmd", CODE(4, 6), true, 406},
		{2, "p/rsp", CODE(2, 4), false, 200},
		{2, "p/rsp", CODE(4, 13), true, 413},
		{2, "p/rsp", CODE(4, 15), true, 415},
		{2, "p/rsp", CODE(4, 29), true, 429},
		{2, "p/rsp", CODE(5, 0), true, 500},
		{2, "p/rsp", CODE(5, 3), true, 503},
		{6, "state/reported", CODE(2, 4), false, 200},
		{6, "state/reported", CODE(4, 0), true, 400},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct twin *t = twin_find(rows[i].method, rows[i].path);

		assert_int_equal(twin_status(rows[i].code, rows[i].has_body), rows[i].status);
		assert_int_equal(twin_code(t, rows[i].status), rows[i].code);
	}
}

static void a_token_that_is_refused_after_its_login_asks_for_another_one(void **state)
{
	(void)state;
	assert_int_equal(twin_code(twin_find(1, "p/cmd"), 403), CODE(4, 1));
	assert_int_equal(twin_code(twin_find(2, "p/rsp"), 403), CODE(4, 1));
	assert_int_equal(twin_code(twin_find(1, "state"), 403), CODE(4, 1));
}

static void a_status_that_answers_nothing_is_no_code(void **state)
{
	(void)state;
	assert_int_equal(twin_code(twin_find(2, "p/auth-jwt"), 200), 0);
	assert_int_equal(twin_code(twin_find(1, "p/cmd"), 201), 0);
	assert_int_equal(twin_code(twin_find(1, "p/cmd"), 302), 0);
	assert_int_equal(twin_code(twin_find(1, "p/cmd"), 0), 0);
	assert_int_equal(twin_code(twin_find(1, "p/cmd"), 999), 0);
	assert_int_equal(twin_code(twin_find(1, "p/cmd"), 418), CODE(4, 0));
	assert_int_equal(twin_code(twin_find(1, "p/cmd"), 599), CODE(5, 0));
}

static void formats_have_media_types(void **state)
{
	(void)state;
	assert_string_equal(twin_media_type(60), "application/cbor");
	assert_string_equal(twin_media_type(50), "application/json");
	assert_string_equal(twin_media_type(0), "text/plain");
	assert_null(twin_media_type(-1));
	assert_null(twin_media_type(42));
	assert_int_equal(twin_format("application/cbor"), 60);
	assert_int_equal(twin_format("Application/JSON; charset=utf-8"), 50);
	assert_int_equal(twin_format("application/cbor-seq"), -1);
	assert_int_equal(twin_format("application"), -1);
	assert_int_equal(twin_format(""), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_request_of_a_device_has_one_twin),
		cmocka_unit_test(nothing_else_has_one),
		cmocka_unit_test(a_request_is_preceded_by_the_login_of_its_half),
		cmocka_unit_test(an_answer_survives_the_way_there_and_back),
		cmocka_unit_test(a_token_that_is_refused_after_its_login_asks_for_another_one),
		cmocka_unit_test(a_status_that_answers_nothing_is_no_code),
		cmocka_unit_test(formats_have_media_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
