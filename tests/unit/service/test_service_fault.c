/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <errno.h>

/* A store that fails one call: what the service does when the disk does. */
static struct service_store_ops real, faulty;
static const char *fault;

static int command_update_fault(struct service_store *s, const struct store_command *row)
{
	return strcmp(fault, "command_update") == 0 ? -EIO : real.command_update(s, row);
}

static int command_add_fault(struct service_store *s, const struct store_command *row,
			     int64_t *ret_seq)
{
	return strcmp(fault, "command_add") == 0 ? -ENOSPC : real.command_add(s, row, ret_seq);
}

static int device_update_fault(struct service_store *s, const struct store_device *row)
{
	return strcmp(fault, "device_update") == 0 ? -EIO : real.device_update(s, row);
}

static int device_get_fault(struct service_store *s, const char *uuid, struct store_device *ret)
{
	return strcmp(fault, "device_get") == 0 ? -EBADMSG : real.device_get(s, uuid, ret);
}

static int begin_fault(struct service_store *s, enum store_txn_mode mode, const char *scope)
{
	return strcmp(fault, "begin") == 0 ? -EBUSY : real.begin(s, mode, scope);
}

static int commit_fault(struct service_store *s)
{
	return strcmp(fault, "commit") == 0 ? -ENOSPC : real.commit(s);
}

static int fault_setup(void **state)
{
	struct fixture *f;

	fixture_setup(state);
	f = *state;
	fault = "";
	real = faulty = *f->store->ops;
	faulty.command_update = command_update_fault;
	faulty.command_add = command_add_fault;
	faulty.device_update = device_update_fault;
	faulty.device_get = device_get_fault;
	faulty.begin = begin_fault;
	faulty.commit = commit_fault;
	f->store->ops = &faulty;
	return 0;
}

/* A store that is busy is one to come back to. */
static enum core_verdict failure(void)
{
	return strcmp(fault, "begin") == 0 ? CORE_AWAY : CORE_FAILED;
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
		fault = faults[i];
		assert_int_equal(device_answer(f, &d, ids[0], 99, 514, ""), failure());
		fault = "";
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

		fault = faults[i];
		assert_int_equal(core_fetch(f->core, caller(d.uuid),
					    &(struct core_fetch){"", 4096, 4096, 10}, body,
					    sizeof(body), &len),
				 failure());
		fault = "";
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
	fault = "begin";
	assert_int_equal(command_try(f, &d, "{\"finished\":{}}"), 503);
	fault = "commit";
	assert_int_equal(command_try(f, &d, "{\"finished\":{}}"), 500);
	fault = "";
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
