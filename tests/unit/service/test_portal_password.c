/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "base/text.h"
#include "base/worker.h"
#include "service/crypto.h"
#include "service/password.h"
#include "service/password_job.h"

#define LOG2_N 8 /* a quarter of a mebibyte: what is tested here is not the time */
#define WAIT_US 20000000

static bool verify(const char *stored, const char *password)
{
	bool is_right = true;

	assert_int_equal(password_verify(stored, password, strlen(password), LOG2_N, &is_right), 0);
	return is_right;
}

static void scrypt_is_that_of_the_rfc(void **state)
{
	/* RFC 7914 §12, the first 32 bytes of its third example */
	static const char want[] =
		"7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2";
	static const struct crypto_scrypt_cost cost = {.log2_n = 14, .r = 8, .p = 1};
	char hex[65];
	uint8_t got[32];

	(void)state;
	assert_int_equal(crypto_scrypt("pleaseletmein", 13, (const uint8_t *)"SodiumChloride", 14,
				       &cost, got),
			 0);
	hex_encode(got, sizeof(got), hex);
	assert_string_equal(hex, want);
}

static void hmac_is_that_of_the_rfc(void **state)
{
	/* RFC 4231 §4.3 */
	static const char want[] =
		"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
	uint8_t got[32];
	char hex[65];

	(void)state;
	crypto_hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, got);
	hex_encode(got, sizeof(got), hex);
	assert_string_equal(hex, want);
}

static void a_password_opens_with_itself_alone(void **state)
{
	char stored[PASSWORD_TEXT], again[PASSWORD_TEXT];

	(void)state;
	assert_int_equal(password_hash("correct horse", 13, LOG2_N, stored), 0);
	assert_int_equal(password_hash("correct horse", 13, LOG2_N, again), 0);
	assert_string_not_equal(stored, again);
	assert_true(verify(stored, "correct horse"));
	assert_true(verify(again, "correct horse"));
	assert_false(verify(stored, "correct horsf"));
	assert_false(verify(stored, "correct hors"));
	assert_false(verify(stored, "correct horse "));
	assert_false(verify(stored, ""));
	assert_null(strstr(stored, "correct"));
}

static void nobody_has_no_password(void **state)
{
	(void)state;
	assert_false(verify(NULL, "correct horse"));
	assert_false(verify(NULL, ""));
}

static void parameters_come_from_what_is_stored(void **state)
{
	char stored[PASSWORD_TEXT];

	(void)state;
	assert_int_equal(password_hash("correct horse", 13, LOG2_N + 1, stored), 0);
	assert_memory_equal(stored, "scrypt$9$8$1$", 13);
	assert_true(verify(stored, "correct horse"));
	assert_false(password_is_weak(stored, LOG2_N + 1));
	assert_false(password_is_weak(stored, LOG2_N));
	assert_true(password_is_weak(stored, LOG2_N + 2));
	stored[7] = '8';
	assert_false(verify(stored, "correct horse"));
}

static void what_is_stored_and_not_ours_is_an_error(void **state)
{
	static const char salt[] = "AAAAAAAAAAAAAAAAAAAAAA",
			  hash[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
	static const char *const heads[] = {
		"scrypt$0$8$1$",  "scrypt$21$8$1$", "scrypt$8$0$1$",  "scrypt$8$33$1$",
		"scrypt$8$8$0$",  "scrypt$8$8$17$", "scrypt$08$8$1$", "scrypt$8$8$",
		"Scrypt$8$8$1$",  "scrypt$-8$8$1$", "scrypt$8$8$1$$", "$8$8$1$",
		"scrypt$8$8$1 $",
	};
	char text[160];
	bool is_right;

	(void)state;
	snprintf(text, sizeof(text), "scrypt$8$8$1$%s$%s", salt, hash);
	assert_int_equal(password_verify(text, "x", 1, LOG2_N, &is_right), 0);
	for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
		snprintf(text, sizeof(text), "%s%s$%s", heads[i], salt, hash);
		assert_int_equal(password_verify(text, "x", 1, LOG2_N, &is_right), -EBADMSG);
	}
	snprintf(text, sizeof(text), "scrypt$8$8$1$%s$%s$", salt, hash);
	assert_int_equal(password_verify(text, "x", 1, LOG2_N, &is_right), -EBADMSG);
	for (size_t len = 0; len < strlen(text) - 1; len++) {
		char part[160];

		snprintf(part, sizeof(part), "%.*s", (int)len, text);
		assert_int_equal(password_verify(part, "x", 1, LOG2_N, &is_right), -EBADMSG);
	}
}

