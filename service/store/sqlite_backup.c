/* SPDX-License-Identifier: Apache-2.0 */
#include "service/store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"

#define BUSY_TIMEOUT_MS 5000

struct backup {
	sqlite3 *from, *to;
	char *part; /* owned; the copy, until it is whole */
	bool is_made;
};

static void backup_done(struct backup *b)
{
	sqlite3_close(b->from);
	sqlite3_close(b->to);
	if (b->is_made)
		unlink(b->part);
	free(b->part);
}

static int fail(sqlite3 *db, const char *what, char **ret_detail)
{
	if (asprintf(ret_detail, "%s: %s", what, sqlite3_errmsg(db)) < 0)
		*ret_detail = NULL;
	return (sqlite3_errcode(db) & 0xff) == SQLITE_FULL ? -ENOSPC : -EIO;
}

static int open_both(struct backup *b, const char *path, char **ret_detail)
{
	int fd;

	if (sqlite3_open_v2(path, &b->from, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
	    SQLITE_OK)
		return fail(b->from, "cannot open the store", ret_detail);
	sqlite3_busy_timeout(b->from, BUSY_TIMEOUT_MS);
	/* For its owner only, as the store is. */
	fd = open(b->part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	close(fd);
	b->is_made = true;
	if (sqlite3_open_v2(b->part, &b->to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
	    SQLITE_OK)
		return fail(b->to, "cannot write the copy", ret_detail);
	return 0;
}

/* All pages in one step, which is one state of the store: writers go on beside it in the log. */
static int copy(struct backup *b, char **ret_detail)
{
	sqlite3_backup *pages = sqlite3_backup_init(b->to, "main", b->from, "main");
	int rc;

	if (!pages)
		return fail(b->to, "cannot copy", ret_detail);
	rc = sqlite3_backup_step(pages, -1);
	sqlite3_backup_finish(pages);
	return rc == SQLITE_DONE ? 0 : fail(b->to, "cannot copy", ret_detail);
}

/* Without companions, so that one file is all there is to keep. */
static int seal(struct backup *b, char **ret_detail)
{
	sqlite3_stmt *check = NULL;
	bool is_well;

	if (sqlite3_exec(b->to, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(b->to, "PRAGMA integrity_check", -1, &check, NULL) != SQLITE_OK)
		return fail(b->to, "cannot finish the copy", ret_detail);
	is_well = sqlite3_step(check) == SQLITE_ROW &&
		  strcmp((const char *)sqlite3_column_text(check, 0), "ok") == 0;
	sqlite3_finalize(check);
	if (is_well)
		return 0;
	*ret_detail = strdup("the copy is damaged, and so is the store: restore the last backup");
	return -EBADMSG;
}

static int put_in_place(struct backup *b, const char *to)
{
	_cleanup_(freep) char *dir = strdup(to);
	char *slash;
	int fd, r;

	if (!dir)
		return -ENOMEM;
	sqlite3_close(TAKE_PTR(b->to));
	fd = open(b->part, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = fsync(fd) < 0 ? -errno : 0;
	close(fd);
	if (r == 0)
		r = file_rename_new(b->part, to);
	if (r < 0)
		return r;
	b->is_made = false;
	slash = strrchr(dir, '/');
	if (slash)
		slash[slash == dir] = 0;
	return file_sync_directory(slash ? dir : ".");
}

int store_sqlite_backup(const char *path, const char *to, char **ret_detail)
{
	_cleanup_(backup_done) struct backup b = {NULL};
	int r;

	*ret_detail = NULL;
	if (access(to, F_OK) == 0)
		return -EEXIST;
	if (asprintf(&b.part, "%s.part", to) < 0) {
		b.part = NULL;
		return -ENOMEM;
	}
	r = open_both(&b, path, ret_detail);
	if (r == 0)
		r = copy(&b, ret_detail);
	if (r == 0)
		r = seal(&b, ret_detail);
	return r == 0 ? put_in_place(&b, to) : r;
}
