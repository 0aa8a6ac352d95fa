/* SPDX-License-Identifier: Apache-2.0 */
#include "credstore/export_place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "credstore/detail.h"

#define TEMPORARY ".%s.onboardd-new"

void place_done(struct place *p)
{
	closep(&p->parent);
}

int place_failed(struct place *p, const char *what, const char *name)
{
	int r = errno > 0 ? -errno : -EIO;

	return detail_set(p->ret_detail, r, "%s %s/%s: %s", what, p->parent_path, name,
			  strerror(-r));
}

int place_foreign(struct place *p, const char *name, const char *why)
{
	return detail_set(p->ret_detail, EXPORT_E_FOREIGN, "%s/%s %s", p->parent_path, name, why);
}

int place_open_parent(struct place *p)
{
	const char *path = p->spec->directory, *name = strrchr(path, '/') + 1;
	int parent_len = (int)(name - path) - 1;

	if ((size_t)snprintf(p->parent_path, sizeof(p->parent_path), "%.*s", parent_len, path) >=
		    sizeof(p->parent_path) ||
	    (size_t)snprintf(p->name, sizeof(p->name), "%s", name) >= sizeof(p->name) ||
	    (size_t)snprintf(p->temporary, sizeof(p->temporary), TEMPORARY, name) >=
		    sizeof(p->temporary))
		return detail_set(p->ret_detail, -ENAMETOOLONG, "%s: %s", path,
				  strerror(ENAMETOOLONG));
	p->parent =
		open(*p->parent_path ? p->parent_path : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->parent < 0)
		return detail_set(p->ret_detail, -errno,
				  "%s: %s; this directory must be there, and onboardd must be able "
				  "to write in it",
				  p->parent_path, strerror(errno));
	return 0;
}

int place_open_directory(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int place_read_file(int dir, const char *name, size_t max, struct secret *ret,
		    struct stat *ret_stat)
{
	_cleanup_(closep) int fd =
		openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	size_t at = 0;
	int r;

	if (fd < 0)
		return -errno;
	if (fstat(fd, ret_stat) < 0)
		return -errno;
	if (!S_ISREG(ret_stat->st_mode) || (uintmax_t)ret_stat->st_size > max)
		return -EINVAL;
	r = secret_alloc(ret, (size_t)ret_stat->st_size);
	if (r < 0)
		return r;
	while (at < ret->len) {
		ssize_t n = read(fd, ret->data + at, ret->len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		at += (size_t)n;
	}
	return 0;
}

bool place_is_listed(const struct secret *marker, const char *name)
{
	char line[NAME_MAX + 4];

	if (!marker->data || strlen((const char *)marker->data) != marker->len)
		return false;
	snprintf(line, sizeof(line), "\n%s\n", name);
	return strstr((const char *)marker->data, line);
}

int place_each_entry(int dir, int (*visit)(void *userdata, int dir, const char *name),
		     void *userdata)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy >= 0 ? fdopendir(copy) : NULL;
	struct dirent *e;
	int r = 0;

	if (!d) {
		r = -errno;
		closep(&copy);
		return r;
	}
	while (r == 0 && (errno = 0, e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			r = visit(userdata, dir, e->d_name);
	if (r == 0 && errno > 0)
		r = -errno;
	closedir(d);
	return r;
}
