/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/secret.h"

static void a_secret_holds_a_copy_with_a_nul_behind(void **state)
{
	_cleanup_(secret_done) struct secret s = SECRET_INIT;

	(void)state;
	assert_int_equal(secret_set(&s, "a\0b", 3), 0);
	assert_int_equal(s.len, 3);
	assert_memory_equal(s.data, "a\0b\0", 4);
	assert_int_equal(secret_set(&s, "longer than before", 18), 0);
	assert_int_equal(s.len, 18);
	assert_int_equal(secret_set(&s, NULL, 0), 0);
	assert_int_equal(s.len, 0);
	assert_int_equal(s.data[0], 0);
}

static void allocating_gives_zeros_and_refuses_the_impossible(void **state)
{
	_cleanup_(secret_done) struct secret s = SECRET_INIT;

	(void)state;
	assert_int_equal(secret_alloc(&s, 16), 0);
	for (size_t i = 0; i <= 16; i++)
		assert_int_equal(s.data[i], 0);
	assert_int_equal(secret_alloc(&s, SIZE_MAX), -ENOMEM);
	assert_null(s.data);
	assert_int_equal(s.len, 0);
}

static void releasing_twice_is_harmless(void **state)
{
	struct secret s = SECRET_INIT;

	(void)state;
	secret_done(&s);
	assert_int_equal(secret_set(&s, "x", 1), 0);
	secret_done(&s);
	secret_done(&s);
	assert_null(s.data);
}

static void wiping_leaves_zeros(void **state)
{
	uint8_t data[] = {1, 2, 3};

	(void)state;
	secret_wipe(data, 2);
	assert_memory_equal(data, "\0\0\3", 3);
	secret_wipe(NULL, 0);
}

static void equality_is_of_length_and_content(void **state)
{
	(void)state;
	assert_true(secret_equal("abc", 3, "abc", 3));
	assert_true(secret_equal("", 0, NULL, 0));
	assert_false(secret_equal("abc", 3, "abd", 3));
	assert_false(secret_equal("bbc", 3, "abc", 3));
	assert_false(secret_equal("abc", 3, "ab", 2));
}

/* In a child: the process stays as it is made. */
static void a_protected_process_dumps_no_core(void **state)
{
	const pid_t child = fork();
	int status;

	(void)state;
	assert_true(child >= 0);
	if (child == 0) {
		struct rlimit limit;

		if (secret_protect_process() != 0 || getrlimit(RLIMIT_CORE, &limit) < 0)
			_exit(1);
		_exit(limit.rlim_cur == 0 && limit.rlim_max == 0 &&
				      prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0
			      ? 0
			      : 2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_secret_holds_a_copy_with_a_nul_behind),
		cmocka_unit_test(allocating_gives_zeros_and_refuses_the_impossible),
		cmocka_unit_test(releasing_twice_is_harmless),
		cmocka_unit_test(wiping_leaves_zeros),
		cmocka_unit_test(equality_is_of_length_and_content),
		cmocka_unit_test(a_protected_process_dumps_no_core),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
