/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The body of a 2.05 answer to p/cmd: CBOR commands, service to device (docs/protocol.md §4.1).
 *
 *   body    = array of 1..N command
 *   command = [correlation: tstr, type: uint, items of the type ...]      (flattened)
 *
 * Decoding is lenient per command and strict about the body: a body that is not one definite CBOR
 * array of arrays is refused whole; a single command of unknown type, wrong arity or broken limit
 * decodes as COMMAND_INVALID and keeps its correlation id, so that it can be answered with
 * error 99. */

#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "proto/limits.h"

enum command_type {
	COMMAND_AT = 0,
	COMMAND_CONFIG = 1,
	COMMAND_FINISHED = 2,
	COMMAND_INVALID = -1, /* not on the wire */
};

struct config_pair {
	char *key, *value; /* owned, NUL-terminated, no NUL inside */
};

struct command {
	char correlation[CORRELATION_MAX + 1];
	enum command_type type;

	/* COMMAND_AT; owned */
	char *verb;       /* with its '%' */
	char *parameters; /* quotes and newlines as on the wire */
	uint16_t ignore_cme[IGNORE_CME_MAX];
	size_t n_ignore_cme;

	/* COMMAND_CONFIG */
	struct config_pair pairs[CONFIG_PAIRS_MAX];
	size_t n_pairs;

	/* COMMAND_INVALID: what is wrong, a static string for the answer's text */
	const char *problem;
};

struct command_list {
	struct command *items; /* owned */
	size_t n;
};

#define COMMAND_LIST_INIT                                                                          \
	(struct command_list)                                                                      \
	{                                                                                          \
		NULL, 0                                                                            \
	}

/* Documented refusals of command_list_decode(). */
enum {
	COMMAND_E_SYNTAX = 1,   /* not a definite CBOR array of arrays, or bytes after it */
	COMMAND_E_EMPTY = 2,    /* an array of nothing */
	COMMAND_E_TOO_MANY = 3, /* more than max_commands */
	COMMAND_E_ID = 4, /* a command whose correlation id is missing, empty or too long: it cannot
			     be answered */
};

/* ret is written only on success and owned by the caller. -ENOMEM, or COMMAND_E_*. */
int command_list_decode(const uint8_t *body, size_t len, size_t max_commands,
			struct command_list *ret) _must_check_;

/* Canonical definite-length CBOR. *ret_len on success. -EINVAL a field breaks its limit (or
 * COMMAND_INVALID), -ENOBUFS when size is too small, -ENOMEM. */
int command_list_encode(const struct command *items, size_t n, uint8_t *ret, size_t size,
			size_t *ret_len) _must_check_;

void command_done(struct command *c);
void command_list_done(struct command_list *l);
