/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "agent/charset.h"
#include "base/macros.h"

static bool with(const char *all, const char *ctype, const char *lang)
{
	const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
	const char *const values[] = {all, ctype, lang};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		unsetenv(names[i]);
		if (values[i])
			setenv(names[i], values[i], 1);
	}
	return charset_is_utf8();
}

static void charset_is_what_the_first_variable_that_is_set_says(void **state)
{
	(void)state;
	assert_true(with("C.UTF-8", NULL, NULL));
	assert_true(with(NULL, "en_US.utf8", NULL));
	assert_true(with(NULL, NULL, "de_DE.UTF-8"));
	assert_true(with("", "", "C.utf-8"));
	assert_false(with("C", "C.UTF-8", "C.UTF-8"));
	assert_false(with(NULL, "POSIX", "C.UTF-8"));
}

static void charset_that_nobody_names_is_not_utf8(void **state)
{
	(void)state;
	assert_false(with(NULL, NULL, NULL));
	assert_false(with("", "", ""));
	assert_false(with(NULL, NULL, "de_DE@euro"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(charset_is_what_the_first_variable_that_is_set_says),
		cmocka_unit_test(charset_that_nobody_names_is_not_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
