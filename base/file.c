/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int file_read(const char *path, size_t max, struct secret *ret)
{
	_cleanup_(closep) int fd = -1;
	_cleanup_(secret_done) struct secret s = SECRET_INIT;
	struct stat st;
	size_t at = 0;
	int r;

	/* O_NONBLOCK: a FIFO is refused below instead of waited for. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if ((uintmax_t)st.st_size > max)
		return -EFBIG;
	r = secret_alloc(&s, (size_t)st.st_size);
	if (r < 0)
		return r;
	while (at < s.len) {
		ssize_t n = read(fd, s.data + at, s.len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO; /* the file shrank while it was read */
		at += (size_t)n;
	}
	secret_done(ret);
	*ret = s;
	s = SECRET_INIT;
	return 0;
}

int file_write_all(int fd, const void *data, size_t len)
{
	const uint8_t *at = data;

	while (len > 0) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

int file_sync_directory(const char *dir)
{
	_cleanup_(closep) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return fsync(fd) < 0 ? -errno : 0;
}

int file_rename_new(const char *from, const char *to)
{
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	if (link(from, to) < 0)
		return -errno;
	return unlink(from) < 0 ? -errno : 0;
}

int file_write_atomic(const char *path, const void *data, size_t len, mode_t mode)
{
	_cleanup_(closep) int fd = -1;
	char temporary[PATH_MAX];
	int r;

	if ((size_t)snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >= sizeof(temporary))
		return -ENAMETOOLONG;
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = fchmod(fd, mode) < 0 ? -errno : file_write_all(fd, data, len);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (r == 0 && rename(temporary, path) < 0)
		r = -errno;
	if (r < 0) {
		unlink(temporary);
		return r;
	}
	return file_sync_directory(dirname(temporary));
}

/* Nobody else's content behind another name of the file is touched. */
static int overwrite(int fd)
{
	static const uint8_t zeros[4096];
	struct stat st;
	int r = 0;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1)
		return 0;
	for (off_t left = st.st_size; r == 0 && left > 0; left -= (off_t)sizeof(zeros))
		r = file_write_all(fd, zeros, (size_t)MIN(left, (off_t)sizeof(zeros)));
	return r == 0 && fsync(fd) < 0 ? -errno : r;
}

int file_wipe_at(int dir, const char *name)
{
	_cleanup_(closep) int fd =
		openat(dir, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int r = 0;

	if (fd >= 0)
		r = overwrite(fd);
	if (r == 0 && unlinkat(dir, name, 0) < 0)
		r = -errno;
	return r;
}
