/* SPDX-License-Identifier: Apache-2.0 */
#include "service/store/schema.h"

#include <errno.h>
#include <stdio.h>

/* Step N brings a store of version N to version N + 1. Steps that were released never change: the
 * next change of the schema is the next step. */
static const char *const sqlite_steps[SCHEMA_VERSION] = {
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

	"CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID, STRICT;"
	"ALTER TABLE devices ADD COLUMN name TEXT;"
	"ALTER TABLE devices ADD COLUMN sub_type TEXT;"
	"ALTER TABLE devices ADD COLUMN blocked_at INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE devices ADD COLUMN trace TEXT NOT NULL DEFAULT '';"
	"CREATE INDEX devices_by_claim ON devices (claimed_at, uuid);"
	"ALTER TABLE commands ADD COLUMN handed_at INTEGER NOT NULL DEFAULT 0;"
	"UPDATE commands SET handed_at = updated_at WHERE status = 1;"
	"CREATE INDEX apikeys_by_team ON apikeys (team, created_at, id);"
	"CREATE TABLE users ("
	"  id TEXT PRIMARY KEY, team TEXT NOT NULL REFERENCES teams, role TEXT NOT NULL,"
	"  name TEXT NOT NULL UNIQUE, password TEXT NOT NULL, created_at INTEGER NOT NULL"
	") WITHOUT ROWID, STRICT;"
	"CREATE INDEX users_by_team ON users (team, created_at, id);"
	"CREATE TABLE sessions ("
	"  hash BLOB PRIMARY KEY, user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,"
	"  created_at INTEGER NOT NULL, seen_at INTEGER NOT NULL, until INTEGER NOT NULL"
	") WITHOUT ROWID, STRICT;"
	"CREATE INDEX sessions_by_user ON sessions (user_id);"
	"CREATE INDEX sessions_by_end ON sessions (until);"
	"CREATE TABLE tags ("
	"  team TEXT NOT NULL REFERENCES teams, tag TEXT NOT NULL, description TEXT NOT NULL,"
	"  PRIMARY KEY (team, tag)"
	") WITHOUT ROWID, STRICT;"
	"CREATE TABLE certificates ("
	"  seq INTEGER PRIMARY KEY AUTOINCREMENT, serial TEXT NOT NULL UNIQUE,"
	"  device TEXT NOT NULL, team TEXT NOT NULL, sec_tag INTEGER NOT NULL,"
	"  not_before INTEGER NOT NULL, not_after INTEGER NOT NULL,"
	"  revoked_at INTEGER NOT NULL, reason INTEGER NOT NULL"
	") STRICT;"
	"CREATE INDEX certificates_by_device ON certificates (device, seq);"
	"CREATE INDEX certificates_revoked ON certificates (seq) WHERE revoked_at > 0;"
	"CREATE TABLE events ("
	"  seq INTEGER PRIMARY KEY AUTOINCREMENT, tx INTEGER NOT NULL DEFAULT 0,"
	"  team TEXT NOT NULL, device TEXT NOT NULL, kind TEXT NOT NULL, trace TEXT NOT NULL,"
	"  detail TEXT, at_ms INTEGER NOT NULL"
	") STRICT;"
	"CREATE INDEX events_by_team ON events (team, tx, seq);"
	"CREATE INDEX events_by_device ON events (device, tx, seq);"
	"CREATE TABLE audit ("
	"  seq INTEGER PRIMARY KEY AUTOINCREMENT, team TEXT NOT NULL, actor TEXT NOT NULL,"
	"  action TEXT NOT NULL, object TEXT NOT NULL, address TEXT NOT NULL, detail TEXT,"
	"  at INTEGER NOT NULL"
	") STRICT;"
	"CREATE INDEX audit_by_team ON audit (team, seq);"
	"CREATE TABLE tokens ("
	"  digest BLOB PRIMARY KEY, until INTEGER NOT NULL, address TEXT NOT NULL"
	") WITHOUT ROWID, STRICT;"
	"CREATE INDEX tokens_by_end ON tokens (until);",
};

/* The numbers are those of the steps above; PostgreSQL came with version 3. Names are compared byte
 * by byte as SQLite does, except where people search. */
