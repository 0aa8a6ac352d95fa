/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The files of the portal, embedded when the program is built (cmake/Embed.cmake). A path is looked
 * up in a table and in nothing else: it never meets a file system. */

#include <stdbool.h>
#include <stddef.h>

#include "base/macros.h"

struct portal_asset {
	const char *path; /* below /portal/ */
	const char *type; /* media type */
	const char *etag; /* with its quotes; of the content */
	const unsigned char *data;
	size_t len;
};

extern const struct portal_asset portal_embedded[];
extern const size_t portal_embedded_len;

/* path: what follows /portal/, as it was sent; "" is index.html. NULL: not in the table. */
const struct portal_asset *portal_asset_find(const struct portal_asset *table, size_t len,
					     const char *path);
/* Whether an If-None-Match header names the tag (RFC 9110 §13.1.2: weak comparison). */
bool portal_etag_matches(const char *if_none_match, const char *etag);
