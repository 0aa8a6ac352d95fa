/* SPDX-License-Identifier: Apache-2.0 */
#include "service/store/db.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>

#include "base/secret.h"

void query_done(struct query *q)
{
	if (q->db)
		q->db->ops->done(q);
	q->db = NULL;
}

static int values_read(struct db_value *ret, size_t *ret_n, const char *types, va_list ap)
{
	size_t n = 0;

	for (; types[n]; n++) {
		struct db_value *v = &ret[n];

		if (n == DB_PARAMETERS)
			return -ENOBUFS;
		*v = (struct db_value){DB_NULL, 0, NULL, 0};
		switch (types[n]) {
		case 't':
			v->data = va_arg(ap, const char *);
			v->type = DB_TEXT;
			v->len = v->data ? strlen(v->data) : 0;
			break;
		case 'i':
			v->number = va_arg(ap, int64_t);
			v->type = DB_INT;
			break;
		case 'b':
			v->data = va_arg(ap, const void *);
			v->len = va_arg(ap, size_t);
			v->type = DB_BYTES;
			break;
		default:
			return -EINVAL;
		}
	}
	*ret_n = n;
	return 0;
}

static int start(struct db *db, struct query *q, const char *sql, const struct db_value *values,
		 size_t n)
{
	int r;

	r = db->ops->start(db, q, sql, values, n);
	if (r < 0)
		return r;
	q->db = db;
	return 0;
}

static int start_list(struct db *db, struct query *q, const char *sql, const char *types,
		      va_list ap)
{
	struct db_value values[DB_PARAMETERS];
	size_t n;
	int r;

	r = values_read(values, &n, types, ap);
	if (r < 0)
		return r;
	return start(db, q, sql, values, n);
}

int query_start(struct db *db, struct query *q, const char *sql, const char *types, ...)
{
	va_list ap;
	int r;

	va_start(ap, types);
	r = start_list(db, q, sql, types, ap);
	va_end(ap);
	return r;
}

int query_row(struct query *q)
{
	return q->db->ops->row(q);
}

int64_t query_number(struct query *q, int column)
{
	struct db_value v;

	q->db->ops->column(q, column, &v);
	return v.type == DB_INT ? v.number : 0;
}

static int text_copy(const struct db_value *v, char *ret, size_t size)
{
	if (v->type != DB_TEXT || v->len >= size || memchr(v->data, 0, v->len))
		return -EBADMSG;
	memcpy(ret, v->data, v->len);
	ret[v->len] = 0;
	return 0;
}

int query_text(struct query *q, int column, char *ret, size_t size)
{
	struct db_value v;

	q->db->ops->column(q, column, &v);
	return text_copy(&v, ret, size);
}

static int run(struct query *q, int64_t *ret_changes)
{
	int r;

	while ((r = query_row(q)) > 0)
		;
	if (r < 0)
		return r;
	*ret_changes = q->db->ops->changes(q);
	return 0;
}

static int run_list(struct db *db, int64_t *ret_changes, const char *sql, const char *types,
		    va_list ap)
{
	_cleanup_(query_done) struct query q = {NULL};
	int r;

	r = start_list(db, &q, sql, types, ap);
	if (r < 0)
		return r;
	return run(&q, ret_changes);
}

int db_run(struct db *db, int64_t *ret_changes, const char *sql, const char *types, ...)
{
	int64_t changes;
	va_list ap;
	int r;

	va_start(ap, types);
	r = run_list(db, &changes, sql, types, ap);
	va_end(ap);
	if (r == 0 && ret_changes)
		*ret_changes = changes;
	return r;
}

int db_run_one(struct db *db, const char *sql, const char *types, ...)
{
	int64_t changes;
	va_list ap;
	int r;

	va_start(ap, types);
	r = run_list(db, &changes, sql, types, ap);
	va_end(ap);
	if (r < 0)
		return r;
	return changes > 0 ? 0 : STORE_E_NOT_FOUND;
}

