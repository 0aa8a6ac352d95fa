/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/credstore/device.h"

#include <errno.h>

#include "credstore/db.h"
#include "tests/unit/credstore/pki.h"

static void expect(struct device *d, const char *id, enum response_code code, uint64_t cme,
		   const char *text)
{
	_cleanup_(response_done) struct response result = {.code = RESPONSE_ERROR};

	assert_int_equal(journal_find(d->store, id, &result), 0);
	assert_int_equal(result.code, code);
	assert_int_equal(result.cme_error, cme);
	if (!text)
		assert_null(result.message);
	else if (!result.message || !strstr(result.message, text))
		fail_msg("\"%s\" does not say \"%s\"", result.message, text);
}

static void expect_nothing(struct device *d, const char *id)
{
	struct response result;

	assert_int_equal(journal_find(d->store, id, &result), -ENOENT);
}

static void assert_value(struct device *d, const char *name, const char *text)
{
	_cleanup_(freep) char *value = NULL;
	int r = store_value_get(d->store, name, &value);

	assert_int_equal(r, text ? 0 : -ENOENT);
	if (text)
		assert_string_equal(value, text);
}

#define PSK "0,16842753,3,\"00112233\""

static void a_batch_runs_in_order_and_journals_each_result(void **state)
{
	struct device d;
	struct command batch[] = {
		at_command("a", "%CMNG", PSK),
		config_command("b", "provisioning/interval-sec", "99"),
		at_command("c", "%ATTESTTOKEN", ""),
	};
	_cleanup_(response_list_done) struct response_list pending = RESPONSE_LIST_INIT;
	struct batch_result b;

	device_open(*state, &d);
	b = device_run(&d, batch, 3);
	assert_int_equal(b.n_results, 3);
	assert_false(b.failed);
	assert_false(b.finished);
	assert_true(b.cloud_changed);
	assert_int_equal(journal_count(d.store), 3);
	assert_int_equal(journal_pending(d.store, &pending), 0);
	assert_string_equal(pending.items[0].correlation, "a");
	assert_string_equal(pending.items[2].correlation, "c");
	expect(&d, "a", RESPONSE_AT, 0, "OK\r\n");
	expect(&d, "b", RESPONSE_CONFIG, 0, NULL);
	assert_value(&d, "config/provisioning/interval-sec", "99");
	device_close(&d);
}

static void the_first_failure_stops_the_batch_and_keeps_what_was_before_it(void **state)
{
	struct device d;
	struct command batch[] = {
		at_command("a", "%CMNG", PSK),
		at_command("b", "%CMNG", "3,7,2"),
		at_command("c", "%CMNG", "3,16842753,3"),
		command_of("d", COMMAND_FINISHED),
	};
	struct batch_result b;

	device_open(*state, &d);
	b = device_run(&d, batch, 4);
	assert_int_equal(b.n_results, 2);
	assert_true(b.failed);
	assert_false(b.finished);
	assert_true(b.cloud_changed);
	expect(&d, "b", RESPONSE_ERROR, 513, "+CME ERROR: 513\r\n");
	expect_nothing(&d, "c");
	expect_nothing(&d, "d");
	assert_true(store_credential_exists(d.store, 16842753, CREDENTIAL_PSK));
	device_close(&d);
}

static void an_ignored_error_is_a_success_with_the_errors_text(void **state)
{
	struct device d;
	struct command batch[] = {
		at_command("a", "%CMNG", "3,16842753,2"),
		at_command("b", "%KEYGEN", "16842753,2,1"),
	};
	struct batch_result b;

	batch[0].ignore_cme[0] = 50;
	batch[0].ignore_cme[1] = 513;
	batch[0].n_ignore_cme = 2;
	device_open(*state, &d);
	b = device_run(&d, batch, 2);
	assert_false(b.failed);
	assert_int_equal(b.n_results, 2);
	expect(&d, "a", RESPONSE_AT, 0, "+CME ERROR: 513\r\n");
	expect(&d, "b", RESPONSE_AT, 0, "%KEYGEN: \"");
	device_close(&d);
}

