/* SPDX-License-Identifier: Apache-2.0 */
#include "credstore/examine.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/text.h"
#include "credstore/db.h"
#include "credstore/detail.h"
#include "credstore/schema.h"
#include "credstore/store.h"

/* The size that the header promises; a log may hold the pages that the file does not have yet. */
static bool is_cut(const struct store_files *f, off_t size, uint32_t page_size, uint32_t n_pages)
{
	if (access(f->db_wal, F_OK) == 0)
		return false;
	return (uintmax_t)size < (uintmax_t)n_pages * (page_size == 1 ? 65536 : page_size);
}

int examine_header(const struct store_files *f, char **ret_detail)
{
	_cleanup_(closep) int fd = -1;
	uint8_t header[72];
	struct reader reader;
	struct stat st;
	const uint8_t *magic;
	uint32_t page_size, n_pages;
	ssize_t n;

	fd = open(f->db, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
	if (fd < 0)
		return detail_set(ret_detail, -errno, "%s cannot be opened: %s", f->db,
				  strerror(errno));
	n = fstat(fd, &st) < 0 ? -1 : read(fd, header, sizeof(header));
	if (n < 0)
		return detail_set(ret_detail, -errno, "%s cannot be read: %s", f->db,
				  strerror(errno));
	if (n < (ssize_t)sizeof(header))
		return detail_set(ret_detail, STORE_E_CORRUPT, "%s is truncated to %zd bytes",
				  f->db, n);
	/* https://www.sqlite.org/fileformat.html §1.3 */
	reader_init(&reader, header, sizeof(header));
	magic = reader_bytes(&reader, 16);
	page_size = reader_be16(&reader);
	(void)reader_bytes(&reader, 10);
	n_pages = reader_be32(&reader);
	(void)reader_bytes(&reader, 36);
	if (!magic || memcmp(magic, "SQLite format 3", 16) != 0)
		return detail_set(ret_detail, STORE_E_CORRUPT, "%s is not a database", f->db);
	if (reader_be32(&reader) != SCHEMA_APPLICATION_ID)
		return detail_set(ret_detail, STORE_E_CORRUPT,
				  "%s is a database of another program, or damaged", f->db);
	if (is_cut(f, st.st_size, page_size, n_pages))
		return detail_set(ret_detail, STORE_E_CORRUPT, "%s is truncated to %jd bytes",
				  f->db, (intmax_t)st.st_size);
	return 0;
}

/* The check writes why it could not get a page into its verdict; that is damage only when SQLite
 * calls it so. */
static int error_in_verdict(sqlite3 *db, const char *verdict)
{
	static const char before[] = "error code=";
	const char *code = strstr(verdict, before);
	uint64_t rc = SQLITE_CORRUPT;

	if (code) {
		code += strlen(before);
		if (decimal_parse(code, strspn(code, "0123456789"), INT_MAX, &rc) < 0)
			rc = SQLITE_CORRUPT;
	}
	return (rc & 0xff) == SQLITE_CORRUPT ? -EUCLEAN : db_error(db, (int)rc);
}

int examine_structure(sqlite3 *db, const char *path, char **ret_detail)
{
	_cleanup_(statement_finalizep) sqlite3_stmt *statement = NULL;
	const char *verdict;
	int r;

	r = db_row(db, "PRAGMA integrity_check(1)", &statement);
	if (r < 0)
		return r;
	verdict = (const char *)sqlite3_column_text(statement, 0);
	if (!verdict)
		return -ENOMEM;
	if (strcmp(verdict, "ok") == 0)
		return 0;
	r = error_in_verdict(db, verdict);
	if (r != -EUCLEAN)
		return r;
	return detail_set(ret_detail, STORE_E_CORRUPT, "%s is damaged: %.200s", path, verdict);
}
