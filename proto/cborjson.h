/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* JSON values as CBOR (RFC 8949 §6) and back: shadows are CBOR or JSON on the wire, JSON in memory.
 * Integers, doubles, text, true, false, null, arrays, maps with text keys; nothing else. */

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

#define CBORJSON_DEPTH_MAX 16

enum { CBORJSON_E_SYNTAX = 1 };

/* Definite lengths only, no duplicate keys, no bytes after the value, at most CBORJSON_DEPTH_MAX
 * deep. Integers outside int64, byte strings, tags and NUL in text are CBORJSON_E_SYNTAX. *ret is a
 * new reference. -ENOMEM. */
int cborjson_decode(const uint8_t *data, size_t len, json_t **ret) _must_check_;
/* -ENOBUFS, -EINVAL, -ENOMEM. */
int cborjson_encode(const json_t *value, uint8_t *ret, size_t size, size_t *ret_len) _must_check_;
