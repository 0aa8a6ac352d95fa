/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "agent/qr.h"

/* An attestation token of the length that devices print. */
static const char token[] =
	"2dn3hQFQSWHIc0CMRc6xunwNmdiBeQNQpNWAuar7SSW8jduV9zfUrlDi2RpLvSI7Lpj6UEpyjZUy."
	"0oRDoQEmoQRBIfZYQOOK3tk8JPbQj97vYSUwvg2l4RWnI-HkW870dxWy6pirvWJ5ZfjLtJsP-"
	"R5C9MJNtMHkZEZNjI1bmMaMLInZWTE";

#define MODULE 4 /* pixels */

enum { FULL, UPPER, LOWER, BLANK, NONE };

static int next_cell(const char **at)
{
	static const char *const cells[] = {"\xe2\x96\x88", "\xe2\x96\x80", "\xe2\x96\x84", " "};

	for (int i = 0; i < NONE; i++)
		if (strncmp(*at, cells[i], strlen(cells[i])) == 0) {
			*at += strlen(cells[i]);
			return i;
		}
	return NONE;
}

static void put_row(FILE *f, const char *line, bool upper)
{
	for (int i = 0; i < MODULE; i++) {
		const char *at = line;

		while (*at != '\n') {
			int cell = next_cell(&at);
			bool light = cell == FULL || cell == (upper ? UPPER : LOWER);

			assert_int_not_equal(cell, NONE);
			for (int k = 0; k < MODULE; k++)
				fputc(light ? 255 : 0, f);
		}
	}
}

/* What a dark terminal shows, as a picture. */
static void paint(const char *rendered, const char *path)
{
	FILE *f = fopen(path, "w");
	int columns = 0, rows = 0;
	const char *line;

	assert_non_null(f);
	for (line = rendered; *line != '\n'; columns++)
		assert_int_not_equal(next_cell(&line), NONE);
	for (line = rendered; *line; line++)
		rows += *line == '\n';
	fprintf(f, "P5\n%d %d\n255\n", columns * MODULE, rows * 2 * MODULE);
	for (line = rendered; *line; line = strchr(line, '\n') + 1) {
		put_row(f, line, true);
		put_row(f, line, false);
	}
	assert_int_equal(fclose(f), 0);
}

static void scan(const char *path, char *ret, size_t size)
{
	char command[128];
	size_t n;
	FILE *f;

	snprintf(command, sizeof(command), "zbarimg --quiet --raw %s 2>/dev/null", path);
	f = popen(command, "r");
	assert_non_null(f);
	n = fread(ret, 1, size - 1, f);
	ret[n] = '\0';
	assert_int_equal(pclose(f), 0);
	ret[strcspn(ret, "\n")] = '\0';
}

static void assert_scans_back(const char *text)
{
	_cleanup_(freep) char *rendered = NULL;
	char path[] = "/tmp/test_qr.XXXXXX", back[4096];
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(qr_render(text, &rendered), 0);
	paint(rendered, path);
	scan(path, back, sizeof(back));
	remove(path);
	assert_string_equal(back, text);
}

static void qr_code_of_a_claim_token_is_read_back_by_a_scanner(void **state)
{
	(void)state;
	if (system("command -v zbarimg >/dev/null") != 0) {
		print_message("zbarimg is missing: install zbar-tools\n");
		skip();
	}
	assert_scans_back(token);
	assert_scans_back("x");
	assert_scans_back("https://example.com/claim?token=2dn3hQFQSWHI.0oRDoQEmoQRBIfZY");
}

static void a_claim_token_fits_80_columns(void **state)
{
	_cleanup_(freep) char *rendered = NULL;
	int columns = 0;

	(void)state;
	assert_int_equal(qr_render(token, &rendered), 0);
	for (const char *at = rendered; *at != '\n'; columns++)
		assert_int_not_equal(next_cell(&at), NONE);
	assert_true(columns <= 80);
}

static void every_line_has_the_same_width_and_ends(void **state)
{
	_cleanup_(freep) char *rendered = NULL;
	int width = -1;

	(void)state;
	assert_int_equal(qr_render(token, &rendered), 0);
	for (const char *at = rendered; *at; at++) {
		int columns = 0;

		for (; *at != '\n'; columns++)
			assert_int_not_equal(next_cell(&at), NONE);
		assert_true(width < 0 || columns == width);
		width = columns;
	}
}

static void qr_code_refuses_nothing_and_more_than_it_holds(void **state)
{
	_cleanup_(freep) char *rendered = NULL;
	char text[2955];

	(void)state;
	memset(text, 'a', sizeof(text));
	text[2954] = '\0';
	assert_int_equal(qr_render(text, &rendered), -ERANGE);
	assert_null(rendered);
	text[2953] = '\0';
	assert_int_equal(qr_render(text, &rendered), 0);
	free(TAKE_PTR(rendered));
	assert_int_equal(qr_render("", &rendered), -EINVAL);
	assert_null(rendered);
}

static void a_file_gets_no_control_sequences(void **state)
{
	_cleanup_(freep) char *rendered = NULL;
	char *written = NULL;
	size_t size;
	FILE *f = tmpfile();

	(void)state;
	assert_non_null(f);
	assert_int_equal(qr_render("x", &rendered), 0);
	qr_print(f, rendered);
	size = (size_t)ftell(f);
	written = calloc(1, size + 1);
	assert_non_null(written);
	rewind(f);
	assert_int_equal(fread(written, 1, size, f), size);
	assert_string_equal(written, rendered);
	free(written);
	fclose(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(qr_code_of_a_claim_token_is_read_back_by_a_scanner),
		cmocka_unit_test(a_claim_token_fits_80_columns),
		cmocka_unit_test(every_line_has_the_same_width_and_ends),
		cmocka_unit_test(qr_code_refuses_nothing_and_more_than_it_holds),
		cmocka_unit_test(a_file_gets_no_control_sequences),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
