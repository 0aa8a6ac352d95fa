/* SPDX-License-Identifier: Apache-2.0 */
#include "credstore/reseal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "credstore/key.h"
#include "credstore/probe.h"

#define KEY_FILE_MAX 4096
#define OBSOLETE_VALUE "sealing/obsolete" /* "<file> <SHA-256 of its content>" */

struct keys {
	const uint8_t *from, *to;
	int error; /* of the first value that failed, 0 */
};

static int change(const struct keys *keys, const struct seal_place *place, sqlite3_value *sealed,
		  uint8_t **ret, size_t *ret_len)
{
	_cleanup_(secret_done) struct secret plain = SECRET_INIT;
	uint8_t *fresh;
	int r = seal_open(keys->from, place, sqlite3_value_blob(sealed),
			  (size_t)sqlite3_value_bytes(sealed), &plain);

	if (r != 0)
		return r < 0 ? r : -EUCLEAN;
	fresh = malloc(plain.len + SEAL_OVERHEAD);
	if (!fresh)
		return -ENOMEM;
	r = seal_close(keys->to, place, plain.data, plain.len, fresh);
	if (r < 0) {
		free(fresh);
		return r;
	}
	*ret = fresh;
	*ret_len = plain.len + SEAL_OVERHEAD;
	return 0;
}

static void give(sqlite3_context *context, const struct seal_place *place, sqlite3_value *sealed)
{
	struct keys *keys = sqlite3_user_data(context);
	uint8_t *fresh = NULL;
	size_t len = 0;
	int r = change(keys, place, sealed, &fresh, &len);

	if (r == 0) {
		sqlite3_result_blob(context, fresh, (int)len, free);
		return;
	}
	keys->error = r;
	sqlite3_result_error(context, "cannot be sealed again", -1);
}

/* reseal(tag, type, sha256, sealed) */
static void reseal_credential(sqlite3_context *context, int n, sqlite3_value **args)
{
	struct seal_place place = {.tag = (uint32_t)sqlite3_value_int64(args[0]),
				   .type = (uint32_t)sqlite3_value_int64(args[1])};

	(void)n;
	memcpy(place.sha256, sqlite3_value_blob(args[2]), sizeof(place.sha256));
	give(context, &place, args[3]);
}

/* reseal(name, sealed) */
static void reseal_secret(sqlite3_context *context, int n, sqlite3_value **args)
{
	const struct seal_place place = {.name = (const char *)sqlite3_value_text(args[0])};

	(void)n;
	give(context, &place, args[1]);
}

static int change_rows(sqlite3 *db, struct keys *keys)
{
	static const char update[] =
		"UPDATE credential SET sealed = reseal(tag, type, sha256, sealed);"
		"UPDATE previous SET sealed = reseal(tag, type, sha256, sealed);"
		"UPDATE secret SET sealed = reseal(name, sealed)";
	int flags = SQLITE_UTF8 | SQLITE_DIRECTONLY;
	int r, rc;

	rc = sqlite3_create_function(db, "reseal", 4, flags, keys, reseal_credential, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_create_function(db, "reseal", 2, flags, keys, reseal_secret, NULL,
					     NULL);
	r = rc == SQLITE_OK ? db_exec(db, update) : db_error(db, rc);
	(void)sqlite3_create_function(db, "reseal", 4, flags, NULL, NULL, NULL, NULL);
	(void)sqlite3_create_function(db, "reseal", 2, flags, NULL, NULL, NULL, NULL);
	return keys->error < 0 ? keys->error : r;
}

/* -ENOENT when there is no such file. */
static int describe(const struct store_files *f, const char *name, char *ret, size_t size)
{
	_cleanup_(secret_done) struct secret content = SECRET_INIT;
	char path[PATH_MAX], text[65];
	uint8_t digest[32];
	int r;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", f->dir, name) >= sizeof(path))
		return -ENAMETOOLONG;
	r = file_read(path, KEY_FILE_MAX, &content);
	if (r == 0)
		r = sha256(content.data, content.len, digest);
	if (r != 0)
		return r;
	hex_encode(digest, sizeof(digest), text);
	snprintf(ret, size, "%s %s", name, text);
	return 0;
}

static int note_obsolete(struct store *s, enum sealing_source source, const struct store_files *f)
{
	const char *name = sealing_file(source);
	char text[128];
	int r;

	if (!name)
		return 0;
	r = describe(f, name, text, sizeof(text));
	return r == 0 ? store_value_put(s, OBSOLETE_VALUE, text) : r;
}

int reseal_rows(struct store *s, const uint8_t to[static SEAL_KEY_LEN])
{
	struct keys keys = {.from = s->seal_key, .to = to};
	int r = change_rows(s->db, &keys);

	if (r == 0)
		r = probe_put(s->db, to);
	if (r != 0)
		return r;
	memcpy(s->seal_key, to, SEAL_KEY_LEN);
	/* What the old key sealed must leave the log. */
	s->has_remains = true;
	return 0;
}

int reseal(struct store *s, const uint8_t to[static SEAL_KEY_LEN], enum sealing_source from,
	   const struct store_files *f)
{
	int r = note_obsolete(s, from, f);

	return r == 0 ? reseal_rows(s, to) : r;
}

void reseal_remove_obsolete(struct store *s, const struct store_files *f)
{
	_cleanup_(freep) char *noted = NULL;
	char path[PATH_MAX], name[32], now[128];
	int r;

	if (s->has_remains || store_value_get(s, OBSOLETE_VALUE, &noted) != 0 ||
	    sscanf(noted, "%31s", name) != 1)
		return;
	if (strcmp(name, sealing_file(SEALING_FILE)) != 0 &&
	    strcmp(name, sealing_file(SEALING_TOKEN)) != 0)
		return;
	r = describe(f, name, now, sizeof(now));
	if (r == 0 && strcmp(now, noted) == 0 &&
	    (size_t)snprintf(path, sizeof(path), "%s/%s", f->dir, name) < sizeof(path)) {
		r = unlink(path) < 0 ? -errno : file_sync_directory(f->dir);
		if (r < 0)
			return;
	}
	if (r == 0 || r == -ENOENT)
		(void)!store_value_delete(s, OBSOLETE_VALUE);
}
