/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The one table of every key of onboardd.conf(5): how its text is read, what it is held to, what it
 * is when nobody sets it. The loader, the tests and the check of the man page go by it. */

#include <stddef.h>
#include <stdint.h>

#include "agent/config.h"

enum config_kind {
	CONFIG_KIND_BOOL,
	CONFIG_KIND_U8,
	CONFIG_KIND_U16,
	CONFIG_KIND_U32,
	CONFIG_KIND_UINT,
	CONFIG_KIND_SIZE,
	CONFIG_KIND_DURATION_MS, /* into uint64_t */
	CONFIG_KIND_DURATION_S,  /* into unsigned int, whole seconds */
	CONFIG_KIND_NAME,        /* [A-Za-z0-9_-]+ of at most max characters */
	CONFIG_KIND_HOST,        /* DNS name */
	CONFIG_KIND_ADDRESS,     /* literal IPv4 or IPv6 address */
	CONFIG_KIND_UUID,        /* kept in lower case */
	CONFIG_KIND_PATH,        /* absolute */
	CONFIG_KIND_LEVEL,       /* of the log */
	CONFIG_KIND_PAIRING,     /* just-works, passkey or passkey-on-label */
	CONFIG_KIND_TRANSPORT,   /* auto, coap or https */
	CONFIG_KIND_PROXY,       /* http://HOST:PORT */
	CONFIG_KIND_DAMAGED,     /* refuse or start-anew */
	CONFIG_KIND_TOKEN_URI,   /* pkcs11:, RFC 7512 */
	CONFIG_KIND_COMMAND,     /* a program by its absolute path, and words for it */
	CONFIG_KIND_HTTP_URL,    /* http:// and a host */
	CONFIG_KIND_WORDS,       /* separated by blanks; the only kind that a file may repeat */
};

/* How a value of a kind is kept. */
enum config_form {
	CONFIG_FORM_BOOL,
	CONFIG_FORM_NUMBER,
	CONFIG_FORM_DURATION,
	CONFIG_FORM_TEXT,    /* char *; NULL: unset */
	CONFIG_FORM_COMMAND, /* char **, ended by NULL; NULL: unset */
	CONFIG_FORM_WORDS,   /* the same */
};

struct config_key {
	const char *section, *name;
	enum config_kind kind;
	size_t offset;        /* in struct config */
	const char *fallback; /* text of the default; NULL = unset, and "key =" unsets it again */
	uint64_t min, max;
};

extern const struct config_key config_keys[];
extern const size_t config_n_keys;

enum config_form config_form_of(enum config_kind kind);

/* NULL when there is none. */
const struct config_key *config_key_find(const char *section, const char *name);

/* Reads text into its place, replacing what was there (words: appending when append is set). On
 * -EINVAL *ret_allowed is an owned text that says what would be allowed. -ENOMEM. */
int config_key_set(struct config *c, const struct config_key *key, const char *text, bool append,
		   char **ret_allowed) _must_check_;
void config_key_clear(struct config *c, const struct config_key *key);
/* Of the forms number and duration, that in milliseconds. */
uint64_t config_key_number(const struct config *c, const struct config_key *key);

/* Sets the owned text that goes with -EINVAL, and evaluates to that. -ENOMEM. */
int config_refuse(char **ret_allowed, const char *format, ...) _printf_(2, 3);
