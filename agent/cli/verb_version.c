/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "agent/cli/client.h"
#include "agent/cli/verbs.h"
#include "agent/plain.h"

int verb_version(int argc, char **argv)
{
	_cleanup_(client_freep) struct client *c = NULL;
	_cleanup_(freep) char *version = NULL;
	char plain[64];
	int r;

	if (argc > 1)
		return usage_error("version", "'%s' is too much", argv[1]);
	printf("onboardctl %s\n", ONBOARD_VERSION);
	/* An owner's machine may have no bus, and has told what was asked. */
	if (client_open(&c) != 0)
		return 0;
	if (!client_is_served(c)) {
		printf("onboardd is not running\n");
		return 0;
	}
	r = client_get(c, CLIENT_AGENT, "Version", &version);
	if (r != 0)
		return r;
	printf("onboardd %s\n", plain_text(version, plain, sizeof(plain)));
	return 0;
}
