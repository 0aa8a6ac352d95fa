/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#define KEYGEN "{\"clientPrivateKeyGeneration\":{\"secTag\":16842753}}"
#define CONFIG "{\"config\":{\"provisioning/interval-sec\":\"99\"}}"
#define FINISHED "{\"finished\":{}}"

struct fetched {
	uint8_t body[BODY_MAX];
	size_t len;
	struct command_list list;
};

static void fetch(struct fixture *f, const struct device *d, const char *after, size_t rx,
		  size_t tx, size_t limit, struct fetched *ret)
{
	memset(ret, 0, sizeof(*ret));
	assert_int_equal(core_fetch(f->core, caller(d->uuid),
				    &(struct core_fetch){after, rx, tx, limit}, ret->body,
				    sizeof(ret->body), &ret->len),
			 CORE_OK);
	if (ret->len > 0)
		assert_int_equal(command_list_decode(ret->body, ret->len, COMMANDS_MAX, &ret->list),
				 0);
}

static void device_start(struct fixture *f, struct device *d)
{
	device_init(d);
	device_claim(f, d, NULL);
}

static void an_empty_queue_is_an_empty_body(void **state)
{
	struct fixture *f = *state;
	struct fetched got;
	struct device d;

	device_start(f, &d);
	fetch(f, &d, "", 1024, 2048, 10, &got);
	assert_int_equal(got.len, 0);
	fetch(f, &d, "whatever", 1024, 2048, 10, &got);
	assert_int_equal(got.len, 0);
	device_done(&d);
}

static void ids_are_a_uuid_and_a_counter_of_the_device(void **state)
{
	struct fixture *f = *state;
	struct device d;
	char expected[8];

	device_start(f, &d);
	for (unsigned int i = 1; i <= 20; i++) {
		const char *id = command_add(f, &d, FINISHED);

		assert_true(strlen(id) + 2 <= CORRELATION_MAX);
		assert_int_equal(id[14], '4');
		snprintf(expected, sizeof(expected), ".%x", i);
		assert_string_equal(id + 36, expected);
	}
	device_done(&d);
}

static void commands_come_in_the_order_of_asking(void **state)
{
	struct fixture *f = *state;
	const char *ids[3];
	struct fetched got;
	struct device d;

	device_start(f, &d);
	ids[0] = command_add(f, &d, CONFIG);
	ids[1] = command_add(f, &d, KEYGEN);
	ids[2] = command_add(f, &d, FINISHED);
	assert_command(f, &d, ids[0], "PENDING", NULL);
	fetch(f, &d, "", BODY_MAX, 9999, 10, &got);
	assert_int_equal(got.list.n, 4);
	assert_string_equal(got.list.items[0].correlation, ids[0]);
	assert_memory_equal(got.list.items[1].correlation, ids[1], strlen(ids[1]));
	assert_string_equal(got.list.items[1].correlation + strlen(ids[1]), ".s");
	assert_string_equal(got.list.items[2].correlation, ids[1]);
	assert_string_equal(got.list.items[3].correlation, ids[2]);
	for (size_t i = 0; i < 3; i++)
		assert_command(f, &d, ids[i], "IN_PROGRESS", NULL);
	command_list_done(&got.list);
	device_done(&d);
}

static void a_body_has_at_most_limit_steps_and_keeps_pairs_together(void **state)
{
	struct fixture *f = *state;
	static const struct {
		size_t limit, steps;
	} rows[] = {
		{1, 1}, /* cannot be helped */
		{2, 2}, {3, 2}, {4, 4}, {5, 5}, {6, 5}, {1000000, 5},
	};
	struct device d;

	device_start(f, &d);
	command_add(f, &d, KEYGEN);
	command_add(f, &d, KEYGEN);
	command_add(f, &d, FINISHED);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fetched got;

		fetch(f, &d, "", BODY_MAX, 9999, rows[i].limit, &got);
		assert_int_equal(got.list.n, rows[i].steps);
		command_list_done(&got.list);
	}
	device_done(&d);
}

static void a_body_is_never_larger_than_the_device_takes(void **state)
{
	struct fixture *f = *state;
	struct fetched all, got;
	struct device d;

	device_start(f, &d);
	for (int i = 0; i < 4; i++)
		command_add(f, &d, KEYGEN);
	fetch(f, &d, "", BODY_MAX, 99999, 20, &all);
	assert_int_equal(all.list.n, 8);
	command_list_done(&all.list);
	fetch(f, &d, "", all.len, 99999, 20, &got);
	assert_int_equal(got.len, all.len);
	command_list_done(&got.list);
	fetch(f, &d, "", all.len - 1, 99999, 20, &got);
	assert_int_equal(got.list.n, 6);
	assert_true(got.len < all.len);
	command_list_done(&got.list);
	for (size_t rx = 80; rx < all.len; rx += 7) {
		fetch(f, &d, "", rx, 99999, 20, &got);
		assert_true(got.len > 0 && got.len <= rx);
		assert_true(got.list.n % 2 == 0 || got.list.n == 1);
		command_list_done(&got.list);
	}
	device_done(&d);
}

