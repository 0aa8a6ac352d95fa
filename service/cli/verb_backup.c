/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/exitcode.h"
#include "base/log.h"
#include "service/cli/verbs.h"
#include "service/store/sqlite.h"

static int backup(const char *dir, const char *to)
{
	_cleanup_(freep) char *path = NULL, *detail = NULL;
	int r;

	if (asprintf(&path, "%s/service.db", dir) < 0)
		return EXIT_CODE_FAILED;
	if (access(path, F_OK) < 0) {
		log_error("%s: %s", path, strerror(errno));
		return EXIT_CODE_STORE;
	}
	r = store_sqlite_backup(path, to, &detail);
	if (r < 0) {
		log_error("%s: %s", to, detail ? detail : strerror(-r));
		return EXIT_CODE_FAILED;
	}
	printf("saved %s; ca.key and ca.pem in %s are not in it\n", to, dir);
	return fflush(stdout) == 0 ? EXIT_CODE_DONE : EXIT_CODE_FAILED;
}

int verb_backup(int argc, char **argv)
{
	static const struct option known[] = {
		{"state", required_argument, NULL, 's'},
		{"store", required_argument, NULL, 'u'},
		{NULL, 0, NULL, 0},
	};
	const char *dir = NULL;
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c == 'u')
			return verb_usage(
				"backup: a store in PostgreSQL is saved with pg_dump -Fc");
		if (c != 's')
			return verb_usage("backup: see onboard-service --help");
		dir = optarg;
	}
	if (!dir || argc - optind != 1)
		return verb_usage("backup: --state and a file to make are needed");
	return backup(dir, argv[optind]);
}
