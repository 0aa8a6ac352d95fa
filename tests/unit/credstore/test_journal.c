/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/credstore/scratch.h"

#include <errno.h>

#include "credstore/db.h"

static struct response result_of(const char *id, enum response_code code, const char *text)
{
	struct response r = {.code = code, .message = (char *)text};

	snprintf(r.correlation, sizeof(r.correlation), "%s", id);
	return r;
}

static void add(struct store *s, const char *id, enum response_code code, const char *text)
{
	struct response r = result_of(id, code, text);

	assert_int_equal(journal_add(s, &r), 0);
}

static void assert_after(struct store *s, const char *text)
{
	_cleanup_(freep) char *value = NULL;

	assert_int_equal(store_value_get(s, "after", &value), text ? 0 : -ENOENT);
	if (text)
		assert_string_equal(value, text);
}

static void results_wait_in_the_order_of_execution(void **state)
{
	_cleanup_(response_list_done) struct response_list pending = RESPONSE_LIST_INIT;
	struct store *s = scratch_open(*state);

	add(s, "z", RESPONSE_AT, "OK\r\n");
	add(s, "a", RESPONSE_CONFIG, NULL);
	add(s, "m", RESPONSE_ERROR, "+CME ERROR: 513\r\n");
	store_close(s);
	s = scratch_open(*state);
	assert_int_equal(journal_count(s), 3);
	assert_int_equal(journal_pending(s, &pending), 0);
	assert_int_equal(pending.n, 3);
	assert_string_equal(pending.items[0].correlation, "z");
	assert_string_equal(pending.items[0].message, "OK\r\n");
	assert_string_equal(pending.items[1].correlation, "a");
	assert_null(pending.items[1].message);
	assert_string_equal(pending.items[2].correlation, "m");
	store_close(s);
}

/* What is forgotten need not be durable: the service takes a second copy. All else must be. */
static void forgetting_leaves_later_writes_as_durable_as_ever(void **state)
{
	enum { FULL = 2 };
	struct store *s = scratch_open(*state);
	struct response r = result_of("a", RESPONSE_CONFIG, NULL);
	int64_t synchronous = 0;

	add(s, "a", RESPONSE_CONFIG, NULL);
	assert_int_equal(journal_forget(s, &r, 1), 0);
	assert_int_equal(db_integer(s->db, "PRAGMA synchronous", &synchronous), 0);
	assert_int_equal(synchronous, FULL);
	store_close(s);
}

static void an_empty_journal_is_an_empty_list(void **state)
{
	_cleanup_(response_list_done) struct response_list pending = RESPONSE_LIST_INIT;
	struct store *s = scratch_open(*state);

	assert_int_equal(journal_count(s), 0);
	assert_int_equal(journal_pending(s, &pending), 0);
	assert_int_equal(pending.n, 0);
	assert_int_equal(journal_forget(s, NULL, 0), 0);
	store_close(s);
}

static void a_second_result_for_a_command_is_refused(void **state)
{
	struct response twice = result_of("a", RESPONSE_ERROR, "no");
	_cleanup_(response_done) struct response found = {.code = RESPONSE_ERROR};
	struct store *s = scratch_open(*state);

	add(s, "a", RESPONSE_AT, "OK\r\n");
	assert_int_equal(journal_add(s, &twice), -EEXIST);
	assert_int_equal(journal_find(s, "a", &found), 0);
	assert_int_equal(found.code, RESPONSE_AT);
	assert_int_equal(journal_count(s), 1);
	store_close(s);
}

static void the_largest_error_number_comes_back_as_it_was(void **state)
{
	struct response r = result_of("a", RESPONSE_ERROR, "x");
	_cleanup_(response_done) struct response found = {.code = RESPONSE_ERROR};
	struct store *s = scratch_open(*state);

	r.cme_error = UINT64_MAX;
	assert_int_equal(journal_add(s, &r), 0);
	assert_int_equal(journal_find(s, "a", &found), 0);
	assert_true(found.cme_error == UINT64_MAX);
	store_close(s);
}

