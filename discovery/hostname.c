/* SPDX-License-Identifier: Apache-2.0 */
#include "discovery/hostname.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define LABEL_MAX 63

static bool is_label(const char *text, size_t len)
{
	if (len == 0 || len > LABEL_MAX || text[0] == '-')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isascii(text[i]) ||
		    (!isalnum((unsigned char)text[i]) && text[i] != '-' && text[i] != '_'))
			return false;
	return true;
}

bool hostname_read(const char *text, char ret[static HOSTNAME_MAX + 1])
{
	size_t len = strlen(text), at = 0;

	if (len > 0 && text[len - 1] == '.')
		len--;
	if (len == 0 || len > HOSTNAME_MAX)
		return false;
	while (at <= len) {
		size_t n = strcspn(text + at, ".");

		n = MIN(n, len - at);
		if (!is_label(text + at, n))
			return false;
		at += n + 1;
	}
	memcpy(ret, text, len);
	ret[len] = '\0';
	return true;
}

bool hostname_is_in(const char *host, const char *domain)
{
	size_t len = strlen(host), n = strlen(domain);

	if (n > 0 && domain[n - 1] == '.')
		n--;
	if (n == 0 || len < n || strncasecmp(host + len - n, domain, n) != 0)
		return false;
	return len == n || host[len - n - 1] == '.';
}