static void finished_is_acknowledged_last_wherever_it_stands(void **state)
{
	struct device d;
	struct command batch[] = {
		command_of("f1", COMMAND_FINISHED),
		at_command("a", "%ATTESTTOKEN", ""),
		command_of("f2", COMMAND_FINISHED),
		at_command("b", "%ATTESTTOKEN", ""),
	};
	_cleanup_(response_list_done) struct response_list pending = RESPONSE_LIST_INIT;
	struct batch_result b;

	device_open(*state, &d);
	b = device_run(&d, batch, 4);
	assert_true(b.finished);
	assert_false(b.cloud_changed);
	assert_int_equal(b.n_results, 3);
	assert_int_equal(journal_pending(d.store, &pending), 0);
	assert_int_equal(pending.n, 3);
	assert_string_equal(pending.items[2].correlation, "f2");
	assert_int_equal(pending.items[2].code, RESPONSE_FINISHED);
	device_close(&d);
}

static void finished_alone_is_acknowledged_and_again_when_repeated(void **state)
{
	struct device d;
	struct command batch[] = {command_of("f", COMMAND_FINISHED)};

	device_open(*state, &d);
	assert_true(device_run(&d, batch, 1).finished);
	assert_true(device_run(&d, batch, 1).finished);
	assert_int_equal(journal_count(d.store), 1);
	device_close(&d);
}

static void an_empty_batch_does_nothing(void **state)
{
	struct device d;
	struct batch_result b;

	device_open(*state, &d);
	b = device_run(&d, NULL, 0);
	assert_int_equal(b.n_results, 0);
	assert_false(b.failed || b.finished || b.cloud_changed);
	device_close(&d);
}

static void a_command_in_the_journal_is_not_run_again(void **state)
{
	struct device d;
	struct command batch[] = {at_command("a", "%KEYGEN", "16842753,2,1")};
	_cleanup_(response_done) struct response first = {.code = RESPONSE_ERROR};
	_cleanup_(response_done) struct response second = {.code = RESPONSE_ERROR};
	struct batch_result b;

	device_open(*state, &d);
	device_run(&d, batch, 1);
	assert_int_equal(journal_find(d.store, "a", &first), 0);
	device_close(&d);
	device_open(*state, &d);
	b = device_run(&d, batch, 1);
	assert_int_equal(b.n_results, 1);
	assert_false(b.failed);
	assert_true(b.cloud_changed);
	assert_int_equal(journal_find(d.store, "a", &second), 0);
	assert_string_equal(first.message, second.message);
	device_close(&d);
}

static void a_recorded_failure_stops_the_batch_again(void **state)
{
	struct device d;
	struct command batch[] = {
		at_command("a", "%CMNG", "3,7,2"),
		at_command("b", "%CMNG", PSK),
		command_of("c", COMMAND_FINISHED),
	};
	struct batch_result b;

	device_open(*state, &d);
	device_run(&d, batch, 3);
	b = device_run(&d, batch, 3);
	assert_true(b.failed);
	assert_int_equal(b.n_results, 1);
	assert_int_equal(journal_count(d.store), 1);
	expect_nothing(&d, "b");
	device_close(&d);
}

static void one_id_twice_in_a_batch_runs_once(void **state)
{
	struct device d;
	struct command batch[] = {
		at_command("a", "%KEYGEN", "5,2,1"),
		at_command("a", "%KEYGEN", "5,2,1"),
	};

	device_open(*state, &d);
	assert_false(device_run(&d, batch, 2).failed);
	assert_int_equal(journal_count(d.store), 1);
	device_close(&d);
}

static void our_own_failure_changes_nothing_at_all(void **state)
{
	struct device d;
	struct command batch[] = {
		at_command("a", "%CMNG", PSK),
		at_command("b", "%KEYGEN", "5,2,0"),
		at_command("c", "%ATTESTTOKEN", ""),
	};
	const struct command_list list = {batch, 3};
	struct batch_result b = {.n_results = 77};

	device_open(*state, &d);
	assert_int_equal(db_exec(d.store->db, "CREATE TEMP TRIGGER disk BEFORE INSERT ON journal"
					      " WHEN (SELECT count(*) FROM journal) = 2 BEGIN"
					      " SELECT RAISE(ROLLBACK, 'gone'); END"),
			 0);
	assert_true(execute_batch(&d.executor, &list, NULL, &b) < 0);
	assert_int_equal(b.n_results, 77);
	assert_int_equal(journal_count(d.store), 0);
	assert_int_equal(count_credentials(d.store), 1); /* the identity key */
	assert_int_equal(db_exec(d.store->db, "DROP TRIGGER disk"), 0);
	assert_false(device_run(&d, batch, 3).failed);
	device_close(&d);
}