static const char *const postgres_steps[SCHEMA_VERSION] = {
	[2] = "CREATE TABLE meta (name TEXT COLLATE \"C\" PRIMARY KEY, value TEXT NOT NULL);"
	      "CREATE TABLE identities ("
	      "  uuid TEXT COLLATE \"C\" PRIMARY KEY, hardware TEXT NOT NULL,"
	      "  spki BYTEA NOT NULL, imported_at BIGINT NOT NULL,"
	      "  commands BIGINT NOT NULL DEFAULT 0);"
	      "CREATE TABLE teams (id TEXT COLLATE \"C\" PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
	      "CREATE TABLE apikeys ("
	      "  id TEXT COLLATE \"C\" PRIMARY KEY,"
	      "  team TEXT COLLATE \"C\" NOT NULL REFERENCES teams, role TEXT NOT NULL,"
	      "  name TEXT NOT NULL, hash BYTEA NOT NULL UNIQUE, created_at BIGINT NOT NULL);"
	      "CREATE INDEX apikeys_by_team ON apikeys (team, created_at, id);"
	      /* A device's row is written at every contact: room on its page keeps the indexes
	       * out of that. */
	      "CREATE TABLE devices ("
	      "  uuid TEXT COLLATE \"C\" PRIMARY KEY REFERENCES identities,"
	      "  team TEXT COLLATE \"C\" NOT NULL REFERENCES teams, firmware TEXT NOT NULL,"
	      "  device_type BIGINT NOT NULL, tags TEXT NOT NULL, claimed_at BIGINT NOT NULL,"
	      "  seen_at BIGINT NOT NULL, cloud_key BYTEA, cloud_key_tag BIGINT NOT NULL,"
	      "  cloud_key_at BIGINT NOT NULL, cloud_seen_at BIGINT NOT NULL,"
	      "  batch_query TEXT NOT NULL, batch_seq BIGINT NOT NULL,"
	      "  batch_step BIGINT NOT NULL, cloud_key_before BYTEA, name TEXT, sub_type TEXT,"
	      "  blocked_at BIGINT NOT NULL, trace TEXT NOT NULL) WITH (fillfactor = 70);"
	      "CREATE INDEX devices_by_team ON devices (team, claimed_at, uuid);"
	      "CREATE INDEX devices_by_claim ON devices (claimed_at, uuid);"
	      "CREATE TABLE commands ("
	      "  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
	      "  device TEXT COLLATE \"C\" NOT NULL REFERENCES devices ON DELETE CASCADE,"
	      "  id TEXT COLLATE \"C\" NOT NULL, rule TEXT COLLATE \"C\" NOT NULL,"
	      "  status BIGINT NOT NULL, prepared BIGINT NOT NULL, description TEXT,"
	      "  request TEXT NOT NULL, wire BYTEA, error TEXT, response TEXT,"
	      "  created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL,"
	      "  handed_at BIGINT NOT NULL, UNIQUE (device, id));"
	      "CREATE INDEX commands_open ON commands (device, seq) WHERE status < 2;"
	      "CREATE INDEX commands_by_device ON commands (device, seq);"
	      "CREATE TABLE rules ("
	      "  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
	      "  id TEXT COLLATE \"C\" NOT NULL UNIQUE,"
	      "  team TEXT COLLATE \"C\" NOT NULL REFERENCES teams, name TEXT NOT NULL,"
	      "  description TEXT NOT NULL, active BIGINT NOT NULL, commands TEXT NOT NULL,"
	      "  tags TEXT NOT NULL, created_at BIGINT NOT NULL);"
	      "CREATE INDEX rules_by_team ON rules (team, seq);"
	      "CREATE TABLE applied_rules ("
	      "  device TEXT COLLATE \"C\" NOT NULL REFERENCES devices ON DELETE CASCADE,"
	      "  rule TEXT COLLATE \"C\" NOT NULL, PRIMARY KEY (device, rule));"
	      "CREATE TABLE shadows ("
	      "  device TEXT COLLATE \"C\" PRIMARY KEY REFERENCES devices ON DELETE CASCADE,"
	      "  desired TEXT NOT NULL, reported TEXT NOT NULL, version BIGINT NOT NULL);"
	      "CREATE TABLE users ("
	      "  id TEXT COLLATE \"C\" PRIMARY KEY,"
	      "  team TEXT COLLATE \"C\" NOT NULL REFERENCES teams, role TEXT NOT NULL,"
	      "  name TEXT NOT NULL UNIQUE, password TEXT NOT NULL,"
	      "  created_at BIGINT NOT NULL);"
	      "CREATE INDEX users_by_team ON users (team, created_at, id);"
	      "CREATE TABLE sessions ("
	      "  hash BYTEA PRIMARY KEY,"
	      "  user_id TEXT COLLATE \"C\" NOT NULL REFERENCES users ON DELETE CASCADE,"
	      "  created_at BIGINT NOT NULL, seen_at BIGINT NOT NULL, until BIGINT NOT NULL);"
	      "CREATE INDEX sessions_by_user ON sessions (user_id);"
	      "CREATE INDEX sessions_by_end ON sessions (until);"
	      "CREATE TABLE tags ("
	      "  team TEXT COLLATE \"C\" NOT NULL REFERENCES teams,"
	      "  tag TEXT COLLATE \"C\" NOT NULL, description TEXT NOT NULL,"
	      "  PRIMARY KEY (team, tag));"
	      "CREATE TABLE certificates ("
	      "  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
	      "  serial TEXT COLLATE \"C\" NOT NULL UNIQUE,"
	      "  device TEXT COLLATE \"C\" NOT NULL, team TEXT COLLATE \"C\" NOT NULL,"
	      "  sec_tag BIGINT NOT NULL, not_before BIGINT NOT NULL,"
	      "  not_after BIGINT NOT NULL, revoked_at BIGINT NOT NULL,"
	      "  reason BIGINT NOT NULL);"
	      "CREATE INDEX certificates_by_device ON certificates (device, seq);"
	      "CREATE INDEX certificates_revoked ON certificates (seq) WHERE revoked_at > 0;"
	      /* tx: the transaction that wrote it. Numbers of rows are given in the order of
	       * writing, which is not that of committing; see events.c. */
	      "CREATE TABLE events ("
	      "  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
	      "  tx BIGINT NOT NULL DEFAULT pg_current_xact_id()::text::bigint,"
	      "  team TEXT COLLATE \"C\" NOT NULL, device TEXT COLLATE \"C\" NOT NULL,"
	      "  kind TEXT NOT NULL, trace TEXT NOT NULL, detail TEXT, at_ms BIGINT NOT NULL);"
	      "CREATE INDEX events_by_team ON events (team, tx, seq);"
	      "CREATE INDEX events_by_device ON events (device, tx, seq);"
	      "CREATE INDEX events_by_tx ON events (tx);"
	      "CREATE TABLE audit ("
	      "  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
	      "  team TEXT COLLATE \"C\" NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL,"
	      "  object TEXT NOT NULL, address TEXT NOT NULL, detail TEXT, at BIGINT NOT NULL);"
	      "CREATE INDEX audit_by_team ON audit (team, seq);"
	      "CREATE TABLE tokens ("
	      "  digest BYTEA PRIMARY KEY, until BIGINT NOT NULL, address TEXT NOT NULL);"
	      "CREATE INDEX tokens_by_end ON tokens (until);",
};

