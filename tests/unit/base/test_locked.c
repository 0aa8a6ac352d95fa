/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/locked.h"
#include "base/secret.h"

#define LARGE (100 * 1024)
#define LINE_SIZE 512

/* AddressSanitizer makes mlock() do nothing. */
#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define LOCKS false
#else
#define LOCKS true
#endif

/* The VmFlags of the mapping that holds p, proc(5). */
static void read_flags(const void *p, char ret[static LINE_SIZE])
{
	FILE *f = fopen("/proc/self/smaps", "re");
	bool inside = false;
	char line[LINE_SIZE];

	assert_non_null(f);
	*ret = '\0';
	while (!*ret && fgets(line, sizeof(line), f)) {
		unsigned long from, to;

		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			inside = from <= (uintptr_t)p && (uintptr_t)p < to;
		if (inside && strncmp(line, "VmFlags:", 8) == 0)
			memcpy(ret, line, sizeof(line));
	}
	fclose(f);
	assert_true(*ret);
}

static void a_secret_is_locked_and_left_out_of_dumps_whatever_its_size(void **state)
{
	static const size_t lengths[] = {1, 32, 5000, LARGE};
	char flags[LINE_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		_cleanup_(secret_done) struct secret s = SECRET_INIT;

		assert_int_equal(secret_alloc(&s, lengths[i]), 0);
		read_flags(s.data, flags);
		assert_non_null(strstr(flags, " dd"));
		assert_non_null(strstr(flags, " wf"));
		if (LOCKS)
			assert_non_null(strstr(flags, " lo"));
	}
}

static void a_forked_child_finds_zeros_and_can_have_secrets_of_its_own(void **state)
{
	_cleanup_(secret_done) struct secret s = SECRET_INIT;
	int status;
	pid_t child;

	(void)state;
	assert_int_equal(secret_set(&s, "the parent's", 12), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct secret own = SECRET_INIT;
		bool good = s.data[0] == 0 && memcmp(s.data, s.data + 1, s.len) == 0 &&
			    secret_set(&own, "the child's", 11) == 0 && own.data != s.data;

		secret_done(&own);
		secret_done(&s);
		_exit(good ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_memory_equal(s.data, "the parent's", 12);
}

/* Pieces are not zeroed when they are taken, so what is found there is what release has left. */
static void what_is_released_is_wiped(void **state)
{
	static const size_t lengths[] = {1, 63, 64, 65, 4096, LARGE};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		uint8_t *p = locked_alloc(lengths[i]), *again;

		assert_non_null(p);
		memset(p, 0xa5, lengths[i]);
		locked_free(p);
		again = locked_alloc(lengths[i]);
		assert_non_null(again);
		for (size_t k = 0; k < lengths[i]; k++)
			assert_int_equal(again[k], 0);
		locked_free(again);
	}
	locked_free(NULL);
	assert_null(locked_alloc(0));
	assert_null(locked_alloc(SIZE_MAX));
	assert_int_equal(locked_in_use(), 0);
}

static void secrets_do_not_overlap_and_holes_are_filled(void **state)
{
	enum { N = 600 }; /* more than the common mapping holds */
	uint8_t *pieces[N];

	(void)state;
	for (size_t round = 0; round < 3; round++) {
		for (size_t i = 0; i < N; i++) {
			pieces[i] = locked_alloc(100 + i % 80);
			assert_non_null(pieces[i]);
			memset(pieces[i], (int)(i & 0xff), 100 + i % 80);
		}
		for (size_t i = round; i < N; i += 3) {
			locked_free(pieces[i]);
			pieces[i] = locked_alloc(100 + i % 80);
			assert_non_null(pieces[i]);
			memset(pieces[i], (int)(i & 0xff), 100 + i % 80);
		}
		assert_int_equal(locked_in_use(), N);
		for (size_t i = 0; i < N; i++) {
			for (size_t k = 0; k < 100 + i % 80; k++)
				assert_int_equal(pieces[i][k], i & 0xff);
			locked_free(pieces[i]);
		}
	}
	assert_int_equal(locked_in_use(), 0);
}

static void *churn(void *mark)
{
	for (size_t i = 0; i < 2000; i++) {
		_cleanup_(secret_done) struct secret s = SECRET_INIT;

		if (secret_alloc(&s, 1 + i % 3000) < 0 || s.data[0] != 0)
			return mark;
		memset(s.data, *(uint8_t *)mark, s.len);
		for (size_t k = 0; k < s.len; k++)
			if (s.data[k] != *(uint8_t *)mark)
				return mark;
	}
	return NULL;
}

static void threads_do_not_meet_in_a_secret(void **state)
{
	uint8_t marks[] = {1, 2, 3, 4};
	pthread_t threads[ARRAY_SIZE(marks)];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, churn, &marks[i]), 0);
	for (size_t i = 0; i < ARRAY_SIZE(marks); i++) {
		void *result = &marks[i];

		assert_int_equal(pthread_join(threads[i], &result), 0);
		assert_null(result);
	}
	assert_int_equal(locked_in_use(), 0);
}

/* Runs first, in a child that has nothing locked yet and may not. */
static void refused_locking_is_told_once_and_survived(void **state)
{
	const struct rlimit none = {0, 0};
	char text[4096] = "";
	size_t len = 0;
	int ends[2], status;
	ssize_t n;
	pid_t child;

	(void)state;
	if (!LOCKS) /* nothing can be refused */
		return;
	assert_int_equal(pipe(ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct secret small = SECRET_INIT, large = SECRET_INIT;

		if (dup2(ends[1], STDERR_FILENO) < 0 || setrlimit(RLIMIT_MEMLOCK, &none) < 0 ||
		    (geteuid() == 0 && setuid(65534) < 0))
			_exit(1);
		if (secret_set(&small, "a", 1) < 0 || secret_alloc(&large, LARGE) < 0)
			_exit(2);
		large.data[LARGE - 1] = 1;
		secret_done(&large);
		secret_done(&small);
		_exit(0);
	}
	close(ends[1]);
	while ((n = read(ends[0], text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_non_null(strstr(text, "LimitMEMLOCK="));
	assert_null(strstr(strstr(text, "LimitMEMLOCK=") + 1, "LimitMEMLOCK="));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused_locking_is_told_once_and_survived),
		cmocka_unit_test(a_secret_is_locked_and_left_out_of_dumps_whatever_its_size),
		cmocka_unit_test(a_forked_child_finds_zeros_and_can_have_secrets_of_its_own),
		cmocka_unit_test(what_is_released_is_wiped),
		cmocka_unit_test(secrets_do_not_overlap_and_holes_are_filled),
		cmocka_unit_test(threads_do_not_meet_in_a_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