static void a_full_disk_is_no_result_and_changes_nothing(void **state)
{
	_cleanup_(freep) char *certificate = pki_certificate();
	char parameters[AT_PARAMETERS_MAX];
	struct device d;
	struct command batch[] = {
		config_command("a", "provisioning/interval-sec", "1"),
		at_command("b", "%CMNG", parameters),
	};
	const struct command_list list = {batch, 2};
	struct batch_result b;
	int64_t pages;
	char sql[64];

	/* A comment before the certificate makes it need pages of its own. */
	snprintf(parameters, sizeof(parameters), "0,9,0,\"%05000d\n%s\"", 0, certificate);
	device_open(*state, &d);
	assert_int_equal(db_integer(d.store->db, "PRAGMA page_count", &pages), 0);
	snprintf(sql, sizeof(sql), "PRAGMA max_page_count = %lld", (long long)pages);
	assert_int_equal(db_exec(d.store->db, sql), 0);
	assert_int_equal(execute_batch(&d.executor, &list, NULL, &b), -ENOSPC);
	expect_nothing(&d, "a");
	assert_value(&d, "config/provisioning/interval-sec", NULL);
	assert_int_equal(db_exec(d.store->db, "PRAGMA max_page_count = 10000"), 0);
	assert_false(device_run(&d, batch, 2).failed);
	expect(&d, "b", RESPONSE_AT, 0, "OK\r\n");
	device_close(&d);
}

/* --- config */

static void config_without_a_check_is_refused(void **state)
{
	struct device d;
	struct command batch[] = {config_command("a", "provisioning/interval-sec", "1")};

	device_open(*state, &d);
	d.executor.config_check = NULL;
	assert_true(device_run(&d, batch, 1).failed);
	expect(&d, "a", RESPONSE_ERROR, 0, "provisioning/interval-sec");
	device_close(&d);
}

static void an_answer_to_a_peer_shows_no_foreign_bytes(void **state)
{
	struct device d;
	struct command config = config_command("a", "k\x1b[2J\xff", "1");
	struct command at = at_command("b", "%\x1b\xfe", "");

	device_open(*state, &d);
	assert_true(device_run(&d, &config, 1).failed);
	expect(&d, "a", RESPONSE_ERROR, 0, "\"k?[2J?\"");
	assert_true(device_run(&d, &at, 1).failed);
	expect(&d, "b", RESPONSE_ERROR, 0, "%??");
	device_close(&d);
}

static void config_limits_hold_at_their_maximum_and_one_more(void **state)
{
	struct device d;
	char key[CONFIG_KEY_MAX + 2] = "provisioning/", value[CONFIG_VALUE_MAX + 2] = "";
	struct command c;

	device_open(*state, &d);
	memset(key + 13, 'k', CONFIG_KEY_MAX - 13);
	memset(value, 'v', CONFIG_VALUE_MAX);
	c = config_command("a", key, value);
	assert_false(device_run(&d, &c, 1).failed);
	c = config_command("b", "provisioning/x", value);
	value[CONFIG_VALUE_MAX] = 'v';
	assert_true(device_run(&d, &c, 1).failed);
	key[CONFIG_KEY_MAX] = 'k';
	c = config_command("c", key, "");
	assert_true(device_run(&d, &c, 1).failed);
	device_close(&d);
}

/* --- the defects of stock clients, by number in docs/protocol.md §9.2 */

static void defect_04_an_overlong_correlation_is_never_stored(void **state)
{
	struct device d;
	struct command c = at_command("", "%ATTESTTOKEN", "");
	const struct command_list list = {&c, 1};
	struct batch_result b;

	device_open(*state, &d);
	memset(c.correlation, 'x', CORRELATION_MAX);
	assert_false(device_run(&d, &c, 1).failed);
	expect(&d, c.correlation, RESPONSE_AT, 0, "%ATTESTTOKEN");
	memset(c.correlation, 'y', sizeof(c.correlation));
	assert_int_equal(execute_batch(&d.executor, &list, NULL, &b), -EINVAL);
	assert_int_equal(journal_count(d.store), 1);
	device_close(&d);
}

static void defect_05_a_failed_command_never_becomes_after(void **state)
{
	struct device d;
	struct command batch[] = {
		at_command("good", "%ATTESTTOKEN", ""),
		at_command("bad", "%CMNG", "3,7,2"),
	};
	_cleanup_(response_list_done) struct response_list pending = RESPONSE_LIST_INIT;

	device_open(*state, &d);
	device_run(&d, batch, 2);
	assert_int_equal(journal_pending(d.store, &pending), 0);
	assert_value(&d, "after", NULL);
	assert_int_equal(journal_forget(d.store, pending.items, pending.n), 0);
	assert_value(&d, "after", "good");
	assert_int_equal(journal_count(d.store), 0);
	device_close(&d);
}

