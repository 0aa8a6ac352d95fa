/* SPDX-License-Identifier: Apache-2.0 */
#include "credstore/export.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "credstore/detail.h"
#include "credstore/export_place.h"

/* How a directory P/NAME changes: the new one is made as P/.NAME.onboardd-new, on disk before the
 * two are exchanged; what has the second name then is the old one, and is removed. Whatever has
 * that name when we begin was cut off, and is removed first. */

/* ---- what is ours ---- */

static bool is_in_set(const struct export_set *set, const char *name)
{
	for (size_t i = 0; i < set->n; i++)
		if (strcmp(set->files[i].name, name) == 0)
			return true;
	return false;
}

struct inspection {
	struct place *place;
	const char *name; /* of the directory in its parent */
	struct secret marker;
	bool is_temporary; /* the set's names are ours, too: its marker may be what was cut off */
};

static int inspect_entry(void *userdata, int dir, const char *name)
{
	struct inspection *i = userdata;
	struct stat st;
	bool ours = strcmp(name, EXPORT_MARKER) == 0 || place_is_listed(&i->marker, name) ||
		    (i->is_temporary && is_in_set(i->place->set, name));

	if (ours && fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(st.st_mode))
		return 0;
	return detail_set(
		i->place->ret_detail, EXPORT_E_FOREIGN,
		"%s/%s holds '%s', which onboardd did not put there: move it away, or name "
		"another directory",
		i->place->parent_path, i->name, name);
}

/* Only what the daemon made may be replaced or removed. */
static int inspect(struct place *p, int dir, const char *name)
{
	_cleanup_(secret_done) struct secret marker = SECRET_INIT;
	struct inspection i = {
		.place = p, .name = name, .is_temporary = strcmp(name, p->temporary) == 0};
	struct stat st;
	int r;

	if (fstat(dir, &st) < 0)
		return place_failed(p, "cannot look at", name);
	if (st.st_uid != geteuid())
		return place_foreign(p, name, "belongs to another user: move it away");
	if (place_read_file(dir, EXPORT_MARKER, EXPORT_MARKER_MAX, &marker, &st) == 0)
		i.marker = marker;
	r = place_each_entry(dir, inspect_entry, &i);
	if (r < 0)
		return detail_set(p->ret_detail, r, "cannot read %s/%s: %s", p->parent_path, name,
				  strerror(-r));
	return r;
}

