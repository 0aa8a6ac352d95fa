/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a device that waits for an owner tells the LAN about itself: the strings of the TXT record
 * of its DNS-SD service (RFC 6763 §6), `uuid=`, `state=` and `version=`. Nothing in it is secret,
 * and nothing that is read from it is trusted: every value is held to its own alphabet. Pure. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "base/text.h"

#define RECORD_SERVICE "_onboardd._udp"
#define RECORD_N 3           /* strings that a device announces */
#define RECORD_STRING_MAX 64 /* bytes of the longest of them */
#define RECORD_WORD_MAX 31

struct record {
	char uuid[UUID_TEXT_LEN + 1];
	char state[RECORD_WORD_MAX + 1];   /* [a-z-]+ */
	char version[RECORD_WORD_MAX + 1]; /* [A-Za-z0-9.+~_-]+ */
	unsigned int seen;                 /* keys: the first of its name counts, RFC 6763 §6.4 */
};

/* -EINVAL when a value would not be taken by record_take(). */
int record_make(const char *uuid, const char *state, const char *version,
		struct record *ret) _must_check_;
/* String i < RECORD_N as "key=value". */
void record_string(const struct record *r, size_t i, char ret[static RECORD_STRING_MAX + 1]);

/* One string of somebody's record; r starts zeroed. What it does not know, and values that it does
 * not take, leave it as it was. */
void record_take(struct record *r, const void *string, size_t len);
/* It says which device it is of, and how that stands. */
bool record_is_complete(const struct record *r);
