/* SPDX-License-Identifier: Apache-2.0 */
#include "credstore/store.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/locked.h"
#include "credstore/aside.h"
#include "credstore/birth.h"
#include "credstore/content.h"
#include "credstore/db.h"
#include "credstore/detail.h"
#include "credstore/files.h"
#include "credstore/opening.h"

/* What happened to the store before this one; kept as long as what was set aside is there. */
#define ANEW_VALUE "store/started-anew"

void store_tell(struct store *s, const char *format, ...)
{
	_cleanup_(freep) char *text = NULL;
	char *all = NULL;
	va_list args;
	int n;

	va_start(args, format);
	n = vasprintf(&text, format, args);
	va_end(args);
	if (n < 0) {
		text = NULL;
		return;
	}
	if (asprintf(&all, "%s%s%s", s->notice ? s->notice : "", s->notice ? "; " : "", text) < 0)
		return;
	free(s->notice);
	s->notice = all;
}

const char *store_notice(const struct store *s)
{
	return s->notice ? s->notice : "";
}

bool store_is_anew(const struct store *s)
{
	return s->is_anew;
}

bool store_has_aside(const struct store *s)
{
	return s->has_aside;
}

/* As it was before opening(). */
static void reset(struct store *s)
{
	sqlite3_close(s->db);
	s->db = NULL;
	free(s->notice);
	s->notice = NULL;
	s->has_remains = false;
}

/* A disk that fails for a moment, or a lack of memory, can look like damage: what is moved away has
 * been readable, and seen damaged twice. ret_detail is not NULL. */
static int open_surely(struct store *s, const struct store_files *f,
		       const struct store_options *options, char **ret_detail)
{
	int r = opening(s, f, options, ret_detail);

	if (r != STORE_E_CORRUPT)
		return r;
	reset(s);
	r = files_read_through(f);
	if (r < 0)
		return detail_set(ret_detail, r, "%s cannot be read: %s", f->db, strerror(-r));
	free(*ret_detail);
	*ret_detail = NULL;
	return opening(s, f, options, ret_detail);
}

/* The empty store that follows a damaged one. what: for people. */
static int start_anew(struct store *s, const struct store_files *f,
		      const struct store_options *options, const char *what, char **ret_detail)
{
	int r = birth(f, options, ret_detail);

	if (r == 0)
		r = opening(s, f, options, ret_detail);
	if (r == 0 && store_value_put(s, ANEW_VALUE, what) < 0)
		r = detail_set(ret_detail, -EIO, "%s cannot be written", f->db);
	s->is_anew = r == 0;
	return r;
}

static int set_aside(struct store *s, const struct store_files *f,
		     const struct store_options *options, const char *why, char **ret_detail)
{
	_cleanup_(freep) char *name = NULL;
	_cleanup_(freep) char *what = NULL;
	int r;

	reset(s);
	r = aside_move(f, why, &name, ret_detail);
	if (r < 0)
		return STORE_E_CORRUPT; /* and that it could not be moved */
	if (!options || !options->start_anew)
		return aside_say(f, why, name, ret_detail);
	if (asprintf(&what, "%s; it was set aside as %s", why, name) < 0)
		return -ENOMEM;
	detail_make_line(what);
	return start_anew(s, f, options, what, ret_detail);
}

static int open_existing(struct store *s, const struct store_files *f,
			 const struct store_options *options, char **ret_detail)
{
	_cleanup_(freep) char *why = NULL;
	int r = open_surely(s, f, options, &why);

	if (r == STORE_E_CORRUPT)
		return set_aside(s, f, options, why ? why : "the store is damaged", ret_detail);
	return r == 0 ? 0 : detail_give(r, TAKE_PTR(why), ret_detail);
}

static int open_missing(struct store *s, const struct store_files *f,
			const struct store_options *options, char **ret_detail)
{
	_cleanup_(freep) char *why = NULL;
	int r = aside_check(f, &why);

	if (r == STORE_E_CORRUPT && options && options->start_anew)
		return start_anew(s, f, options, why ? why : "the store was damaged", ret_detail);
	if (r != 0)
		return detail_give(r, TAKE_PTR(why), ret_detail);
	/* SQLite would play a lost database's log into the new one. */
	if (access(f->db_wal, F_OK) == 0 || access(f->db_journal, F_OK) == 0) {
		if (asprintf(&why, "%s is missing but its log is there", f->db) < 0)
			return -ENOMEM;
		if (options && options->start_anew)
			return set_aside(s, f, options, why, ret_detail);
		return detail_set(ret_detail, STORE_E_CORRUPT,
				  "%s: restore the database, or move %s-* away to start anew", why,
				  f->db);
	}
	r = birth(f, options, ret_detail);
	return r == 0 ? opening(s, f, options, ret_detail) : r;
}

