/* SPDX-License-Identifier: Apache-2.0 */
#include "credstore/aside.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "credstore/detail.h"
#include "credstore/store.h"

/* A disk that dies under `start-anew` must not be filled with its own ruins. */
#define ASIDE_MAX 100
#define MARK_MAX 4096

static const char *const endings[] = {"", "-wal", "-journal", "-shm"};

static int with_ending(const char *path, size_t ending, char ret[static PATH_MAX])
{
	int n = snprintf(ret, PATH_MAX, "%s%s", path, endings[ending]);

	return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

/* 0 when none of its names is taken, -EEXIST. */
static int is_free(const char *path)
{
	char name[PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
		int r = with_ending(path, i, name);

		if (r < 0)
			return r;
		if (faccessat(AT_FDCWD, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return -EEXIST;
		if (errno != ENOENT)
			return -errno;
	}
	return 0;
}

static int find_free(const struct store_files *f, char ret[static PATH_MAX])
{
	for (unsigned int i = 1; i <= ASIDE_MAX; i++) {
		int n = i == 1 ? snprintf(ret, PATH_MAX, "%s.damaged", f->db)
			       : snprintf(ret, PATH_MAX, "%s.damaged.%u", f->db, i);
		int r = n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : is_free(ret);

		if (r != -EEXIST)
			return r;
	}
	return -EEXIST;
}

static int move_one(const char *from, const char *to)
{
	int r = file_rename_new(from, to);

	return r == -ENOENT ? 0 : r;
}

/* The database first: alone with its log gone it would open as what it was earlier. */
static int move_all(const struct store_files *f, const char *to)
{
	char source[PATH_MAX], target[PATH_MAX];
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(endings); i++) {
		r = with_ending(f->db, i, source);
		if (r == 0)
			r = with_ending(to, i, target);
		if (r == 0)
			r = move_one(source, target);
	}
	return r == 0 ? file_sync_directory(f->dir) : r;
}

/* Two lines: the path that the database has now, and what was damaged. */
static int write_mark(const struct store_files *f, const char *name, const char *why)
{
	_cleanup_(freep) char *text = NULL;
	_cleanup_(freep) char *line = strdup(why);

	if (!line)
		return -ENOMEM;
	detail_make_line(line);
	if (asprintf(&text, "%s\n%s\n", name, line) < 0)
		return -ENOMEM;
	return file_write_atomic(f->mark, text, strlen(text), 0600);
}

int aside_move(const struct store_files *f, const char *why, char **ret_name, char **ret_detail)
{
	_cleanup_(freep) char *copy = NULL;
	char name[PATH_MAX];
	int r = find_free(f, name);

	if (r == 0) {
		copy = strdup(name);
		r = copy ? write_mark(f, name, why) : -ENOMEM;
	}
	if (r == 0)
		r = move_all(f, name);
	if (r < 0)
		return detail_set(ret_detail, r, "%s; it cannot be set aside%s%s: %s", why,
				  copy ? " as " : "", copy ? copy : "",
				  r == -EEXIST ? "too many were already; save and remove them"
					       : strerror(-r));
	*ret_name = TAKE_PTR(copy);
	return 0;
}

int aside_say(const struct store_files *f, const char *why, const char *name, char **ret_detail)
{
	return detail_set(ret_detail, STORE_E_CORRUPT,
			  "%s; it was set aside as %s. To recover, put the store.db of a backup "
			  "and its sealing key into %s; to start anew, remove %s (see "
			  "docs/storage.md)",
			  why, name, f->dir, f->mark);
}

int aside_check(const struct store_files *f, char **ret_detail)
{
	_cleanup_(secret_done) struct secret mark = SECRET_INIT;
	char *name, *why, *rest = NULL;
	int r = file_read(f->mark, MARK_MAX, &mark);

	if (r == -ENOENT)
		return 0;
	if (r < 0 && r != -EFBIG && r != -EINVAL)
		return detail_set(ret_detail, r, "%s cannot be read: %s", f->mark, strerror(-r));
	name = r == 0 ? strtok_r((char *)mark.data, "\n", &rest) : NULL;
	why = name ? strtok_r(NULL, "\n", &rest) : NULL;
	if (!why)
		return aside_say(f, "the store was damaged", "store.db.damaged*", ret_detail);
	r = move_all(f, name);
	if (r < 0)
		return detail_set(ret_detail, r, "%s cannot be set aside as %s: %s", f->db, name,
				  strerror(-r));
	return aside_say(f, why, name, ret_detail);
}

/* ret is the caller's to globfree(). */
static bool find_all(const struct store_files *f, glob_t *ret)
{
	char pattern[PATH_MAX];

	return (size_t)snprintf(pattern, sizeof(pattern), "%s.damaged*", f->db) < sizeof(pattern) &&
	       glob(pattern, GLOB_NOSORT, NULL, ret) == 0;
}

bool aside_exists(const struct store_files *f)
{
	glob_t found = {0};
	bool exists = find_all(f, &found);

	globfree(&found);
	return exists;
}

int aside_wipe(const struct store_files *f)
{
	glob_t found = {0};
	int r = 0;

	if (find_all(f, &found))
		for (size_t i = 0; r == 0 && i < found.gl_pathc; i++)
			r = file_wipe_at(AT_FDCWD, found.gl_pathv[i]);
	globfree(&found);
	return r == 0 ? file_sync_directory(f->dir) : r;
}

void aside_forget(const struct store_files *f)
{
	if (unlink(f->mark) == 0)
		(void)!file_sync_directory(f->dir);
}