static void answers_should_fit_what_the_device_can_send(void **state)
{
	struct fixture *f = *state;
	struct fetched got;
	struct device d;

	device_start(f, &d);
	for (int i = 0; i < 5; i++)
		command_add(f, &d,
			    "{\"certificateSigningRequest\":{\"secTag\":1,"
			    "\"attributes\":\"CN=x\"}}");
	/* Three requests and their deletions in 2,300 bytes, two in the usual 2,048. */
	fetch(f, &d, "", BODY_MAX, 2048, 20, &got);
	assert_int_equal(got.list.n, 4);
	command_list_done(&got.list);
	fetch(f, &d, "", BODY_MAX, 2400, 20, &got);
	assert_int_equal(got.list.n, 6);
	command_list_done(&got.list);
	/* One is tried even when its answer will not fit. */
	fetch(f, &d, "", BODY_MAX, 64, 20, &got);
	assert_int_equal(got.list.n, 2);
	command_list_done(&got.list);
	device_done(&d);
}

static void a_question_that_makes_no_sense_is_invalid(void **state)
{
	struct fixture *f = *state;
	static const struct core_fetch rows[] = {
		{"", 63, 2048, 10}, {"", 0, 2048, 10}, {"", 1024, 63, 10}, {"", 1024, 2048, 0}};
	uint8_t body[64];
	struct device d;
	size_t len;

	device_start(f, &d);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(
			core_fetch(f->core, caller(d.uuid), &rows[i], body, sizeof(body), &len),
			CORE_INVALID);
	device_done(&d);
}

static void a_command_that_can_never_fit_fails_and_does_not_block(void **state)
{
	struct fixture *f = *state;
	char request[1200];
	const char *large, *small;
	struct fetched got;
	struct device d;

	device_start(f, &d);
	snprintf(request, sizeof(request), "{\"config\":{\"k\":\"%01000d\"}}", 0);
	large = command_add(f, &d, request);
	small = command_add(f, &d, FINISHED);
	fetch(f, &d, "", 256, 2048, 10, &got);
	assert_int_equal(got.list.n, 1);
	assert_string_equal(got.list.items[0].correlation, small);
	command_list_done(&got.list);
	assert_command(f, &d, large, "FAILED", "at most 256");
	assert_command(f, &d, small, "IN_PROGRESS", NULL);
	device_done(&d);
}

static void when_only_such_commands_are_left_there_is_nothing_to_do(void **state)
{
	struct fixture *f = *state;
	char request[1200];
	const char *id;
	struct fetched got;
	struct device d;

	device_start(f, &d);
	snprintf(request, sizeof(request), "{\"config\":{\"k\":\"%01000d\"}}", 0);
	id = command_add(f, &d, request);
	fetch(f, &d, "", 256, 2048, 10, &got);
	assert_int_equal(got.len, 0);
	assert_command(f, &d, id, "FAILED", "device takes");
	device_done(&d);
}

static void the_same_question_gets_the_same_body_until_a_report(void **state)
{
	struct fixture *f = *state;
	struct fetched first, again;
	const char *id, *late;
	struct device d;

	device_start(f, &d);
	id = command_add(f, &d, CONFIG);
	fetch(f, &d, "", 1024, 2048, 10, &first);
	late = command_add(f, &d, FINISHED);
	fetch(f, &d, "", 1024, 2048, 10, &again);
	assert_int_equal(again.len, first.len);
	assert_memory_equal(again.body, first.body, first.len);
	command_list_done(&first.list);
	command_list_done(&again.list);
	assert_command(f, &d, late, "PENDING", NULL);

	/* Another question, another body. */
	fetch(f, &d, "", 1024, 2048, 9, &again);
	assert_int_equal(again.list.n, 2);
	command_list_done(&again.list);

	assert_int_equal(device_answer(f, &d, id, 101, 0, ""), CORE_OK);
	fetch(f, &d, "", 1024, 2048, 10, &again);
	assert_int_equal(again.list.n, 1);
	assert_string_equal(again.list.items[0].correlation, late);
	command_list_done(&again.list);
	device_done(&d);
}

/* A device names the last command that it executed, whether its report got through or not, and says
 * so until it boots again: what was not answered must not wait for that. */
