/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <sys/stat.h>

#include "agent/lastwords.h"

static char directory[64], file[96];

static int set_up(void **state)
{
	(void)state;
	snprintf(directory, sizeof(directory), "/tmp/test-lastwords-XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	snprintf(file, sizeof(file), "%s/last-words.json", directory);
	return setenv("RUNTIME_DIRECTORY", directory, 1);
}

static int tear_down(void **state)
{
	(void)state;
	unlink(file);
	return rmdir(directory);
}

static void what_was_said_last_is_read(void **state)
{
	struct lastwords words;
	struct stat st;

	(void)state;
	assert_int_equal(lastwords_read(&words), -ENOENT);
	lastwords_say("store", 8, "first");
	lastwords_say("sealing-key", 8, "the key\nis \"gone\"");
	assert_int_equal(lastwords_read(&words), 0);
	assert_string_equal(words.check, "sealing-key");
	assert_int_equal(words.exit_code, 8);
	assert_string_equal(words.text, "the key?is \"gone\"");
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	lastwords_forget();
	assert_int_equal(lastwords_read(&words), -ENOENT);
}

static void words_that_are_not_ours_are_refused(void **state)
{
	static const char *const texts[] = {"", "{", "[]",
					    "{\"check\": 1, \"exit\": 8, \"text\": \"a\"}",
					    "{\"check\": \"store\", \"text\": \"a\"}"};
	struct lastwords words;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		FILE *f = fopen(file, "w");

		assert_non_null(f);
		fputs(texts[i], f);
		fclose(f);
		assert_int_equal(lastwords_read(&words), -EINVAL);
	}
}

static void a_text_of_any_length_is_cut(void **state)
{
	char text[3 * LASTWORDS_TEXT_MAX];
	struct lastwords words;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	lastwords_say("store", 8, text);
	assert_int_equal(lastwords_read(&words), 0);
	assert_int_equal(strlen(words.text), LASTWORDS_TEXT_MAX - 1);
}

static void of_several_runtime_directories_the_first_is_taken(void **state)
{
	struct lastwords words;
	char both[160];

	(void)state;
	snprintf(both, sizeof(both), "%s:/run/other", directory);
	setenv("RUNTIME_DIRECTORY", both, 1);
	lastwords_say("store", 8, "text");
	assert_int_equal(access(file, F_OK), 0);
	assert_int_equal(lastwords_read(&words), 0);
	lastwords_forget();
	assert_int_not_equal(access(file, F_OK), 0);
}

static void without_a_runtime_directory_nothing_is_said(void **state)
{
	struct lastwords words;

	(void)state;
	unsetenv("RUNTIME_DIRECTORY");
	lastwords_say("store", 8, "text");
	lastwords_forget();
	setenv("RUNTIME_DIRECTORY", directory, 1);
	assert_int_equal(lastwords_read(&words), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_said_last_is_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(words_that_are_not_ours_are_refused, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_text_of_any_length_is_cut, set_up, tear_down),
		cmocka_unit_test_setup_teardown(of_several_runtime_directories_the_first_is_taken,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(without_a_runtime_directory_nothing_is_said, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
