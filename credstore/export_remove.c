/* SPDX-License-Identifier: Apache-2.0 */
/* An exported directory goes: what we put there is overwritten and removed, what else is there
 * stays. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/file.h"
#include "credstore/export_place.h"

struct removal {
	const struct place *place;
	struct secret marker;
	bool is_temporary; /* the spec's names are ours, too: its marker may be what was cut off */
	bool found;
};

static bool is_named(const struct export_spec *spec, const char *name)
{
	for (size_t i = 0; i < EXPORT_N_ROLES; i++)
		if (spec->files[i] && strcmp(spec->files[i], name) == 0)
			return true;
	return spec->uri_file && strcmp(spec->uri_file, name) == 0;
}

static int wipe_entry(void *userdata, int dir, const char *name)
{
	struct removal *m = userdata;
	int r;

	/* The marker goes last: it says what of the rest is ours. */
	if (strcmp(name, EXPORT_MARKER) == 0 ||
	    !(place_is_listed(&m->marker, name) ||
	      (m->is_temporary && is_named(m->place->spec, name))))
		return 0;
	m->found = true;
	r = file_wipe_at(dir, name);
	return r == -ENOENT ? 0 : r;
}

static int wipe_all(struct removal *m, int dir)
{
	struct stat st;
	int r;

	if (place_read_file(dir, EXPORT_MARKER, EXPORT_MARKER_MAX, &m->marker, &st) == 0)
		m->found = true;
	/* An exported directory need not be writable for us while it is read. */
	if ((m->found || m->is_temporary) && fchmod(dir, 0700) < 0)
		return -errno;
	r = place_each_entry(dir, wipe_entry, m);
	if (r == 0 && fsync(dir) < 0)
		r = -errno;
	if (r == 0 && m->found && unlinkat(dir, EXPORT_MARKER, 0) < 0 && errno != ENOENT)
		r = -errno;
	return r;
}

static int remove_one(struct place *p, const char *name, bool is_temporary, bool *ret_removed)
{
	struct removal m = {.place = p, .is_temporary = is_temporary};
	_cleanup_(closep) int dir = place_open_directory(p->parent, name);
	int r;

	if (dir < 0) {
		errno = -dir;
		return dir == -ENOENT || dir == -ENOTDIR || dir == -ELOOP
			       ? 0
			       : place_failed(p, "cannot open", name);
	}
	r = wipe_all(&m, dir);
	secret_done(&m.marker);
	if (r == 0 && (m.found || is_temporary) && unlinkat(p->parent, name, AT_REMOVEDIR) < 0)
		r = -errno;
	*ret_removed = *ret_removed || m.found;
	if (r == -ENOTEMPTY || r == -EEXIST)
		return place_foreign(p, name,
				     "holds something that onboardd did not put there: only "
				     "its own files were removed");
	errno = -r;
	return r == 0 ? 0 : place_failed(p, "cannot remove", name);
}

int export_remove(const struct export_spec *spec, bool *ret_removed, char **ret_detail)
{
	_cleanup_(place_done) struct place p = {
		.spec = spec, .ret_detail = ret_detail, .parent = -1};
	int r;

	*ret_removed = false;
	r = place_open_parent(&p);
	if (r == -ENOENT) {
		if (ret_detail) {
			free(*ret_detail);
			*ret_detail = NULL;
		}
		return 0;
	}
	if (r == 0)
		r = remove_one(&p, p.temporary, true, ret_removed);
	if (r == 0)
		r = remove_one(&p, p.name, false, ret_removed);
	if (r == 0 && fsync(p.parent) < 0)
		r = place_failed(&p, "cannot make durable", p.name);
	return r;
}
