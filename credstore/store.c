/* SPDX-License-Identifier: Apache-2.0 */
#include "credstore/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/cursor.h"
#include "base/file.h"
#include "base/locked.h"
#include "credstore/credential.h"
#include "credstore/db.h"
#include "credstore/detail.h"
#include "credstore/schema.h"
#include "credstore/sealing_key.h"
#include "credstore/secret.h"

/* No credential has this place: the probe says whether the sealing key is the right one. */
static const struct seal_place probe_place = {.tag = UINT32_MAX, .type = UINT32_MAX};

struct paths {
	char lock[PATH_MAX], db[PATH_MAX], fresh[PATH_MAX];
	char db_wal[PATH_MAX], db_journal[PATH_MAX], fresh_journal[PATH_MAX];
};

static int join(const char *dir, const char *name, char ret[static PATH_MAX])
{
	int n = snprintf(ret, PATH_MAX, "%s/%s", dir, name);

	return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

static int fill_paths(const char *dir, struct paths *ret)
{
	if (join(dir, "lock", ret->lock) < 0 || join(dir, "store.db", ret->db) < 0 ||
	    join(dir, "store.db-wal", ret->db_wal) < 0 ||
	    join(dir, "store.db-journal", ret->db_journal) < 0 ||
	    join(dir, "store.db.new", ret->fresh) < 0 ||
	    join(dir, "store.db.new-journal", ret->fresh_journal) < 0)
		return -ENAMETOOLONG;
	return 0;
}

static int take_directory(const char *dir, const struct paths *paths, int *ret_fd,
			  char **ret_detail)
{
	_cleanup_(closep) int fd = -1;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return detail_set(ret_detail, -errno, "the state directory %s cannot be made: %s",
				  dir, strerror(errno));
	fd = open(paths->lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return detail_set(ret_detail, -errno, "%s cannot be opened: %s", paths->lock,
				  strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return detail_set(ret_detail, errno == EWOULDBLOCK ? -EBUSY : -errno,
				  "the store in %s is in use by another process", dir);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* --- a new store */

static int insert_probe(sqlite3 *db, const uint8_t key[static SEAL_KEY_LEN])
{
	_cleanup_(statement_finalizep) sqlite3_stmt *statement = NULL;
	uint8_t probe[SEAL_OVERHEAD];
	int r, rc;

	r = seal_close(key, &probe_place, NULL, 0, probe);
	if (r < 0)
		return r;
	r = db_prepare(db, "INSERT INTO sealing (id, probe) VALUES (1, ?)", &statement);
	if (r < 0)
		return r;
	sqlite3_bind_blob(statement, 1, probe, sizeof(probe), SQLITE_STATIC);
	rc = sqlite3_step(statement);
	return rc == SQLITE_DONE ? 0 : db_error(db, rc);
}

static int fill_fresh(sqlite3 *db, const uint8_t key[static SEAL_KEY_LEN])
{
	char pragma[48];
	int r;

	snprintf(pragma, sizeof(pragma), "PRAGMA application_id = %d", SCHEMA_APPLICATION_ID);
	r = db_exec(db, "PRAGMA synchronous = FULL; BEGIN IMMEDIATE");
	if (r == 0)
		r = db_exec(db, pragma);
	if (r == 0)
		r = schema_upgrade(db, schema_steps, schema_n_steps, 0);
	if (r == 0)
		r = insert_probe(db, key);
	return r == 0 ? db_exec(db, "COMMIT") : r;
}

/* The database is born whole: it gets its name only when schema and probe are on the disk. Hence a
 * store.db that is empty or has no schema is damage, never a beginning. */
static int create_database(const char *dir, const struct paths *paths,
			   const uint8_t key[static SEAL_KEY_LEN])
{
	sqlite3 *db = NULL;
	int fd, r, rc;

	unlink(paths->fresh);
	unlink(paths->fresh_journal);
	fd = open(paths->fresh, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	close(fd);
	rc = sqlite3_open_v2(paths->fresh, &db, SQLITE_OPEN_READWRITE, NULL);
	r = rc == SQLITE_OK ? fill_fresh(db, key) : db_error(db, rc);
	sqlite3_close(db);
	if (r == 0 && rename(paths->fresh, paths->db) < 0)
		r = -errno;
	if (r < 0) {
		unlink(paths->fresh);
		unlink(paths->fresh_journal);
		return r;
	}
	return file_sync_directory(dir);
}

static int create(const char *dir, const struct paths *paths, char **ret_detail)
{
	uint8_t key[SEAL_KEY_LEN];
	int r;

	/* SQLite would play a lost database's log into the new one. */
	if (access(paths->db_wal, F_OK) == 0 || access(paths->db_journal, F_OK) == 0)
		return detail_set(ret_detail, STORE_E_CORRUPT,
				  "%s is missing but its log is there: restore the database, or "
				  "move %s-* away to start anew",
				  paths->db, paths->db);
	r = sealing_key_load(dir, true, key, ret_detail);
	if (r != 0)
		return r;
	r = create_database(dir, paths, key);
	secret_wipe(key, sizeof(key));
	if (r < 0)
		return detail_set(ret_detail, r, "%s cannot be made: %s", paths->db, strerror(-r));
	return 0;
}

/* --- an existing store */

/* The size that the header promises; a log may hold the pages that the file does not have yet. */
static bool is_cut(const struct paths *paths, off_t size, uint32_t page_size, uint32_t n_pages)
{
	if (access(paths->db_wal, F_OK) == 0)
		return false;
	return (uintmax_t)size < (uintmax_t)n_pages * (page_size == 1 ? 65536 : page_size);
}

/* Before SQLite touches it: a file that is not ours stays as it is. */
static int check_header(const struct paths *paths, char **ret_detail)
{
	_cleanup_(closep) int fd = -1;
	uint8_t header[72];
	struct reader reader;
	struct stat st;
	const uint8_t *magic;
	uint32_t page_size, n_pages;
	ssize_t n;

	fd = open(paths->db, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
	if (fd < 0)
		return detail_set(ret_detail, -errno, "%s cannot be opened: %s", paths->db,
				  strerror(errno));
	n = fstat(fd, &st) < 0 ? -1 : read(fd, header, sizeof(header));
	if (n < 0)
		return detail_set(ret_detail, -errno, "%s cannot be read: %s", paths->db,
				  strerror(errno));
	if (n < (ssize_t)sizeof(header))
		return detail_set(ret_detail, STORE_E_CORRUPT, "%s is truncated to %zd bytes",
				  paths->db, n);
	/* https://www.sqlite.org/fileformat.html §1.3 */
	reader_init(&reader, header, sizeof(header));
	magic = reader_bytes(&reader, 16);
	page_size = reader_be16(&reader);
	(void)reader_bytes(&reader, 10);
	n_pages = reader_be32(&reader);
	(void)reader_bytes(&reader, 36);
	if (!magic || memcmp(magic, "SQLite format 3", 16) != 0)
		return detail_set(ret_detail, STORE_E_CORRUPT, "%s is not a database", paths->db);
	if (reader_be32(&reader) != SCHEMA_APPLICATION_ID)
		return detail_set(ret_detail, STORE_E_CORRUPT,
				  "%s is a database of another program, or damaged", paths->db);
	if (is_cut(paths, st.st_size, page_size, n_pages))
		return detail_set(ret_detail, STORE_E_CORRUPT, "%s is truncated to %jd bytes",
				  paths->db, (intmax_t)st.st_size);
	return 0;
}

static int check_integrity(sqlite3 *db, const char *path, char **ret_detail)
{
	_cleanup_(statement_finalizep) sqlite3_stmt *statement = NULL;
	const char *verdict;
	int r, rc;

	r = db_prepare(db, "PRAGMA integrity_check(1)", &statement);
	if (r < 0)
		return r;
	rc = sqlite3_step(statement);
	if (rc != SQLITE_ROW)
		return rc == SQLITE_DONE ? -EUCLEAN : db_error(db, rc);
	verdict = (const char *)sqlite3_column_text(statement, 0);
	if (!verdict)
		return -ENOMEM;
	if (strcmp(verdict, "ok") != 0)
		return detail_set(ret_detail, STORE_E_CORRUPT, "%s is damaged: %.200s", path,
				  verdict);
	return 0;
}

static int check_probe(struct store *s, const char *path, char **ret_detail)
{
	_cleanup_(statement_finalizep) sqlite3_stmt *statement = NULL;
	_cleanup_(secret_done) struct secret empty = SECRET_INIT;
	int r;

	r = store_prepare(s, "SELECT probe FROM sealing WHERE id = 1", &statement);
	if (r < 0)
		return r;
	r = store_step(s, statement);
	if (r <= 0)
		return r == 0 ? -EUCLEAN : r;
	r = seal_open(s->seal_key, &probe_place, sqlite3_column_blob(statement, 0),
		      (size_t)sqlite3_column_bytes(statement, 0), &empty);
	if (r == SEAL_E_AUTHENTICATION)
		return detail_set(ret_detail, STORE_E_SEALING_KEY,
				  "%s was made with another sealing key; restore that key", path);
	return r;
}

static int check_and_upgrade(struct store *s, const char *path, char **ret_detail)
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
	r = check_integrity(s->db, path, ret_detail);
	if (r != 0)
		return r;
	r = check_probe(s, path, ret_detail);
	if (r != 0)
		return r;
	r = db_exec(s->db, "PRAGMA journal_mode = WAL");
	if (r < 0)
		return r;
	r = store_begin(s);
	if (r < 0)
		return r;
	r = schema_upgrade(s->db, schema_steps, schema_n_steps, (size_t)version);
	if (r == -EUCLEAN)
		/* Said before the rollback, which SQLite would tell about instead. */
		r = detail_set(ret_detail, STORE_E_CORRUPT,
			       "%s is damaged: it cannot be brought from schema %lld to %zu: %s",
			       path, (long long)version, schema_n_steps, sqlite3_errmsg(s->db));
	if (r == 0)
		r = credential_verify_all(s, path, ret_detail);
	if (r == 0)
		r = secret_verify_all(s, path, ret_detail);
	if (r != 0) {
		store_rollback(s);
		return r;
	}
	return store_commit(s);
}

static int open_database(struct store *s, const char *path, char **ret_detail)
{
	int r, rc;

	rc = sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW, NULL);
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
	r = check_and_upgrade(s, path, ret_detail);
	if (r != 0)
		return r;
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
	return 0;
}

static int open_existing(struct store *s, const char *dir, const struct paths *paths,
			 char **ret_detail)
{
	const char *path = paths->db;
	int r;

	r = check_header(paths, ret_detail);
	if (r != 0)
		return r;
	r = sealing_key_load(dir, false, s->seal_key, ret_detail);
	if (r != 0)
		return r;
	r = open_database(s, path, ret_detail);
	if (r == -EUCLEAN)
		return detail_set(ret_detail, STORE_E_CORRUPT, "%s is damaged: %s", path,
				  s->db ? sqlite3_errmsg(s->db) : "not a database");
	if (r < 0)
		return detail_set(ret_detail, r, "%s cannot be opened: %s", path, strerror(-r));
	return r;
}

int store_open(const char *dir, const struct store_options *options, struct store **ret,
	       char **ret_detail)
{
	char *detail = NULL;
	struct paths paths;
	struct store *s;
	int r;

	(void)options;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->lock_fd = -1;
	s->seal_key = locked_alloc(SEAL_KEY_LEN);
	if (!s->seal_key) {
		store_close(s);
		return -ENOMEM;
	}
	r = fill_paths(dir, &paths);
	if (r < 0)
		r = detail_set(&detail, r, "the state directory's name is too long");
	if (r == 0)
		r = take_directory(dir, &paths, &s->lock_fd, &detail);
	if (r == 0 && access(paths.db, F_OK) < 0)
		r = errno == ENOENT ? create(dir, &paths, &detail)
				    : detail_set(&detail, -errno, "%s cannot be reached: %s",
						 paths.db, strerror(errno));
	if (r == 0)
		r = open_existing(s, dir, &paths, &detail);
	if (r != 0) {
		store_close(s);
		return detail_give(r, detail, ret_detail);
	}
	free(detail);
	*ret = s;
	return 0;
}

struct store *store_close(struct store *s)
{
	if (!s)
		return NULL;
	sqlite3_close(s->db);
	locked_free(s->seal_key, SEAL_KEY_LEN);
	closep(&s->lock_fd);
	free(s);
	return NULL;
}

/* --- transactions */

int store_begin(struct store *s)
{
	char sql[32] = "BEGIN IMMEDIATE";
	int r;

	if (s->broken)
		return s->broken;
	if (s->depth > 0)
		snprintf(sql, sizeof(sql), "SAVEPOINT level_%u", s->depth);
	r = db_exec(s->db, sql);
	if (r < 0 && s->depth > 0 && sqlite3_get_autocommit(s->db))
		s->broken = r;
	if (r < 0)
		return r;
	s->depth++;
	return 0;
}

int store_commit(struct store *s)
{
	char sql[32] = "COMMIT";
	int r = s->broken;

	if (s->depth == 0)
		return -EINVAL;
	if (s->depth > 1)
		snprintf(sql, sizeof(sql), "RELEASE level_%u", s->depth - 1);
	if (r == 0)
		r = db_exec(s->db, sql);
	if (r < 0) {
		store_rollback(s);
		return r;
	}
	s->depth--;
	store_wipe_remains(s);
	return 0;
}

void store_rollback(struct store *s)
{
	char sql[64] = "ROLLBACK";

	if (s->depth == 0)
		return;
	s->depth--;
	if (s->depth > 0)
		snprintf(sql, sizeof(sql), "ROLLBACK TO level_%u; RELEASE level_%u", s->depth,
			 s->depth);
	/* A level that cannot be undone alone must not become durable with the others. */
	if (!s->broken && !sqlite3_get_autocommit(s->db)) {
		int r = db_exec(s->db, sql);

		if (r < 0 && s->depth > 0)
			s->broken = r;
	} else if (s->depth > 0 && !s->broken) {
		s->broken = -EIO;
	}
	if (s->depth > 0)
		return;
	s->broken = 0;
	if (!sqlite3_get_autocommit(s->db))
		(void)!db_exec(s->db, "ROLLBACK");
}
