/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/file.h"

static char dir[PATH_MAX], path[PATH_MAX + 16];

static int make_dir(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "%s/onboard-file-XXXXXX", getenv("TMPDIR") ?: "/tmp");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/file", dir);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir); /* fails when a temporary file was left behind */
}

static size_t files_in_dir(void)
{
	DIR *d = opendir(dir);
	size_t n = 0;

	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d));)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static void what_is_written_is_read(void **state)
{
	_cleanup_(secret_done) struct secret s = SECRET_INIT;
	struct stat st;

	(void)state;
	assert_int_equal(file_write_atomic(path, "a\0b", 3, 0640), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(file_read(path, 3, &s), 0);
	assert_int_equal(s.len, 3);
	assert_memory_equal(s.data, "a\0b", 4);

	assert_int_equal(file_write_atomic(path, "", 0, 0600), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(file_read(path, 0, &s), 0);
	assert_int_equal(s.len, 0);
	assert_int_equal(files_in_dir(), 1);
}

static void a_file_above_the_limit_is_refused(void **state)
{
	_cleanup_(secret_done) struct secret s = SECRET_INIT;

	(void)state;
	assert_int_equal(file_write_atomic(path, "1234", 4, 0600), 0);
	assert_int_equal(file_read(path, 3, &s), -EFBIG);
	assert_null(s.data);
	assert_int_equal(file_read(path, 4, &s), 0);
}

static void what_is_no_regular_file_is_refused_without_waiting(void **state)
{
	_cleanup_(secret_done) struct secret s = SECRET_INIT;

	(void)state;
	assert_int_equal(file_read(path, 10, &s), -ENOENT);
	assert_int_equal(file_read(dir, 10, &s), -EINVAL);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(file_read(path, 10, &s), -EINVAL);
	assert_null(s.data);
}

static void a_write_that_fails_leaves_the_old_file_and_nothing_else(void **state)
{
	_cleanup_(secret_done) struct secret s = SECRET_INIT;
	char long_path[PATH_MAX + 1], inside[PATH_MAX + 32];

	(void)state;
	assert_int_equal(file_write_atomic(path, "old", 3, 0600), 0);
	snprintf(inside, sizeof(inside), "%s/below", path);
	assert_int_equal(file_write_atomic(inside, "new", 3, 0600), -ENOTDIR);
	snprintf(inside, sizeof(inside), "%s/absent/below", dir);
	assert_int_equal(file_write_atomic(inside, "new", 3, 0600), -ENOENT);
	memset(long_path, 'x', PATH_MAX);
	long_path[PATH_MAX] = '\0';
	assert_int_equal(file_write_atomic(long_path, "new", 3, 0600), -ENAMETOOLONG);
	/* A directory in the way: the rename fails, when the new content is already written. */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(file_write_atomic(path, "new", 3, 0600), -EISDIR);
	assert_int_equal(files_in_dir(), 1);
	assert_int_equal(rmdir(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_written_is_read, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(a_file_above_the_limit_is_refused, make_dir,
						remove_dir),
		cmocka_unit_test_setup_teardown(what_is_no_regular_file_is_refused_without_waiting,
						make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(
			a_write_that_fails_leaves_the_old_file_and_nothing_else, make_dir,
			remove_dir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
