/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* SQLite under the store's error contract, and what the store's files share. Inside credstore/
 * only. */

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"
#include "credstore/seal.h"

struct store {
	sqlite3 *db;       /* owned */
	int lock_fd;       /* owned; flock()ed for the life of the store */
	uint8_t *seal_key; /* owned, locked; SEAL_KEY_LEN */
	int seal_source;   /* enum sealing_source: where it came from */

	unsigned int depth; /* open levels of store_begin() */
	int broken;         /* why SQLite gave up the open transaction by itself, or 0 */
	int n_changed;      /* rows, by the last store_run() */
	int64_t n_before;   /* sqlite3_total_changes64() as the outermost level began */
	bool has_remains;   /* a secret that is gone may still be in the log */
	bool is_relaxed;    /* commits do not wait for the disk */

	char *notice; /* owned; store_notice() */
	bool is_anew; /* empty after a damaged one */
	bool has_aside;
};

/* Adds to what store_notice() tells. */
void store_tell(struct store *s, const char *format, ...) _printf_(2, 3);

/* SQLite's code as -errno; -EUCLEAN for a database that is not what we wrote. */
int db_error(sqlite3 *db, int rc);

int db_exec(sqlite3 *db, const char *sql) _must_check_;
int db_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret) _must_check_;
/* The same, and steps to the first row. -EUCLEAN when there is none. */
int db_row(sqlite3 *db, const char *sql, sqlite3_stmt **ret) _must_check_;
/* The single integer that a statement answers with, such as a pragma. -EUCLEAN when it does not. */
int db_integer(sqlite3 *db, const char *sql, int64_t *ret) _must_check_;

/* Prepares a statement of the store: refused once SQLite gave the open transaction up, since the
 * statement would then be committed by itself. */
int store_prepare(struct store *s, const char *sql, sqlite3_stmt **ret) _must_check_;
/* 1 for a row, 0 at the end. -errno. */
int store_step(struct store *s, sqlite3_stmt *statement) _must_check_;
/* Steps a statement that gives no rows; outside of a transaction it is one of its own. */
int store_run(struct store *s, sqlite3_stmt *statement) _must_check_;

/* Whether the next transaction may be lost to a power cut together with all after it that are not
 * durable; nothing happens inside of one. */
int store_relax(struct store *s, bool relaxed) _must_check_;
/* store_begin() of a transaction that is as durable as store_relax() said. */
int store_begin_as_is(struct store *s) _must_check_;

/* Outside of a transaction: wipes from the files what is left of secrets that were replaced or
 * deleted. What it cannot do now the next commit or a close in order does. */
void store_wipe_remains(struct store *s);

static inline void statement_finalizep(sqlite3_stmt **statement)
{
	sqlite3_finalize(*statement);
}
