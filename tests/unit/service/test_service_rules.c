/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <errno.h>

#define ONBOARDING "[\"nrf-cloud-onboarding\"]"

static unsigned int rule_add(struct fixture *f, const struct core_owner *o, const char *json,
			     json_t **ret)
{
	json_error_t error;
	json_t *body = json_loads(json, 0, &error);
	unsigned int status;

	if (!body)
		fail_msg("%s: %s", error.text, json);
	status = core_rule_add(f->core, o, body, ret);
	json_decref(body);
	return status;
}

static void rule_make(struct fixture *f, const struct core_owner *o, const char *json)
{
	json_t *ret = NULL;

	assert_int_equal(rule_add(f, o, json, &ret), 201);
	json_decref(ret);
}

static size_t commands_of(struct fixture *f, const struct device *d)
{
	json_t *ret = NULL;
	size_t n;

	assert_int_equal(core_command_list(f->core, &f->editor, d->uuid, &ret), 200);
	n = json_array_size(json_object_get(ret, "items"));
	json_decref(ret);
	return n;
}

static void connect_device(struct fixture *f, const struct device *d)
{
	char jwt[JWT_MAX], device[CORE_UUID_TEXT];

	device_jwt(d, jwt);
	assert_int_equal(token_show(f->core, jwt, strlen(jwt), device), CORE_OK);
}

static void a_rule_becomes_commands_when_the_device_connects_once_per_claim(void **state)
{
	struct fixture *f = *state;
	static const char *const types[] = {"clientPrivateKeyGeneration",
					    "cloudAccessKeyGeneration", "serverCertificate"};
	char token[TOKEN_TEXT_MAX];
	json_t *ret = NULL, *items;
	EVP_PKEY *key = key_make();
	struct device d;

	device_init(&d);
	device_claim(f, &d, ONBOARDING);
	assert_int_equal(commands_of(f, &d), 0);
	connect_device(f, &d);
	assert_int_equal(core_command_list(f->core, &f->editor, d.uuid, &ret), 200);
	items = json_object_get(ret, "items");
	assert_int_equal(json_array_size(items), 3);
	for (size_t i = 0; i < 3; i++) {
		json_t *item = json_array_get(items, i);

		assert_non_null(json_object_get(json_object_get(item, "request"), types[i]));
		assert_string_equal(json_string_value(json_object_get(item, "ruleId")),
				    "nrf-cloud-onboarding");
	}
	json_decref(ret);
	assert_int_equal(device_obey(f, &d, key), 6);
	connect_device(f, &d);
	connect_device(f, &d);
	assert_int_equal(device_obey(f, &d, key), 0);
	assert_int_equal(commands_of(f, &d), 3);

	assert_int_equal(core_unclaim(f->core, &f->editor, d.uuid, &ret), 204);
	device_token(&d, COSE_FORM_RFC9052, token);
	assert_int_equal(token_claim(f, &f->editor, token, ONBOARDING, &ret), 201);
	json_decref(ret);
	assert_int_equal(device_obey(f, &d, key), 6);
	EVP_PKEY_free(key);
	device_done(&d);
}

static void a_device_on_a_live_session_gets_rules_at_its_next_fetch(void **state)
{
	struct fixture *f = *state;
	struct command_list list;
	struct device d;

	device_init(&d);
	device_claim(f, &d, "[\"lab\"]");
	list = device_fetch(f, &d, "");
	assert_int_equal(list.n, 0);
	rule_make(f, &f->editor,
		  "{\"name\":\"r\",\"tags\":[\"lab\"],\"commands\":[{\"request\":{\"finished\":{}}"
		  "}]}");
	list = device_fetch(f, &d, "");
	assert_int_equal(list.n, 1);
	command_list_done(&list);
	device_done(&d);
}