static void defect_06_an_error_always_has_a_text(void **state)
{
	struct device d;
	struct command batch[] = {command_of("a", COMMAND_INVALID),
				  at_command("b", "%KEYINJECT", "\"x.y\""),
				  at_command("c", "%CMNG", "0")};

	device_open(*state, &d);
	for (size_t i = 0; i < 3; i++) {
		_cleanup_(response_done) struct response result = {.code = RESPONSE_AT};

		assert_true(device_run(&d, &batch[i], 1).failed);
		assert_int_equal(journal_find(d.store, batch[i].correlation, &result), 0);
		assert_int_equal(result.code, RESPONSE_ERROR);
		assert_true(strlen(result.message) > 0);
	}
	device_close(&d);
}

static void defect_07_an_error_without_a_modems_number_is_number_0(void **state)
{
	struct device d;
	struct command batch[] = {command_of("a", COMMAND_INVALID)};

	device_open(*state, &d);
	batch[0].problem = "unknown command type";
	assert_true(device_run(&d, batch, 1).failed);
	expect(&d, "a", RESPONSE_ERROR, 0, "unknown command type");
	batch[0] = config_command("b", "nope", "");
	assert_true(device_run(&d, batch, 1).failed);
	expect(&d, "b", RESPONSE_ERROR, 0, "nope");
	device_close(&d);
}

static void defect_09_an_answer_too_long_is_an_error_with_no_effect(void **state)
{
	struct device d;
	static const uint8_t digest[32];
	static char big[AT_ANSWER_MAX];
	struct command c = at_command("a", "%CMNG", "2,5,0");

	memset(big, 'x', sizeof(big));
	device_open(*state, &d);
	assert_int_equal(
		store_credential_put(d.store, 5, CREDENTIAL_ROOT_CA, big, sizeof(big), digest), 0);
	assert_true(device_run(&d, &c, 1).failed);
	expect(&d, "a", RESPONSE_ERROR, 0, "longer than 4096");
	device_close(&d);
}

static void defect_16_every_failure_is_a_result_of_its_command(void **state)
{
	static const char *const parameters[] = {"", ",", "x", "9", "0,1", "\"", "3,1,2,3,4,5,6,7"};
	struct device d;

	device_open(*state, &d);
	for (size_t i = 0; i < ARRAY_SIZE(parameters); i++) {
		assert_at(&d, "%CMNG", parameters[i], 50, NULL);
		assert_at(&d, "%KEYGEN", parameters[i], 50, NULL);
	}
	device_close(&d);
}

static void defect_20_a_command_nobody_knows_is_answered_99(void **state)
{
	struct device d;
	struct command batch[] = {
		at_command("a", "%ATTESTTOKEN", ""),
		command_of("b", COMMAND_INVALID),
		at_command("c", "%ATTESTTOKEN", ""),
	};

	batch[1].problem = "unknown command type";
	device_open(*state, &d);
	assert_int_equal(device_run(&d, batch, 3).n_results, 2);
	expect(&d, "a", RESPONSE_AT, 0, "%ATTESTTOKEN");
	expect(&d, "b", RESPONSE_ERROR, 0, "unknown command type");
	device_close(&d);
}

static void defect_21_a_config_command_stores_all_its_pairs_or_none(void **state)
{
	struct device d;
	struct command c = config_command("a", "provisioning/interval-sec", "1");

	c.pairs[1] = (struct config_pair){(char *)"identity-key", (char *)"mine"};
	c.n_pairs = 2;
	device_open(*state, &d);
	assert_true(device_run(&d, &c, 1).failed);
	expect(&d, "a", RESPONSE_ERROR, 0,
	       "config key \"identity-key\": not a setting of this device");
	assert_value(&d, "config/provisioning/interval-sec", NULL);
	assert_value(&d, "config/identity-key", NULL);
	c = config_command("b", "provisioning/interval-sec", "1");
	c.pairs[1] = (struct config_pair){(char *)"provisioning/x", (char *)"2"};
	c.n_pairs = 2;
	assert_int_equal(db_exec(d.store->db, "CREATE TEMP TRIGGER disk BEFORE INSERT ON value"
					      " WHEN new.name = 'config/provisioning/x' BEGIN"
					      " SELECT RAISE(FAIL, 'gone'); END"),
			 0);
	assert_true(execute_batch(&d.executor, &(struct command_list){&c, 1}, NULL,
				  &(struct batch_result){0}) < 0);
	assert_value(&d, "config/provisioning/interval-sec", NULL);
	expect_nothing(&d, "b");
	device_close(&d);
}

