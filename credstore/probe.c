/* SPDX-License-Identifier: Apache-2.0 */
#include "credstore/probe.h"

#include <errno.h>

#include "credstore/db.h"

/* No credential has this place. */
static const struct seal_place place = {.tag = UINT32_MAX, .type = UINT32_MAX};

int probe_put(sqlite3 *db, const uint8_t key[static SEAL_KEY_LEN])
{
	_cleanup_(statement_finalizep) sqlite3_stmt *statement = NULL;
	uint8_t probe[SEAL_OVERHEAD];
	int r, rc;

	r = seal_close(key, &place, NULL, 0, probe);
	if (r < 0)
		return r;
	r = db_prepare(db,
		       "INSERT INTO sealing (id, probe) VALUES (1, ?)"
		       " ON CONFLICT (id) DO UPDATE SET probe = excluded.probe",
		       &statement);
	if (r < 0)
		return r;
	sqlite3_bind_blob(statement, 1, probe, sizeof(probe), SQLITE_STATIC);
	rc = sqlite3_step(statement);
	return rc == SQLITE_DONE ? 0 : db_error(db, rc);
}

int probe_try(sqlite3 *db, const uint8_t key[static SEAL_KEY_LEN])
{
	_cleanup_(statement_finalizep) sqlite3_stmt *statement = NULL;
	_cleanup_(secret_done) struct secret empty = SECRET_INIT;
	int r;

	r = db_row(db, "SELECT probe FROM sealing WHERE id = 1", &statement);
	if (r < 0)
		return r;
	return seal_open(key, &place, sqlite3_column_blob(statement, 0),
			 (size_t)sqlite3_column_bytes(statement, 0), &empty);
}
