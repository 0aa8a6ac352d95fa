/* SPDX-License-Identifier: Apache-2.0 */
#include "discovery/links.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool value_matches(const char *value, const char *wanted, size_t len)
{
	/* The value may stand in quotes. */
	if (len >= 2 && wanted[0] == '"' && wanted[len - 1] == '"') {
		wanted++;
		len -= 2;
	}
	/* A query may hold any byte, NUL too. */
	if (len > 0 && wanted[len - 1] == '*')
		return len - 1 <= strlen(value) && memcmp(value, wanted, len - 1) == 0;
	return len == strlen(value) && memcmp(value, wanted, len) == 0;
}

bool link_matches(const struct link *link, const char *query, size_t len)
{
	if (len >= 3 && memcmp(query, "rt=", 3) == 0)
		return value_matches(link->type, query + 3, len - 3);
	if (len >= 5 && memcmp(query, "href=", 5) == 0)
		return value_matches(link->target, query + 5, len - 5);
	return false;
}

int link_append(const struct link *link, char *text, size_t size, size_t *len)
{
	int n = snprintf(text + *len, size - *len, "%s<%s>;rt=\"%s\"", *len > 0 ? "," : "",
			 link->target, link->type);

	if (n < 0 || (size_t)n >= size - *len) {
		text[*len] = '\0';
		return -ENOBUFS;
	}
	*len += (size_t)n;
	return 0;
}
