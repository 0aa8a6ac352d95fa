/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Claiming a device as its owner, for the verbs that do: where, with which key, under which tags.
 * As verbs.h says. */

#include <getopt.h>

#include "base/macros.h"
#include "base/secret.h"
#include "base/text.h"

#define CLAIMING_TAGS_MAX 64

struct claiming {
	const char *server, *api_key_file, *ca; /* borrowed from argv, as the next */
	const char *tags[CLAIMING_TAGS_MAX + 1];
	size_t n_tags;
	uint64_t timeout_ms; /* 0: claim.h's */
};

/* For getopt_long(), whose value claiming_take() is given. */
#define CLAIMING_OPTIONS                                                                           \
	{"server", required_argument, NULL, 'S'}, {"api-key-file", required_argument, NULL, 'K'},  \
		{"ca", required_argument, NULL, 'C'},                                              \
	{                                                                                          \
		"tag", required_argument, NULL, 'G'                                                \
	}

/* 0, a usage error of verb, or -1: the option is none of these. */
int claiming_take(struct claiming *c, const char *verb, int option) _must_check_;
/* The file without the blanks around what it holds: an exit code. */
int claiming_read_file(const char *path, struct secret *ret) _must_check_;
int claiming_read_stdin(struct secret *ret) _must_check_;
/* Claims it: an exit code. *ret_device (owned) is its id. */
int claiming_run(const struct claiming *c, const char *token, char **ret_device) _must_check_;

/* Whether it is a claim token of the device with this UUID; its signature is the service's to
 * judge. */
bool claiming_is_token_of(const char *text, size_t len, const char *uuid);
