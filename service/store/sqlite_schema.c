/* SPDX-License-Identifier: Apache-2.0 */
#include "service/store/sqlite_db.h"

#include <errno.h>
#include <stdio.h>

/* Step N brings a file of version N to version N + 1 (PRAGMA user_version). Steps that were
 * released never change: the next change of the schema is the next step. */
static const char *const steps[] = {
	"CREATE TABLE identities ("
	"  uuid TEXT PRIMARY KEY, hardware TEXT NOT NULL, spki BLOB NOT NULL,"
	"  imported_at INTEGER NOT NULL, commands INTEGER NOT NULL DEFAULT 0"
	") WITHOUT ROWID, STRICT;"
	"CREATE TABLE teams ("
	"  id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE"
	") WITHOUT ROWID, STRICT;"
	"CREATE TABLE apikeys ("
	"  id TEXT PRIMARY KEY, team TEXT NOT NULL REFERENCES teams, role TEXT NOT NULL,"
	"  name TEXT NOT NULL, hash BLOB NOT NULL UNIQUE, created_at INTEGER NOT NULL"
	") WITHOUT ROWID, STRICT;"
	"CREATE TABLE devices ("
	"  uuid TEXT PRIMARY KEY REFERENCES identities, team TEXT NOT NULL REFERENCES teams,"
	"  firmware TEXT NOT NULL, device_type INTEGER NOT NULL, tags TEXT NOT NULL,"
	"  claimed_at INTEGER NOT NULL, seen_at INTEGER NOT NULL,"
	"  cloud_key BLOB, cloud_key_tag INTEGER NOT NULL, cloud_key_at INTEGER NOT NULL,"
	"  cloud_seen_at INTEGER NOT NULL,"
	"  batch_query TEXT NOT NULL, batch_seq INTEGER NOT NULL, batch_step INTEGER NOT NULL"
	") WITHOUT ROWID, STRICT;"
	"CREATE INDEX devices_by_team ON devices (team, claimed_at, uuid);"
	"CREATE TABLE commands ("
	"  seq INTEGER PRIMARY KEY AUTOINCREMENT,"
	"  device TEXT NOT NULL REFERENCES devices ON DELETE CASCADE, id TEXT NOT NULL,"
	"  rule TEXT NOT NULL, status INTEGER NOT NULL, prepared INTEGER NOT NULL,"
	"  description TEXT, request TEXT NOT NULL, wire BLOB, error TEXT, response TEXT,"
	"  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,"
	"  UNIQUE (device, id)"
	") STRICT;"
	"CREATE INDEX commands_open ON commands (device, seq) WHERE status < 2;"
	"CREATE INDEX commands_by_device ON commands (device, seq);"
	"CREATE TABLE rules ("
	"  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,"
	"  team TEXT NOT NULL REFERENCES teams, name TEXT NOT NULL, description TEXT NOT NULL,"
	"  active INTEGER NOT NULL, commands TEXT NOT NULL, tags TEXT NOT NULL,"
	"  created_at INTEGER NOT NULL"
	") STRICT;"
	"CREATE INDEX rules_by_team ON rules (team, seq);"
	"CREATE TABLE applied_rules ("
	"  device TEXT NOT NULL REFERENCES devices ON DELETE CASCADE, rule TEXT NOT NULL,"
	"  PRIMARY KEY (device, rule)"
	") WITHOUT ROWID, STRICT;"
	"CREATE TABLE shadows ("
	"  device TEXT PRIMARY KEY REFERENCES devices ON DELETE CASCADE,"
	"  desired TEXT NOT NULL, reported TEXT NOT NULL, version INTEGER NOT NULL"
	") WITHOUT ROWID, STRICT;",
	"ALTER TABLE devices ADD COLUMN cloud_key_before BLOB;",
};

static int schema_version(struct sqlite_store *s, int64_t *ret)
{
	_cleanup_(query_done) struct query q = {NULL};
	int r;

	r = query_start(s, &q, "PRAGMA user_version", "");
	if (r < 0)
		return r;
	r = query_row(s, &q);
	if (r < 0)
		return r;
	if (r == 0)
		return -EBADMSG;
	*ret = sqlite3_column_int64(q.stmt, 0);
	return 0;
}

static int schema_step(struct sqlite_store *s, size_t step)
{
	char pragma[48];
	int rc;

	rc = sqlite3_exec(s->db, steps[step], NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		return sqlite_store_err(s, rc);
	snprintf(pragma, sizeof(pragma), "PRAGMA user_version = %zu", step + 1);
	rc = sqlite3_exec(s->db, pragma, NULL, NULL, NULL);
	return rc == SQLITE_OK ? 0 : sqlite_store_err(s, rc);
}

int sqlite_store_upgrade(struct sqlite_store *s, char **ret_detail)
{
	_cleanup_(store_txn_rollback) struct store_txn t = {NULL};
	int64_t version;
	int r;

	r = schema_version(s, &version);
	if (r < 0)
		return r;
	if (version == (int64_t)ARRAY_SIZE(steps))
		return 0;

	/* Another process may be upgrading the same file: look again when the write lock is ours.
	 */
	r = store_txn_begin(&t, &s->base, STORE_WRITE, "");
	if (r < 0)
		return r;
	r = schema_version(s, &version);
	if (r < 0)
		return r;
	if (version < 0 || version > (int64_t)ARRAY_SIZE(steps)) {
		if (asprintf(ret_detail,
			     "the store has schema %lld and this program knows up to %zu: "
			     "run the newer program",
			     (long long)version, ARRAY_SIZE(steps)) < 0)
			*ret_detail = NULL;
		return -EPROTO;
	}
	for (size_t i = (size_t)version; i < ARRAY_SIZE(steps); i++) {
		r = schema_step(s, i);
		if (r < 0)
			return r;
	}
	return store_txn_commit(&t);
}
