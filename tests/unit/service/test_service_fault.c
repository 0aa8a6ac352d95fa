/* SPDX-License-Identifier: Apache-2.0 */
#include "faulty.h"

#include <errno.h>

/* A store that fails one call: what the service does when the disk does. */
static int fault_setup(void **state)
{
	fixture_setup(state);
	faulty_install(*state);
	return 0;
}

static void fail_at(const char *call)
{
	static const struct {
		const char *call;
		int r;
	} rows[] = {
		{"begin", -EBUSY},
		{"commit", -ENOSPC},
		{"command_add", -ENOSPC},
		{"device_get", -EBADMSG},
	};
	int r = -EIO;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (strcmp(call, rows[i].call) == 0)
			r = rows[i].r;
	faulty_fail(call, r);
}

/* A store that is busy is one to come back to. */
static enum core_verdict failure(const char *call)
{
	return strcmp(call, "begin") == 0 ? CORE_AWAY : CORE_FAILED;
}

static void a_report_that_could_not_be_stored_is_not_acknowledged(void **state)
{
	struct fixture *f = *state;
	static const char *const faults[] = {"begin", "device_get", "command_update",
					     "device_update", "commit"};
	struct command_list list;
	const char *ids[2];
	struct device d;

	device_init(&d);
	device_claim(f, &d, NULL);
	ids[0] = command_add(f, &d, "{\"config\":{\"a\":\"b\"}}");
	ids[1] = command_add(f, &d, "{\"finished\":{}}");
	list = device_fetch(f, &d, "");
	command_list_done(&list);
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		fail_at(faults[i]);
		assert_int_equal(device_answer(f, &d, ids[0], 99, 514, ""), failure(faults[i]));
		fail_at("");
		assert_command(f, &d, ids[0], "IN_PROGRESS", NULL);
		assert_command(f, &d, ids[1], "IN_PROGRESS", NULL);
	}
	assert_int_equal(device_answer(f, &d, ids[0], 99, 514, ""), CORE_OK);
	assert_command(f, &d, ids[1], "FAILED", "dropped");
	device_done(&d);
}

static void a_rule_is_applied_whole_or_not_at_all(void **state)
{
	struct fixture *f = *state;
	static const char *const faults[] = {"begin", "command_add", "device_update", "commit"};
	uint8_t body[BODY_MAX];
	struct command_list list;
	struct device d;
	size_t len;

	device_init(&d);
	device_claim(f, &d, "[\"nrf-cloud-onboarding\"]");
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		json_t *ret = NULL;

		fail_at(faults[i]);
		assert_int_equal(core_fetch(f->core, caller(d.uuid),
					    &(struct core_fetch){"", 4096, 4096, 10}, body,
					    sizeof(body), &len),
				 failure(faults[i]));
		fail_at("");
		assert_int_equal(core_command_list(f->core, &f->editor, d.uuid, &ret), 200);
		assert_int_equal(json_array_size(json_object_get(ret, "items")), 0);
		json_decref(ret);
	}
	list = device_fetch(f, &d, "");
	assert_int_equal(list.n, 6);
	command_list_done(&list);
	device_done(&d);
}

static void owners_are_told_busy_from_broken(void **state)
{
	struct fixture *f = *state;
	struct device d;

	device_init(&d);
	device_claim(f, &d, NULL);
	fail_at("begin");
	assert_int_equal(command_try(f, &d, "{\"finished\":{}}"), 503);
	fail_at("commit");
	assert_int_equal(command_try(f, &d, "{\"finished\":{}}"), 500);
	fail_at("");
	assert_int_equal(command_try(f, &d, "{\"finished\":{}}"), 201);
	device_done(&d);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fault_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_report_that_could_not_be_stored_is_not_acknowledged),
		T(a_rule_is_applied_whole_or_not_at_all),
		T(owners_are_told_busy_from_broken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
