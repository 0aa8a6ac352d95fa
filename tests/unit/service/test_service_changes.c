/* SPDX-License-Identifier: Apache-2.0 */
#include "faulty.h"

#include <errno.h>

/* What owners change: each change with its row of the log and its event, or nothing of the three,
 * whichever call of the store fails. */
static int fault_setup(void **state)
{
	fixture_setup(state);
	faulty_install(*state);
	return 0;
}

/* ---- what there is, as one JSON value ---- */

static const struct core_list all = {.limit = "1000"};
static struct core_owner admin;

static void keep_list(json_t *to, unsigned int status, json_t **value)
{
	if (status == 200)
		json_array_append(to, *value);
	json_decref(*value);
	*value = NULL;
}

static json_t *everything(struct fixture *f, const struct device *d)
{
	json_t *ret = json_array(), *v = NULL;

	faulty_fail("", 0);
	keep_list(ret, core_claimed_list(f->core, &admin, &all, &v), &v);
	keep_list(ret, core_claimed_list(f->core, &f->other, &all, &v), &v);
	keep_list(ret, core_timeline(f->core, &admin, d->uuid, &all, &v), &v);
	keep_list(ret, core_command_list(f->core, &admin, d->uuid, &v), &v);
	keep_list(ret, core_device_state_get(f->core, &admin, d->uuid, &v), &v);
	keep_list(ret, core_rule_list(f->core, &admin, &v), &v);
	keep_list(ret, core_tag_list(f->core, &admin, &v), &v);
	keep_list(ret, core_apikey_list(f->core, &admin, &v), &v);
	keep_list(ret, core_user_list(f->core, &admin, &v), &v);
	keep_list(ret, core_audit_list(f->core, &admin, &all, &v), &v);
	return ret;
}

/* ---- the changes ---- */

static struct {
	struct device d;
	char command[CORRELATION_MAX + 1], rule[64], key[64], user[64];
} thing;

static json_t *body_of(const char *text)
{
	json_t *body = json_loads(text, 0, NULL);

	assert_non_null(body);
	return body;
}

#define CHANGE(name, body_text, call)                                                              \
	static unsigned int name(struct fixture *f, json_t **ret)                                  \
	{                                                                                          \
		json_auto_t *body = body_of(body_text);                                            \
		(void)body;                                                                        \
		return call;                                                                       \
	}                                                                                          \
	_Static_assert(1, "")

#define WHO f->core, &admin
#define RULE "{\"name\":\"r\",\"tags\":[\"t\"],\"commands\":[{\"request\":{\"finished\":{}}}]}"

CHANGE(rename_it, "{\"name\":\"n\"}", core_device_change(WHO, thing.d.uuid, body, ret));
CHANGE(name_and_tag, "{\"name\":\"n\",\"tags\":[\"x\"]}",
       core_device_change(WHO, thing.d.uuid, body, ret));
CHANGE(block, "{}", core_device_block(WHO, thing.d.uuid, true, ret));
CHANGE(reset, "{}", core_device_reset(WHO, thing.d.uuid, ret));
CHANGE(unclaim, "{}", core_unclaim(WHO, thing.d.uuid, ret));
CHANGE(add_command, "{\"request\":{\"finished\":{}}}",
       core_command_add(WHO, thing.d.uuid, body, ret));
CHANGE(delete_command, "{}", core_command_delete(WHO, thing.d.uuid, thing.command, ret));
CHANGE(patch_state, "{\"desired\":{\"a\":1}}",
       core_device_state_patch(WHO, thing.d.uuid, body, ret));
CHANGE(add_rule, RULE, core_rule_add(WHO, body, ret));
CHANGE(put_rule, RULE, core_rule_put(WHO, thing.rule, body, ret));
CHANGE(delete_rule, "{}", core_rule_delete(WHO, thing.rule, ret));
CHANGE(add_tag, "{\"tag\":\"new\"}", core_tag_add(WHO, body, ret));
CHANGE(delete_tag, "{}", core_tag_delete(WHO, "old", ret));
CHANGE(add_key, "{\"name\":\"k\",\"role\":\"viewer\"}", core_apikey_add(WHO, body, ret));
CHANGE(delete_key, "{}", core_apikey_delete(WHO, thing.key, ret));
CHANGE(add_user, "{\"name\":\"u2\",\"role\":\"viewer\",\"password\":\"correct horse\"}",
       core_user_add(WHO, body, "hash", ret));
