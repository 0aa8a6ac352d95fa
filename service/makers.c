/* SPDX-License-Identifier: Apache-2.0 */
#include "service/makers.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"

#define FILE_MAX 262144

static int refuse(char **ret_detail, const char *path, const char *why)
{
	if (asprintf(ret_detail, "%s: %s", path, why) >= 0)
		return MAKERS_E_REFUSED;
	*ret_detail = NULL;
	return -ENOMEM;
}

static int load_file(struct crypto_makers *m, const char *path, char **ret_detail)
{
	_cleanup_(secret_done) struct secret text = SECRET_INIT;
	const char *why = NULL;
	int r;

	r = file_read(path, FILE_MAX, &text);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return refuse(ret_detail, path, strerror(-r));
	r = crypto_makers_add(m, text.data ? (const char *)text.data : "", &why);
	return r > 0 ? refuse(ret_detail, path, why) : r;
}

static int is_certificate(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot && entry->d_name[0] != '.' &&
	       (strcmp(dot, ".pem") == 0 || strcmp(dot, ".crt") == 0);
}

static int load_directory(struct crypto_makers *m, const char *path, char **ret_detail)
{
	struct dirent **entries = NULL;
	int n = scandir(path, &entries, is_certificate, alphasort), r = 0;

	if (n < 0)
		return errno == ENOMEM ? -ENOMEM : refuse(ret_detail, path, strerror(errno));
	if (n == 0)
		r = refuse(ret_detail, path, "no *.pem and no *.crt in it");
	for (int i = 0; i < n; i++) {
		_cleanup_(freep) char *file = NULL;

		if (r == 0)
			r = asprintf(&file, "%s/%s", path, entries[i]->d_name) < 0 ? -ENOMEM : 0;
		if (r == 0)
			r = load_file(m, file, ret_detail);
		free(entries[i]);
	}
	free(entries);
	return r;
}

int makers_load(const char *const *paths, size_t n, struct crypto_makers **ret, char **ret_detail)
{
	_cleanup_(crypto_makers_freep) struct crypto_makers *m = NULL;
	struct stat st;
	int r;

	*ret_detail = NULL;
	r = crypto_makers_new(&m);
	for (size_t i = 0; r == 0 && i < n; i++) {
		if (stat(paths[i], &st) < 0)
			r = refuse(ret_detail, paths[i], strerror(errno));
		else if (S_ISDIR(st.st_mode))
			r = load_directory(m, paths[i], ret_detail);
		else
			r = load_file(m, paths[i], ret_detail);
	}
	if (r != 0)
		return r;
	*ret = TAKE_PTR(m);
	return 0;
}