static int unlink_entry(void *userdata, int dir, const char *name)
{
	(void)userdata;
	/* The marker goes last: it says what of the rest is ours. */
	if (strcmp(name, EXPORT_MARKER) == 0)
		return 0;
	return unlinkat(dir, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

/* The directory under the temporary name, if there is one. */
static int remove_temporary(struct place *p)
{
	_cleanup_(closep) int dir = place_open_directory(p->parent, p->temporary);
	int r;

	if (dir == -ENOENT)
		return 0;
	if (dir == -ENOTDIR || dir == -ELOOP)
		return place_foreign(p, p->temporary, "is no directory: move it away");
	if (dir < 0) {
		errno = -dir;
		return place_failed(p, "cannot open", p->temporary);
	}
	r = inspect(p, dir, p->temporary);
	if (r != 0)
		return r;
	/* An exported directory need not be writable for us while it is read. */
	if (fchmod(dir, 0700) < 0)
		return place_failed(p, "cannot remove", p->temporary);
	r = place_each_entry(dir, unlink_entry, NULL);
	if (r == 0 && unlinkat(dir, EXPORT_MARKER, 0) < 0 && errno != ENOENT)
		r = -errno;
	if (r == 0 && unlinkat(p->parent, p->temporary, AT_REMOVEDIR) < 0)
		r = -errno;
	errno = -r;
	return r == 0 ? 0 : place_failed(p, "cannot remove", p->temporary);
}

/* ---- what is there ---- */

static bool has_owner(const struct export_spec *spec, const struct stat *st)
{
	return (spec->owner == EXPORT_OWNER_ANY || st->st_uid == spec->owner) &&
	       (spec->group == EXPORT_GROUP_ANY || st->st_gid == spec->group);
}

/* A file given to another user may be closed to us: then its size stands for its content. */
static bool holds_file(const struct export_spec *spec, int dir, const struct export_file *f)
{
	_cleanup_(secret_done) struct secret content = SECRET_INIT;
	struct stat st = {0};
	int r;

	r = place_read_file(dir, f->name, f->content.len, &content, &st);
	if (r == -EACCES) {
		if (fstatat(dir, f->name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode) ||
		    (size_t)st.st_size != f->content.len)
			return false;
	} else if (r < 0 ||
		   !secret_equal(content.data, content.len, f->content.data, f->content.len)) {
		return false;
	}
	return has_owner(spec, &st) && (st.st_mode & 07777) == spec->mode;
}

static bool holds_set(const struct place *p, int dir)
{
	struct stat st;

	if (fstat(dir, &st) < 0 || (st.st_mode & 01777) != p->spec->directory_mode ||
	    st.st_uid != geteuid() ||
	    (p->spec->group != EXPORT_GROUP_ANY && st.st_gid != p->spec->group))
		return false;
	for (size_t i = 0; i < p->set->n; i++)
		if (!holds_file(p->spec, dir, &p->set->files[i]))
			return false;
	return true;
}

/* ---- the new one ---- */

static int own(int fd, uid_t owner, gid_t group, mode_t mode)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	/* The group before the mode opens it to one, the owner last: what belongs to somebody else
	 * cannot be changed any more. */
	if (group != EXPORT_GROUP_ANY && group != st.st_gid && fchown(fd, (uid_t)-1, group) < 0)
		return -errno;
	if (fchmod(fd, mode) < 0)
		return -errno;
	if (owner != EXPORT_OWNER_ANY && owner != st.st_uid && fchown(fd, owner, (gid_t)-1) < 0)
		return -errno;
	return 0;
}

static int not_permitted(struct place *p)
{
	return detail_set(p->ret_detail, -EPERM,
			  "%s: onboardd may not give files to this owner or group: it must be a "
			  "member of the group, or have CAP_CHOWN",
			  p->spec->directory);
}

/* r: what came of the work on fd, which is to be on the disk before anybody sees it. */
static int finish(struct place *p, int fd, int r, const char *what)
{
	if (r == -EPERM)
		return not_permitted(p);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	errno = -r;
	return r == 0 ? 0 : place_failed(p, what, p->temporary);
}

static int write_file(struct place *p, int dir, const struct export_file *f)
{
	_cleanup_(closep) int fd =
		openat(dir, f->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r;

	if (fd < 0)
		return place_failed(p, "cannot make a file in", p->temporary);
	r = file_write_all(fd, f->content.data, f->content.len);
	if (r == 0)
		r = own(fd, p->spec->owner, p->spec->group, p->spec->mode);
	return finish(p, fd, r, "cannot write");
}

static int exchange(struct place *p, int dir, const char *a, const char *b)
{
	if (renameat2(dir, a, dir, b, RENAME_EXCHANGE) == 0)
		return 0;
	if (errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP)
		return detail_set(
			p->ret_detail, EXPORT_E_EXCHANGE,
			"%s: its file system cannot exchange two directories at once; name "
			"one on ext4, xfs, btrfs, f2fs, ubifs or tmpfs",
			p->spec->directory);
	return place_failed(p, "cannot replace", p->name);
}

/* While there is nothing to exchange with: a file system that cannot do it is better known today
 * than at the first rotation. */
static int try_exchange(struct place *p, int dir)
{
	const char *a = p->set->files[0].name, *b = p->set->files[1].name;
	int r = exchange(p, dir, a, b);

	return r == 0 ? exchange(p, dir, b, a) : r;
}

/* The one that we made, when others may write in the parent. */
static bool is_ours_alone(int dir)
{
	struct stat st;

	return fstat(dir, &st) == 0 && st.st_uid == geteuid() && (st.st_mode & 077) == 0;
}

static int make_temporary(struct place *p, bool is_first)
{
	_cleanup_(closep) int dir = -1;
	int r = 0;

	if (mkdirat(p->parent, p->temporary, 0700) < 0)
		return place_failed(p, "cannot make", p->temporary);
	dir = place_open_directory(p->parent, p->temporary);
	if (dir < 0) {
		errno = -dir;
		return place_failed(p, "cannot open", p->temporary);
	}
	if (!is_ours_alone(dir))
		return place_foreign(p, p->temporary,
				     "was put there by somebody else: move it away");
	for (size_t i = 0; i < p->set->n && r == 0; i++)
		r = write_file(p, dir, &p->set->files[i]);
	if (r == 0 && is_first)
		r = try_exchange(p, dir);
	if (r != 0)
		return r;
	r = own(dir, EXPORT_OWNER_ANY, p->spec->group, p->spec->directory_mode);
	return finish(p, dir, r, "cannot finish");
}

/* ---- in its place ---- */

static int put_in_place(struct place *p, bool is_first, bool *ret_changed)
{
	int r = 0;

	if (!is_first)
		r = exchange(p, p->parent, p->temporary, p->name);
	else if (renameat2(p->parent, p->temporary, p->parent, p->name, RENAME_NOREPLACE) < 0)
		r = place_failed(p, "cannot make", p->name);
	if (r != 0)
		return r;
	*ret_changed = true;
	/* Before the old one goes: there is always one whole set on the disk. */
	if (fsync(p->parent) < 0)
		return place_failed(p, "cannot make durable", p->name);
	return is_first ? 0 : remove_temporary(p);
}

static int replace(struct place *p, bool is_first, bool *ret_changed)
{
	char **ret_detail = p->ret_detail;
	int r;

	r = make_temporary(p, is_first);
	if (r == 0)
		r = put_in_place(p, is_first, ret_changed);
	if (r == 0 || *ret_changed)
		return r;
	/* What cannot be removed now is removed, or told, the next time. */
	p->ret_detail = NULL;
	(void)!remove_temporary(p);
	p->ret_detail = ret_detail;
	return r;
}

static int apply(struct place *p, bool *ret_changed)
{
	_cleanup_(closep) int dir = -1;
	int r;

	r = place_open_parent(p);
	if (r == 0)
		r = remove_temporary(p);
	if (r != 0)
		return r;
	dir = place_open_directory(p->parent, p->name);
	if (dir == -ENOENT)
		return replace(p, true, ret_changed);
	if (dir == -ENOTDIR || dir == -ELOOP)
		return place_foreign(p, p->name,
				     "is no directory: move it away, or name another one");
	if (dir < 0) {
		errno = -dir;
		return place_failed(p, "cannot open", p->name);
	}
	if (holds_set(p, dir))
		return 0;
	r = inspect(p, dir, p->name);
	return r == 0 ? replace(p, false, ret_changed) : r;
}

bool export_is_current(const struct export_spec *spec, const struct export_set *set)
{
	_cleanup_(place_done) struct place p = {.spec = spec, .set = set, .parent = -1};
	_cleanup_(closep) int dir = -1;

	if (place_open_parent(&p) != 0)
		return false;
	dir = place_open_directory(p.parent, p.name);
	return dir >= 0 && holds_set(&p, dir);
}

int export_apply(const struct export_spec *spec, const struct export_set *set, bool *ret_changed,
		 char **ret_detail)
{
	_cleanup_(place_done) struct place p = {
		.spec = spec, .set = set, .ret_detail = ret_detail, .parent = -1};

	*ret_changed = false;
	return apply(&p, ret_changed);
}
