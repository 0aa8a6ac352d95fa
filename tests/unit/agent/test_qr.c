/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

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
	assert_int_equal(qr_render(text, QR_HALF_BLOCKS, &rendered), 0);
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
	assert_int_equal(qr_render(token, QR_HALF_BLOCKS, &rendered), 0);
	for (const char *at = rendered; *at != '\n'; columns++)
		assert_int_not_equal(next_cell(&at), NONE);
	assert_true(columns <= 80);
}

static void every_line_has_the_same_width_and_ends(void **state)
{
	_cleanup_(freep) char *rendered = NULL;
	int width = -1;

	(void)state;
	assert_int_equal(qr_render(token, QR_HALF_BLOCKS, &rendered), 0);
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
	assert_int_equal(qr_render(text, QR_HALF_BLOCKS, &rendered), -ERANGE);
	assert_null(rendered);
	text[2953] = '\0';
	assert_int_equal(qr_render(text, QR_HALF_BLOCKS, &rendered), 0);
	free(TAKE_PTR(rendered));
	assert_int_equal(qr_render("", QR_HALF_BLOCKS, &rendered), -EINVAL);
	assert_null(rendered);
}

static void what_is_too_long_to_show_is_told_instead(void **state)
{
	char text[2955], *written = NULL;
	size_t size;
	FILE *f = open_memstream(&written, &size);

	(void)state;
	memset(text, 'a', sizeof(text));
	text[2954] = '\0';
	assert_int_equal(qr_show(f, text), 0);
	fclose(f);
	assert_string_equal(written, "(No QR code: it would hold 2953 characters, and this has "
				     "2954. Use the text.)\n");
	free(written);
}

static void a_file_gets_no_control_sequences(void **state)
{
	_cleanup_(freep) char *rendered = NULL;
	char *written = NULL;
	size_t size;
	FILE *f = tmpfile();

	(void)state;
	assert_non_null(f);
	assert_int_equal(qr_render("x", QR_HALF_BLOCKS, &rendered), 0);
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

static bool is_light_in_half_blocks(const char *rendered, int x, int y)
{
	int cell = NONE;

	for (int i = 0; i < y / 2; i++)
		rendered = strchr(rendered, '\n') + 1;
	for (int i = 0; i <= x; i++)
		cell = next_cell(&rendered);
	return cell == FULL || cell == (y % 2 == 0 ? UPPER : LOWER);
}

static void ascii_and_half_blocks_show_the_same_modules(void **state)
{
	_cleanup_(freep) char *blocks = NULL, *ascii = NULL;
	const char *line;
	int y = 0;

	(void)state;
	assert_int_equal(qr_render(token, QR_HALF_BLOCKS, &blocks), 0);
	assert_int_equal(qr_render(token, QR_ASCII, &ascii), 0);
	for (line = ascii; *line; line = strchr(line, '\n') + 1, y++)
		for (int x = 0; line[2 * x] != '\n'; x++) {
			assert_int_equal(line[2 * x], line[2 * x + 1]);
			assert_int_equal(line[2 * x] == '#', is_light_in_half_blocks(blocks, x, y));
		}
	assert_int_equal(2 * y, strcspn(ascii, "\n"));
}

/* What qr_show() writes on a terminal of so many columns. */
static void show_on_terminal(unsigned short columns, const char *charset, char *ret, size_t size)
{
	const struct winsize window = {.ws_row = 24, .ws_col = columns};
	int master = posix_openpt(O_RDWR | O_NOCTTY);
	size_t len = 0;
	pid_t writer;
	ssize_t n;
	FILE *f;

	assert_true(master >= 0);
	assert_int_equal(grantpt(master), 0);
	assert_int_equal(unlockpt(master), 0);
	f = fopen(ptsname(master), "w");
	assert_non_null(f);
	assert_int_equal(ioctl(master, TIOCSWINSZ, &window), 0);
	setenv("LC_ALL", charset, 1);
	/* A terminal holds little: somebody has to write while we read. */
	writer = fork();
	assert_true(writer >= 0);
	if (writer == 0)
		_exit(qr_show(f, token) == 0 && fputs("end", f) >= 0 && fflush(f) == 0 ? 0 : 1);
	fclose(f);
	while ((n = read(master, ret + len, size - 1 - len)) > 0) {
		len += (size_t)n;
		ret[len] = '\0';
		if (strstr(ret, "end"))
			break;
	}
	assert_int_equal(waitpid(writer, NULL, 0), writer);
	assert_non_null(strstr(ret, "end"));
	close(master);
	unsetenv("LC_ALL");
}

static void a_terminal_gets_the_characters_that_it_has(void **state)
{
	static char shown[65536];

	(void)state;
	show_on_terminal(80, "C.UTF-8", shown, sizeof(shown));
	assert_non_null(strstr(shown, "\xe2\x96\x88"));
	show_on_terminal(120, "C", shown, sizeof(shown));
	assert_null(strstr(shown, "\xe2"));
	assert_non_null(strstr(shown, "####"));
	assert_non_null(strstr(shown, "\033[97;107m#"));
	show_on_terminal(80, "C", shown, sizeof(shown));
	assert_null(strstr(shown, "##"));
	assert_non_null(strstr(shown, "LC_ALL=C.UTF-8 onboardctl token --qr"));
	show_on_terminal(0, "C", shown, sizeof(shown));
	assert_null(strstr(shown, "##"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(qr_code_of_a_claim_token_is_read_back_by_a_scanner),
		cmocka_unit_test(a_claim_token_fits_80_columns),
		cmocka_unit_test(every_line_has_the_same_width_and_ends),
		cmocka_unit_test(qr_code_refuses_nothing_and_more_than_it_holds),
		cmocka_unit_test(what_is_too_long_to_show_is_told_instead),
		cmocka_unit_test(a_file_gets_no_control_sequences),
		cmocka_unit_test(ascii_and_half_blocks_show_the_same_modules),
		cmocka_unit_test(a_terminal_gets_the_characters_that_it_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
