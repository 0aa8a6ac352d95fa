/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Text forms of bytes: base64url (RFC 4648 §5, no padding), base64 (§4), lower-case hex, UUIDs (RFC
 * 9562), strict decimal numbers, and UTF-8. Decoders refuse anything a canonical encoder would not
 * have written. */

#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

/* Characters (without NUL) that len bytes take. */
#define BASE64URL_LEN(len) (((len)*4 + 2) / 3)
#define BASE64_LEN(len) (((len) + 2) / 3 * 4)

/* ret has room for BASE64URL_LEN(len) + 1. */
void base64url_encode(const void *data, size_t len, char *ret);
/* ret has room for text_len * 3 / 4 bytes. -EINVAL: foreign character, padding, bad length,
 * non-zero spare bits. */
int base64url_decode(const char *text, size_t text_len, uint8_t *ret, size_t *ret_len) _must_check_;

/* The padded alphabet of RFC 4648 §4; ret has room for BASE64_LEN(len) + 1, and text_len * 3 / 4.
 */
void base64_encode(const void *data, size_t len, char *ret);
int base64_decode(const char *text, size_t text_len, uint8_t *ret, size_t *ret_len) _must_check_;

/* ret has room for 2 * len + 1. */
void hex_encode(const void *data, size_t len, char *ret);
/* Exactly 2 * len digits of either case. -EINVAL. */
int hex_decode(const char *text, size_t text_len, uint8_t *ret, size_t len) _must_check_;

#define UUID_LEN 16
#define UUID_TEXT_LEN 36

void uuid_format(const uint8_t uuid[static UUID_LEN], char ret[static UUID_TEXT_LEN + 1]);
/* 8-4-4-4-12 hex digits of either case, and nothing else. -EINVAL. */
int uuid_parse(const char *text, size_t text_len, uint8_t ret[static UUID_LEN]) _must_check_;

/* Decimal digits only, no sign, no leading zero but "0" itself. -EINVAL, -ERANGE above max. */
int decimal_parse(const char *text, size_t text_len, uint64_t max, uint64_t *ret) _must_check_;

/* Bytes of the well-formed UTF-8 character (RFC 3629) that text starts with, 0 when it starts with
 * none. */
size_t utf8_char(const void *text, size_t len, uint32_t *ret_point);
