/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/cli/verbs.h"
#include "base/exitcode.h"
#include "base/file.h"
#include "cloud/claim.h"

#define FILE_MAX 8192
#define TAGS_MAX 64

struct arguments {
	const char *server, *api_key_file, *ca, *token, *token_file; /* borrowed from argv */
	const char *tags[TAGS_MAX + 1];
	size_t n_tags;
	uint64_t timeout_ms;
};

/* The text without the blanks and line ends around it, and with a NUL behind. */
static char *trim(struct secret *s)
{
	char *text = (char *)s->data;
	size_t len = text ? strlen(text) : 0;

	while (len > 0 && isspace((unsigned char)text[len - 1]))
		text[--len] = '\0';
	return text + (text ? strspn(text, " \t\r\n") : 0);
}

static int read_file(const char *path, struct secret *ret)
{
	_cleanup_(secret_done) struct secret raw = SECRET_INIT;
	int r;

	r = file_read(path, FILE_MAX, &raw);
	if (r == 0) {
		const char *text = trim(&raw);

		r = secret_set(ret, text, strlen(text));
	}
	if (r == 0)
		return 0;
	fprintf(stderr, "onboardctl: %s: %s\n", path,
		r == -EINVAL  ? "not a regular file"
		: r == -EFBIG ? "too large for what it should hold"
			      : strerror(-r));
	return EXIT_CODE_FAILED;
}

static int read_key(const char *path, struct secret *ret)
{
	struct stat st;

	if (stat(path, &st) == 0 && (st.st_mode & (S_IRWXG | S_IRWXO)))
		fprintf(stderr,
			"onboardctl: warning: %s is open to other users; better: chmod 600\n",
			path);
	return read_file(path, ret);
}

static int read_stdin(struct secret *ret)
{
	_cleanup_(secret_done) struct secret raw = SECRET_INIT;
	size_t len;
	const char *text;
	int r;

	r = secret_alloc(&raw, FILE_MAX);
	if (r < 0) {
		fprintf(stderr, "onboardctl: %s\n", strerror(-r));
		return EXIT_CODE_FAILED;
	}
	len = fread(raw.data, 1, FILE_MAX, stdin);
	if (ferror(stdin) || len == FILE_MAX) {
		fprintf(stderr, "onboardctl: no claim token could be read from standard input\n");
		return EXIT_CODE_FAILED;
	}
	text = trim(&raw);
	r = secret_set(ret, text, strlen(text));
	if (r < 0) {
		fprintf(stderr, "onboardctl: %s\n", strerror(-r));
		return EXIT_CODE_FAILED;
	}
	return 0;
}

static int read_token(const struct arguments *a, struct secret *ret)
{
	int r;

	if (a->token_file)
		return read_file(a->token_file, ret);
	if (strcmp(a->token, "-") == 0)
		return read_stdin(ret);
	r = secret_set(ret, a->token, strlen(a->token));
	if (r < 0)
		fprintf(stderr, "onboardctl: %s\n", strerror(-r));
	return r < 0 ? EXIT_CODE_FAILED : 0;
}

static int claim(const struct arguments *a)
{
	_cleanup_(secret_done) struct secret key = SECRET_INIT, token = SECRET_INIT;
	_cleanup_(freep) char *text = NULL;
	struct claim_request request = {.server = a->server,
					.api_key = &key,
					.ca_file = a->ca,
					.tags = a->tags,
					.timeout_ms = (unsigned int)a->timeout_ms};
	int r;

	r = read_key(a->api_key_file, &key);
	if (r != 0)
		return r;
	r = read_token(a, &token);
	if (r != 0)
		return r;
	request.token = (const char *)token.data;
	r = claim_device(&request, &text);
	if (r == 0) {
		printf("claimed %s\n", text);
		return 0;
	}
	fprintf(stderr, "onboardctl: %s\n", r < 0 ? strerror(-r) : text);
	if (r == CLAIM_E_TRANSPORT)
		return EXIT_CODE_NETWORK;
	if (r == CLAIM_E_TIMEOUT)
		return EXIT_CODE_TIMEOUT;
	return r == CLAIM_E_INVALID ? EXIT_CODE_USAGE : EXIT_CODE_FAILED;
}

static int take_option(struct arguments *a, int option)
{
	switch (option) {
	case 's':
		a->server = optarg;
		return 0;
	case 'k':
		a->api_key_file = optarg;
		return 0;
	case 'c':
		a->ca = optarg;
		return 0;
	case 'f':
		a->token_file = optarg;
		return 0;
	case 'g':
		if (a->n_tags == TAGS_MAX)
			return usage_error("claim", "at most %d tags", TAGS_MAX);
		a->tags[a->n_tags++] = optarg;
		return 0;
	case 't':
		if (timeout_of("claim", optarg, &a->timeout_ms) != 0)
			return EXIT_CODE_USAGE;
		a->timeout_ms = MIN(a->timeout_ms, (uint64_t)INT_MAX);
		return 0;
	}
	return usage_error("claim", "unknown flag, or its value is missing");
}

int verb_claim(int argc, char **argv)
{
	static const struct option options[] = {{"server", required_argument, NULL, 's'},
						{"api-key-file", required_argument, NULL, 'k'},
						{"ca", required_argument, NULL, 'c'},
						{"tag", required_argument, NULL, 'g'},
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
	if (!a.server || !a.api_key_file)
		return usage_error("claim", "--server and --api-key-file are needed");
	if (!a.token == !a.token_file)
		return usage_error("claim", "name one token: TOKEN, - or --token-file FILE");
	return claim(&a);
}
