/* SPDX-License-Identifier: Apache-2.0 */
#include "credstore/staged.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "credstore/credential.h"
#include "credstore/db.h"

/* The value "staged/<tag>" holds the state; it is absent when all is settled. */
#define NAME_MAX_LEN 24
#define UNVALIDATED "unvalidated"
#define STOPPED UNVALIDATED ", and then a command failed"
#define ROLLED_BACK "rolled back: "

/* What the tag authenticates with. */
#define SECRET_OF_TAG "SELECT 1 FROM credential WHERE tag = ?1 AND type IN (2, 3)"
/* The types that change together: all but the endorsement key. */
#define OF_TAG " WHERE tag = ?1 AND type <= 4"

static void name_of(uint32_t tag, char ret[static NAME_MAX_LEN])
{
	snprintf(ret, NAME_MAX_LEN, "staged/%u", tag);
}

/* Binds the tag to the first parameter. */
static int prepare(struct store *s, uint32_t tag, const char *sql, sqlite3_stmt **ret)
{
	int r = store_prepare(s, sql, ret);

	if (r == 0)
		sqlite3_bind_int64(*ret, 1, tag);
	return r;
}

/* A statement of one tag that gives no rows. */
static int run(struct store *s, uint32_t tag, const char *sql)
{
	_cleanup_(statement_finalizep) sqlite3_stmt *statement = NULL;
	int r = prepare(s, tag, sql, &statement);

	return r < 0 ? r : store_run(s, statement);
}

/* 1 when there is a row, 0 when not. */
static int exists(struct store *s, uint32_t tag, const char *sql)
{
	_cleanup_(statement_finalizep) sqlite3_stmt *statement = NULL;
	int r = prepare(s, tag, sql, &statement);

	return r < 0 ? r : store_step(s, statement);
}

int staged_get(struct store *s, uint32_t tag, enum staged_state *ret, char **ret_why)
{
	_cleanup_(freep) char *text = NULL, *why = NULL;
	char name[NAME_MAX_LEN];
	bool is_back;
	int r;

	name_of(tag, name);
	r = store_value_get(s, name, &text);
	if (r < 0 && r != -ENOENT)
		return r;
	is_back = text && strncmp(text, ROLLED_BACK, strlen(ROLLED_BACK)) == 0;
	if (is_back && ret_why) {
		why = strdup(text + strlen(ROLLED_BACK));
		if (!why)
			return -ENOMEM;
	}
	*ret = is_back ? STAGED_ROLLED_BACK : text ? STAGED_UNVALIDATED : STAGED_SETTLED;
	if (ret_why)
		*ret_why = TAKE_PTR(why);
	return 0;
}

/* Forgets what was kept, and that it was. */
static int settle(struct store *s, uint32_t tag)
{
	char name[NAME_MAX_LEN];
	int r;

	name_of(tag, name);
	r = run(s, tag, "DELETE FROM previous WHERE tag = ?1");
	if (r < 0)
		return r;
	r = store_value_delete(s, name);
	return r == -ENOENT ? 0 : r;
}

static int keep(struct store *s, uint32_t tag)
{
	char name[NAME_MAX_LEN];
	int r;

	name_of(tag, name);
	r = settle(s, tag);
	if (r == 0)
		r = exists(s, tag, SECRET_OF_TAG);
	if (r == 1)
		r = run(s, tag,
			"INSERT INTO previous (tag, type, sha256, sealed)"
			" SELECT tag, type, sha256, sealed FROM credential" OF_TAG);
	return r == 0 ? store_value_put(s, name, UNVALIDATED) : r;
}

static bool is_stopped(struct store *s, uint32_t tag)
{
	_cleanup_(freep) char *text = NULL;
	char name[NAME_MAX_LEN];

	name_of(tag, name);
	return store_value_get(s, name, &text) == 0 && strcmp(text, STOPPED) == 0;
}

static int put_state(struct store *s, uint32_t tag, const char *text)
{
	char name[NAME_MAX_LEN];

	name_of(tag, name);
	return store_value_put(s, name, text);
}

