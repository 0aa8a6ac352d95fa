/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/credstore/device.h"

#include "tests/unit/credstore/softhsm.h"

#define TAG 16842753U
#define HOME "pkcs11:token=onboard"

static struct prepared *plan(struct device *d, struct command *commands, size_t n)
{
	const struct command_list list = {commands, n};
	struct prepared *p = NULL;

	assert_int_equal(execute_prepare(&d->executor, &list, &p), 0);
	return p;
}

/* Plans, runs and executes. */
static struct batch_result run(struct device *d, struct command *commands, size_t n)
{
	_cleanup_(prepared_freep) struct prepared *p = plan(d, commands, n);
	const struct command_list list = {commands, n};
	struct batch_result b = {0};

	prepared_run(p);
	assert_int_equal(prepared_result(p), 0);
	assert_int_equal(execute_batch(&d->executor, &list, p, &b), 0);
	return b;
}

static bool needs_keys(struct device *d, const char *verb, const char *parameters)
{
	struct command c = at_command("asked", verb, parameters);
	_cleanup_(prepared_freep) struct prepared *p = plan(d, &c, 1);

	return !prepared_is_idle(p);
}

static void assert_answered(struct device *d, const char *id, enum response_code code,
			    const char *beginning)
{
	_cleanup_(response_done) struct response r = {.code = RESPONSE_ERROR};

	assert_int_equal(journal_find(d->store, id, &r), 0);
	assert_int_equal(r.code, code);
	if (strncmp(r.message, beginning, strlen(beginning)) != 0)
		fail_msg("%s: %s", id, r.message);
}

static char *stored_key(struct device *d, uint32_t tag)
{
	_cleanup_(secret_done) struct secret value = SECRET_INIT;

	if (store_credential_get(d->store, tag, CREDENTIAL_PRIVATE_KEY, &value) != 0)
		return NULL;
	return strndup((const char *)value.data, value.len);
}

static void only_what_needs_a_key_is_planned(void **state)
{
	struct device d;

	device_open(*state, &d);
	assert_true(needs_keys(&d, "%KEYGEN", "16842753,2"));
	assert_true(needs_keys(&d, "%KEYGEN", "16842753,8,1"));
	assert_true(needs_keys(&d, "%ATTESTTOKEN", ""));
	assert_false(needs_keys(&d, "%KEYGEN", "16842753,9"));
	assert_false(needs_keys(&d, "%KEYGEN", "nonsense"));
	assert_false(needs_keys(&d, "%ATTESTTOKEN", "\"short\""));
	assert_false(needs_keys(&d, "%CMNG", "3,16842753,2"));
	assert_false(needs_keys(&d, "%KEYINJECT", ""));
	assert_false(needs_keys(&d, "%NOTHING", ""));
	device_close(&d);
}

static void what_was_prepared_is_what_is_answered_and_stored(void **state)
{
	struct command c[] = {at_command("make", "%KEYGEN", "16842753,2"),
			      at_command("attest", "%ATTESTTOKEN", ""),
			      at_command("endorse", "%KEYGEN", "7,8,1")};
	struct batch_result b;
	struct device d;

	device_open(*state, &d);
	b = run(&d, c, ARRAY_SIZE(c));
	assert_int_equal(b.n_results, 3);
	assert_false(b.failed);
	assert_true(b.cloud_changed);
	assert_answered(&d, "make", RESPONSE_AT, "%KEYGEN: \"MII");
	assert_answered(&d, "attest", RESPONSE_AT, "%ATTESTTOKEN: \"");
	assert_answered(&d, "endorse", RESPONSE_AT, "%KEYGEN: \"MFkw");
	assert_true(store_credential_exists(d.store, TAG, CREDENTIAL_PRIVATE_KEY));
	assert_true(store_credential_exists(d.store, 7, CREDENTIAL_ENDORSEMENT_KEY));
	device_close(&d);
}

