/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "agent/cli/client.h"
#include "agent/cli/verbs.h"
#include "agent/plain.h"
#include "agent/qr.h"
#include "base/exitcode.h"
#include "proto/limits.h"

static int show_qr(const char *token)
{
	if (qr_show(stdout, token) != 0) {
		fprintf(stderr, "onboardctl: the QR code cannot be made\n");
		return EXIT_CODE_FAILED;
	}
	putchar('\n');
	return 0;
}

static int show(bool qr, bool raw)
{
	_cleanup_(client_freep) struct client *c = NULL;
	_cleanup_(freep) char *token = NULL, *claimed = NULL;
	char plain[CLAIM_TEXT_MAX + 1];
	int r;

	r = client_open(&c);
	if (r != 0)
		return r;
	r = client_call_text(c, CLIENT_AGENT, "ClaimToken", &token);
	if (r != 0)
		return r;
	r = client_get(c, CLIENT_AGENT, "Claimed", &claimed);
	if (r != 0)
		return r;
	r = qr ? show_qr(token) : 0;
	if (r != 0)
		return r;
	printf("%s\n", plain_text(token, plain, sizeof(plain)));
	if (!raw && strcmp(claimed, "yes") == 0)
		fprintf(stderr, "\nThis device has an owner already; a claim will be refused "
				"until it is unclaimed.\n");
	else if (!raw)
		fprintf(stderr, "\nPaste it where devices are claimed, or:\n"
				"  onboardctl claim --server URL --api-key-file FILE TOKEN\n");
	return 0;
}

int verb_token(int argc, char **argv)
{
	bool qr = false, raw = false;
	const struct option_place options[] = {
		{"qr", .flag = &qr},
		{"raw", .flag = &raw},
	};
	int r;

	r = verb_options("token", argc, argv, options, ARRAY_SIZE(options));
	if (r != 0)
		return r;
	if (qr && raw)
		return usage_error("token", "--qr or --raw, not both");
	return show(qr, raw);
}
