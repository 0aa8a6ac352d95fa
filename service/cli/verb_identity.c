/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/exitcode.h"
#include "base/log.h"
#include "service/cli/state.h"
#include "service/cli/verbs.h"

#define CSV_MAX (64U << 20)

DEFINE_CLEANUP(FILE *, fclose);

/* A file or, for "-", standard input, whole. */
static int read_csv(const char *path, char **ret, size_t *ret_len)
{
	_cleanup_(fclosep) FILE *opened = NULL;
	_cleanup_(freep) char *data = NULL;
	size_t len = 0, size = 0;
	FILE *in = stdin;

	if (strcmp(path, "-") != 0) {
		in = opened = fopen(path, "re");
		if (!in)
			return -errno;
	}
	for (;;) {
		if (len == size) {
			char *larger;

			if (size >= CSV_MAX)
				return -EFBIG;
			size = size ? size * 2 : 65536;
			larger = realloc(data, size);
			if (!larger)
				return -ENOMEM;
			data = larger;
		}
		len += fread(data + len, 1, size - len, in);
		if (ferror(in))
			return errno ? -errno : -EIO;
		if (feof(in))
			break;
	}
	*ret = TAKE_PTR(data);
	*ret_len = len;
	return 0;
}

static int import(const char *dir, const char *store, const char *path)
{
	_cleanup_(state_close) struct state state = {0};
	_cleanup_(freep) char *csv = NULL, *detail = NULL;
	size_t len = 0, n = 0;
	int r;

	r = read_csv(path, &csv, &len);
	if (r < 0) {
		log_error("%s: %s", path, strerror(-r));
		return EXIT_CODE_FAILED;
	}
	r = state_open(dir, store, true, (struct core_config){0}, &state);
	if (r != 0)
		return r;
	r = core_import_identities(state.core, csv, len, &n, &detail);
	if (r != 0) {
		log_error("%s: %s; nothing imported", path,
			  detail ? detail : strerror(r < 0 ? -r : EINVAL));
		return r < 0 ? EXIT_CODE_STORE : EXIT_CODE_FAILED;
	}
	printf("imported %zu\n", n);
	return fflush(stdout) == 0 ? EXIT_CODE_DONE : EXIT_CODE_FAILED;
}

static int remove_one(const char *dir, const char *store, const char *uuid, bool may_unclaim)
{
	_cleanup_(state_close) struct state state = {0};
	_cleanup_(freep) char *detail = NULL;
	int r;

	r = state_open(dir, store, false, (struct core_config){0}, &state);
	if (r != 0)
		return r;
	r = core_identity_remove(state.core, uuid, may_unclaim, &detail);
	if (r < 0) {
		log_error("identity remove: %s", strerror(-r));
		return EXIT_CODE_STORE;
	}
	if (r != 0) {
		if (r == CORE_IDENTITY_CLAIMED)
			log_error("%s", detail ? detail : "the device is claimed");
		else
			log_error("%s: this service knows no such device", uuid);
		return EXIT_CODE_FAILED;
	}
	printf("removed %s\n", uuid);
	return fflush(stdout) == 0 ? EXIT_CODE_DONE : EXIT_CODE_FAILED;
}

static int run(const char *dir, const char *store, bool may_unclaim, int n, char **words)
{
	bool is_import = n == 2 && strcmp(words[0], "import") == 0;
	bool is_remove = n == 2 && strcmp(words[0], "remove") == 0;

	if (!is_import && !is_remove)
		return verb_usage("identity: import and a file (or -), or remove and a device's "
				  "UUID are needed");
	if (!dir && !store)
		return verb_usage("identity %s: --state or --store is needed", words[0]);
	if (is_import && may_unclaim)
		return verb_usage("identity import: --unclaim belongs to remove");
	return is_import ? import(dir, store, words[1])
			 : remove_one(dir, store, words[1], may_unclaim);
}

int verb_identity(int argc, char **argv)
{
	const char *dir = NULL, *store = NULL;
	bool may_unclaim = false;
	const struct option_place options[] = {
		{"state", .text = &dir},
		{"store", .text = &store},
		{"unclaim", .flag = &may_unclaim},
	};

	if (verb_options(argc, argv, options, ARRAY_SIZE(options)) != 0)
		return EXIT_CODE_USAGE;
	return run(dir, store, may_unclaim, argc - optind, argv + optind);
}
