/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "agent/cli/claiming.h"
#include "agent/cli/verbs.h"
#include "base/exitcode.h"

struct arguments {
	struct claiming claiming;
	const char *token, *token_file; /* borrowed from argv */
};

static int read_token(const struct arguments *a, struct secret *ret)
{
	int r;

	if (a->token_file)
		return claiming_read_file(a->token_file, ret);
	if (strcmp(a->token, "-") == 0)
		return claiming_read_stdin(ret);
	r = secret_set(ret, a->token, strlen(a->token));
	if (r < 0)
		fprintf(stderr, "onboardctl: %s\n", strerror(-r));
	return r < 0 ? EXIT_CODE_FAILED : 0;
}

static int claim(const struct arguments *a)
{
	_cleanup_(secret_done) struct secret token = SECRET_INIT;
	_cleanup_(freep) char *device = NULL;
	int r;

	r = read_token(a, &token);
	if (r == 0)
		r = claiming_run(&a->claiming, (const char *)token.data, &device);
	if (r == 0)
		printf("claimed %s\n", device);
	return r;
}

static int take_option(struct arguments *a, int option)
{
	uint64_t *timeout_ms = &a->claiming.timeout_ms;
	int r;

	switch (option) {
	case 'f':
		a->token_file = optarg;
		return 0;
	case 't':
		if (timeout_of("claim", optarg, timeout_ms) != 0)
			return EXIT_CODE_USAGE;
		*timeout_ms = MIN(*timeout_ms, (uint64_t)INT_MAX);
		return 0;
	}
	r = claiming_take(&a->claiming, "claim", option);
	return r >= 0 ? r : usage_error("claim", "unknown flag, or its value is missing");
}

int verb_claim(int argc, char **argv)
{
	static const struct option options[] = {CLAIMING_OPTIONS,
						{"token-file", required_argument, NULL, 'f'},
						{"timeout", required_argument, NULL, 't'},
						{NULL, 0, NULL, 0}};
	struct arguments a = {0};
	int o, r;

	while ((o = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		r = take_option(&a, o);
		if (r != 0)
			return r;
	}
	if (optind < argc)
		a.token = argv[optind++];
	if (optind < argc)
		return usage_error("claim", "'%s' is too much: one device at a time", argv[optind]);
	if (!a.claiming.server || !a.claiming.api_key_file)
		return usage_error("claim", "--server and --api-key-file are needed");
	if (!a.token == !a.token_file)
		return usage_error("claim", "name one token: TOKEN, - or --token-file FILE");
	return claim(&a);
}