CHANGE(change_user, "{\"role\":\"admin\"}", core_user_change(WHO, thing.user, body, NULL, ret));
CHANGE(delete_user, "{}", core_user_delete(WHO, thing.user, ret));

static unsigned int transfer(struct fixture *f, json_t **ret)
{
	json_auto_t *body = json_pack("{s:s}", "tenantId", f->other.team);

	return core_transfer(WHO, thing.d.uuid, body, ret);
}

static const struct {
	const char *name;
	unsigned int (*run)(struct fixture *f, json_t **ret);
	unsigned int status;
	const char *action, *kind; /* of the log, of the device's timeline */
	const char *faults[12];
} changes[] = {
	{"rename",
	 rename_it,
	 200,
	 "device.change",
	 "renamed",
	 {"begin", "device_get", "device_update", "event_add", "audit_add", "commit"}},
	{"name and tag",
	 name_and_tag,
	 200,
	 "device.change",
	 "tagged",
	 {"begin", "device_get", "device_update", "event_add", "audit_add", "commit"}},
	{"block",
	 block,
	 200,
	 "device.block",
	 "blocked",
	 {"begin", "device_get", "device_update", "event_add", "audit_add", "commit"}},
	{"reset",
	 reset,
	 200,
	 "device.reset",
	 "reset",
	 {"begin", "command_update", "rule_clear_applied", "device_update", "event_add",
	  "audit_add", "commit"}},
	{"add command",
	 add_command,
	 201,
	 "command.add",
	 "command-queued",
	 {"begin", "command_add", "event_add", "audit_add", "commit"}},
	{"delete command",
	 delete_command,
	 204,
	 "command.delete",
	 "command-deleted",
	 {"begin", "command_delete", "event_add", "audit_add", "commit"}},
	{"patch state",
	 patch_state,
	 200,
	 "state.change",
	 "state-desired",
	 {"begin", "shadow_put", "event_add", "audit_add", "commit"}},
	{"unclaim",
	 unclaim,
	 204,
	 "device.unclaim",
	 NULL,
	 {"begin", "device_delete", "event_prune", "event_add", "audit_add", "commit"}},
	{"transfer",
	 transfer,
	 204,
	 "device.transfer",
	 NULL,
	 {"begin", "device_delete", "device_add", "event_prune", "event_add", "audit_add",
	  "commit"}},
	{"add rule",
	 add_rule,
	 201,
	 "rule.create",
	 NULL,
	 {"begin", "rule_add", "audit_add", "commit"}},
	{"put rule",
	 put_rule,
	 200,
	 "rule.replace",
	 NULL,
	 {"begin", "rule_update", "audit_add", "commit"}},
	{"delete rule",
	 delete_rule,
	 204,
	 "rule.delete",
	 NULL,
	 {"begin", "rule_delete", "audit_add", "commit"}},
	{"add tag", add_tag, 201, "tag.put", NULL, {"begin", "tag_put", "audit_add", "commit"}},
	{"delete tag",
	 delete_tag,
	 204,
	 "tag.delete",
	 NULL,
	 {"begin", "tag_delete", "audit_add", "commit"}},
	{"add key",
	 add_key,
	 201,
	 "apikey.create",
	 NULL,
	 {"begin", "apikey_add", "audit_add", "commit"}},
	{"delete key",
	 delete_key,
	 204,
	 "apikey.delete",
	 NULL,
	 {"begin", "apikey_delete", "audit_add", "commit"}},
	{"add user",
	 add_user,
	 201,
	 "user.create",
	 NULL,
	 {"begin", "user_add", "audit_add", "commit"}},
	{"change user",
	 change_user,
	 200,
	 "user.change",
	 NULL,
	 {"begin", "user_update", "session_prune", "audit_add", "commit"}},
	{"delete user",
	 delete_user,
	 204,
	 "user.delete",
	 NULL,
	 {"begin", "user_delete", "audit_add", "commit"}},
};

