/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a keyring is made of: modules, the tokens found in them, PINs that were refused. Shared by
 * keyring.c, token_module.c and token.c; all but refs and detail belong to who holds `lock`. */

#include <p11-kit/p11-kit.h>
#include <pthread.h>
#include <stdbool.h>

#include "credstore/key.h"

#define REFUSED_MAX 16

/* A PKCS#11 module, loaded for as long as the keyring lives. */
struct token_module {
	struct token_module *next;
	char *path; /* owned; NULL: one of those that p11-kit registered */
	CK_FUNCTION_LIST *p11;
	bool is_initialized;
	bool is_fresh; /* started by the attempt under way */
};

/* A token that was found once; kept so that a key can point at it. */
struct token {
	struct token *next;
	struct token_module *module;
	CK_TOKEN_INFO info; /* of when it was last found */
	CK_SLOT_ID slot;
	CK_SESSION_HANDLE session;
	bool has_session;
};

struct keyring {
	unsigned int refs;       /* atomic */
	char *module, *pin_file; /* owned; NULL: the default */

	pthread_mutex_t lock;
	struct token_module *modules;
	struct token *tokens;
	bool has_registered; /* p11-kit's are among modules */

	/* Salted digests of token and PIN. */
	uint8_t salt[32], refused[REFUSED_MAX][32];
	size_t n_refused;

	pthread_mutex_t detail_lock;
	char detail[256];
};

/* --- keyring.c */

/* The user PIN as the file has it, less one line end. uri_file overrides the keyring's.
 * KEY_E_PIN_MISSING, -ENOMEM. */
int keyring_read_pin(const struct keyring *r, const char *uri_file,
		     struct secret *ret) _must_check_;
/* Whether this token has refused this PIN before, or so many others that none is risked any more.
 */
bool keyring_is_refused(const struct keyring *r, const CK_TOKEN_INFO *info,
			const struct secret *pin);
void keyring_refuse(struct keyring *r, const CK_TOKEN_INFO *info, const struct secret *pin);
void keyring_set_detail(struct keyring *r, const char *format, ...) _printf_(2, 3);

/* --- token_module.c */

/* Loads the module of the path, or p11-kit's registered ones for NULL, unless they are loaded.
 * KEY_E_TOKEN_ABSENT, -ENOMEM. */
int token_module_load(struct keyring *r, const char *path) _must_check_;
/* Whether the module is among those that the path means. */
bool token_module_is_meant(const struct token_module *m, const char *path);
/* KEY_E_TOKEN_ABSENT: a module whose hardware is missing does not initialise. */
int token_module_start(struct keyring *r, struct token_module *m) _must_check_;
/* Ends it, with every session of its tokens: the next start connects to the hardware anew. */
void token_module_stop(struct keyring *r, struct token_module *m);
void token_module_free_all(struct keyring *r);
