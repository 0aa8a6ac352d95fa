/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Comma-separated values (RFC 4180), as spreadsheets and people write them: fields in quotes with
 * commas, line ends and doubled quotes in them; CRLF, LF or CR; a byte order mark; blank lines.
 * Everything is bounded and nothing is guessed: what is broken is refused as a whole. */

#include <stddef.h>

#include "base/macros.h"

#define ROWS_FIELDS_MAX 8

struct row {
	size_t number; /* among the rows of the text, from 1 */
	size_t n;      /* fields; beyond ROWS_FIELDS_MAX they are counted only */
	const char *fields[ROWS_FIELDS_MAX]; /* NUL-terminated, without NUL in them */
};

struct rows {
	struct row *items; /* owned */
	size_t n, size;
	char *text; /* owned: all fields */
};

enum {
	ROWS_E_SYNTAX = 1, /* with *ret_detail */
	ROWS_E_MANY = 2,   /* more than max rows */
};

/* 0, ROWS_E_*, -ENOMEM. */
int rows_parse(const char *text, size_t len, size_t max, struct rows *ret,
	       char **ret_detail) _must_check_;
void rows_done(struct rows *rows);
