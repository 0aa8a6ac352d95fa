/* SPDX-License-Identifier: Apache-2.0 */
#include "credstore/sealing_key.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "credstore/detail.h"
#include "credstore/store.h"

/* -ENOENT without a text; everything else has one. */
static int read_key(const char *path, uint8_t ret[static SEAL_KEY_LEN], char **ret_detail)
{
	_cleanup_(secret_done) struct secret key = SECRET_INIT;
	int r;

	r = file_read(path, SEAL_KEY_LEN, &key);
	if (r == -ENOENT)
		return r;
	if (r == -EFBIG || r == -EINVAL || (r == 0 && key.len != SEAL_KEY_LEN))
		return detail_set(ret_detail, STORE_E_SEALING_KEY,
				  "the sealing key %s is not a file of %d bytes", path,
				  SEAL_KEY_LEN);
	if (r < 0)
		return detail_set(ret_detail, STORE_E_SEALING_KEY,
				  "the sealing key %s cannot be read: %s", path, strerror(-r));
	memcpy(ret, key.data, SEAL_KEY_LEN);
	return 0;
}

static int write_new(int fd, const char *temporary, const char *path, const uint8_t *key)
{
	if (write(fd, key, SEAL_KEY_LEN) != SEAL_KEY_LEN)
		return errno > 0 ? -errno : -EIO;
	if (fsync(fd) < 0)
		return -errno;
	/* Unlike rename(), link() does not replace a key that came to be meanwhile. */
	return link(temporary, path) < 0 ? -errno : 0;
}

static int create_key(const char *path, uint8_t ret[static SEAL_KEY_LEN], char **ret_detail)
{
	_cleanup_(closep) int fd = -1;
	char temporary[PATH_MAX];
	uint8_t key[SEAL_KEY_LEN];
	int r = -ENAMETOOLONG;

	random_fill(key, sizeof(key));
	if ((size_t)snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) < sizeof(temporary)) {
		errno = 0;
		fd = mkostemp(temporary, O_CLOEXEC); /* 0600 */
		r = fd < 0 ? -errno : write_new(fd, temporary, path, key);
	}
	if (fd >= 0)
		unlink(temporary);
	if (r == 0)
		memcpy(ret, key, sizeof(key));
	secret_wipe(key, sizeof(key));
	if (r < 0)
		return detail_set(ret_detail, r, "the sealing key %s cannot be made: %s", path,
				  strerror(-r));
	return 0;
}

int sealing_key_load(const char *dir, bool create, uint8_t ret[static SEAL_KEY_LEN],
		     char **ret_detail)
{
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");
	char path[PATH_MAX];
	int r;

	if (credentials && *credentials) {
		if ((size_t)snprintf(path, sizeof(path), "%s/onboardd.seal", credentials) >=
		    sizeof(path))
			return detail_set(ret_detail, -ENAMETOOLONG,
					  "CREDENTIALS_DIRECTORY is too long");
		r = read_key(path, ret, ret_detail);
		if (r != -ENOENT)
			return r;
	}
	if ((size_t)snprintf(path, sizeof(path), "%s/seal.key", dir) >= sizeof(path))
		return detail_set(ret_detail, -ENAMETOOLONG,
				  "the state directory's name is too long");
	r = read_key(path, ret, ret_detail);
	if (r != -ENOENT)
		return r;
	if (create)
		return create_key(path, ret, ret_detail);
	return detail_set(
		ret_detail, STORE_E_SEALING_KEY,
		"the sealing key is missing: neither %s nor a credential \"onboardd.seal\" "
		"exists; restore the key that %s/store.db was made with, or move that file "
		"away to start anew",
		path, dir);
}
