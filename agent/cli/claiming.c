/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cli/claiming.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "agent/cli/ask.h"
#include "agent/cli/verbs.h"
#include "base/exitcode.h"
#include "cloud/claim.h"
#include "proto/attest.h"

#define FILE_MAX 8192

/* The text without the blanks and line ends around it, and with a NUL behind. */
static char *trim(struct secret *s)
{
	char *text = (char *)s->data;
	size_t len = text ? strlen(text) : 0;

	while (len > 0 && isspace((unsigned char)text[len - 1]))
		text[--len] = '\0';
	return text + (text ? strspn(text, " \t\r\n") : 0);
}

static int read_trimmed(const char *path, bool is_private, struct secret *ret)
{
	_cleanup_(secret_done) struct secret raw = SECRET_INIT;
	const char *text;
	int r;

	r = ask_file(path, FILE_MAX, is_private, &raw);
	if (r != 0)
		return r;
	text = trim(&raw);
	r = secret_set(ret, text, strlen(text));
	if (r == 0)
		return 0;
	fprintf(stderr, "onboardctl: %s: %s\n", path, strerror(-r));
	return EXIT_CODE_FAILED;
}

int claiming_read_file(const char *path, struct secret *ret)
{
	return read_trimmed(path, false, ret);
}

int claiming_read_stdin(struct secret *ret)
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

int claiming_take(struct claiming *c, const char *verb, int option)
{
	switch (option) {
	case 'S':
		c->server = optarg;
		return 0;
	case 'K':
		c->api_key_file = optarg;
		return 0;
	case 'C':
		c->ca = optarg;
		return 0;
	case 'G':
		if (c->n_tags == CLAIMING_TAGS_MAX)
			return usage_error(verb, "at most %d tags", CLAIMING_TAGS_MAX);
		c->tags[c->n_tags++] = optarg;
		return 0;
	}
	return -1;
}

int claiming_run(const struct claiming *c, const char *token, char **ret_device)
{
	_cleanup_(secret_done) struct secret key = SECRET_INIT;
	_cleanup_(freep) char *text = NULL;
	struct claim_request request = {.server = c->server,
					.api_key = &key,
					.ca_file = c->ca,
					.token = token,
					.tags = c->tags,
					.timeout_ms = (unsigned int)c->timeout_ms};
	int r;

	r = read_trimmed(c->api_key_file, true, &key);
	if (r != 0)
		return r;
	r = claim_device(&request, &text);
	if (r == 0) {
		*ret_device = TAKE_PTR(text);
		return 0;
	}
	fprintf(stderr, "onboardctl: %s\n", r < 0 ? strerror(-r) : text);
	if (r == CLAIM_E_TRANSPORT)
		return EXIT_CODE_NETWORK;
	if (r == CLAIM_E_TIMEOUT)
		return EXIT_CODE_TIMEOUT;
	return r == CLAIM_E_INVALID ? EXIT_CODE_USAGE : EXIT_CODE_FAILED;
}

bool claiming_is_token_of(const char *text, size_t len, const char *uuid)
{
	_cleanup_(freep) struct attest *a = malloc(sizeof(*a));
	char of[UUID_TEXT_LEN + 1];

	if (!a || attest_parse(text, len, a) != 0)
		return false;
	uuid_format(a->uuid, of);
	return strcasecmp(of, uuid) == 0;
}