static void defect_22_only_the_verbs_of_the_table_run(void **state)
{
	static const char *const verbs[] = {
		"+CFUN", "%CMNG ", "%cmng", "%CMN", "%CMNGX", "", "%", "AT%CMNG", "%JWT", "+CGSN",
	};
	struct device d;

	device_open(*state, &d);
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		enum response_code code;
		uint64_t cme;
		_cleanup_(freep) char *text = device_at(&d, verbs[i], "3,1,2", &code, &cme);

		assert_int_equal(code, RESPONSE_ERROR);
		assert_int_equal(cme, 0);
		assert_non_null(strstr(text, "this device has no such command"));
		assert_true(strncmp(text, verbs[i], strlen(verbs[i])) == 0);
	}
	device_close(&d);
}

static void defect_22_keyinject_says_that_it_is_refused(void **state)
{
	struct device d;
	enum response_code code;
	uint64_t cme;
	char *text;

	device_open(*state, &d);
	text = device_at(&d, "%KEYINJECT", "\"a.b\"", &code, &cme);
	assert_int_equal(code, RESPONSE_ERROR);
	assert_int_equal(cme, 0);
	assert_non_null(strstr(text, "%KEYINJECT"));
	free(text);
	device_close(&d);
}

static void defect_38_a_full_batch_of_answers_is_kept_whole(void **state)
{
	struct command batch[COMMANDS_MAX];
	struct device d;
	char ids[COMMANDS_MAX][8], parameters[COMMANDS_MAX][24];

	device_open(*state, &d);
	for (size_t i = 0; i < COMMANDS_MAX; i++) {
		snprintf(ids[i], sizeof(ids[i]), "k%zu", i);
		snprintf(parameters[i], sizeof(parameters[i]), "%zu,2,0", i);
		batch[i] = at_command(ids[i], "%KEYGEN", parameters[i]);
	}
	assert_int_equal(device_run(&d, batch, COMMANDS_MAX).n_results, COMMANDS_MAX);
	for (size_t i = 0; i < COMMANDS_MAX; i++)
		expect(&d, ids[i], RESPONSE_AT, 0, "%KEYGEN: \"");
	device_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(a_batch_runs_in_order_and_journals_each_result),
		SCRATCH_TEST(the_first_failure_stops_the_batch_and_keeps_what_was_before_it),
		SCRATCH_TEST(an_ignored_error_is_a_success_with_the_errors_text),
		SCRATCH_TEST(finished_is_acknowledged_last_wherever_it_stands),
		SCRATCH_TEST(finished_alone_is_acknowledged_and_again_when_repeated),
		SCRATCH_TEST(an_empty_batch_does_nothing),
		SCRATCH_TEST(a_command_in_the_journal_is_not_run_again),
		SCRATCH_TEST(a_recorded_failure_stops_the_batch_again),
		SCRATCH_TEST(one_id_twice_in_a_batch_runs_once),
		SCRATCH_TEST(our_own_failure_changes_nothing_at_all),
		SCRATCH_TEST(a_full_disk_is_no_result_and_changes_nothing),
		SCRATCH_TEST(config_without_a_check_is_refused),
		SCRATCH_TEST(an_answer_to_a_peer_shows_no_foreign_bytes),
		SCRATCH_TEST(config_limits_hold_at_their_maximum_and_one_more),
		SCRATCH_TEST(defect_04_an_overlong_correlation_is_never_stored),
		SCRATCH_TEST(defect_05_a_failed_command_never_becomes_after),
		SCRATCH_TEST(defect_06_an_error_always_has_a_text),
		SCRATCH_TEST(defect_07_an_error_without_a_modems_number_is_number_0),
		SCRATCH_TEST(defect_09_an_answer_too_long_is_an_error_with_no_effect),
		SCRATCH_TEST(defect_16_every_failure_is_a_result_of_its_command),
		SCRATCH_TEST(defect_20_a_command_nobody_knows_is_answered_99),
		SCRATCH_TEST(defect_21_a_config_command_stores_all_its_pairs_or_none),
		SCRATCH_TEST(defect_22_only_the_verbs_of_the_table_run),
		SCRATCH_TEST(defect_22_keyinject_says_that_it_is_refused),
		SCRATCH_TEST(defect_38_a_full_batch_of_answers_is_kept_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
