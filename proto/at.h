/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The grammar of AT parameters (3GPP TS 27.007 style) for the few verbs a device runs:
 * comma-separated unsigned numbers and quoted strings, and the modem's answer texts.
 * docs/protocol.md §4.3. A quoted string may hold newlines and has no escapes: it ends at the quote
 * before a comma or the end. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "proto/limits.h"

#define AT_FIELDS_MAX 8

enum at_kind {
	AT_ABSENT, /* nothing between two commas */
	AT_NUMBER,
	AT_STRING,
};

struct at_field {
	enum at_kind kind;
	uint32_t number;
	const char *text; /* view into the parameters, without quotes */
	size_t len;
};

struct at_fields {
	struct at_field items[AT_FIELDS_MAX];
	size_t n; /* 0 for empty parameters */
};

enum { AT_E_SYNTAX = 1 };

/* Signs, foreign characters, numbers above 2^32 - 1 and more than AT_FIELDS_MAX fields are
 * AT_E_SYNTAX. */
int at_parse(const char *parameters, struct at_fields *ret) _must_check_;

/* Error numbers a modem answers with. */
enum at_cme {
	AT_CME_INCORRECT_PARAMETERS = 50,
	AT_CME_DISABLED = 51,
	AT_CME_NOT_FOUND = 513,
	AT_CME_NO_ACCESS = 514,
	AT_CME_MEMORY_FULL = 515,
	AT_CME_ACTIVE = 518,
	AT_CME_EXISTS = 519,
	AT_CME_KEYGEN_FAILED = 523,
	AT_CME_JWT = 525,
};

/* "+CME ERROR: <n>\r\n" */
int at_format_cme(enum at_cme cme, char *ret, size_t size) _must_check_;
/* "%KEYGEN: \"<text>\"\r\nOK\r\n" for a verb with one quoted value. -ENOBUFS. */
int at_format_value(const char *verb, const char *text, char *ret, size_t size) _must_check_;
