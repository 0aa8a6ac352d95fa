/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Owners as a target's bytes make them ask: whole requests through what owner_front judges, reads
 * and answers, with no socket and no HTTP library behind it. */

#include "service/owner_front_private.h"
#include "tests/fuzz/service.h"

#define OWNERS_TEXT_MAX 65536

struct owner_request {
	enum service_owner owner;
	const char *method;
	char *path, *query; /* query: what follows '?', or NULL */
	const char *type;   /* media type, or NULL */
	const char *body;
	size_t len;
};

struct owner_reply {
	unsigned int status; /* 0: none came */
	json_t *json;        /* owned */
	char *text;          /* owned; of answers that are not JSON */
	bool is_known;       /* there is such a path and method */
};

void owners_begin(struct service *s);
/* Replaces "$" and a letter by what no mutation finds: $D, $U, $O, $X the UUIDs of our device, an
 * unclaimed one, theirs, an unknown one; $T, $S the claim tokens of the unclaimed one and of
 * theirs; $K a public key; $Y, $Z their team and ours; $B, $C and $N the last list, id and
 * pageNextToken that an answer told. ret has room for OWNERS_TEXT_MAX. */
size_t owners_expand(const char *text, size_t len, char *ret);
/* Takes "OWNER TYPE METHOD PATH[?QUERY]\nBODY" apart, OWNER and TYPE being a character each,
 * without the blanks between the first three. False when it is none. text is changed, and has a NUL
 * behind its end. */
bool owners_parse(char *text, size_t len, struct owner_request *ret);
void owners_ask(const struct owner_request *request, struct owner_reply *ret);
/* A documented status, and problem details for every refusal. */
void owner_reply_check(const struct owner_reply *r);
void owner_reply_done(struct owner_reply *r);
