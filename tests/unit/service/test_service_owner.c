/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <errno.h>

#include "stores.h"

static void a_key_opens_its_team_with_its_role(void **state)
{
	struct fixture *f = *state;
	char key[64], again[64];
	struct core_owner o;

	assert_int_equal(core_apikey_create(f->core, "ours", "admin", "k", key), 0);
	assert_int_equal(core_apikey_create(f->core, "ours", "admin", "k", again), 0);
	assert_string_not_equal(key, again);
	assert_int_equal(strlen(key), 8 + 43);
	assert_int_equal(core_owner_of_key(f->core, key, &o), CORE_OK);
	assert_string_equal(o.team, f->editor.team);
	assert_string_not_equal(o.team, f->other.team);
	assert_string_equal(o.role, "admin");
	assert_int_equal(strlen(o.key_id), 36);
}

static void every_other_key_is_rejected(void **state)
{
	struct fixture *f = *state;
	char key[64], copy[80];
	struct core_owner o;
	size_t len;

	assert_int_equal(core_apikey_create(f->core, "ours", "admin", "k", key), 0);
	len = strlen(key);
	for (size_t i = 0; i < len; i++) {
		memcpy(copy, key, len + 1);
		copy[i] = copy[i] == 'A' ? 'B' : 'A';
		assert_int_equal(core_owner_of_key(f->core, copy, &o), CORE_REJECTED);
		memcpy(copy, key, len + 1);
		copy[i] = '\0';
		assert_int_equal(core_owner_of_key(f->core, copy, &o), CORE_REJECTED);
	}
	snprintf(copy, sizeof(copy), "%sA", key);
	assert_int_equal(core_owner_of_key(f->core, copy, &o), CORE_REJECTED);
}

static void the_store_holds_no_key(void **state)
{
	struct fixture *f = *state;
	char key[64], path[128];
	static const char *const suffixes[] = {"", "-wal"};

	assert_int_equal(core_apikey_create(f->core, "ours", "admin", "k", key), 0);
	if (stores_is_postgres()) {
		assert_true(stores_hold("theirs"));
		assert_false(stores_hold(key + 8));
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		static char data[4 << 20];
		FILE *file;
		size_t len;

		snprintf(path, sizeof(path), "%s%s", f->db, suffixes[i]);
		file = fopen(path, "r");
		assert_non_null(file);
		len = fread(data, 1, sizeof(data), file);
		fclose(file);
		assert_true(len > 0);
		assert_null(memmem(data, len, key, strlen(key)));
		assert_null(memmem(data, len, key + 8, 16));
	}
}

static void roles_and_names_that_are_none_are_invalid(void **state)
{
	struct fixture *f = *state;
	char key[64], name[130];

	assert_int_equal(core_apikey_create(f->core, "ours", "root", "k", key), -EINVAL);
	assert_int_equal(core_apikey_create(f->core, "ours", "", "k", key), -EINVAL);
	assert_int_equal(core_apikey_create(f->core, "", "admin", "k", key), -EINVAL);
	assert_int_equal(core_apikey_create(f->core, "ours", "admin", "", key), -EINVAL);
	assert_int_equal(core_apikey_create(f->core, "\xff", "admin", "k", key), -EINVAL);
	memset(name, 'n', sizeof(name));
	name[128] = '\0';
	assert_int_equal(core_apikey_create(f->core, "ours", "admin", name, key), 0);
	name[128] = 'n';
	name[129] = '\0';
	assert_int_equal(core_apikey_create(f->core, "ours", "admin", name, key), -EINVAL);
}

/* Every call of an owner, with what would work for an editor of the right team. */
struct call {
	const char *name;
	bool writes, of_device;
	unsigned int ok;
};