static void a_new_password_has_bounds(void **state)
{
	char text[PASSWORD_MAX + 2], stored[PASSWORD_TEXT];

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_int_equal(password_check(text, PASSWORD_MIN - 1), PASSWORD_E_SHORT);
	assert_int_equal(password_check(text, PASSWORD_MIN), 0);
	assert_int_equal(password_check(text, PASSWORD_MAX), 0);
	assert_int_equal(password_check(text, PASSWORD_MAX + 1), PASSWORD_E_LONG);
	assert_int_equal(password_check("pass\nword", 9), PASSWORD_E_TEXT);
	assert_int_equal(password_check("pass\0word", 9), PASSWORD_E_TEXT);
	assert_int_equal(password_check("password\xff", 9), PASSWORD_E_TEXT);
	assert_int_equal(password_check("password\xc2\x85", 10), PASSWORD_E_TEXT);
	assert_int_equal(password_check("p\xc3\xa4ssw\xc3\xb6rd", 10), 0);
	assert_int_equal(password_hash(text, PASSWORD_MIN - 1, LOG2_N, stored), -EINVAL);
	for (int e = PASSWORD_E_SHORT; e <= PASSWORD_E_TEXT; e++)
		assert_non_null(strstr(password_why(e), "password"));
}

static void a_generated_password_is_good_and_new(void **state)
{
	char a[PASSWORD_GENERATED_TEXT], b[PASSWORD_GENERATED_TEXT];

	(void)state;
	password_generate(a);
	password_generate(b);
	assert_string_not_equal(a, b);
	assert_int_equal(strlen(a), 29);
	assert_int_equal(password_check(a, strlen(a)), 0);
	assert_int_equal(strspn(a, "abcdefghijkmnpqrstuvwxyz23456789-"), 29);
}

/* ---- on threads ---- */

struct asker {
	unsigned int n;
	int error;
	bool is_right;
	char hash[PASSWORD_TEXT];
};

static void on_result(void *userdata, const struct password_result *result)
{
	struct asker *a = userdata;

	a->n++;
	a->error = result->error;
	a->is_right = result->is_right;
	snprintf(a->hash, sizeof(a->hash), "%s", result->hash ? result->hash : "");
}

struct bench {
	sd_event *event;
	struct password_jobs *jobs;
};

static int set_up(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_true(sd_event_new(&b->event) >= 0);
	assert_int_equal(password_jobs_new(b->event, LOG2_N, &b->jobs), 0);
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;

	password_jobs_free(b->jobs);
	assert_true(worker_settle(20000));
	sd_event_unref(b->event);
	free(b);
	return 0;
}

static void wait_for(struct bench *b, const struct asker *a)
{
	while (a->n == 0)
		assert_true(sd_event_run(b->event, WAIT_US) > 0);
}

static void a_job_checks_in_the_loop(void **state)
{
	struct bench *b = *state;
	struct asker right = {0}, wrong = {0}, nobody = {0};
	char stored[PASSWORD_TEXT];

	assert_int_equal(password_hash("correct horse", 13, LOG2_N, stored), 0);
	assert_int_equal(
		password_jobs_verify(b->jobs, stored, "correct horse", 13, on_result, &right, NULL),
		0);
	assert_int_equal(password_jobs_verify(b->jobs, stored, "battery staple", 14, on_result,
					      &wrong, NULL),
			 0);
	assert_int_equal(
		password_jobs_verify(b->jobs, NULL, "correct horse", 13, on_result, &nobody, NULL),
		0);
	assert_int_equal(right.n, 0);
	wait_for(b, &right);
	wait_for(b, &wrong);
	wait_for(b, &nobody);
	assert_true(right.error == 0 && right.is_right);
	assert_true(wrong.error == 0 && !wrong.is_right);
	assert_true(nobody.error == 0 && !nobody.is_right);
	assert_string_equal(right.hash, "");
}