int db_number(struct db *db, int64_t *ret, const char *sql, const char *types, ...)
{
	_cleanup_(query_done) struct query q = {NULL};
	int64_t number, changes;
	va_list ap;
	int r;

	va_start(ap, types);
	r = start_list(db, &q, sql, types, ap);
	va_end(ap);
	if (r < 0)
		return r;
	r = query_row(&q);
	if (r < 0)
		return r;
	if (r == 0)
		return STORE_E_NOT_FOUND;
	number = query_number(&q, 0);
	/* What writes and returns is done only at its end. */
	r = run(&q, &changes);
	if (r < 0)
		return r;
	*ret = number;
	return 0;
}

/* Fields are read and written by way of memcpy(): the tables know no types. */
static void field_bind(const struct field *f, const char *row, struct db_value *ret)
{
	const char *at = row + f->offset;
	unsigned int number;
	bool is_there = true;

	*ret = (struct db_value){DB_NULL, 0, at, f->size};
	switch (f->kind) {
	case FIELD_OWNED:
		memcpy(&ret->data, at, sizeof(ret->data));
		ret->type = DB_TEXT;
		ret->len = ret->data ? strlen(ret->data) : 0;
		return;
	case FIELD_TEXT:
		ret->type = DB_TEXT;
		ret->len = strnlen(at, f->size - 1);
		return;
	case FIELD_INT:
		ret->type = DB_INT;
		memcpy(&ret->number, at, sizeof(ret->number));
		return;
	case FIELD_UINT:
		ret->type = DB_INT;
		memcpy(&number, at, sizeof(number));
		ret->number = number;
		return;
	case FIELD_BOOL:
		ret->type = DB_INT;
		memcpy(&is_there, at, sizeof(is_there));
		ret->number = is_there;
		return;
	case FIELD_MAYBE:
		memcpy(&is_there, row + f->other, sizeof(is_there));
		ret->type = DB_BYTES;
		ret->data = is_there ? at : NULL;
		return;
	case FIELD_BYTES:
		ret->type = DB_BYTES;
		return;
	case FIELD_BLOB:
		memcpy(&ret->data, at, sizeof(ret->data));
		memcpy(&ret->len, row + f->other, sizeof(ret->len));
		ret->type = DB_BYTES;
		return;
	}
}

int row_start(struct db *db, struct query *q, const struct row_type *t, const void *row,
	      const char *sql)
{
	struct db_value values[DB_PARAMETERS];

	for (size_t i = 0; i < t->n; i++)
		field_bind(&t->fields[i], row, &values[i]);
	return start(db, q, sql, values, t->n);
}

/* none: the result when no row was written. */
static int row_run(struct db *db, const struct row_type *t, const void *row, const char *sql,
		   int none)
{
	_cleanup_(query_done) struct query q = {NULL};
	int64_t changes;
	int r;

	r = row_start(db, &q, t, row, sql);
	if (r < 0)
		return r;
	r = run(&q, &changes);
	if (r < 0)
		return r;
	return changes > 0 ? 0 : none;
}

int row_add(struct db *db, const struct row_type *t, const void *row, const char *sql)
{
	return row_run(db, t, row, sql, STORE_E_EXISTS);
}

int row_update(struct db *db, const struct row_type *t, const void *row, const char *sql)
{
	return row_run(db, t, row, sql, STORE_E_NOT_FOUND);
}

static int read_number(const struct field *f, const struct db_value *v, char *row)
{
	unsigned int number = (unsigned int)v->number;
	bool truth = v->number != 0;

	if (v->type != DB_INT)
		return -EBADMSG;
	if (f->kind == FIELD_INT)
		memcpy(row + f->offset, &v->number, sizeof(v->number));
	else if (f->kind == FIELD_BOOL)
		memcpy(row + f->offset, &truth, sizeof(truth));
	else if (v->number < 0 || v->number > UINT_MAX)
		return -EBADMSG;
	else
		memcpy(row + f->offset, &number, sizeof(number));
	return 0;
}

