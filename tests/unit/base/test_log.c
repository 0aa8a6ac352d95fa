/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"

static struct {
	char line[256], fields[256];
	enum log_level level;
	unsigned int n;
	bool refuses;
} seen;

static bool sink(enum log_level level, const char *line, const struct log_field *fields, size_t n)
{
	size_t len = 0;

	seen.n++;
	seen.level = level;
	seen.fields[0] = '\0';
	snprintf(seen.line, sizeof(seen.line), "%s", line);
	for (size_t i = 0; i < n; i++)
		len += (size_t)snprintf(seen.fields + len, sizeof(seen.fields) - len, "%s=%s ",
					fields[i].name, fields[i].value);
	return !seen.refuses;
}

static int set_up(void **state)
{
	(void)state;
	memset(&seen, 0, sizeof(seen));
	log_set_level(LOG_LEVEL_INFO);
	log_set_sink(sink);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	log_set_sink(NULL);
	return 0;
}

static void a_sink_gets_each_line_with_its_fields(void **state)
{
	const struct log_field fields[] = {{"STATE", "idle"}, {"TRACE", "12"}};

	(void)state;
	log_event(LOG_LEVEL_NOTICE, fields, 2, "state new=%s", "idle");
	assert_string_equal(seen.line, "state new=idle");
	assert_string_equal(seen.fields, "STATE=idle TRACE=12 ");
	assert_int_equal(seen.level, LOG_LEVEL_NOTICE);
	log_warning("a\nb\x7f");
	assert_string_equal(seen.line, "a b ");
	assert_string_equal(seen.fields, "");
}

static void what_is_below_the_level_goes_nowhere(void **state)
{
	(void)state;
	log_debug("no");
	log_event(LOG_LEVEL_DEBUG, NULL, 0, "no");
	assert_int_equal(seen.n, 0);
}

static void more_fields_than_there_is_room_for_are_left_out(void **state)
{
	struct log_field fields[LOG_FIELDS_MAX + 2];
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < LOG_FIELDS_MAX + 2; i++)
		fields[i] = (struct log_field){"A", "b"};
	log_event(LOG_LEVEL_INFO, fields, LOG_FIELDS_MAX + 2, "line");
	for (const char *at = seen.fields; (at = strchr(at, '=')) != NULL; at++)
		n++;
	assert_int_equal(n, LOG_FIELDS_MAX);
}

static void a_line_that_the_sink_refuses_goes_to_stderr(void **state)
{
	FILE *file = tmpfile();
	char text[64] = "";
	int saved = dup(STDERR_FILENO);

	(void)state;
	assert_non_null(file);
	assert_true(saved >= 0);
	seen.refuses = true;
	assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
	log_error("refused");
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	close(saved);
	rewind(file);
	assert_non_null(fgets(text, sizeof(text), file));
	fclose(file);
	assert_non_null(strstr(text, "refused\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_sink_gets_each_line_with_its_fields, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(what_is_below_the_level_goes_nowhere, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(more_fields_than_there_is_room_for_are_left_out,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_line_that_the_sink_refuses_goes_to_stderr, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