static void a_job_makes_weak_ones_stronger(void **state)
{
	struct bench *b = *state;
	struct asker right = {0}, wrong = {0};
	char stored[PASSWORD_TEXT];

	assert_int_equal(password_hash("correct horse", 13, LOG2_N - 1, stored), 0);
	assert_int_equal(
		password_jobs_verify(b->jobs, stored, "correct horse", 13, on_result, &right, NULL),
		0);
	assert_int_equal(password_jobs_verify(b->jobs, stored, "battery staple", 14, on_result,
					      &wrong, NULL),
			 0);
	wait_for(b, &right);
	wait_for(b, &wrong);
	assert_true(right.is_right && !password_is_weak(right.hash, LOG2_N));
	assert_true(verify(right.hash, "correct horse"));
	assert_string_equal(wrong.hash, "");
}

static void a_job_hashes(void **state)
{
	struct bench *b = *state;
	struct asker a = {0};

	assert_int_equal(password_jobs_hash(b->jobs, "short", 5, on_result, &a, NULL), -EINVAL);
	assert_int_equal(password_jobs_hash(b->jobs, "correct horse", 13, on_result, &a, NULL), 0);
	wait_for(b, &a);
	assert_int_equal(a.error, 0);
	assert_true(verify(a.hash, "correct horse"));
}

static void the_queue_has_an_end(void **state)
{
	struct bench *b = *state;
	struct asker askers[PASSWORD_JOBS_WAITING_MAX] = {0}, late = {0};
	char too_long[PASSWORD_MAX + 1] = "";

	for (size_t i = 0; i < PASSWORD_JOBS_WAITING_MAX; i++)
		assert_int_equal(
			password_jobs_verify(b->jobs, NULL, "x", 1, on_result, &askers[i], NULL),
			0);
	assert_int_equal(password_jobs_verify(b->jobs, NULL, "x", 1, on_result, &late, NULL),
			 -EAGAIN);
	assert_int_equal(password_jobs_verify(b->jobs, NULL, too_long, sizeof(too_long), on_result,
					      &late, NULL),
			 -EINVAL);
	for (size_t i = 0; i < PASSWORD_JOBS_WAITING_MAX; i++)
		wait_for(b, &askers[i]);
	assert_int_equal(password_jobs_verify(b->jobs, NULL, "x", 1, on_result, &late, NULL), 0);
	wait_for(b, &late);
}

static void nobody_hears_of_an_abandoned_job(void **state)
{
	struct bench *b = *state;
	struct password_job *jobs[3];
	struct asker gone = {0}, last = {0};

	/* Two run, one waits; all are left before the loop sees a result. */
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(
			password_jobs_verify(b->jobs, NULL, "x", 1, on_result, &gone, &jobs[i]), 0);
	assert_true(sd_event_run(b->event, 0) > 0);
	for (size_t i = 0; i < 3; i++)
		password_job_abandon(jobs[i]);
	assert_int_equal(password_jobs_verify(b->jobs, NULL, "x", 1, on_result, &last, NULL), 0);
	wait_for(b, &last);
	assert_int_equal(gone.n, 0);
}

static void freeing_does_not_wait_for_answers(void **state)
{
	struct bench *b = *state;
	struct asker a = {0};

	for (size_t i = 0; i < 4; i++)
		assert_int_equal(password_jobs_verify(b->jobs, NULL, "x", 1, on_result, &a, NULL),
				 0);
	assert_true(sd_event_run(b->event, 0) > 0);
	b->jobs = password_jobs_free(b->jobs);
	while (sd_event_run(b->event, 0) > 0)
		;
	assert_int_equal(a.n, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scrypt_is_that_of_the_rfc),
		cmocka_unit_test(hmac_is_that_of_the_rfc),
		cmocka_unit_test(a_password_opens_with_itself_alone),
		cmocka_unit_test(nobody_has_no_password),
		cmocka_unit_test(parameters_come_from_what_is_stored),
		cmocka_unit_test(what_is_stored_and_not_ours_is_an_error),
		cmocka_unit_test(a_new_password_has_bounds),
		cmocka_unit_test(a_generated_password_is_good_and_new),
		TEST(a_job_checks_in_the_loop),
		TEST(a_job_makes_weak_ones_stronger),
		TEST(a_job_hashes),
		TEST(the_queue_has_an_end),
		TEST(nobody_hears_of_an_abandoned_job),
		TEST(freeing_does_not_wait_for_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
