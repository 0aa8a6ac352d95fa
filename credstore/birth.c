/* SPDX-License-Identifier: Apache-2.0 */
#include "credstore/birth.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "credstore/db.h"
#include "credstore/detail.h"
#include "credstore/probe.h"
#include "credstore/schema.h"
#include "credstore/sealing_key.h"

/* Without a journal: what does not come to its end is removed. */
static int fill(sqlite3 *db, const uint8_t key[static SEAL_KEY_LEN])
{
	char pragma[48];
	int r;

	snprintf(pragma, sizeof(pragma), "PRAGMA application_id = %d", SCHEMA_APPLICATION_ID);
	r = db_exec(db, "PRAGMA journal_mode = OFF; PRAGMA synchronous = FULL; BEGIN IMMEDIATE");
	if (r == 0)
		r = db_exec(db, pragma);
	if (r == 0)
		r = schema_upgrade(db, schema_steps, schema_n_steps, 0);
	if (r == 0)
		r = probe_put(db, key);
	return r == 0 ? db_exec(db, "COMMIT") : r;
}

static int create_database(const struct store_files *f, const uint8_t key[static SEAL_KEY_LEN])
{
	sqlite3 *db = NULL;
	int fd, r, rc;

	unlink(f->fresh);
	unlink(f->fresh_journal);
	fd = open(f->fresh, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	close(fd);
	rc = sqlite3_open_v2(f->fresh, &db, SQLITE_OPEN_READWRITE, NULL);
	r = rc == SQLITE_OK ? fill(db, key) : db_error(db, rc);
	sqlite3_close(db);
	if (r == 0 && rename(f->fresh, f->db) < 0)
		r = -errno;
	if (r < 0) {
		unlink(f->fresh);
		unlink(f->fresh_journal);
		return r;
	}
	return file_sync_directory(f->dir);
}

/* The state directory's own name, which may be as new as the store. A parent that takes no sync
 * from us is not one in which we made it. */
static int sync_parent(const struct store_files *f)
{
	char dir[PATH_MAX];
	int r;

	memcpy(dir, f->dir, sizeof(dir));
	r = file_sync_directory(dirname(dir));
	return r == -EACCES || r == -EPERM || r == -EINVAL || r == -EROFS ? 0 : r;
}

int birth(const struct store_files *f, const struct store_options *options, char **ret_detail)
{
	enum sealing_source source = sealing_preferred(options);
	_cleanup_(secret_done) struct secret key = SECRET_INIT;
	int r;

	r = secret_alloc(&key, SEAL_KEY_LEN);
	if (r < 0)
		return r;
	r = sealing_load(f->dir, options, source, key.data, ret_detail);
	if (r == -ENOENT)
		r = sealing_create(f->dir, options, source, key.data, ret_detail);
	if (r != 0)
		return r;
	r = sync_parent(f);
	if (r == 0)
		r = create_database(f, key.data);
	if (r < 0)
		return detail_set(ret_detail, r, "%s cannot be made: %s", f->db, strerror(-r));
	return 0;
}