static int refuse_newer(int64_t version, char **ret_detail)
{
	if (asprintf(ret_detail,
		     "the store has schema %lld and this program knows up to %d: run the newer "
		     "program",
		     (long long)version, SCHEMA_VERSION) < 0)
		*ret_detail = NULL;
	return -EPROTO;
}

static int steps_run(struct db *db, int64_t version)
{
	const char *const *steps = DB_SQL(db, sqlite_steps, postgres_steps);
	int r;

	for (int64_t i = version; i < SCHEMA_VERSION; i++) {
		r = steps[i] ? db->ops->script(db, steps[i]) : 0;
		if (r < 0)
			return r;
	}
	return db->ops->schema_set(db, SCHEMA_VERSION);
}

int schema_upgrade(struct db *db, char **ret_detail)
{
	int64_t version;
	int r;

	r = db->ops->schema_version(db, &version);
	if (r < 0)
		return r;
	if (version == SCHEMA_VERSION)
		return 0;
	/* Another process may be upgrading the same store: look again when the write lock is ours.
	 */
	r = db->ops->begin(db, STORE_WRITE, "schema");
	if (r < 0)
		return r;
	r = db->ops->schema_version(db, &version);
	if (r == 0 && (version < 0 || version > SCHEMA_VERSION))
		r = refuse_newer(version, ret_detail);
	if (r == 0)
		r = steps_run(db, version);
	if (r == 0)
		r = db->ops->commit(db);
	if (r < 0)
		db->ops->rollback(db);
	return r;
}
