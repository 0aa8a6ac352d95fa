/* SPDX-License-Identifier: Apache-2.0 */
#include "service/portal_assets.h"

#include <string.h>

#define INDEX "index.html"

const struct portal_asset *portal_asset_find(const struct portal_asset *table, size_t len,
					     const char *path)
{
	if (!*path)
		path = INDEX;
	for (size_t i = 0; i < len; i++)
		if (strcmp(table[i].path, path) == 0)
			return &table[i];
	return NULL;
}

bool portal_etag_matches(const char *if_none_match, const char *etag)
{
	size_t len = strlen(etag);

	for (const char *p = if_none_match; *p;) {
		p += strspn(p, " \t,");
		if (*p == '*')
			return true;
		if (strncmp(p, "W/", 2) == 0)
			p += 2;
		if (strncmp(p, etag, len) == 0 && (!p[len] || strchr(" \t,", p[len])))
			return true;
		/* A tag is in quotes, and may have a comma in it. */
		if (*p == '"')
			p += 1 + strcspn(p + 1, "\"");
		p += strcspn(p, ",");
	}
	return false;
}