static const struct call calls[] = {
	{"claimed_list", false, false, 200}, {"device_list", false, false, 200},
	{"rule_list", false, false, 200},    {"account", false, false, 200},
	{"command_list", false, true, 200},  {"command_get", false, true, 200},
	{"device_get", false, true, 200},    {"rule_add", true, false, 201},
	{"claim", true, false, 200},         {"command_add", true, true, 201},
	{"state_patch", true, true, 200},    {"unclaim", true, true, 204},
};

static unsigned int call_run(struct fixture *f, size_t i, const struct core_owner *o,
			     const struct device *d, const char *command, json_t **ret)
{
	char token[TOKEN_TEXT_MAX];
	json_auto_t *rule = json_pack("{s:s, s:[s], s:[{s:{s:{}}}]}", "name", "n", "tags", "t",
				      "commands", "request", "finished");
	json_auto_t *add = json_pack("{s:{s:{}}}", "request", "finished");
	json_auto_t *state = json_pack("{s:{s:i}}", "desired", "a", 1);
	json_auto_t *claim = NULL;

	device_token(d, COSE_FORM_RFC9052, token);
	claim = json_pack("{s:s}", "claimToken", token);
	switch (i) {
	case 0:
		return core_claimed_list(f->core, o, &(struct core_list){0}, ret);
	case 1:
		return core_device_list(f->core, o, &(struct core_list){0}, ret);
	case 2:
		return core_rule_list(f->core, o, ret);
	case 3:
		return core_account(f->core, o, ret);
	case 4:
		return core_command_list(f->core, o, d->uuid, ret);
	case 5:
		return core_command_get(f->core, o, d->uuid, command, ret);
	case 6:
		return core_device_get(f->core, o, d->uuid, ret);
	case 7:
		return core_rule_add(f->core, o, rule, ret);
	case 8:
		return core_claim(f->core, o, claim, ret);
	case 9:
		return core_command_add(f->core, o, d->uuid, add, ret);
	case 10:
		return core_device_state_patch(f->core, o, d->uuid, state, ret);
	default:
		return core_unclaim(f->core, o, d->uuid, ret);
	}
}

static void roles_may_do_what_they_may_and_nothing_else(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *role;
		bool reads, writes;
	} roles[] = {
		{"viewer", true, false}, {"", false, false},        {"owner", false, false},
		{"Admin", false, false}, {"editorx", false, false}, {"editor", true, true},
	};
	const char *command;
	struct device d;

	device_init(&d);
	device_claim(f, &d, NULL);
	command = command_add(f, &d, "{\"finished\":{}}");
	for (size_t k = 0; k < ARRAY_SIZE(roles); k++)
		for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
			struct core_owner o = f->editor;
			json_t *ret = NULL;
			bool may = calls[i].writes ? roles[k].writes : roles[k].reads;
			unsigned int got;

			snprintf(o.role, sizeof(o.role), "%s", roles[k].role);
			got = call_run(f, i, &o, &d, command, &ret);
			if (got != (may ? calls[i].ok : 403))
				fail_msg("%s as %s: %u", calls[i].name, roles[k].role, got);
			json_decref(ret);
		}
	device_done(&d);
}

static void another_team_sees_and_touches_nothing(void **state)
{
	struct fixture *f = *state;
	json_t *ret = NULL, *before = NULL, *after = NULL;
	const char *command;
	struct device d;

	device_init(&d);
	device_claim(f, &d, NULL);
	command = command_add(f, &d, "{\"finished\":{}}");
	assert_int_equal(core_device_get(f->core, &f->editor, d.uuid, &before), 200);
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		unsigned int got;

		if (!calls[i].of_device)
			continue;
		got = call_run(f, i, &f->other, &d, command, &ret);
		if (got != 404)
			fail_msg("%s: %u", calls[i].name, got);
		json_decref(ret);
	}
	assert_int_equal(core_claimed_list(f->core, &f->other, &(struct core_list){0}, &ret), 200);
	assert_int_equal(json_array_size(json_object_get(ret, "items")), 0);
	json_decref(ret);
	assert_int_equal(core_device_list(f->core, &f->other, &(struct core_list){0}, &ret), 200);
	assert_int_equal(json_array_size(json_object_get(ret, "items")), 0);
	json_decref(ret);
	assert_int_equal(core_device_get(f->core, &f->editor, d.uuid, &after), 200);
	assert_true(json_equal(before, after));
	json_decref(before);
	json_decref(after);
	device_done(&d);
}