/* With a NUL behind it, which makes a text of it. */
static int read_owned(const struct field *f, const struct db_value *v, char *row)
{
	char *copy;

	if (v->type == DB_NULL)
		return 0;
	if (v->type != (f->kind == FIELD_BLOB ? DB_BYTES : DB_TEXT))
		return -EBADMSG;
	copy = malloc(v->len + 1);
	if (!copy)
		return -ENOMEM;
	if (v->len > 0)
		memcpy(copy, v->data, v->len);
	copy[v->len] = 0;
	memcpy(row + f->offset, &copy, sizeof(copy));
	if (f->kind == FIELD_BLOB)
		memcpy(row + f->other, &v->len, sizeof(v->len));
	return 0;
}

static int read_bytes(const struct field *f, const struct db_value *v, char *row)
{
	static const bool is_there = true;

	if (f->kind == FIELD_MAYBE && v->type == DB_NULL)
		return 0;
	if (v->type != DB_BYTES || v->len != f->size)
		return -EBADMSG;
	memcpy(row + f->offset, v->data, f->size);
	if (f->kind == FIELD_MAYBE)
		memcpy(row + f->other, &is_there, sizeof(is_there));
	return 0;
}

static int field_read(const struct field *f, const struct db_value *v, char *row)
{
	switch (f->kind) {
	case FIELD_TEXT:
		return text_copy(v, row + f->offset, f->size);
	case FIELD_INT:
	case FIELD_UINT:
	case FIELD_BOOL:
		return read_number(f, v, row);
	case FIELD_OWNED:
	case FIELD_BLOB:
		return read_owned(f, v, row);
	case FIELD_BYTES:
	case FIELD_MAYBE:
		return read_bytes(f, v, row);
	}
	return -EBADMSG;
}

static void row_release(const struct row_type *t, char *row)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct field *f = &t->fields[i];
		size_t len = 0;
		void *owned;

		if (f->kind != FIELD_OWNED && f->kind != FIELD_BLOB)
			continue;
		memcpy(&owned, row + f->offset, sizeof(owned));
		if (f->kind == FIELD_BLOB)
			memcpy(&len, row + f->other, sizeof(len));
		if (owned)
			secret_wipe(owned, len);
		free(owned);
	}
}

int row_next(struct query *q, const struct row_type *t, void *ret)
{
	struct db_value v;
	int r;

	r = query_row(q);
	if (r <= 0)
		return r;
	memset(ret, 0, t->size);
	for (size_t i = 0; i < t->n; i++) {
		q->db->ops->column(q, (int)i, &v);
		r = field_read(&t->fields[i], &v, ret);
		if (r < 0) {
			row_release(t, ret);
			memset(ret, 0, t->size);
			return r;
		}
	}
	return 1;
}

int row_get(struct db *db, const struct row_type *t, void *ret, const char *sql, const char *types,
	    ...)
{
	_cleanup_(query_done) struct query q = {NULL};
	va_list ap;
	int r;

	va_start(ap, types);
	r = start_list(db, &q, sql, types, ap);
	va_end(ap);
	if (r < 0)
		return r;
	r = row_next(&q, t, ret);
	if (r < 0)
		return r;
	return r > 0 ? 0 : STORE_E_NOT_FOUND;
}

int db_commit(struct db *db)
{
	int r;

	r = db->ops->commit(db);
	if (r < 0)
		return r;
	db->news |= db->adds_events;
	db->adds_events = false;
	return 0;
}

int db_begin(struct db *db, const char *scope, bool *ret_began)
{
	int r = 0;

	*ret_began = !db->in_txn;
	if (*ret_began) {
		db->adds_events = false;
		r = db->ops->begin(db, STORE_WRITE, scope);
	}
	return r;
}

int db_end(struct db *db, bool began, int r)
{
	if (!began)
		return r;
	if (r == 0)
		r = db_commit(db);
	if (r != 0)
		db->ops->rollback(db);
	return r;
}
