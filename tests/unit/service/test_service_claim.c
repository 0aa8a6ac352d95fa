/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "base/text.h"

static void assert_problem(json_t *problem, int status, const char *part)
{
	assert_string_equal(json_string_value(json_object_get(problem, "type")), "about:blank");
	assert_true(json_string_length(json_object_get(problem, "title")) > 0);
	assert_int_equal(json_integer_value(json_object_get(problem, "status")), status);
	if (!strstr(json_string_value(json_object_get(problem, "detail")), part))
		fail_msg("%s", json_string_value(json_object_get(problem, "detail")));
	json_decref(problem);
}

static void a_token_of_either_form_claims_its_device(void **state)
{
	struct fixture *f = *state;
	static const enum cose_form forms[] = {COSE_FORM_RFC9052, COSE_FORM_MODEM};

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		char token[TOKEN_TEXT_MAX];
		json_t *ret = NULL;
		struct device d;

		device_init(&d);
		device_import(f, &d);
		device_token(&d, forms[i], token);
		assert_int_equal(token_claim(f, &f->editor, token, "[\"a\",\"b\",\"a\"]", &ret),
				 201);
		assert_string_equal(json_string_value(json_object_get(ret, "id")), d.uuid);
		assert_string_equal(json_string_value(json_object_get(ret, "deviceType")),
				    "nrf9160_SICA");
		assert_string_equal(json_string_value(json_object_get(ret, "ownerId")),
				    f->editor.team);
		assert_int_equal(json_string_length(json_object_get(ret, "firmwareId")), 36);
		assert_int_equal(json_string_length(json_object_get(ret, "claimedAt")), 20);
		assert_int_equal(json_array_size(json_object_get(ret, "tags")), 2);
		json_decref(ret);
		device_done(&d);
	}
}

static void an_unknown_device_is_404(void **state)
{
	struct fixture *f = *state;
	char token[TOKEN_TEXT_MAX];
	json_t *ret = NULL;
	struct device d;

	device_init(&d);
	device_token(&d, COSE_FORM_RFC9052, token);
	assert_int_equal(token_claim(f, &f->editor, token, NULL, &ret), 404);
	assert_problem(ret, 404, d.uuid);
	device_done(&d);
}

static void a_device_of_another_team_is_409_until_they_unclaim(void **state)
{
	struct fixture *f = *state;
	char token[TOKEN_TEXT_MAX];
	json_t *ret = NULL;
	struct device d;

	device_init(&d);
	device_claim(f, &d, NULL);
	device_token(&d, COSE_FORM_RFC9052, token);
	assert_int_equal(token_claim(f, &f->other, token, NULL, &ret), 409);
	assert_problem(ret, 409, "another team");
	/* They cannot end our claim. */
	assert_int_equal(core_unclaim(f->core, &f->other, d.uuid, &ret), 404);
	json_decref(ret);
	assert_int_equal(core_unclaim(f->core, &f->editor, d.uuid, &ret), 204);
	assert_int_equal(token_claim(f, &f->other, token, NULL, &ret), 201);
	json_decref(ret);
	assert_int_equal(core_unclaim(f->core, &f->editor, d.uuid, &ret), 404);
	json_decref(ret);
	device_done(&d);
}

static void claiming_again_is_200_and_adds_tags(void **state)
{
	struct fixture *f = *state;
	char token[TOKEN_TEXT_MAX];
	json_t *ret = NULL, *tags;
	struct device d;

	device_init(&d);
	device_claim(f, &d, "[\"one\"]");
	device_token(&d, COSE_FORM_RFC9052, token);
	assert_int_equal(token_claim(f, &f->editor, token, "[\"two\",\"one\"]", &ret), 200);
	tags = json_object_get(ret, "tags");
	assert_int_equal(json_array_size(tags), 2);
	assert_string_equal(json_string_value(json_array_get(tags, 1)), "two");
	json_decref(ret);
	device_done(&d);
}

static void a_token_signed_by_anybody_else_is_422(void **state)
{
	struct fixture *f = *state;
	char token[TOKEN_TEXT_MAX];
	struct device d, thief;
	json_t *ret = NULL;

	device_init(&d);
	device_init(&thief);
	device_import(f, &d);
	memcpy(thief.uuid, d.uuid, sizeof(d.uuid));
	device_token(&thief, COSE_FORM_RFC9052, token);
	assert_int_equal(token_claim(f, &f->editor, token, NULL, &ret), 422);
	assert_problem(ret, 422, "not signed");
	device_done(&d);
	device_done(&thief);
}