static void after_skips_nothing_that_was_not_answered(void **state)
{
	struct fixture *f = *state;
	static const char *const nobodys[] = {"00000000-0000-4000-8000-000000000000.1",
					      "0123456789012345678901234567890123456789012345"};
	const char *ids[2];
	char prep[CORRELATION_MAX + 1];
	struct fetched got;
	struct device d;

	device_start(f, &d);
	ids[0] = command_add(f, &d, KEYGEN);
	ids[1] = command_add(f, &d, FINISHED);
	snprintf(prep, sizeof(prep), "%s.s", ids[0]);
	const char *const afters[] = {prep, ids[0], ids[1], nobodys[0], nobodys[1]};

	for (size_t i = 0; i < ARRAY_SIZE(afters); i++) {
		fetch(f, &d, afters[i], 1024, 2048, 10, &got);
		assert_int_equal(got.list.n, 3);
		assert_string_equal(got.list.items[0].correlation, prep);
		command_list_done(&got.list);
	}
	assert_int_equal(device_answer(f, &d, prep, 100, 0, "OK\r\n"), CORE_OK);
	fetch(f, &d, prep, 1024, 2048, 10, &got);
	assert_int_equal(got.list.n, 2);
	assert_string_equal(got.list.items[0].correlation, ids[0]);
	command_list_done(&got.list);
	device_done(&d);
}

/* A copy of a report that was under way for long must not change the body whose blocks are being
 * fetched. */
static void a_report_that_changes_nothing_changes_no_body(void **state)
{
	struct fixture *f = *state;
	struct fetched first, again;
	const char *done;
	struct device d;

	device_start(f, &d);
	done = command_add(f, &d, CONFIG);
	fetch(f, &d, "", 1024, 2048, 10, &first);
	command_list_done(&first.list);
	assert_int_equal(device_answer(f, &d, done, 101, 0, ""), CORE_OK);
	command_add(f, &d, CONFIG);
	fetch(f, &d, done, 1024, 2048, 10, &first);
	assert_int_equal(device_answer(f, &d, done, 101, 0, ""), CORE_OK);
	command_add(f, &d, FINISHED);
	fetch(f, &d, done, 1024, 2048, 10, &again);
	assert_int_equal(again.len, first.len);
	assert_memory_equal(again.body, first.body, first.len);
	command_list_done(&first.list);
	command_list_done(&again.list);
	device_done(&d);
}

static void after_a_closed_command_is_still_known(void **state)
{
	struct fixture *f = *state;
	const char *first, *second;
	struct fetched got;
	struct device d;

	device_start(f, &d);
	first = command_add(f, &d, CONFIG);
	fetch(f, &d, "", 1024, 2048, 10, &got);
	command_list_done(&got.list);
	assert_int_equal(device_answer(f, &d, first, 101, 0, ""), CORE_OK);
	second = command_add(f, &d, FINISHED);
	fetch(f, &d, first, 1024, 2048, 10, &got);
	assert_int_equal(got.list.n, 1);
	assert_string_equal(got.list.items[0].correlation, second);
	command_list_done(&got.list);
	device_done(&d);
}

static void a_device_has_at_most_twenty_open_commands(void **state)
{
	struct fixture *f = *state;
	const char *first;
	struct fetched got;
	struct device d;

	device_start(f, &d);
	first = command_add(f, &d, CONFIG);
	for (int i = 1; i < 20; i++)
		command_add(f, &d, CONFIG);
	assert_int_equal(command_try(f, &d, CONFIG), 409);
	fetch(f, &d, "", BODY_MAX, 9999, 30, &got);
	assert_int_equal(got.list.n, 20);
	command_list_done(&got.list);
	assert_int_equal(device_answer(f, &d, first, 101, 0, ""), CORE_OK);
	assert_int_equal(command_try(f, &d, CONFIG), 201);
	assert_int_equal(command_try(f, &d, CONFIG), 409);
	device_done(&d);
}

static void old_closed_commands_are_forgotten_and_open_ones_never(void **state)
{
	struct fixture *f = *state;
	const char *id = NULL;
	json_t *list = NULL;
	struct device d;

	device_start(f, &d);
	for (int i = 0; i < 110; i++) {
		id = command_add(f, &d, CONFIG);
		assert_int_equal(device_answer(f, &d, id, 101, 0, ""), CORE_OK);
	}
	command_add(f, &d, FINISHED);
	assert_int_equal(core_command_list(f->core, &f->editor, d.uuid, &list), 200);
	assert_int_equal(json_array_size(json_object_get(list, "items")), 101);
	json_decref(list);
	assert_command(f, &d, id, "SUCCEEDED", NULL);
	device_done(&d);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(an_empty_queue_is_an_empty_body),
		T(ids_are_a_uuid_and_a_counter_of_the_device),
		T(commands_come_in_the_order_of_asking),
		T(a_body_has_at_most_limit_steps_and_keeps_pairs_together),
		T(a_body_is_never_larger_than_the_device_takes),
		T(answers_should_fit_what_the_device_can_send),
		T(a_question_that_makes_no_sense_is_invalid),
		T(a_command_that_can_never_fit_fails_and_does_not_block),
		T(when_only_such_commands_are_left_there_is_nothing_to_do),
		T(the_same_question_gets_the_same_body_until_a_report),
		T(after_skips_nothing_that_was_not_answered),
		T(a_report_that_changes_nothing_changes_no_body),
		T(after_a_closed_command_is_still_known),
		T(a_device_has_at_most_twenty_open_commands),
		T(old_closed_commands_are_forgotten_and_open_ones_never),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
