/* SPDX-License-Identifier: Apache-2.0 */

/* Tokens that were shown, until they end; and what all processes of a store agree on. */

#include "service/store/sql.h"

#include <errno.h>
#include <string.h>

static int token_address(struct db *db, const uint8_t digest[static 32],
			 char ret[static STORE_ADDRESS_TEXT])
{
	_cleanup_(query_done) struct query q = {NULL};
	int r;

	r = query_start(db, &q, "SELECT address FROM tokens WHERE digest = $1", "b", digest,
			(size_t)32);
	if (r < 0)
		return r;
	r = query_row(&q);
	if (r < 0)
		return r;
	/* Pruned since: it was there all the same. */
	ret[0] = 0;
	return r > 0 ? query_text(&q, 0, ret, STORE_ADDRESS_TEXT) : 0;
}

int sql_token_note(struct service_store *s, const uint8_t digest[static 32], int64_t until,
		   const char *address, char ret_address[static STORE_ADDRESS_TEXT])
{
	char shown[STORE_ADDRESS_TEXT];
	int64_t changes;
	int r;

	r = db_run(db_of(s), &changes,
		   "INSERT INTO tokens (digest, until, address) VALUES ($1, $2, $3)"
		   " ON CONFLICT DO NOTHING",
		   "bit", digest, (size_t)32, until, address ? address : "");
	if (r < 0 || changes > 0)
		return r;
	r = token_address(db_of(s), digest, shown);
	if (r < 0)
		return r;
	memcpy(ret_address, shown, sizeof(shown));
	return STORE_E_EXISTS;
}

int sql_token_prune(struct service_store *s, int64_t now)
{
	return db_run(db_of(s), NULL, "DELETE FROM tokens WHERE until < $1", "i", now);
}

int sql_meta_get(struct service_store *s, const char *name, char **ret)
{
	static const struct field fields[] = {{FIELD_OWNED, 0, sizeof(char *), 0}};
	ROW_TYPE(value_type, char *, fields);

	return row_get(db_of(s), &value_type, ret, "SELECT value FROM meta WHERE name = $1", "t",
		       name);
}

int sql_meta_add(struct service_store *s, const char *name, const char *value)
{
	int64_t changes;
	int r;

	r = db_run(db_of(s), &changes,
		   "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING", "tt",
		   name, value);
	if (r < 0)
		return r;
	return changes > 0 ? 0 : STORE_E_EXISTS;
}