static void a_key_that_is_there_is_not_planned_unless_the_batch_deletes_it_before(void **state)
{
	struct command make = at_command("make", "%KEYGEN", "16842753,2");
	struct command rotate[] = {at_command("delete", "%CMNG", "3,16842753,2"),
				   at_command("again", "%KEYGEN", "16842753,2")};
	struct command twice[] = {at_command("first", "%KEYGEN", "5,2"),
				  at_command("second", "%KEYGEN", "5,2")};
	_cleanup_(freep) char *before = NULL, *after = NULL;
	struct batch_result b;
	struct device d;

	device_open(*state, &d);
	run(&d, &make, 1);
	before = stored_key(&d, TAG);
	assert_false(needs_keys(&d, "%KEYGEN", "16842753,2"));
	b = run(&d, rotate, ARRAY_SIZE(rotate));
	assert_false(b.failed);
	after = stored_key(&d, TAG);
	assert_string_not_equal(before, after);
	b = run(&d, twice, ARRAY_SIZE(twice));
	assert_true(b.failed);
	assert_answered(&d, "first", RESPONSE_AT, "%KEYGEN");
	assert_answered(&d, "second", RESPONSE_ERROR, "+CME ERROR: 519");
	device_close(&d);
}

/* Two results for an endorsement key are about the same one, signed anew. */
static void assert_shows_one_key(struct device *d, const char *first, const char *second)
{
	_cleanup_(response_done) struct response a = {.code = RESPONSE_ERROR},
						 b = {.code = RESPONSE_ERROR};

	assert_int_equal(journal_find(d->store, first, &a), 0);
	assert_int_equal(journal_find(d->store, second, &b), 0);
	assert_int_equal(strncmp(a.message, b.message, strcspn(a.message, ".")), 0);
	assert_string_not_equal(a.message, b.message);
}

static void an_endorsement_key_is_shown_again_from_a_preparation(void **state)
{
	struct command first = at_command("first", "%KEYGEN", "7,8,1"),
		       again = at_command("again", "%KEYGEN", "7,8,1");
	struct device d;

	device_open(*state, &d);
	run(&d, &first, 1);
	run(&d, &again, 1);
	assert_shows_one_key(&d, "first", "again");
	device_close(&d);
}

/* What is told of a key is told of the one that is stored afterwards. */
static void an_endorsement_key_made_anew_in_the_batch_is_the_one_that_it_shows(void **state)
{
	struct command first = at_command("first", "%KEYGEN", "7,8,1");
	struct command anew[] = {at_command("delete", "%CMNG", "3,7,8"),
				 at_command("make", "%KEYGEN", "7,8,1"),
				 at_command("show", "%KEYGEN", "7,8,1")};
	struct device d;

	device_open(*state, &d);
	run(&d, &first, 1);
	assert_false(run(&d, anew, ARRAY_SIZE(anew)).failed);
	assert_shows_one_key(&d, "make", "show");
	device_close(&d);
}

static void what_the_journal_has_is_not_done_again(void **state)
{
	struct command c = at_command("once", "%ATTESTTOKEN", "");
	struct device d;

	device_open(*state, &d);
	run(&d, &c, 1);
	{
		_cleanup_(prepared_freep) struct prepared *p = plan(&d, &c, 1);

		assert_true(prepared_is_idle(p));
	}
	device_close(&d);
}

static void a_request_that_cannot_be_met_is_the_commands_fault(void **state)
{
	struct command c = at_command("bad", "%KEYGEN", "16842753,2,0,\"X=unknown\"");
	struct batch_result b;
	struct device d;

	device_open(*state, &d);
	b = run(&d, &c, 1);
	assert_true(b.failed);
	assert_answered(&d, "bad", RESPONSE_ERROR, "+CME ERROR: 50");
	assert_false(store_credential_exists(d.store, TAG, CREDENTIAL_PRIVATE_KEY));
	device_close(&d);
}

static void one_that_gives_up_executes_nothing(void **state)
{
	struct command c = at_command("make", "%KEYGEN", "16842753,2");
	const struct command_list list = {&c, 1};
	struct batch_result b = {0};
	struct prepared *p;
	struct device d;

	device_open(*state, &d);
	p = plan(&d, &c, 1);
	prepared_give_up(p);
	prepared_run(p);
	assert_int_equal(prepared_result(p), -ECANCELED);
	assert_int_equal(execute_batch(&d.executor, &list, p, &b), -EINVAL);
	assert_int_equal(journal_count(d.store), 0);
	prepared_free(p);
	device_close(&d);
}

/* --- in a token */

static void open_in_token(struct softhsm *h, struct device *ret)
{
	device_open(h->scratch, ret);
	ret->executor.ring = h->ring;
	ret->executor.key_home = HOME;
}

