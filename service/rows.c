/* SPDX-License-Identifier: Apache-2.0 */
#include "service/rows.h"

#include <csv.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 4096 /* the library's buffer grows by this much */
#define PIECE 16384
#define FIELD_MAX 65536 /* give or take a piece */

struct parse {
	struct rows rows;
	struct row row; /* that is being read */
	size_t max, count, used, room;
	int error;
};

void rows_done(struct rows *rows)
{
	free(TAKE_PTR(rows->items));
	free(TAKE_PTR(rows->text));
	rows->n = rows->size = 0;
}

/* The library's callbacks cannot end it: after an error nothing is kept any more. */
static void on_field(void *data, size_t len, void *userdata)
{
	struct parse *p = userdata;
	char *place;

	if (p->error)
		return;
	if (memchr(data, '\0', len)) {
		p->error = ROWS_E_SYNTAX;
		return;
	}
	if (len >= p->room - p->used) {
		p->error = -EOVERFLOW;
		return;
	}
	place = p->rows.text + p->used;
	memcpy(place, data, len);
	place[len] = '\0';
	p->used += len + 1;
	if (p->row.n < ROWS_FIELDS_MAX)
		p->row.fields[p->row.n] = place;
	p->row.n++;
}

static int keep(struct parse *p)
{
	struct rows *rows = &p->rows;

	if (rows->n == p->max)
		return ROWS_E_MANY;
	if (rows->n == rows->size) {
		size_t size = rows->size ? rows->size * 2 : 16;
		struct row *items = reallocarray(rows->items, size, sizeof(*items));

		if (!items)
			return -ENOMEM;
		rows->items = items;
		rows->size = size;
	}
	rows->items[rows->n++] = p->row;
	return 0;
}

static void on_row(int end, void *userdata)
{
	struct parse *p = userdata;

	(void)end;
	if (p->error)
		return;
	p->row.number = ++p->count;
	p->error = keep(p);
	memset(&p->row, 0, sizeof(p->row));
}

static int run(struct csv_parser *parser, struct parse *p, const char *text, size_t len)
{
	size_t n;

	/* Piece by piece, so that nothing goes on for long after the first thing that is wrong. */
	for (; len > 0 && !p->error; text += n, len -= n) {
		n = MIN(len, (size_t)PIECE);
		if (csv_parse(parser, text, n, on_field, on_row, p) != n)
			return csv_error(parser) == CSV_ENOMEM ? -ENOMEM : ROWS_E_SYNTAX;
		if (parser->entry_pos > FIELD_MAX)
			return ROWS_E_SYNTAX;
	}
	if (!p->error && csv_fini(parser, on_field, on_row, p) != 0)
		return csv_error(parser) == CSV_ENOMEM ? -ENOMEM : ROWS_E_SYNTAX;
	return p->error;
}

int rows_parse(const char *text, size_t len, size_t max, struct rows *ret, char **ret_detail)
{
	struct parse p = {.max = max};
	struct csv_parser parser;
	int r;

	*ret_detail = NULL;
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		len -= 3;
	}
	/* A field is no longer than what it was written as, and has a comma or a line end behind it
	 * where it gets its NUL; the last one may not. */
	p.room = len + 2;
	p.rows.text = malloc(p.room);
	if (!p.rows.text)
		return -ENOMEM;
	if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI) != 0) {
		rows_done(&p.rows);
		return -ENOMEM;
	}
	csv_set_blk_size(&parser, BLOCK);
	r = run(&parser, &p, text, len);
	csv_free(&parser);
	if (r == ROWS_E_SYNTAX &&
	    asprintf(ret_detail,
		     "row %zu: not comma-separated values: a field with quotes, commas or line "
		     "ends in it stands in quotes, its quotes are doubled, and it is not endless",
		     p.count + 1) < 0)
		*ret_detail = NULL;
	if (r != 0) {
		rows_done(&p.rows);
		return r;
	}
	*ret = p.rows;
	return 0;
}