int staged_keep(struct store *s, uint32_t tag)
{
	enum staged_state state;
	int r;

	r = staged_get(s, tag, &state, NULL);
	if (r < 0)
		return r;
	if (state == STAGED_UNVALIDATED)
		return is_stopped(s, tag) ? put_state(s, tag, UNVALIDATED) : 0;
	r = store_begin(s);
	if (r < 0)
		return r;
	return store_end(s, keep(s, tag));
}

int staged_note_failure(struct store *s, uint32_t tag)
{
	enum staged_state state;
	int r;

	r = staged_get(s, tag, &state, NULL);
	return r < 0 || state != STAGED_UNVALIDATED ? r : put_state(s, tag, STOPPED);
}

bool staged_is_half_done(struct store *s, uint32_t tag)
{
	return is_stopped(s, tag) && exists(s, tag, SECRET_OF_TAG) == 0;
}

bool staged_has_previous(struct store *s, uint32_t tag)
{
	return exists(s, tag, "SELECT 1 FROM previous WHERE tag = ?1") == 1;
}

bool staged_is_changed(struct store *s, uint32_t tag, enum credential_type type)
{
	_cleanup_(statement_finalizep) sqlite3_stmt *statement = NULL;

	if (prepare(s, tag,
		    "SELECT 1 WHERE"
		    " (SELECT sha256 FROM credential WHERE tag = ?1 AND type = ?2) IS NOT"
		    " (SELECT sha256 FROM previous WHERE tag = ?1 AND type = ?2)",
		    &statement) < 0)
		return false;
	sqlite3_bind_int(statement, 2, (int)type);
	return store_step(s, statement) == 1;
}

int staged_promote(struct store *s, uint32_t tag, bool *ret_changed)
{
	enum staged_state state;
	int r;

	r = staged_get(s, tag, &state, NULL);
	if (r < 0)
		return r;
	if (ret_changed)
		*ret_changed = state == STAGED_UNVALIDATED;
	if (state != STAGED_UNVALIDATED)
		return 0;
	r = store_begin(s);
	if (r < 0)
		return r;
	/* Forgotten in the log as well: this comes once a rotation, not with every batch. */
	s->has_remains = s->has_remains || staged_has_previous(s, tag);
	return store_end(s, settle(s, tag));
}

static int remember(struct store *s, uint32_t tag, const char *why)
{
	_cleanup_(freep) char *text = NULL;
	char name[NAME_MAX_LEN];

	if (!why)
		return 0;
	name_of(tag, name);
	if (asprintf(&text, ROLLED_BACK "%s", why) < 0)
		return -ENOMEM;
	return store_value_put(s, name, text);
}

static int roll_back(struct store *s, uint32_t tag, const char *why)
{
	int r;

	r = run(s, tag, "DELETE FROM credential" OF_TAG);
	if (r == 0)
		r = run(s, tag,
			"INSERT INTO credential (tag, type, sha256, sealed)"
			" SELECT tag, type, sha256, sealed FROM previous" OF_TAG);
	if (r == 0)
		r = settle(s, tag);
	return r == 0 ? remember(s, tag, why) : r;
}

int staged_roll_back(struct store *s, uint32_t tag, const char *why)
{
	int r;

	r = exists(s, tag, "SELECT 1 FROM previous WHERE tag = ?1");
	if (r <= 0)
		return r == 0 ? -ENOENT : r;
	r = store_begin(s);
	if (r < 0)
		return r;
	s->has_remains = true;
	return store_end(s, roll_back(s, tag, why));
}

int staged_previous_get(struct store *s, uint32_t tag, enum credential_type type,
			struct secret *ret)
{
	return credential_get_row(s,
				  "SELECT tag, type, sha256, sealed FROM previous"
				  " WHERE tag = ? AND type = ?",
				  tag, type, ret);
}

int staged_previous_list(struct store *s, struct credential_info **ret, size_t *ret_n)
{
	return credential_list_rows(s, "SELECT tag, type, sha256 FROM previous ORDER BY tag, type",
				    ret, ret_n);
}
