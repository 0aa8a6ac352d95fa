/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* JSON Web Tokens (RFC 7519) as compact JWS (RFC 7515) with ES256, the only algorithm;
 * docs/protocol.md §2.2 and §8.1. Pure: signing and verifying are the caller's, over the bytes that
 * jwt_build()'s callback or jwt_parse() name. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "proto/limits.h"

struct jwt_claims {
	const char *iss;  /* "<hw>.<uuid>", or NULL */
	const char *sub;  /* or NULL */
	const char *jti;  /* or NULL */
	int64_t iat, exp; /* seconds since 1970; both 0 = both absent */
};

/* Signs the JWS signing input (RFC 7515 §5.1) with ES256: raw r || s. 0 or -errno. */
typedef int (*jwt_sign_fn)(void *userdata, const uint8_t *data, size_t len, uint8_t ret[static 64]);

/* Writes at most size characters with NUL. Errors of sign are forwarded; -ENOBUFS, -ENOMEM,
 * -EINVAL. */
int jwt_build(const struct jwt_claims *claims, jwt_sign_fn sign, void *userdata, char *ret,
	      size_t size) _must_check_;

struct jwt {
	char iss[128], sub[128], jti[192]; /* empty when absent */
	bool has_iat, has_exp;
	int64_t iat, exp;
	const uint8_t *signed_data; /* view into the text: header "." payload */
	size_t signed_len;
	uint8_t signature[64];
};

enum {
	JWT_E_SYNTAX = 1, /* not three base64url parts of JSON objects, or a claim of the wrong type
			     or length */
	JWT_E_ALGORITHM = 2, /* alg is not exactly "ES256", or a crit header is present */
};

/* The text need not be NUL-terminated; longer than JWT_MAX is JWT_E_SYNTAX. Numeric dates must be
 * integers. Signature and times are NOT checked here. -ENOMEM or JWT_E_*. */
int jwt_parse(const char *text, size_t len, struct jwt *ret) _must_check_;

/* The UUID of iss "<hw>.<uuid>": what follows the first '.', which must be a UUID and nothing else.
 * -EINVAL. */
int jwt_iss_uuid(const char *iss, uint8_t ret[static 16]) _must_check_;

/* The trace id of the cycle that a token belongs to: the first 16 hex digits of what follows the
 * last '.' of its jti, lower-case. False and "" when that is not hex or shorter. */
#define JWT_TRACE_TEXT 17
bool jwt_trace(const char *jti, char ret[static JWT_TRACE_TEXT]);
