/* SPDX-License-Identifier: Apache-2.0 */
#include "credstore/rekey.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "credstore/probe.h"
#include "credstore/reseal.h"

static int name_of(const struct store_files *f, const char *name, const char *ending,
		   char ret[static PATH_MAX])
{
	int n = snprintf(ret, PATH_MAX, "%s/%s%s", f->dir, name, ending);

	return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

int rekey(struct store *s, const struct store_files *f, const struct store_options *options,
	  enum sealing_source source, char **ret_detail)
{
	_cleanup_(secret_done) struct secret key = SECRET_INIT;
	char path[PATH_MAX];
	int r;

	if (!sealing_file(source))
		return -ENOENT;
	r = name_of(f, sealing_file(source), SEALING_NEXT, path);
	if (r == 0)
		r = secret_alloc(&key, SEAL_KEY_LEN);
	if (r < 0)
		return r;
	r = file_wipe_at(AT_FDCWD, path);
	if (r == 0 || r == -ENOENT)
		r = sealing_create_next(f->dir, options, source, key.data, ret_detail);
	return r == 0 ? reseal_rows(s, key.data) : r;
}

/* The old key's bytes go before its name does. */
static int replace(const struct store_files *f, const char *old, const char *next)
{
	int r = file_wipe_at(AT_FDCWD, old);

	if (r == 0 || r == -ENOENT)
		r = rename(next, old) < 0 ? -errno : file_sync_directory(f->dir);
	return r;
}

static int settle(struct store *s, const struct store_files *f, const struct store_options *options,
		  enum sealing_source source)
{
	_cleanup_(secret_done) struct secret key = SECRET_INIT;
	char old[PATH_MAX], next[PATH_MAX];
	int r = name_of(f, sealing_file(source), "", old);

	if (r == 0)
		r = name_of(f, sealing_file(source), SEALING_NEXT, next);
	if (r < 0)
		return r;
	if (access(next, F_OK) < 0)
		return errno == ENOENT ? 0 : -errno;
	r = secret_alloc(&key, SEAL_KEY_LEN);
	if (r < 0)
		return r;
	r = sealing_load_next(f->dir, options, source, key.data);
	if (r == 0)
		r = probe_try(s->db, key.data);
	if (r == 0)
		return replace(f, old, next);
	/* Not to be had now: one of the two opens the store when it is. */
	if (r != SEAL_E_AUTHENTICATION)
		return r < 0 ? r : 0;
	r = file_wipe_at(AT_FDCWD, next);
	return r == 0 ? file_sync_directory(f->dir) : r;
}

int rekey_settle(struct store *s, const struct store_files *f, const struct store_options *options)
{
	int r = 0;

	for (enum sealing_source i = 0; r == 0 && i < SEALING_N_SOURCES; i++)
		if (sealing_file(i))
			r = settle(s, f, options, i);
	return r;
}
