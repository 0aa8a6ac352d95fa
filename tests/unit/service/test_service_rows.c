/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <errno.h>

#include "service/rows.h"

static int parse(const char *text, size_t len, size_t max, struct rows *rows)
{
	_cleanup_(freep) char *detail = NULL;
	int r = rows_parse(text, len, max, rows, &detail);

	assert_true((r == ROWS_E_SYNTAX) == (detail != NULL));
	return r;
}

/* As "a|b/c": fields with | and rows with / behind them. */
static void assert_rows(const char *text, const char *want)
{
	struct rows rows = {NULL, 0, 0, NULL};
	char got[256] = "";

	assert_int_equal(parse(text, strlen(text), 100, &rows), 0);
	for (size_t i = 0; i < rows.n; i++) {
		assert_int_equal(rows.items[i].number, i + 1);
		for (size_t k = 0; k < rows.items[i].n; k++) {
			strcat(got, k > 0 ? "|" : "");
			strcat(got, rows.items[i].fields[k]);
		}
		strcat(got, "/");
	}
	rows_done(&rows);
	assert_string_equal(got, want);
}

static void rows_are_read_as_people_and_spreadsheets_write_them(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"", ""},
		{"\n\r\n\n", ""},
		{"\xef\xbb\xbf", ""},
		{"a", "a/"},
		{"a\n", "a/"},
		{"a,b\nc,d\n", "a|b/c|d/"},
		{"a,b\r\nc,d\r\n", "a|b/c|d/"},
		{"a,b\rc,d\r", "a|b/c|d/"},
		{"\xef\xbb\xbf\"a\",b\n", "a|b/"},
		{"\"a,b\",c\n", "a,b|c/"},
		{"\"a\"\"b\",c\n", "a\"b|c/"},
		{"\"a\r\nb\",c\n", "a\r\nb|c/"},
		{"a,\n", "a|/"},
		{",\n", "|/"},
		{"\"\"\n", "/"},
		{" a , b \n", "a|b/"},
		{"a\n\n\nb\n", "a/b/"},
		{"\"-----BEGIN\nkey\n\",x", "-----BEGIN\nkey\n|x/"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_rows(rows[i].text, rows[i].want);
}

static void what_is_broken_is_refused_as_a_whole(void **state)
{
	static const char *const bad[] = {"\"",     "\"a",         "a\n\"b\n",       "a\"b",
					  "\"a\"b", "\"a\" \"b\"", "good,row\n\"bad"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct rows rows = {NULL, 0, 0, NULL};

		if (parse(bad[i], strlen(bad[i]), 100, &rows) != ROWS_E_SYNTAX)
			fail_msg("%s", bad[i]);
		assert_null(rows.items);
	}
}

static void bytes_that_are_no_text_are_refused(void **state)
{
	struct rows rows = {NULL, 0, 0, NULL};

	(void)state;
	assert_int_equal(parse("a\0b\n", 4, 100, &rows), ROWS_E_SYNTAX);
	assert_int_equal(parse("\"a\0\"\n", 5, 100, &rows), ROWS_E_SYNTAX);
}

static void the_error_names_its_row(void **state)
{
	struct rows rows = {NULL, 0, 0, NULL};
	char *detail = NULL;

	(void)state;
	assert_int_equal(rows_parse("a\nb\n\"c", 6, 100, &rows, &detail), ROWS_E_SYNTAX);
	assert_non_null(strstr(detail, "row 3"));
	free(detail);
}

static void rows_and_fields_are_bounded(void **state)
{
	static const char text[] = "1\n2\n3\n";
	struct rows rows = {NULL, 0, 0, NULL};
	char *long_field = malloc(1 << 20), many[64];
	size_t n = 0;

	(void)state;
	assert_int_equal(parse(text, strlen(text), 3, &rows), 0);
	assert_int_equal(rows.n, 3);
	rows_done(&rows);
	assert_int_equal(parse(text, strlen(text), 2, &rows), ROWS_E_MANY);

	memset(long_field, 'a', 1 << 20);
	assert_int_equal(parse(long_field, 60000, 3, &rows), 0);
	assert_int_equal(strlen(rows.items[0].fields[0]), 60000);
	rows_done(&rows);
	assert_int_equal(parse(long_field, 1 << 20, 3, &rows), ROWS_E_SYNTAX);
	free(long_field);

	/* more fields than are kept are counted */
	for (int i = 0; i < 12; i++)
		n += (size_t)snprintf(many + n, sizeof(many) - n, "%d,", i);
	assert_int_equal(parse(many, n, 3, &rows), 0);
	assert_int_equal(rows.items[0].n, 13);
	assert_string_equal(rows.items[0].fields[ROWS_FIELDS_MAX - 1], "7");
	rows_done(&rows);
}

/* Each beginning of a list is a list, or is refused; none is read beyond its end. */
static void every_truncation_ends_well(void **state)
{
	static const char text[] = "\xef\xbb\xbf\"a\"\"b\",c|d\r\n\"e\nf\",\r\n,,,\n\"\"\n";

	(void)state;
	for (size_t len = 0; len < sizeof(text); len++) {
		struct rows rows = {NULL, 0, 0, NULL};
		char *copy = malloc(len ? len : 1);

		memcpy(copy, text, len);
		if (parse(copy, len, 100, &rows) == 0)
			rows_done(&rows);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_read_as_people_and_spreadsheets_write_them),
		cmocka_unit_test(what_is_broken_is_refused_as_a_whole),
		cmocka_unit_test(bytes_that_are_no_text_are_refused),
		cmocka_unit_test(the_error_names_its_row),
		cmocka_unit_test(rows_and_fields_are_bounded),
		cmocka_unit_test(every_truncation_ends_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
