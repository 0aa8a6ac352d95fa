/* SPDX-License-Identifier: Apache-2.0 */
#include "credstore/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "credstore/detail.h"

static int join(const char *dir, const char *name, char ret[static PATH_MAX])
{
	int n = snprintf(ret, PATH_MAX, "%s/%s", dir, name);

	return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

int files_name(const char *dir, struct store_files *ret)
{
	if (join(dir, "lock", ret->lock) < 0 || join(dir, "store.db", ret->db) < 0 ||
	    join(dir, "store.db-wal", ret->db_wal) < 0 ||
	    join(dir, "store.db-journal", ret->db_journal) < 0 ||
	    join(dir, "store.db.new", ret->fresh) < 0 ||
	    join(dir, "store.db.new-journal", ret->fresh_journal) < 0 ||
	    join(dir, "store.set-aside", ret->mark) < 0)
		return -ENAMETOOLONG;
	memcpy(ret->dir, dir, strlen(dir) + 1);
	return 0;
}

int files_lock(const struct store_files *f, int *ret_fd, char **ret_detail)
{
	_cleanup_(closep) int fd = -1;

	if (mkdir(f->dir, 0700) < 0 && errno != EEXIST)
		return detail_set(ret_detail, -errno, "the state directory %s cannot be made: %s",
				  f->dir, strerror(errno));
	fd = open(f->lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return detail_set(ret_detail, -errno, "%s cannot be opened: %s", f->lock,
				  strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return detail_set(ret_detail, errno == EWOULDBLOCK ? -EBUSY : -errno,
				  "the store in %s is in use by another process", f->dir);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* As SQLite reads. */
static int read_through(const char *path)
{
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
	char buffer[4096];
	off_t at = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	while ((n = pread(fd, buffer, sizeof(buffer), at)) != 0) {
		if (n < 0)
			return -errno;
		at += n;
	}
	return 0;
}

int files_read_through(const struct store_files *f)
{
	int r = read_through(f->db);

	if (r == 0)
		r = read_through(f->db_wal);
	return r == -ENOENT ? 0 : r;
}
