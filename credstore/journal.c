/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "credstore/db.h"
#include "credstore/store.h"

static bool has_text(enum response_code code)
{
	return code == RESPONSE_ERROR || code == RESPONSE_AT;
}

static bool is_code(int64_t code)
{
	return code >= RESPONSE_ERROR && code <= RESPONSE_FINISHED;
}

/* Columns correlation, code, cme, message. */
static int read_result(sqlite3_stmt *statement, struct response *ret)
{
	struct response result = {0};
	const char *correlation = (const char *)sqlite3_column_text(statement, 0);
	const char *message = (const char *)sqlite3_column_text(statement, 3);
	int64_t code = sqlite3_column_int64(statement, 1);

	if (!correlation)
		return -ENOMEM;
	if (!is_code(code) || strlen(correlation) > CORRELATION_MAX)
		return -EUCLEAN;
	memcpy(result.correlation, correlation, strlen(correlation));
	result.code = (enum response_code)code;
	result.cme_error = (uint64_t)sqlite3_column_int64(statement, 2);
	if (has_text(result.code)) {
		if (!message || strlen(message) > AT_ANSWER_MAX)
			return -EUCLEAN;
		result.message = strdup(message);
		if (!result.message)
			return -ENOMEM;
	}
	*ret = result;
	return 0;
}

int journal_find(struct store *s, const char *correlation, struct response *ret)
{
	_cleanup_(statement_finalizep) sqlite3_stmt *statement = NULL;
	int r;

	r = store_prepare(s,
			  "SELECT correlation, code, cme, message FROM journal"
			  " WHERE correlation = ?",
			  &statement);
	if (r < 0)
		return r;
	sqlite3_bind_text(statement, 1, correlation, -1, SQLITE_STATIC);
	r = store_step(s, statement);
	if (r <= 0)
		return r == 0 ? -ENOENT : r;
	return read_result(statement, ret);
}

int journal_add(struct store *s, const struct response *result)
{
	_cleanup_(statement_finalizep) sqlite3_stmt *statement = NULL;
	bool text = has_text(result->code);
	int r;

	if (!is_code((int64_t)result->code) || result->correlation[0] == '\0' ||
	    (text && (!result->message || strlen(result->message) > AT_ANSWER_MAX)))
		return -EINVAL;
	r = store_prepare(s,
			  "INSERT INTO journal (correlation, code, cme, message)"
			  " VALUES (?, ?, ?, ?)",
			  &statement);
	if (r < 0)
		return r;
	sqlite3_bind_text(statement, 1, result->correlation, -1, SQLITE_STATIC);
	sqlite3_bind_int(statement, 2, (int)result->code);
	sqlite3_bind_int64(statement, 3, (sqlite3_int64)result->cme_error);
	if (text)
		sqlite3_bind_text(statement, 4, result->message, -1, SQLITE_STATIC);
	return store_run(s, statement);
}

static int read_all(struct store *s, struct response_list *list)
{
	_cleanup_(statement_finalizep) sqlite3_stmt *statement = NULL;
	int r;

	r = store_prepare(s, "SELECT correlation, code, cme, message FROM journal ORDER BY seq",
			  &statement);
	if (r < 0)
		return r;
	while ((r = store_step(s, statement)) == 1) {
		struct response *grown;

		grown = reallocarray(list->items, list->n + 1, sizeof(*list->items));
		if (!grown)
			return -ENOMEM;
		list->items = grown;
		r = read_result(statement, &list->items[list->n]);
		if (r < 0)
			return r;
		list->n++;
	}
	return r;
}

int journal_pending(struct store *s, struct response_list *ret)
{
	struct response_list list = RESPONSE_LIST_INIT;
	int r;

	r = read_all(s, &list);
	if (r < 0) {
		response_list_done(&list);
		return r;
	}
	*ret = list;
	return 0;
}

size_t journal_count(struct store *s)
{
	_cleanup_(statement_finalizep) sqlite3_stmt *statement = NULL;

	if (store_prepare(s, "SELECT count(*) FROM journal", &statement) < 0 ||
	    store_step(s, statement) != 1)
		return 0;
	return (size_t)sqlite3_column_int64(statement, 0);
}

/* *latest_seq and *ret_after follow the last success that was really there. */
static int forget_one(struct store *s, const struct response *result, int64_t *latest_seq,
		      const char **ret_after)
{
	_cleanup_(statement_finalizep) sqlite3_stmt *statement = NULL;
	int64_t seq, code;
	int r;

	r = store_prepare(s, "DELETE FROM journal WHERE correlation = ? RETURNING seq, code",
			  &statement);
	if (r < 0)
		return r;
	sqlite3_bind_text(statement, 1, result->correlation, -1, SQLITE_STATIC);
	r = store_step(s, statement);
	if (r <= 0)
		return r;
	seq = sqlite3_column_int64(statement, 0);
	code = sqlite3_column_int64(statement, 1);
	if (code != RESPONSE_ERROR && seq > *latest_seq) {
		*latest_seq = seq;
		*ret_after = result->correlation;
	}
	return store_run(s, statement);
}

int journal_forget(struct store *s, const struct response *results, size_t n)
{
	const char *after = NULL;
	int64_t latest_seq = 0;
	int r;

	/* What comes back to the journal is reported once more, and the service knows it already.
	 */
	r = store_relax(s, true);
	if (r == 0)
		r = store_begin_as_is(s);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n && r == 0; i++)
		r = forget_one(s, &results[i], &latest_seq, &after);
	if (r == 0 && after)
		r = store_value_put(s, "after", after);
	r = store_end(s, r);
	/* Whoever writes next tries again when this fails. */
	(void)!store_relax(s, false);
	return r;
}