static void keep_id(json_t *value, char *ret, size_t size)
{
	snprintf(ret, size, "%s", json_string_value(json_object_get(value, "id")));
	json_decref(value);
}

static void make_things(struct fixture *f)
{
	json_t *ret = NULL;

	admin = f->editor;
	strcpy(admin.role, "admin");
	snprintf(admin.address, sizeof(admin.address), "192.0.2.7");
	device_init(&thing.d);
	device_claim(f, &thing.d, "[\"nrf-cloud-onboarding\"]");
	snprintf(thing.command, sizeof(thing.command), "%s",
		 command_add(f, &thing.d, "{\"finished\":{}}"));
	assert_int_equal(add_rule(f, &ret), 201);
	keep_id(ret, thing.rule, sizeof(thing.rule));
	assert_int_equal(add_key(f, &ret), 201);
	keep_id(ret, thing.key, sizeof(thing.key));
	{
		json_auto_t *user = body_of("{\"name\":\"u\",\"role\":\"viewer\","
					    "\"password\":\"correct horse\"}");
		json_auto_t *tag = body_of("{\"tag\":\"old\"}");

		assert_int_equal(core_user_add(f->core, &admin, user, "hash", &ret), 201);
		keep_id(ret, thing.user, sizeof(thing.user));
		assert_int_equal(core_tag_add(f->core, &admin, tag, &ret), 201);
		json_decref(ret);
	}
}

static void a_change_that_fails_changes_nothing_and_says_nothing(void **state)
{
	struct fixture *f = *state;

	make_things(f);
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++)
		for (size_t k = 0; changes[i].faults[k]; k++) {
			json_auto_t *before = everything(f, &thing.d), *after = NULL;
			json_t *ret = NULL;
			unsigned int status;

			faulty_fail(changes[i].faults[k], -EIO);
			status = changes[i].run(f, &ret);
			if (status != 500)
				fail_msg("%s at %s: %u", changes[i].name, changes[i].faults[k],
					 status);
			json_decref(ret);
			after = everything(f, &thing.d);
			if (!json_equal(before, after))
				fail_msg("%s at %s: something changed", changes[i].name,
					 changes[i].faults[k]);
		}
	device_done(&thing.d);
}

/* Borrowed from *ret_keep, the caller's. */
static const char *newest(struct fixture *f, const char *member, json_t **ret_keep)
{
	assert_int_equal(
		core_audit_list(f->core, &admin, &(struct core_list){.limit = "1"}, ret_keep), 200);
	return json_string_value(
		json_object_get(json_array_get(json_object_get(*ret_keep, "items"), 0), member));
}

static void a_change_is_in_the_log_and_in_the_timeline(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		json_t *ret = NULL, *keep = NULL, *events = NULL;
		unsigned int status;

		make_things(f);
		status = changes[i].run(f, &ret);
		if (status != changes[i].status)
			fail_msg("%s: %u", changes[i].name, status);
		json_decref(ret);
		assert_string_equal(newest(f, "action", &keep), changes[i].action);
		json_decref(keep);
		assert_string_equal(newest(f, "actor", &keep), admin.actor);
		json_decref(keep);
		assert_string_equal(newest(f, "address", &keep), "192.0.2.7");
		json_decref(keep);
		if (changes[i].kind) {
			assert_int_equal(
				core_timeline(f->core, &admin, thing.d.uuid, &all, &events), 200);
			assert_string_equal(
				json_string_value(json_object_get(
					json_array_get(json_object_get(events, "items"), 0),
					"kind")),
				changes[i].kind);
			json_decref(events);
		}
		/* what the next round makes again is not there twice */
		if (changes[i].run != delete_user) {
			assert_int_equal(delete_user(f, &ret), 204);
		}
		if (changes[i].run == add_user) {
			json_t *users = NULL, *one;

			assert_int_equal(core_user_list(f->core, &admin, &users), 200);
			one = json_array_get(json_object_get(users, "items"), 0);
			assert_int_equal(
				core_user_delete(f->core, &admin,
						 json_string_value(json_object_get(one, "id")),
						 &ret),
				204);
			json_decref(users);
		}
		if (changes[i].run != delete_tag)
			assert_int_equal(delete_tag(f, &ret), 204);
		device_done(&thing.d);
	}
}

