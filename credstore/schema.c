/* SPDX-License-Identifier: Apache-2.0 */
#include "credstore/schema.h"

#include <stdio.h>

#include "credstore/db.h"

/* sealing.probe: an empty value sealed with the sealing key; only the right key opens it.
 * credential.sealed: seal.h; sha256 is what a listing shows.
 * journal.seq: the order of execution; AUTOINCREMENT never gives a number again. */
static const char version_1[] =
	"CREATE TABLE sealing (id INTEGER PRIMARY KEY CHECK (id = 1), probe BLOB NOT NULL) STRICT;"
	"CREATE TABLE credential (tag INTEGER NOT NULL, type INTEGER NOT NULL,"
	" sha256 BLOB NOT NULL CHECK (length(sha256) = 32), sealed BLOB NOT NULL,"
	" PRIMARY KEY (tag, type)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE value (name TEXT NOT NULL PRIMARY KEY, text TEXT NOT NULL)"
	" STRICT, WITHOUT ROWID;"
	"CREATE TABLE journal (seq INTEGER PRIMARY KEY AUTOINCREMENT,"
	" correlation TEXT NOT NULL UNIQUE, code INTEGER NOT NULL, cme INTEGER NOT NULL,"
	" message TEXT) STRICT;";

/* secret.sealed: seal.h. */
static const char version_2[] =
	"CREATE TABLE secret (name TEXT NOT NULL PRIMARY KEY, sealed BLOB NOT NULL)"
	" STRICT, WITHOUT ROWID;";

/* The validated predecessors of the credentials of a tag (staged.h), sealed as in credential. */
static const char version_3[] =
	"CREATE TABLE previous (tag INTEGER NOT NULL, type INTEGER NOT NULL,"
	" sha256 BLOB NOT NULL CHECK (length(sha256) = 32), sealed BLOB NOT NULL,"
	" PRIMARY KEY (tag, type)) STRICT, WITHOUT ROWID;";

const char *const schema_steps[] = {version_1, version_2, version_3};
const size_t schema_n_steps = ARRAY_SIZE(schema_steps);

int schema_upgrade(sqlite3 *db, const char *const *steps, size_t n_steps, size_t version)
{
	char pragma[48];
	int r;

	for (; version < n_steps; version++) {
		r = db_exec(db, steps[version]);
		if (r < 0)
			return r;
		snprintf(pragma, sizeof(pragma), "PRAGMA user_version = %zu", version + 1);
		r = db_exec(db, pragma);
		if (r < 0)
			return r;
	}
	return 0;
}
