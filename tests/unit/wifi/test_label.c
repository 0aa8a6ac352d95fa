/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "proto/wifi/wifi.h"
#include "wifi/label.h"

static char path[] = "/tmp/onboardd-label-XXXXXX";

static int setup(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state)
{
	(void)state;
	return unlink(path);
}

static void put(const char *text, size_t len)
{
	assert_int_equal(file_write_atomic(path, text, len, 0600), 0);
}

static void assert_read(const char *text, const char *code)
{
	_cleanup_(secret_done) struct secret got = SECRET_INIT;

	put(text, strlen(text));
	assert_int_equal(label_read(path, &got, NULL), 0);
	assert_int_equal(got.len, strlen(code));
	assert_memory_equal(got.data, code, got.len + 1);
}

static void assert_refused(const char *text, size_t len, int error, const char *what)
{
	_cleanup_(secret_done) struct secret got = SECRET_INIT;
	_cleanup_(freep) char *detail = NULL;

	put(text, len);
	assert_int_equal(label_read(path, &got, &detail), error);
	assert_null(got.data);
	assert_non_null(strstr(detail, path));
	assert_non_null(strstr(detail, what));
	assert_non_null(strstr(detail, "label-file"));
}

static void a_code_is_read_without_its_line_end(void **state)
{
	(void)state;
	assert_read("123456", "123456");
	assert_read("K7-QF 29\n", "K7-QF 29");
	assert_read("123456\r\n", "123456");
	assert_read("12345678901234567890123456789012\r\n", "12345678901234567890123456789012");
}

static void what_no_label_can_carry_is_refused(void **state)
{
	static const char nul[] = "1234\000567";

	(void)state;
	assert_refused("", 0, -EINVAL, "6 to 32");
	assert_refused("12345\n", 6, -EINVAL, "6 to 32");
	assert_refused("123456\n123456\n", 14, -EINVAL, "6 to 32");
	assert_refused("123\xc3\xa9xyz", 8, -EINVAL, "6 to 32");
	assert_refused(nul, sizeof(nul) - 1, -EINVAL, "6 to 32");
	assert_refused("123456789012345678901234567890123", 33, -EINVAL, "6 to 32");
	assert_refused("123456789012345678901234567890123456", 36, -EINVAL, "too long");
}

static void a_missing_file_is_named(void **state)
{
	_cleanup_(secret_done) struct secret got = SECRET_INIT;
	_cleanup_(freep) char *detail = NULL;

	(void)state;
	assert_int_equal(label_read("/nonexistent/label", &got, &detail), -ENOENT);
	assert_non_null(strstr(detail, "/nonexistent/label: "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_code_is_read_without_its_line_end),
		cmocka_unit_test(what_no_label_can_carry_is_refused),
		cmocka_unit_test(a_missing_file_is_named),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