static void a_result_that_could_never_be_sent_is_refused(void **state)
{
	struct store *s = scratch_open(*state);
	char text[AT_ANSWER_MAX + 2] = "";
	struct response bad[] = {
		result_of("a", RESPONSE_AT, NULL),
		result_of("b", RESPONSE_ERROR, NULL),
		result_of("", RESPONSE_CONFIG, NULL),
		result_of("c", (enum response_code)98, "x"),
		result_of("d", (enum response_code)103, "x"),
		result_of("e", RESPONSE_AT, text),
	};

	memset(text, 'x', AT_ANSWER_MAX + 1);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(journal_add(s, &bad[i]), -EINVAL);
	text[AT_ANSWER_MAX] = '\0';
	assert_int_equal(journal_add(s, &bad[5]), 0);
	store_close(s);
}

static void forgetting_keeps_the_rest_and_moves_after_to_the_last_success(void **state)
{
	struct response acknowledged[] = {
		/* in another order than they were executed */
		result_of("c", RESPONSE_CONFIG, NULL),
		result_of("d", RESPONSE_ERROR, "no"),
		result_of("a", RESPONSE_AT, ""),
	};
	struct store *s = scratch_open(*state);

	add(s, "a", RESPONSE_AT, "");
	add(s, "b", RESPONSE_AT, "");
	add(s, "c", RESPONSE_CONFIG, NULL);
	add(s, "d", RESPONSE_ERROR, "no");
	assert_int_equal(journal_forget(s, acknowledged, 3), 0);
	assert_int_equal(journal_count(s), 1);
	assert_after(s, "c");
	store_close(s);
	s = scratch_open(*state);
	assert_int_equal(journal_count(s), 1);
	assert_after(s, "c");
	store_close(s);
}

static void forgetting_only_failures_or_strangers_leaves_after_alone(void **state)
{
	struct response bad = result_of("bad", RESPONSE_ERROR, "no");
	struct response stranger = result_of("stranger", RESPONSE_AT, "OK");
	struct store *s = scratch_open(*state);

	assert_int_equal(store_value_put(s, "after", "before"), 0);
	add(s, "bad", RESPONSE_ERROR, "no");
	assert_int_equal(journal_forget(s, &bad, 1), 0);
	assert_int_equal(journal_forget(s, &stranger, 1), 0);
	assert_after(s, "before");
	store_close(s);
}

static void a_finished_acknowledgement_becomes_after_too(void **state)
{
	struct response f = result_of("f", RESPONSE_FINISHED, NULL);
	struct store *s = scratch_open(*state);

	add(s, "f", RESPONSE_FINISHED, NULL);
	assert_int_equal(journal_forget(s, &f, 1), 0);
	assert_after(s, "f");
	store_close(s);
}

static void a_row_that_is_no_result_is_damage_and_not_a_result(void **state)
{
	_cleanup_(response_list_done) struct response_list pending = RESPONSE_LIST_INIT;
	static const char *const damage[] = {
		"UPDATE journal SET code = 98",
		"UPDATE journal SET message = NULL",
		"UPDATE journal SET message = printf('%5000d', 1)",
		"UPDATE journal SET correlation = printf('%046d', 1)",
	};

	for (size_t i = 0; i < ARRAY_SIZE(damage); i++) {
		struct store *s = scratch_open(*state);

		assert_int_equal(store_begin(s), 0);
		add(s, "a", RESPONSE_AT, "OK");
		assert_int_equal(db_exec(s->db, damage[i]), 0);
		assert_int_equal(journal_pending(s, &pending), -EUCLEAN);
		assert_int_equal(pending.n, 0);
		store_close(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(results_wait_in_the_order_of_execution),
		SCRATCH_TEST(an_empty_journal_is_an_empty_list),
		SCRATCH_TEST(forgetting_leaves_later_writes_as_durable_as_ever),
		SCRATCH_TEST(a_second_result_for_a_command_is_refused),
		SCRATCH_TEST(the_largest_error_number_comes_back_as_it_was),
		SCRATCH_TEST(a_result_that_could_never_be_sent_is_refused),
		SCRATCH_TEST(forgetting_keeps_the_rest_and_moves_after_to_the_last_success),
		SCRATCH_TEST(forgetting_only_failures_or_strangers_leaves_after_alone),
		SCRATCH_TEST(a_finished_acknowledgement_becomes_after_too),
		SCRATCH_TEST(a_row_that_is_no_result_is_damage_and_not_a_result),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
