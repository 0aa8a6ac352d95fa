/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Work in a PKCS#11 token: the one that a URI names is found, a session opened and logged in, and
 * what the module answers becomes KEY_E_*. Inside credstore/ only. Everything here may take seconds
 * and holds the keyring's lock. */

#include <p11-kit/p11-kit.h>

#include "credstore/key.h"
#include "credstore/token_uri.h"

/* An open session, for the time of one token_fn. */
struct token_session {
	struct keyring *ring;
	CK_FUNCTION_LIST *p11;
	CK_SESSION_HANDLE handle;
	CK_TOKEN_INFO info;
	CK_RV rv; /* what the module answered last that was not CKR_OK */
};

/* 0, -errno or KEY_E_*. May run twice: a second time when a session or the token was lost. */
typedef int (*token_fn)(struct token_session *s, void *userdata);

/* Runs fn in the token that uri names. Its result, or why there is no session. When the module says
 * that the session or the token is lost, everything is opened anew and fn runs once more. */
int token_use(struct keyring *ring, const struct token_uri *uri, token_fn fn,
	      void *userdata) _must_check_;

/* The result for what the module's function answered; 0 for CKR_OK. */
int token_check(struct token_session *s, const char *function, CK_RV rv) _must_check_;
/* A refusal of our own: the text for keyring_detail() begins with the token's label; evaluates to
 * r. */
int token_refuse(struct token_session *s, int r, const char *what);

/* --- objects */

/* Handles of at most max objects; more than that are not looked at. */
int token_find(struct token_session *s, CK_ATTRIBUTE *template, CK_ULONG n, CK_OBJECT_HANDLE *ret,
	       size_t max, size_t *ret_n) _must_check_;
/* The one object: KEY_E_NOT_FOUND and KEY_E_AMBIGUOUS with these words. */
int token_find_one(struct token_session *s, CK_ATTRIBUTE *template, CK_ULONG n, const char *none,
		   const char *several, CK_OBJECT_HANDLE *ret) _must_check_;
/* One attribute. *ret_len is 0 when the object has none, does not tell it, or has a longer one. */
int token_attribute(struct token_session *s, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
		    void *ret, size_t size, size_t *ret_len) _must_check_;
int token_object_name(struct token_session *s, CK_OBJECT_HANDLE object,
		      struct token_name *ret) _must_check_;
/* The one private EC key that uri names. KEY_E_NOT_FOUND, KEY_E_AMBIGUOUS. */
int token_find_private(struct token_session *s, const struct token_uri *uri,
		       CK_OBJECT_HANDLE *ret) _must_check_;
/* SubjectPublicKeyInfo of a private P-256 key, from its public half or from itself.
 * KEY_E_NOT_FOUND, KEY_E_TOKEN for another curve or a point that is not on it. */
int token_public_key(struct token_session *s, CK_OBJECT_HANDLE private,
		     uint8_t ret[static KEY_SPKI_LEN]) _must_check_;
/* As above, of the object itself. */
int token_object_public_key(struct token_session *s, CK_OBJECT_HANDLE object,
			    uint8_t ret[static KEY_SPKI_LEN]) _must_check_;
/* The public halves: same label and same id. At least one of them is not empty. */
int token_find_public(struct token_session *s, const struct token_name *name, CK_OBJECT_HANDLE *ret,
		      size_t max, size_t *ret_n) _must_check_;
int token_destroy(struct token_session *s, CK_OBJECT_HANDLE object) _must_check_;