static void tell_about_beginning(struct store *s, const struct store_files *f)
{
	_cleanup_(freep) char *what = NULL;

	s->has_aside = aside_exists(f);
	if (store_value_get(s, ANEW_VALUE, &what) != 0)
		return;
	if (s->has_aside)
		store_tell(s,
			   "%s; the store started anew, what was provisioned before is gone. Save "
			   "%s.damaged* and remove them to end this message",
			   what, f->db);
	else
		(void)!store_value_delete(s, ANEW_VALUE);
}

int store_open(const char *dir, const struct store_options *options, struct store **ret,
	       char **ret_detail)
{
	struct store_files files;
	char *detail = NULL;
	struct store *s;
	int r;

	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->lock_fd = -1;
	s->seal_key = locked_alloc(SEAL_KEY_LEN);
	if (!s->seal_key) {
		store_close(s);
		return -ENOMEM;
	}
	r = files_name(dir, &files);
	if (r < 0)
		r = detail_set(&detail, r, "the state directory's name is too long");
	if (r == 0)
		r = files_lock(&files, &s->lock_fd, &detail);
	if (r == 0 && access(files.db, F_OK) < 0)
		r = errno == ENOENT ? open_missing(s, &files, options, &detail)
				    : detail_set(&detail, -errno, "%s cannot be reached: %s",
						 files.db, strerror(errno));
	else if (r == 0)
		r = open_existing(s, &files, options, &detail);
	if (r != 0) {
		store_close(s);
		return detail_give(r, detail, ret_detail);
	}
	aside_forget(&files);
	tell_about_beginning(s, &files);
	free(detail);
	*ret = s;
	return 0;
}

struct store *store_close(struct store *s)
{
	if (!s)
		return NULL;
	reset(s);
	locked_free(s->seal_key);
	closep(&s->lock_fd);
	free(s);
	return NULL;
}

/* --- transactions */

int store_begin(struct store *s)
{
	int r = store_relax(s, false);

	return r < 0 ? r : store_begin_as_is(s);
}

int store_begin_as_is(struct store *s)
{
	char sql[32] = "BEGIN IMMEDIATE";
	int r;

	if (s->broken)
		return s->broken;
	if (s->depth > 0)
		snprintf(sql, sizeof(sql), "SAVEPOINT level_%u", s->depth);
	r = db_exec(s->db, sql);
	if (r < 0 && s->depth > 0 && sqlite3_get_autocommit(s->db))
		s->broken = r;
	if (r < 0)
		return r;
	if (s->depth == 0)
		s->n_before = sqlite3_total_changes64(s->db);
	s->depth++;
	return 0;
}

int store_commit(struct store *s)
{
	char sql[32] = "COMMIT";
	int r = s->broken;

	if (s->depth == 0)
		return -EINVAL;
	if (s->depth > 1)
		snprintf(sql, sizeof(sql), "RELEASE level_%u", s->depth - 1);
	else if (r == 0 && sqlite3_total_changes64(s->db) != s->n_before)
		r = content_seal(s);
	if (r == 0)
		r = db_exec(s->db, sql);
	if (r < 0) {
		store_rollback(s);
		return r;
	}
	s->depth--;
	store_wipe_remains(s);
	return 0;
}

void store_rollback(struct store *s)
{
	char sql[64] = "ROLLBACK";

	if (s->depth == 0)
		return;
	s->depth--;
	if (s->depth > 0)
		snprintf(sql, sizeof(sql), "ROLLBACK TO level_%u; RELEASE level_%u", s->depth,
			 s->depth);
	/* A level that cannot be undone alone must not become durable with the others. */
	if (!s->broken && !sqlite3_get_autocommit(s->db)) {
		int r = db_exec(s->db, sql);

		if (r < 0 && s->depth > 0)
			s->broken = r;
	} else if (s->depth > 0 && !s->broken) {
		s->broken = -EIO;
	}
	if (s->depth > 0)
		return;
	s->broken = 0;
	if (!sqlite3_get_autocommit(s->db))
		(void)!db_exec(s->db, "ROLLBACK");
}