static void a_claim_repeated_is_no_change_unless_a_tag_is_new(void **state)
{
	struct fixture *f = *state;
	json_auto_t *before = NULL, *after = NULL;
	char token[TOKEN_TEXT_MAX];
	json_t *ret = NULL, *keep = NULL;

	make_things(f);
	device_token(&thing.d, COSE_FORM_RFC9052, token);
	before = everything(f, &thing.d);
	assert_int_equal(token_claim(f, &admin, token, "[\"nrf-cloud-onboarding\"]", &ret), 200);
	json_decref(ret);
	after = everything(f, &thing.d);
	assert_true(json_equal(before, after));
	assert_int_equal(token_claim(f, &admin, token, "[\"more\"]", &ret), 200);
	json_decref(ret);
	assert_string_equal(newest(f, "action", &keep), "device.claim");
	json_decref(keep);
	device_done(&thing.d);
}

static void a_reset_queues_the_rules_again_and_ends_what_is_open(void **state)
{
	struct fixture *f = *state;
	struct command_list list;
	json_t *ret = NULL;
	struct device d;
	const char *id;

	device_init(&d);
	device_claim(f, &d, "[\"nrf-cloud-onboarding\"]");
	id = command_add(f, &d, "{\"finished\":{}}");
	list = device_fetch(f, &d, "");
	assert_int_equal(list.n, 7);
	command_list_done(&list);
	assert_int_equal(core_device_reset(f->core, &f->editor, d.uuid, &ret), 200);
	json_decref(ret);
	assert_command(f, &d, id, "FAILED", "reset");
	/* an answer to what was dropped is for nobody */
	assert_int_equal(device_answer(f, &d, id, 102, 0, ""), CORE_OK);
	assert_command(f, &d, id, "FAILED", "reset");
	list = device_fetch(f, &d, "");
	assert_int_equal(list.n, 6);
	command_list_done(&list);
	device_done(&d);
}

static void another_team_gets_the_claim_and_nothing_else(void **state)
{
	struct fixture *f = *state;
	json_t *ret = NULL, *item;

	make_things(f);
	assert_int_equal(transfer(f, &ret), 204);
	assert_int_equal(core_claimed_get(f->core, &admin, thing.d.uuid, &ret), 404);
	json_decref(ret);
	assert_int_equal(core_timeline(f->core, &f->other, thing.d.uuid, &all, &ret), 200);
	assert_int_equal(json_array_size(json_object_get(ret, "items")), 1);
	item = json_array_get(json_object_get(ret, "items"), 0);
	assert_string_equal(json_string_value(json_object_get(item, "kind")), "transferred");
	json_decref(ret);
	assert_int_equal(core_command_list(f->core, &f->other, thing.d.uuid, &ret), 200);
	assert_int_equal(json_array_size(json_object_get(ret, "items")), 0);
	json_decref(ret);
	device_done(&thing.d);
}

static void a_claim_that_fails_claims_nothing(void **state)
{
	static const char *const faults[] = {"begin", "device_add", "event_add", "audit_add",
					     "commit"};
	struct fixture *f = *state;
	struct device d;
	char token[TOKEN_TEXT_MAX];
	json_t *ret = NULL;

	make_things(f);
	device_init(&d);
	device_import(f, &d);
	device_token(&d, COSE_FORM_RFC9052, token);
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		json_auto_t *before = everything(f, &d), *after = NULL;

		faulty_fail(faults[i], -EIO);
		assert_int_equal(token_claim(f, &admin, token, NULL, &ret), 500);
		json_decref(ret);
		after = everything(f, &d);
		assert_true(json_equal(before, after));
	}
	assert_int_equal(token_claim(f, &admin, token, NULL, &ret), 201);
	json_decref(ret);
	device_done(&d);
	device_done(&thing.d);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fault_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_change_that_fails_changes_nothing_and_says_nothing),
		T(a_change_is_in_the_log_and_in_the_timeline),
		T(a_claim_repeated_is_no_change_unless_a_tag_is_new),
		T(a_reset_queues_the_rules_again_and_ends_what_is_open),
		T(another_team_gets_the_claim_and_nothing_else),
		T(a_claim_that_fails_claims_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