static void ids_are_taken_in_any_case_and_nothing_but_ids(void **state)
{
	struct fixture *f = *state;
	static const char *const bad[] = {"", "x", "../../etc/passwd", "%00",
					  "' OR 1=1 --                         "};
	char upper[CORE_UUID_TEXT];
	json_t *ret = NULL;
	struct device d;

	device_init(&d);
	device_claim(f, &d, NULL);
	for (size_t i = 0; i < sizeof(upper); i++)
		upper[i] =
			(char)((d.uuid[i] >= 'a' && d.uuid[i] <= 'f') ? d.uuid[i] - 32 : d.uuid[i]);
	assert_int_equal(core_device_get(f->core, &f->editor, upper, &ret), 200);
	json_decref(ret);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(core_device_get(f->core, &f->editor, bad[i], &ret), 404);
		json_decref(ret);
		assert_int_equal(core_command_get(f->core, &f->editor, d.uuid, bad[i], &ret), 404);
		json_decref(ret);
	}
	device_done(&d);
}

static void lists_hold_what_is_ours(void **state)
{
	struct fixture *f = *state;
	json_t *ret = NULL, *item;
	struct device d[3];

	for (size_t i = 0; i < 3; i++) {
		device_init(&d[i]);
		device_claim(f, &d[i], "[\"lab\"]");
	}
	assert_int_equal(core_claimed_list(f->core, &f->viewer, &(struct core_list){0}, &ret), 200);
	assert_int_equal(json_array_size(json_object_get(ret, "items")), 3);
	json_decref(ret);
	assert_int_equal(core_device_list(f->core, &f->viewer, &(struct core_list){0}, &ret), 200);
	assert_int_equal(json_integer_value(json_object_get(ret, "total")), 3);
	item = json_array_get(json_object_get(ret, "items"), 0);
	assert_null(json_object_get(item, "state"));
	assert_true(json_is_null(json_object_get(item, "cloudAccess")));
	json_decref(ret);
	assert_int_equal(core_account(f->core, &f->viewer, &ret), 200);
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(ret, "team"), "tenantId")),
		f->viewer.team);
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(ret, "team"), "name")), "ours");
	json_decref(ret);
	for (size_t i = 0; i < 3; i++)
		device_done(&d[i]);
}

static void hostile_texts_come_back_as_texts(void **state)
{
	struct fixture *f = *state;
	json_t *body = json_pack("{s:s, s:{s:{}}}", "description", "<script>\n\"';--\t", "request",
				 "finished");
	json_t *ret = NULL;
	struct device d;

	device_init(&d);
	device_claim(f, &d, NULL);
	assert_int_equal(core_command_add(f->core, &f->editor, d.uuid, body, &ret), 201);
	assert_string_equal(json_string_value(json_object_get(ret, "description")),
			    "<script>\n\"';--\t");
	json_decref(ret);
	json_decref(body);

	assert_int_equal(core_problem(404, &ret, "no %s", "\xff\xfe"), 404);
	assert_string_equal(json_string_value(json_object_get(ret, "detail")), "no ??");
	json_decref(ret);
	device_done(&d);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_key_opens_its_team_with_its_role),
		T(every_other_key_is_rejected),
		T(the_store_holds_no_key),
		T(roles_and_names_that_are_none_are_invalid),
		T(roles_may_do_what_they_may_and_nothing_else),
		T(another_team_sees_and_touches_nothing),
		T(ids_are_taken_in_any_case_and_nothing_but_ids),
		T(lists_hold_what_is_ours),
		T(hostile_texts_come_back_as_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
