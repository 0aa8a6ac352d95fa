/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "agent/cli/client.h"
#include "agent/cli/show.h"
#include "agent/cli/verbs.h"
#include "agent/plain.h"
#include "base/exitcode.h"

/* Cuts "uuid,hardware,key" in place. */
static int show(char *row)
{
	char *at = row, *uuid = strsep(&at, ","), *hardware = strsep(&at, ","), name[128];

	if (!uuid || !hardware || !at) {
		fprintf(stderr, "onboardctl: the answer of onboardd is not understood\n");
		return EXIT_CODE_FAILED;
	}
	snprintf(name, sizeof(name), "%.64s.%.40s", hardware, uuid);
	show_field("UUID", uuid);
	show_field("Hardware", hardware);
	show_field("Name", name);
	show_field("Public key", at);
	return 0;
}

int verb_identity(int argc, char **argv)
{
	static const struct option options[] = {{NULL, 0, NULL, 0}};
	_cleanup_(client_freep) struct client *c = NULL;
	_cleanup_(freep) char *row = NULL;
	char plain[4096];
	bool export = false;
	int r;

	if (getopt_long(argc, argv, "", options, NULL) >= 0)
		return usage_error("identity", "it has no flags");
	if (optind < argc) {
		export = strcmp(argv[optind], "export") == 0;
		if ((!export && strcmp(argv[optind], "show") != 0) || optind + 1 < argc)
			return usage_error("identity", "'show' or 'export'");
	}
	r = client_open(&c);
	if (r != 0)
		return r;
	r = client_call_text(c, CLIENT_AGENT, "ExportIdentity", &row);
	if (r != 0)
		return r;
	if (!export)
		return show(row);
	printf("%s\n", plain_text(row, plain, sizeof(plain)));
	return 0;
}
