/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the store needs of a data base. The SQL is written once, in the files beside this one, in
 * what SQLite and PostgreSQL have in common: parameters are $1, $2, ..., all values are 64-bit
 * integers, texts and bytes, and a row that may be there already is added with ON CONFLICT, since
 * PostgreSQL gives a transaction up after an error. A driver (sqlite.c, postgres.c) runs it over
 * one connection, and prepares each literal once. Rows are described by tables of columns, so that
 * no statement spells its parameters or results out. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "service/store.h"

#define DB_STATEMENTS 128 /* literals in all */
#define DB_PARAMETERS 24  /* of one statement */

enum db_dialect { DB_SQLITE, DB_POSTGRES };

enum db_type { DB_NULL, DB_INT, DB_TEXT, DB_BYTES };

struct db_value {
	enum db_type type; /* never DB_NULL for a parameter: its data is NULL then */
	int64_t number;
	const void *data; /* borrowed; a text is followed by NUL, which len does not count */
	size_t len;
};

struct db;

/* A statement in use; _cleanup_(query_done) gives it back. */
struct query {
	struct db *db; /* NULL when none is */
	void *handle;  /* the driver's */
	int row;
};

struct db_ops {
	void (*close)(struct db *db);
	int (*begin)(struct db *db, enum store_txn_mode mode, const char *scope);
	int (*commit)(struct db *db);
	void (*rollback)(struct db *db);
	/* Several statements without parameters and rows; not for what happens often. */
	int (*script)(struct db *db, const char *sql);

	/* sql is a literal: its address is its name. Values outlive the query. */
	int (*start)(struct db *db, struct query *q, const char *sql, const struct db_value *values,
		     size_t n);
	int (*row)(struct query *q); /* 1, 0 no more, -errno */
	void (*column)(struct query *q, int i, struct db_value *ret);
	int64_t (*changes)(struct query *q); /* rows written, once row() said 0 */
	void (*done)(struct query *q);

	int (*schema_version)(struct db *db, int64_t *ret);
	int (*schema_set)(struct db *db, int64_t version);

	int (*watch_fd)(struct db *db);
	int (*watch_take)(struct db *db, bool *ret);
};

struct db {
	const struct db_ops *ops;
	enum db_dialect dialect;
	bool in_txn;
	bool adds_events; /* the open transaction does */
	bool news;        /* events of ours were committed since the last watch_take() */
};

/* Picks what the two do not say in the same words. */
#define DB_SQL(db, sqlite, postgres) ((db)->dialect == DB_SQLITE ? (sqlite) : (postgres))

void query_done(struct query *q);
/* types: t const char * or NULL; i int64_t; b const void * and size_t. */
int query_start(struct db *db, struct query *q, const char *sql, const char *types,
		...) _must_check_;
/* 1 a row, 0 no more, -errno. */
int query_row(struct query *q) _must_check_;
int64_t query_number(struct query *q, int column);
/* Column of the current row into a fixed buffer. -EBADMSG when it does not fit or is NULL. */
int query_text(struct query *q, int column, char *ret, size_t size) _must_check_;

/* Runs to the end, and says how many rows were written. */
int db_run(struct db *db, int64_t *ret_changes, const char *sql, const char *types,
	   ...) _must_check_;
/* The same for one row: STORE_E_NOT_FOUND when there was none. */
int db_run_one(struct db *db, const char *sql, const char *types, ...) _must_check_;
/* The number in the first column of the first row. STORE_E_NOT_FOUND. */
int db_number(struct db *db, int64_t *ret, const char *sql, const char *types, ...) _must_check_;

enum field_kind {
	FIELD_TEXT,  /* char[size] */
	FIELD_OWNED, /* char *, NULL for NULL */
	FIELD_INT,   /* int64_t */
	FIELD_UINT,  /* unsigned int, or an enum of it */
	FIELD_BOOL,
	FIELD_BYTES, /* uint8_t[size] */
	FIELD_MAYBE, /* uint8_t[size] that is there when the bool at other is true */
	FIELD_BLOB,  /* uint8_t *, with the size_t at other; wiped when released */
};

struct field {
	enum field_kind kind;
	size_t offset, size, other;
};

#define FIELD(kind, type, member)                                                                  \
	{                                                                                          \
		kind, offsetof(type, member), sizeof(((type *)0)->member), 0                       \
	}
#define FIELD_WITH(kind, type, member, with)                                                       \
	{                                                                                          \
		kind, offsetof(type, member), sizeof(((type *)0)->member), offsetof(type, with)    \
	}

/* How a struct of store.h is a row: column i, and parameter i + 1, is field i. */
struct row_type {
	const struct field *fields;
	size_t n, size;
};

#define ROW_TYPE(name, type, fields)                                                               \
	static const struct row_type name = {fields, ARRAY_SIZE(fields), sizeof(type)}

/* 0; STORE_E_EXISTS or STORE_E_NOT_FOUND when no row was written. */
int row_add(struct db *db, const struct row_type *t, const void *row, const char *sql) _must_check_;
int row_update(struct db *db, const struct row_type *t, const void *row,
	       const char *sql) _must_check_;
int row_start(struct db *db, struct query *q, const struct row_type *t, const void *row,
	      const char *sql) _must_check_;
/* The next row of a query: 1 with what it owns in *ret, 0 no more, -errno. */
int row_next(struct query *q, const struct row_type *t, void *ret) _must_check_;
/* The first one: STORE_E_NOT_FOUND. */
int row_get(struct db *db, const struct row_type *t, void *ret, const char *sql, const char *types,
	    ...) _must_check_;

/* Commits, and remembers that there is news. */
int db_commit(struct db *db) _must_check_;
/* A transaction of the caller's, or one around what follows, for what takes two statements. */
int db_begin(struct db *db, const char *scope, bool *ret_began) _must_check_;
/* Commits what db_begin() began when r is 0, takes it back else. Returns r, or why not. */
int db_end(struct db *db, bool began, int r) _must_check_;
