/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/place.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/fuzz/fuzz.h"

#define FILES_MAX 16
#define FILE_SIZE_MAX (1U << 20)

static struct {
	char dir[64], state[80];
	struct {
		char name[64];
		struct secret bytes;
	} files[FILES_MAX];
	size_t n;
} place;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void at_exit(void)
{
	nftw(place.dir, remove_one, 4, FTW_DEPTH | FTW_PHYS);
}

void place_make(void)
{
	const char *memory = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

	snprintf(place.dir, sizeof(place.dir), "%s/fuzz-XXXXXX", memory);
	FUZZ_ASSERT(mkdtemp(place.dir));
	snprintf(place.state, sizeof(place.state), "%s/state", place.dir);
	FUZZ_ASSERT(mkdir(place.state, 0700) == 0);
	atexit(at_exit);
}

const char *place_dir(void)
{
	return place.dir;
}

const char *place_state(void)
{
	return place.state;
}

static void path_of(const char *name, char ret[static 384])
{
	snprintf(ret, 384, "%s/%s", place.state, name);
}

/* Calls fn with the name of every file until it says 1. */
static int each(int (*fn)(const char *name, void *userdata), void *userdata)
{
	DIR *dir = opendir(place.state);
	struct dirent *e;
	int r = 0;

	FUZZ_ASSERT(dir);
	while (r == 0 && (e = readdir(dir)))
		if (e->d_name[0] != '.')
			r = fn(e->d_name, userdata);
	closedir(dir);
	return r;
}

static int keep(const char *name, void *userdata)
{
	char path[384];

	(void)userdata;
	FUZZ_ASSERT(place.n < FILES_MAX);
	path_of(name, path);
	snprintf(place.files[place.n].name, sizeof(place.files[0].name), "%s", name);
	FUZZ_ASSERT(file_read(path, FILE_SIZE_MAX, &place.files[place.n].bytes) == 0);
	place.n++;
	return 0;
}

void place_keep(void)
{
	each(keep, NULL);
}

static int discard(const char *name, void *userdata)
{
	char path[384];

	(void)userdata;
	path_of(name, path);
	FUZZ_ASSERT(unlink(path) == 0);
	return 0;
}

void place_write(const char *name, const void *data, size_t len)
{
	char path[384];
	FILE *f;

	path_of(name, path);
	f = fopen(path, "w");
	FUZZ_ASSERT(f && fchmod(fileno(f), 0600) == 0);
	FUZZ_ASSERT(len == 0 || fwrite(data, 1, len, f) == len);
	FUZZ_ASSERT(fclose(f) == 0);
}

void place_restore(void)
{
	each(discard, NULL);
	for (size_t i = 0; i < place.n; i++)
		place_write(place.files[i].name, place.files[i].bytes.data,
			    place.files[i].bytes.len);
}

const struct secret *place_kept(const char *name)
{
	for (size_t i = 0; i < place.n; i++)
		if (strcmp(place.files[i].name, name) == 0)
			return &place.files[i].bytes;
	return NULL;
}

struct bytes {
	const uint8_t *data;
	size_t len, first;
};

static int compare(const char *name, void *userdata)
{
	_cleanup_(secret_done) struct secret found = SECRET_INIT;
	const struct bytes *wanted = userdata;
	char path[384];

	path_of(name, path);
	return file_read(path, FILE_SIZE_MAX, &found) == 0 && found.len == wanted->len &&
	       (wanted->len <= wanted->first ||
		memcmp(found.data + wanted->first, wanted->data + wanted->first,
		       wanted->len - wanted->first) == 0);
}

int place_has(const void *data, size_t len, size_t first)
{
	return each(compare, &(struct bytes){data, len, first});
}