static void rules_without_our_tag_and_inactive_ones_do_not_apply(void **state)
{
	struct fixture *f = *state;
	struct command_list list;
	struct device d;

	rule_make(f, &f->editor,
		  "{\"name\":\"r\",\"tags\":[\"other\"],\"commands\":[{\"request\":{\"finished\":"
		  "{}}}]}");
	rule_make(f, &f->editor,
		  "{\"name\":\"r\",\"active\":false,\"tags\":[\"lab\"],\"commands\":[{\"request\":"
		  "{\"finished\":{}}}]}");
	/* Another team's rule for the same tag is none of ours. */
	rule_make(f, &f->other,
		  "{\"name\":\"r\",\"tags\":[\"lab\"],\"commands\":[{\"request\":{\"finished\":{}}"
		  "}]}");
	device_init(&d);
	device_claim(f, &d, "[\"lab\"]");
	connect_device(f, &d);
	list = device_fetch(f, &d, "");
	assert_int_equal(list.n, 0);
	device_done(&d);
}

static void our_own_rule_takes_the_place_of_the_built_in_one(void **state)
{
	struct fixture *f = *state;
	struct command_list list;
	struct device d;

	rule_make(f, &f->editor,
		  "{\"name\":\"mine\",\"tags\":[\"nrf-cloud-onboarding\"],"
		  "\"commands\":[{\"request\":{\"finished\":{}}}]}");
	device_init(&d);
	device_claim(f, &d, ONBOARDING);
	list = device_fetch(f, &d, "");
	assert_int_equal(list.n, 1);
	assert_int_equal(list.items[0].type, COMMAND_FINISHED);
	command_list_done(&list);
	device_done(&d);
}

static void a_rule_waits_until_the_queue_has_room_for_all_of_it(void **state)
{
	struct fixture *f = *state;
	const char *first;
	struct device d;

	device_init(&d);
	device_claim(f, &d, ONBOARDING);
	first = command_add(f, &d, "{\"config\":{\"a\":\"b\"}}");
	for (int i = 1; i < 18; i++)
		command_add(f, &d, "{\"config\":{\"a\":\"b\"}}");
	connect_device(f, &d);
	assert_int_equal(commands_of(f, &d), 18);
	assert_int_equal(device_answer(f, &d, first, 101, 0, ""), CORE_OK);
	connect_device(f, &d);
	assert_int_equal(commands_of(f, &d), 21);
	device_done(&d);
}

static void rules_that_could_not_work_are_refused(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *json, *part;
	} rows[] = {
		{"{\"tags\":[\"a\"],\"commands\":[{\"request\":{\"finished\":{}}}]}", "name"},
		{"{\"name\":\"\",\"tags\":[\"a\"],\"commands\":[{\"request\":{\"finished\":{}}}]}",
		 "name"},
		{"{\"name\":\"n\",\"commands\":[{\"request\":{\"finished\":{}}}]}", "tags"},
		{"{\"name\":\"n\",\"tags\":[],\"commands\":[{\"request\":{\"finished\":{}}}]}",
		 "tags"},
		{"{\"name\":\"n\",\"tags\":[\"a\"]}", "commands"},
		{"{\"name\":\"n\",\"tags\":[\"a\"],\"commands\":[]}", "commands"},
		{"{\"name\":\"n\",\"tags\":[\"a\"],\"commands\":[1]}", "commands[0]"},
		{"{\"name\":\"n\",\"tags\":[\"a\"],\"active\":1,\"commands\":[]}", "active"},
		{"{\"name\":\"n\",\"tags\":[\"a\"],\"description\":1,\"commands\":[]}",
		 "description"},
		{"{\"name\":\"n\",\"tags\":[\"a\"],\"commands\":[{\"request\":{\"finished\":{}}},"
		 "{\"request\":{\"x\":{}}}]}",
		 "commands[1]"},
		{"{\"name\":\"n\",\"tags\":[\"a\"],\"commands\":[{\"request\":{\"preSharedKey\":"
		 "{\"secTag\":1,\"content\":\"00\"}}}]}",
		 "secrets"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		json_t *ret = NULL;

		assert_int_equal(rule_add(f, &f->editor, rows[i].json, &ret), 422);
		if (!strstr(json_string_value(json_object_get(ret, "detail")), rows[i].part))
			fail_msg("row %zu: %s", i,
				 json_string_value(json_object_get(ret, "detail")));
		json_decref(ret);
	}
}

