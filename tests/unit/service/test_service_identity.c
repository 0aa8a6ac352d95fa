/* SPDX-License-Identifier: Apache-2.0 */
#include "faulty.h"

#include <errno.h>

/* An operator removes the identity of a device. */

static enum core_verdict verdict_of(struct fixture *f, const struct device *d)
{
	char jwt[JWT_MAX], device[CORE_UUID_TEXT];

	device_jwt(d, jwt);
	return token_show(f->core, jwt, strlen(jwt), device);
}

static unsigned int claimed_status(struct fixture *f, const struct device *d)
{
	json_auto_t *v = NULL;

	return core_claimed_get(f->core, &f->editor, d->uuid, &v);
}

static void a_device_that_nobody_owns_is_unknown_then_and_may_come_with_another_key(void **state)
{
	struct fixture *f = *state;
	char upper[CORE_UUID_TEXT];
	struct device d, renewed;

	device_init(&d);
	device_init(&renewed);
	memcpy(renewed.uuid, d.uuid, sizeof(d.uuid));
	device_import(f, &d);
	assert_int_equal(verdict_of(f, &d), CORE_UNCLAIMED);
	for (size_t i = 0; i < sizeof(upper); i++)
		upper[i] =
			(char)(d.uuid[i] >= 'a' && d.uuid[i] <= 'f' ? d.uuid[i] - 32 : d.uuid[i]);
	assert_int_equal(core_identity_remove(f->core, upper, false, NULL), 0);
	assert_int_equal(verdict_of(f, &d), CORE_REJECTED);
	device_import(f, &renewed);
	assert_int_equal(verdict_of(f, &d), CORE_REJECTED);
	assert_int_equal(verdict_of(f, &renewed), CORE_UNCLAIMED);
	device_done(&d);
	device_done(&renewed);
}

static void what_is_not_there_is_said_to_be_unknown(void **state)
{
	static const char *const names[] = {"", "x", "00000000-0000-4000-8000-000000000000",
					    "'; DROP TABLE identities; --"};
	struct fixture *f = *state;
	struct device d;

	device_init(&d);
	device_import(f, &d);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		for (int unclaim = 0; unclaim < 2; unclaim++)
			assert_int_equal(core_identity_remove(f->core, names[i], unclaim, NULL),
					 CORE_IDENTITY_UNKNOWN);
	assert_int_equal(identity_count(f), 1);
	device_done(&d);
}

static void a_claimed_device_stays_and_the_way_out_is_named(void **state)
{
	struct fixture *f = *state;
	_cleanup_(freep) char *detail = NULL;
	struct device d;

	device_init(&d);
	device_claim(f, &d, NULL);
	assert_int_equal(core_identity_remove(f->core, d.uuid, false, &detail),
			 CORE_IDENTITY_CLAIMED);
	assert_non_null(detail);
	assert_non_null(strstr(detail, "--unclaim"));
	assert_non_null(strstr(detail, d.uuid));
	assert_int_equal(verdict_of(f, &d), CORE_OK);
	device_done(&d);
}

static json_t *newest_audit(struct fixture *f)
{
	struct core_owner admin = f->editor;
	json_auto_t *list = NULL;

	snprintf(admin.role, sizeof(admin.role), "admin");
	assert_int_equal(core_audit_list(f->core, &admin, &(struct core_list){.limit = "1"}, &list),
			 200);
	return json_incref(json_array_get(json_object_get(list, "items"), 0));
}

static const char *text_in(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static void with_its_claim_it_goes_as_an_unclaim_does_and_the_team_can_read_it(void **state)
{
	struct fixture *f = *state;
	json_auto_t *entry = NULL;
	struct device d;

	device_init(&d);
	device_claim(f, &d, "[\"one\"]");
	assert_int_equal(claimed_status(f, &d), 200);
	assert_int_equal(core_identity_remove(f->core, d.uuid, true, NULL), 0);
	assert_int_equal(claimed_status(f, &d), 404);
	assert_int_equal(verdict_of(f, &d), CORE_REJECTED);
	assert_int_equal(identity_count(f), 0);
	entry = newest_audit(f);
	assert_string_equal(text_in(entry, "action"), "identity.remove");
	assert_string_equal(text_in(entry, "object"), d.uuid);
	assert_int_equal(strncmp(text_in(entry, "actor"), "cli:", 4), 0);
	device_done(&d);
}

/* ---- whichever call of the store fails ---- */

static void nothing_changes_when_any_call_of_the_store_fails(void **state)
{
	static const char *const calls[] = {"begin",          "device_get", "device_delete",
					    "event_add",      "audit_add",  "commit",
					    "identity_delete"};
	struct fixture *f = *state;
	struct device d;

	device_init(&d);
	device_claim(f, &d, NULL);
	faulty_install(f);
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		faulty_fail(calls[i], -EIO);
		assert_int_equal(core_identity_remove(f->core, d.uuid, true, NULL), -EIO);
		faulty_fail("", 0);
		assert_int_equal(claimed_status(f, &d), 200);
		assert_int_equal(verdict_of(f, &d), CORE_OK);
	}
	assert_int_equal(core_identity_remove(f->core, d.uuid, true, NULL), 0);
	device_done(&d);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		T(a_device_that_nobody_owns_is_unknown_then_and_may_come_with_another_key),
		T(what_is_not_there_is_said_to_be_unknown),
		T(a_claimed_device_stays_and_the_way_out_is_named),
		T(with_its_claim_it_goes_as_an_unclaim_does_and_the_team_can_read_it),
		T(nothing_changes_when_any_call_of_the_store_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
