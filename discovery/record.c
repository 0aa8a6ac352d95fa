/* SPDX-License-Identifier: Apache-2.0 */
#include "discovery/record.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { KEY_UUID, KEY_STATE, KEY_VERSION };

static const char *const keys[RECORD_N] = {"uuid", "state", "version"};

static char *place_of(struct record *r, size_t key)
{
	return key == KEY_UUID ? r->uuid : key == KEY_STATE ? r->state : r->version;
}

static bool is_word(const char *text, size_t len, size_t key)
{
	if (len == 0 || len > RECORD_WORD_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (key == KEY_STATE ? !(c >= 'a' && c <= 'z') && c != '-'
				     : !isascii(c) || (!isalnum(c) && (!c || !strchr(".+~_-", c))))
			return false;
	}
	return true;
}

static bool take_value(struct record *r, size_t key, const char *text, size_t len)
{
	uint8_t uuid[UUID_LEN];
	char *place = place_of(r, key);

	if (key == KEY_UUID) {
		if (uuid_parse(text, len, uuid) < 0)
			return false;
		uuid_format(uuid, place);
		return true;
	}
	if (!is_word(text, len, key))
		return false;
	memcpy(place, text, len);
	place[len] = '\0';
	return true;
}

int record_make(const char *uuid, const char *state, const char *version, struct record *ret)
{
	struct record r = {.seen = 0};

	if (!take_value(&r, KEY_UUID, uuid, strlen(uuid)) ||
	    !take_value(&r, KEY_STATE, state, strlen(state)) ||
	    !take_value(&r, KEY_VERSION, version, strlen(version)))
		return -EINVAL;
	*ret = r;
	return 0;
}

void record_string(const struct record *r, size_t i, char ret[static RECORD_STRING_MAX + 1])
{
	snprintf(ret, RECORD_STRING_MAX + 1, "%s=%s", keys[i], place_of((struct record *)r, i));
}

void record_take(struct record *r, const void *string, size_t len)
{
	const char *text = string, *equals = len > 0 ? memchr(text, '=', len) : NULL;

	if (!equals)
		return;
	for (size_t i = 0; i < RECORD_N; i++) {
		size_t n = (size_t)(equals - text);

		if (n != strlen(keys[i]) || strncasecmp(text, keys[i], n) != 0 ||
		    (r->seen & 1U << i))
			continue;
		r->seen |= 1U << i;
		(void)take_value(r, i, equals + 1, len - n - 1);
	}
}

bool record_is_complete(const struct record *r)
{
	return r->uuid[0] && r->state[0];
}
