/* SPDX-License-Identifier: Apache-2.0 */
#include "credstore/opening.h"

#include <errno.h>
#include <string.h>

#include "credstore/content.h"
#include "credstore/credential.h"
#include "credstore/detail.h"
#include "credstore/examine.h"
#include "credstore/rekey.h"
#include "credstore/reseal.h"
#include "credstore/schema.h"
#include "credstore/secret.h"
#include "credstore/unseal.h"

static int check_version(struct store *s, const char *path, size_t *ret, char **ret_detail)
{
	int64_t version;
	int r;

	r = db_integer(s->db, "PRAGMA user_version", &version);
	if (r < 0)
		return r;
	if (version < 1)
		return -EUCLEAN;
	if ((uint64_t)version > schema_n_steps)
		return detail_set(ret_detail, STORE_E_NEWER,
				  "%s has schema %lld, this program knows up to %zu: install the "
				  "newer program again",
				  path, (long long)version, schema_n_steps);
	*ret = (size_t)version;
	return 0;
}

/* Inside the transaction. */
static int upgrade_and_verify(struct store *s, const char *path, size_t version, char **ret_detail)
{
	int r = schema_upgrade(s->db, schema_steps, schema_n_steps, version);

	if (r == -EUCLEAN)
		/* Said before the rollback, which SQLite would tell about instead. */
		r = detail_set(ret_detail, STORE_E_CORRUPT,
			       "%s is damaged: it cannot be brought from schema %zu to %zu: %s",
			       path, version, schema_n_steps, sqlite3_errmsg(s->db));
	if (r == 0)
		r = credential_verify_all(s, path, ret_detail);
	if (r == 0)
		r = secret_verify_all(s, path, ret_detail);
	return r;
}

static int bring_up_to_date(struct store *s, const struct store_files *f, size_t version,
			    const struct unsealed *u, char **ret_detail)
{
	_cleanup_(secret_done) struct secret before = SECRET_INIT;
	int content, r;

	r = secret_set(&before, s->seal_key, SEAL_KEY_LEN);
	if (r < 0)
		return r;
	r = store_begin(s);
	if (r < 0)
		return r;
	content = content_check(s);
	r = content < 0 ? content : upgrade_and_verify(s, f->db, version, ret_detail);
	if (r == 0 && content == CONTENT_DIFFERS)
		r = detail_set(ret_detail, STORE_E_CORRUPT,
			       "%s is damaged: its content is not what was stored last", f->db);
	if (r == 0 && u->from != u->to)
		r = reseal(s, u->key.data, u->from, f);
	if (r == 0 && content == CONTENT_NONE)
		r = content_seal(s);
	/* The log is played at once: who would install an older program looks at the schema's
	 * number in the file's header (debian/onboardd.preinst). */
	if (r == 0 && version < schema_n_steps)
		s->has_remains = true;
	r = store_end(s, r);
	if (r != 0)
		memcpy(s->seal_key, before.data, before.len);
	return r;
}

static const char *source_text(enum sealing_source source)
{
	switch (source) {
	case SEALING_CREDENTIAL:
		return "the credential onboardd.seal";
	case SEALING_TOKEN:
		return "the token of [sealing] `key`";
	case SEALING_FILE:
		return "seal.key";
	case SEALING_N_SOURCES:
		break;
	}
	return "";
}

/* Beside the credential it undoes what the credential is for. */
static bool is_key_in_file(const struct store *s, const struct store_files *f)
{
	_cleanup_(secret_done) struct secret key = SECRET_INIT;

	return secret_alloc(&key, SEAL_KEY_LEN) == 0 &&
	       sealing_load(f->dir, NULL, SEALING_FILE, key.data, NULL) == 0 &&
	       secret_equal(key.data, key.len, s->seal_key, SEAL_KEY_LEN);
}

static void tell_about_key(struct store *s, const struct store_files *f, const struct unsealed *u)
{
	if (u->is_stuck)
		store_tell(s, "the token of [sealing] `key` cannot be used: still sealed with %s",
			   source_text(u->from));
	else if (u->to != SEALING_FILE && is_key_in_file(s, f))
		store_tell(s,
			   "%s has the sealing key, and seal.key is still there with the same "
			   "one: remove it",
			   source_text(u->to));
	else if (u->from != u->to)
		store_tell(s, "sealed anew with %s instead of %s", source_text(u->to),
			   source_text(u->from));
}

static int check_and_upgrade(struct store *s, const struct store_files *f,
			     const struct store_options *options, char **ret_detail)
{
	_cleanup_(unsealed_done) struct unsealed u = {0};
	size_t version = 0;
	int r;

	r = check_version(s, f->db, &version, ret_detail);
	if (r == 0)
		r = examine_structure(s->db, f->db, ret_detail);
	if (r == 0)
		r = rekey_settle(s, f, options);
	if (r == 0)
		r = unseal(s, f, options, &u, ret_detail);
	if (r == 0)
		r = db_exec(s->db, "PRAGMA journal_mode = WAL");
	if (r == 0)
		r = bring_up_to_date(s, f, version, &u, ret_detail);
	if (r != 0)
		return r;
	s->seal_source = (int)u.to;
	reseal_remove_obsolete(s, f);
	tell_about_key(s, f, &u);
	return 0;
}

static int open_database(struct store *s, const struct store_files *f,
			 const struct store_options *options, char **ret_detail)
{
	int r, rc;

	rc = sqlite3_open_v2(f->db, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW, NULL);
	if (rc != SQLITE_OK)
		return db_error(s->db, rc);
	sqlite3_extended_result_codes(s->db, 1);
	/* What is refused is left as it was, its log included. */
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	r = db_exec(s->db, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA cell_size_check = ON;"
			   "PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON;"
			   "PRAGMA synchronous = FULL");
	if (r < 0)
		return r;
	r = check_and_upgrade(s, f, options, ret_detail);
	if (r != 0)
		return r;
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
	return 0;
}

int opening(struct store *s, const struct store_files *f, const struct store_options *options,
	    char **ret_detail)
{
	int r;

	r = examine_header(f, ret_detail);
	if (r != 0)
		return r;
	r = open_database(s, f, options, ret_detail);
	if (r == -EUCLEAN)
		return detail_set(ret_detail, STORE_E_CORRUPT, "%s is damaged: %s", f->db,
				  s->db ? sqlite3_errmsg(s->db) : "not a database");
	if (r < 0 && ret_detail && !*ret_detail)
		return detail_set(ret_detail, r, "%s cannot be opened: %s", f->db, strerror(-r));
	return r;
}