static void every_truncated_or_changed_token_is_refused(void **state)
{
	struct fixture *f = *state;
	char token[TOKEN_TEXT_MAX], copy[TOKEN_TEXT_MAX];
	json_t *ret = NULL;
	struct device d;
	size_t len;

	device_init(&d);
	device_import(f, &d);
	device_token(&d, COSE_FORM_RFC9052, token);
	len = strlen(token);
	for (size_t i = 0; i < len; i++) {
		unsigned int status;

		memcpy(copy, token, len + 1);
		copy[i] = '\0';
		assert_int_equal(token_claim(f, &f->editor, copy, NULL, &ret), 422);
		json_decref(ret);
		memcpy(copy, token, len + 1);
		copy[i] = copy[i] == 'A' ? 'B' : 'A';
		status = token_claim(f, &f->editor, copy, NULL, &ret);
		assert_true(status == 422 || status == 404); /* a changed UUID is unknown */
		json_decref(ret);
	}
	memcpy(copy, token, len + 1);
	copy[len] = 'A';
	copy[len + 1] = '\0';
	assert_int_equal(token_claim(f, &f->editor, copy, NULL, &ret), 422);
	json_decref(ret);
	device_done(&d);
}

static void bodies_and_tags_that_make_no_sense_are_422(void **state)
{
	struct fixture *f = *state;
	static const char *const tags[] = {
		"\"a\"",
		"[1]",
		"[\"\"]",
		"[\"a b\"]",
		"[\"<script>\"]",
		"[\"a|b\"]",
		"[\"\\u00fc\"]",
		"[\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"]",
		"[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\",\"11\",\"12\","
		"\"13\",\"14\",\"15\",\"16\",\"17\"]",
	};
	char token[TOKEN_TEXT_MAX];
	json_t *ret = NULL, *body;
	struct device d;

	device_init(&d);
	device_import(f, &d);
	device_token(&d, COSE_FORM_RFC9052, token);
	for (size_t i = 0; i < ARRAY_SIZE(tags); i++) {
		assert_int_equal(token_claim(f, &f->editor, token, tags[i], &ret), 422);
		assert_problem(ret, 422, "tags");
	}
	body = json_pack("[s]", "claimToken");
	assert_int_equal(core_claim(f->core, &f->editor, body, &ret), 422);
	json_decref(ret);
	json_decref(body);
	body = json_pack("{s:i}", "claimToken", 1);
	assert_int_equal(core_claim(f->core, &f->editor, body, &ret), 422);
	json_decref(ret);
	json_decref(body);
	assert_int_equal(core_claim(f->core, &f->editor, NULL, &ret), 422);
	json_decref(ret);
	/* The longest tag and as many as may be. */
	assert_int_equal(
		token_claim(f, &f->editor, token,
			    "[\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\","
			    "\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\",\"11\",\"12\","
			    "\"13\",\"14\",\"15\",\"16\"]",
			    &ret),
		201);
	json_decref(ret);
	/* One more on claiming again is one too many. */
	assert_int_equal(token_claim(f, &f->editor, token, "[\"17\"]", &ret), 422);
	json_decref(ret);
	device_done(&d);
}

static void unclaiming_forgets_queue_and_shadow(void **state)
{
	struct fixture *f = *state;
	char token[TOKEN_TEXT_MAX];
	json_t *ret = NULL, *body = json_pack("{s:{s:i}}", "desired", "a", 1);
	struct command_list list;
	struct device d;

	device_init(&d);
	device_claim(f, &d, "[\"nrf-cloud-onboarding\"]");
	list = device_fetch(f, &d, "");
	assert_int_equal(list.n, 6);
	command_list_done(&list);
	assert_int_equal(core_device_state_patch(f->core, &f->editor, d.uuid, body, &ret), 200);
	json_decref(ret);
	assert_int_equal(core_unclaim(f->core, &f->editor, d.uuid, &ret), 204);
	device_token(&d, COSE_FORM_RFC9052, token);
	assert_int_equal(token_claim(f, &f->other, token, NULL, &ret), 201);
	json_decref(ret);
	assert_int_equal(core_command_list(f->core, &f->other, d.uuid, &ret), 200);
	assert_int_equal(json_array_size(json_object_get(ret, "items")), 0);
	json_decref(ret);
	assert_int_equal(core_state_get(f->core, caller(d.uuid), false, &ret), CORE_OK);
	assert_null(ret);
	json_decref(body);
	device_done(&d);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_token_of_either_form_claims_its_device),
		T(an_unknown_device_is_404),
		T(a_device_of_another_team_is_409_until_they_unclaim),
		T(claiming_again_is_200_and_adds_tags),
		T(a_token_signed_by_anybody_else_is_422),
		T(every_truncated_or_changed_token_is_refused),
		T(bodies_and_tags_that_make_no_sense_are_422),
		T(unclaiming_forgets_queue_and_shadow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