static void a_new_key_goes_to_the_token_and_its_name_to_the_store(void **state)
{
	struct softhsm *h = *state;
	struct command c = at_command("make", "%KEYGEN", "16842753,2"),
		       endorse = at_command("endorse", "%KEYGEN", "7,8,1");
	_cleanup_(freep) char *value = NULL;
	struct device d;

	open_in_token(h, &d);
	run(&d, &c, 1);
	value = stored_key(&d, TAG);
	assert_int_equal(strncmp(value, "pkcs11:", 7), 0);
	assert_int_equal(softhsm_count(h, "onboardd " TEST_UUID " 16842753"), 2);
	assert_answered(&d, "make", RESPONSE_AT, "%KEYGEN: \"MII");
	/* The endorsement key is the store's. */
	run(&d, &endorse, 1);
	assert_int_equal(softhsm_count(h, "onboardd " TEST_UUID " 7"), 0);
	device_close(&d);
}

static void a_command_that_was_not_prepared_makes_its_key_in_the_token_too(void **state)
{
	struct softhsm *h = *state;
	struct command c = at_command("make", "%KEYGEN", "16842753,2");
	struct device d;

	open_in_token(h, &d);
	assert_false(device_run(&d, &c, 1).failed);
	assert_int_equal(softhsm_count(h, "onboardd " TEST_UUID " 16842753"), 2);
	device_close(&d);
}

static void a_key_that_the_batch_did_not_come_to_is_swept(void **state)
{
	struct softhsm *h = *state;
	struct command c[] = {at_command("refused", "%KEYGEN", "nonsense"),
			      at_command("make", "%KEYGEN", "16842753,2")};
	struct batch_result b;
	struct device d;
	size_t n;

	open_in_token(h, &d);
	b = run(&d, c, ARRAY_SIZE(c));
	assert_true(b.failed);
	assert_null(stored_key(&d, TAG));
	assert_int_equal(softhsm_count(h, "onboardd " TEST_UUID " 16842753"), 2);
	assert_int_equal(key_sweep(h->ring, HOME, "onboardd " TEST_UUID " ", NULL, 0, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(softhsm_count(h, "onboardd " TEST_UUID " 16842753"), 0);
	device_close(&d);
}

static void assert_kept_back(struct device *d, int expected)
{
	struct command c[] = {at_command("attest", "%ATTESTTOKEN", ""),
			      at_command("make", "%KEYGEN", "16842753,2")};
	const struct command_list list = {c, ARRAY_SIZE(c)};
	struct prepared *p = plan(d, c, ARRAY_SIZE(c));
	struct batch_result b = {0};

	prepared_run(p);
	assert_int_equal(prepared_result(p), expected);
	assert_int_equal(execute_batch(&d->executor, &list, p, &b), -EINVAL);
	prepared_free(p);
	/* Not even when it is tried at once. */
	assert_int_equal(execute_batch(&d->executor, &list, NULL, &b), -ENODEV);
	assert_int_equal(journal_count(d->store), 0);
	assert_null(stored_key(d, TAG));
}

static void a_token_that_fails_keeps_the_whole_batch_back(void **state)
{
	struct softhsm *h = *state;
	struct device d;

	open_in_token(h, &d);
	d.executor.key_home = "pkcs11:token=elsewhere";
	assert_kept_back(&d, KEY_E_TOKEN_ABSENT);
	d.executor.key_home = HOME;
	softhsm_write_pin(h, "0");
	assert_kept_back(&d, KEY_E_PIN_WRONG);
	assert_int_equal(unlink(h->pin_file), 0);
	assert_kept_back(&d, KEY_E_PIN_MISSING);
	device_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(only_what_needs_a_key_is_planned),
		SCRATCH_TEST(what_was_prepared_is_what_is_answered_and_stored),
		SCRATCH_TEST(a_key_that_is_there_is_not_planned_unless_the_batch_deletes_it_before),
		SCRATCH_TEST(an_endorsement_key_is_shown_again_from_a_preparation),
		SCRATCH_TEST(an_endorsement_key_made_anew_in_the_batch_is_the_one_that_it_shows),
		SCRATCH_TEST(what_the_journal_has_is_not_done_again),
		SCRATCH_TEST(a_request_that_cannot_be_met_is_the_commands_fault),
		SCRATCH_TEST(one_that_gives_up_executes_nothing),
		SOFTHSM_TEST(a_new_key_goes_to_the_token_and_its_name_to_the_store),
		SOFTHSM_TEST(a_command_that_was_not_prepared_makes_its_key_in_the_token_too),
		SOFTHSM_TEST(a_key_that_the_batch_did_not_come_to_is_swept),
		SOFTHSM_TEST(a_token_that_fails_keeps_the_whole_batch_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