static void a_rule_has_at_most_twenty_commands(void **state)
{
	struct fixture *f = *state;
	json_t *body = json_pack("{s:s, s:[s], s:[]}", "name", "n", "tags", "a", "commands");
	json_t *commands = json_object_get(body, "commands"), *ret = NULL;

	for (int i = 0; i < 20; i++)
		json_array_append_new(commands, json_pack("{s:{s:{}}}", "request", "finished"));
	assert_int_equal(core_rule_add(f->core, &f->editor, body, &ret), 201);
	json_decref(ret);
	json_array_append_new(commands, json_pack("{s:{s:{}}}", "request", "finished"));
	assert_int_equal(core_rule_add(f->core, &f->editor, body, &ret), 422);
	json_decref(ret);
	json_decref(body);
}

static void the_list_has_the_built_in_rule_and_our_own(void **state)
{
	struct fixture *f = *state;
	json_t *ret = NULL, *items;

	rule_make(f, &f->other,
		  "{\"name\":\"theirs\",\"tags\":[\"lab\"],\"commands\":[{\"request\":{"
		  "\"finished\":{}}}]}");
	rule_make(f, &f->editor,
		  "{\"name\":\"ours\",\"description\":\"d\",\"tags\":[\"lab\"],\"commands\":[{"
		  "\"request\":{\"finished\":{}}}]}");
	assert_int_equal(core_rule_list(f->core, &f->viewer, &ret), 200);
	items = json_object_get(ret, "items");
	assert_int_equal(json_array_size(items), 2);
	assert_true(json_is_true(json_object_get(json_array_get(items, 0), "builtIn")));
	assert_int_equal(json_array_size(json_object_get(json_array_get(items, 0), "commands")), 3);
	assert_string_equal(json_string_value(json_object_get(json_array_get(items, 1), "name")),
			    "ours");
	assert_true(json_is_false(json_object_get(json_array_get(items, 1), "builtIn")));
	json_decref(ret);
}

static void the_ca_for_devices_is_cleaned_of_what_people_write_around_it(void **state)
{
	struct fixture *f = *state;
	struct core_config config = {.store = f->store, .ca_dir = f->ca, .cloud_tag = TAG};
	struct core *ours = f->core;
	char *pem, *detail = NULL, expected[2048];
	struct command_list list;
	struct device d;

	assert_true(asprintf(&pem, "Issuer: \"M\303\274ller\"\r\n%sfin", f->root_ca) > 0);
	config.root_ca_pem = config.amazon_ca_pem = pem;
	assert_int_equal(core_new(&config, &f->core, &detail), 0);
	device_init(&d);
	device_claim(f, &d, ONBOARDING);
	list = device_fetch(f, &d, "");
	assert_int_equal(list.n, 6);
	snprintf(expected, sizeof(expected), "0,16842753,0,\"%s%s\"", f->root_ca, f->root_ca);
	assert_string_equal(list.items[5].parameters, expected);
	command_list_done(&list);
	core_free(f->core);

	config.amazon_ca_pem = "junk";
	assert_int_equal(core_new(&config, &f->core, &detail), -EINVAL);
	assert_non_null(strstr(detail, "not a PEM certificate"));
	free(detail);
	config.cloud_tag = SEC_TAG_MAX + 1;
	assert_int_equal(core_new(&config, &f->core, &detail), -EINVAL);
	free(detail);
	f->core = ours;
	free(pem);
	device_done(&d);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_rule_becomes_commands_when_the_device_connects_once_per_claim),
		T(a_device_on_a_live_session_gets_rules_at_its_next_fetch),
		T(rules_without_our_tag_and_inactive_ones_do_not_apply),
		T(our_own_rule_takes_the_place_of_the_built_in_one),
		T(a_rule_waits_until_the_queue_has_room_for_all_of_it),
		T(rules_that_could_not_work_are_refused),
		T(a_rule_has_at_most_twenty_commands),
		T(the_list_has_the_built_in_rule_and_our_own),
		T(the_ca_for_devices_is_cleaned_of_what_people_write_around_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
