/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* PKCS#11 URIs (RFC 7512) as p11-kit reads and writes them, less what a device cannot use: a PIN in
 * the text, a PIN from a command, a module by name. Inside credstore/ only. */

#include <p11-kit/p11-kit.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

struct token_uri;

/* What is known of an object: empty fields (len 0) are absent. */
struct token_name {
	uint8_t label[256], id[256];
	size_t label_len, id_len;
};

/* -EINVAL for what is malformed, unknown, or names something else than a private key, its token or
 * module; -ENOMEM. */
int token_uri_parse(const char *text, struct token_uri **ret) _must_check_;
struct token_uri *token_uri_free(struct token_uri *u);
DEFINE_CLEANUP(struct token_uri *, token_uri_free);

/* Borrowed; NULL when the URI does not say. */
const char *token_uri_module(const struct token_uri *u);
const char *token_uri_pin_file(const struct token_uri *u);

bool token_uri_matches_module(const struct token_uri *u, const CK_INFO *info);
bool token_uri_matches_slot(const struct token_uri *u, CK_SLOT_ID slot, const CK_SLOT_INFO *info);
bool token_uri_matches_token(const struct token_uri *u, const CK_TOKEN_INFO *info);
/* Of what the URI says of an object, all is so. */
bool token_uri_matches_object(const struct token_uri *u, const struct token_name *name);

/* What the URI says of an object, borrowed; NULL when it says nothing. */
const CK_ATTRIBUTE *token_uri_label(const struct token_uri *u);
const CK_ATTRIBUTE *token_uri_id(const struct token_uri *u);

/* The URI of an object in the token: the token's label and serial number, the object's name, and
 * what home says of module and PIN. *ret is owned. -ENOMEM. */
int token_uri_format(const struct token_uri *home, const CK_TOKEN_INFO *token,
		     const struct token_name *name, char **ret) _must_check_;
