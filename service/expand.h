/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Turns what an owner asks for ({"<type>": {fields}}) into the commands that a device understands
 * (docs/protocol.md §7.4), and refuses what no device could do. Pure. */

#include <jansson.h>

#include "base/macros.h"
#include "proto/command.h"

#define EXPAND_STEPS_MAX 2

struct expansion {
	struct command steps[EXPAND_STEPS_MAX]; /* a preparation "<id>.s" may come first; "<id>" is
						   the last */
	size_t n;
	json_t *shown; /* the request without its secrets: what may be stored and read back */
};

enum { EXPAND_E_REFUSED = 1 };

/* -ENOMEM, or EXPAND_E_REFUSED with *ret_detail, owned. ret is written only on success. */
int expand_request(const json_t *request, const char *id, struct expansion *ret,
		   char **ret_detail) _must_check_;
void expansion_done(struct expansion *e);

/* The only key of a request; NULL when it has not exactly one. */
const char *expand_name(const json_t *request);
/* The same of a request that was stored, without parsing all of it: NULL when it is not known. */
const char *expand_stored_name(const char *text);
