/* SPDX-License-Identifier: Apache-2.0 */
#include "service/store/pgvalue.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "base/text.h"

/* Types of parameters and columns (pg_type.dat). */
#define OID_BOOL 16
#define OID_BYTEA 17
#define OID_INT8 20
#define OID_INT4 23
#define OID_TEXT 25

static Oid type_oid(enum db_type type)
{
	switch (type) {
	case DB_INT:
		return OID_INT8;
	case DB_TEXT:
		return OID_TEXT;
	case DB_BYTES:
		return OID_BYTEA;
	case DB_NULL:
		break;
	}
	return 0;
}

void pgvalues_done(struct pgvalues *a)
{
	for (size_t i = 0; i < a->n; i++)
		free(a->owned[i]);
}

static int text_clean(const char *text, size_t len, char **ret)
{
	size_t n, i = 0;

	*ret = NULL;
	while (i < len && (n = utf8_char(text + i, len - i, &(uint32_t){0})) > 0)
		i += n;
	if (i == len)
		return 0;
	*ret = strndup(text, len);
	if (!*ret)
		return -ENOMEM;
	for (i = 0; i < len; i += n ? n : 1) {
		n = utf8_char(text + i, len - i, &(uint32_t){0});
		if (n == 0)
			(*ret)[i] = '?';
	}
	return 0;
}

int pgvalues_make(const struct db_value *values, size_t n, struct pgvalues *a)
{
	int r;

	for (a->n = 0; a->n < n; a->n++) {
		const struct db_value *v = &values[a->n];
		size_t i = a->n;

		a->owned[i] = NULL;
		a->types[i] = type_oid(v->type);
		a->formats[i] = 1;
		a->data[i] = v->data;
		a->len[i] = (int)v->len;
		if (v->type == DB_INT) {
			a->numbers[i] = htobe64((uint64_t)v->number);
			a->data[i] = (const char *)&a->numbers[i];
			a->len[i] = sizeof(a->numbers[i]);
		} else if (v->type == DB_TEXT && v->data) {
			r = text_clean(v->data, v->len, &a->owned[i]);
			if (r < 0)
				return r;
			if (a->owned[i])
				a->data[i] = a->owned[i];
		}
	}
	return 0;
}

void pgvalue_read(const PGresult *result, int row, int column, struct db_value *ret)
{
	const char *data;
	uint64_t wide;
	uint32_t narrow;

	*ret = (struct db_value){DB_NULL, 0, NULL, 0};
	if (row < 0 || column >= PQnfields(result) || PQgetisnull(result, row, column))
		return;
	data = PQgetvalue(result, row, column);
	switch (PQftype(result, column)) {
	case OID_INT8:
		memcpy(&wide, data, sizeof(wide));
		ret->type = DB_INT;
		ret->number = (int64_t)be64toh(wide);
		return;
	case OID_INT4:
		memcpy(&narrow, data, sizeof(narrow));
		ret->type = DB_INT;
		ret->number = (int32_t)be32toh(narrow);
		return;
	case OID_BOOL:
		ret->type = DB_INT;
		ret->number = data[0] != 0;
		return;
	case OID_TEXT:
		ret->type = DB_TEXT;
		break;
	case OID_BYTEA:
		ret->type = DB_BYTES;
		break;
	default:
		return;
	}
	ret->data = data;
	ret->len = (size_t)PQgetlength(result, row, column);
}
