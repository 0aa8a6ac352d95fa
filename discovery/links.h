/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Links of a constrained server (RFC 6690): written, and chosen by the query of a request for
 * /.well-known/core. Pure. */

#include <stdbool.h>
#include <stddef.h>

#include "base/macros.h"

struct link {
	const char *target; /* absolute path, of characters that need no escapes */
	const char *type;   /* its `rt`, one word */
};

/* RFC 6690 §4.1: "rt=VALUE" or "href=VALUE", a '*' at the end of which stands for anything. Another
 * attribute is one that no link has. */
bool link_matches(const struct link *link, const char *query, size_t len);
/* Appends link to the *len characters in text, behind a comma unless it is the first. -ENOBUFS when
 * size is too small; text is as before then. */
int link_append(const struct link *link, char *text, size_t size, size_t *len) _must_check_;
