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
#include "credstore/sealing_token.h"

/* -ENOENT when there is no such credential. */
static int credential_path(char ret[static PATH_MAX])
{
	const char *directory = getenv("CREDENTIALS_DIRECTORY");
	int n;

	if (!directory || !*directory)
		return -ENOENT;
	n = snprintf(ret, PATH_MAX, "%s/onboardd.seal", directory);
	if (n < 0 || n >= PATH_MAX)
		return -ENAMETOOLONG;
	return access(ret, F_OK) < 0 && errno == ENOENT ? -ENOENT : 0;
}

enum sealing_source sealing_preferred(const struct store_options *options)
{
	char path[PATH_MAX];

	if (credential_path(path) != -ENOENT)
		return SEALING_CREDENTIAL;
	return options && options->seal_uri ? SEALING_TOKEN : SEALING_FILE;
}

const char *sealing_file(enum sealing_source source)
{
	switch (source) {
	case SEALING_TOKEN:
		return "seal.wrapped";
	case SEALING_FILE:
		return "seal.key";
	case SEALING_CREDENTIAL:
	case SEALING_N_SOURCES:
		break;
	}
	return NULL;
}

static int source_path(const char *dir, enum sealing_source source, const char *ending,
		       char ret[static PATH_MAX], char **ret_detail)
{
	const char *name = sealing_file(source);
	int n, r;

	if (!name) {
		r = credential_path(ret);
		if (r == -ENOENT)
			return detail_set(ret_detail, r, "the credential onboardd.seal is missing");
		return r == 0 ? 0 : detail_set(ret_detail, r, "CREDENTIALS_DIRECTORY is too long");
	}
	n = snprintf(ret, PATH_MAX, "%s/%s%s", dir, name, ending);
	return n >= 0 && n < PATH_MAX ? 0
				      : detail_set(ret_detail, -ENAMETOOLONG,
						   "the state directory's name is too long");
}

static int read_key(const char *path, uint8_t ret[static SEAL_KEY_LEN], char **ret_detail)
{
	_cleanup_(secret_done) struct secret key = SECRET_INIT;
	int r;

	r = file_read(path, SEAL_KEY_LEN, &key);
	if (r == -ENOENT)
		return detail_set(ret_detail, r, "the sealing key %s is missing", path);
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

static int load(const char *dir, const struct store_options *options, enum sealing_source source,
		const char *ending, uint8_t ret[static SEAL_KEY_LEN], char **ret_detail)
{
	char path[PATH_MAX];
	int r;

	r = source_path(dir, source, ending, path, ret_detail);
	if (r != 0)
		return r;
	return source == SEALING_TOKEN ? sealing_token_load(path, options, ret, ret_detail)
				       : read_key(path, ret, ret_detail);
}

int sealing_load(const char *dir, const struct store_options *options, enum sealing_source source,
		 uint8_t ret[static SEAL_KEY_LEN], char **ret_detail)
{
	return load(dir, options, source, "", ret, ret_detail);
}

int sealing_load_next(const char *dir, const struct store_options *options,
		      enum sealing_source source, uint8_t ret[static SEAL_KEY_LEN])
{
	return load(dir, options, source, SEALING_NEXT, ret, NULL);
}

static int write_new(const char *path, const void *data, size_t len)
{
	_cleanup_(closep) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int r;

	if (fd < 0)
		return -errno;
	r = file_write_all(fd, data, len);
	if (r < 0)
		return r;
	return fsync(fd) < 0 ? -errno : 0;
}

/* The name is made durable, too: what is sealed with the key must not outlive it. A key that came
 * to be meanwhile is not replaced; what a power cut left half made is. */
static int create_file(const char *dir, const char *path, const void *data, size_t len)
{
	char temporary[PATH_MAX];
	int r;

	if ((size_t)snprintf(temporary, sizeof(temporary), "%s.new", path) >= sizeof(temporary))
		return -ENAMETOOLONG;
	unlink(temporary);
	r = write_new(temporary, data, len);
	if (r == 0)
		r = file_rename_new(temporary, path);
	if (r < 0) {
		unlink(temporary);
		return r;
	}
	return file_sync_directory(dir);
}

static int create(const char *dir, const struct store_options *options, enum sealing_source source,
		  const char *ending, uint8_t ret[static SEAL_KEY_LEN], char **ret_detail)
{
	_cleanup_(secret_done) struct secret wrapped = SECRET_INIT;
	char path[PATH_MAX];
	int r;

	r = source_path(dir, source, ending, path, ret_detail);
	if (r != 0)
		return r;
	random_fill(ret, SEAL_KEY_LEN);
	if (source == SEALING_TOKEN)
		r = sealing_token_wrap(options, ret, &wrapped, ret_detail);
	if (r == 0) {
		r = source == SEALING_TOKEN ? create_file(dir, path, wrapped.data, wrapped.len)
					    : create_file(dir, path, ret, SEAL_KEY_LEN);
		if (r < 0)
			r = detail_set(ret_detail, r, "the sealing key %s cannot be made: %s", path,
				       strerror(-r));
	}
	return r;
}

int sealing_create(const char *dir, const struct store_options *options, enum sealing_source source,
		   uint8_t ret[static SEAL_KEY_LEN], char **ret_detail)
{
	return create(dir, options, source, "", ret, ret_detail);
}

int sealing_create_next(const char *dir, const struct store_options *options,
			enum sealing_source source, uint8_t ret[static SEAL_KEY_LEN],
			char **ret_detail)
{
	return create(dir, options, source, SEALING_NEXT, ret, ret_detail);
}
