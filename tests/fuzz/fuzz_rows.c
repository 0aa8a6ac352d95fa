/* Targets: rows_parse(). */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "service/rows.h"
#include "tests/fuzz/fuzz.h"

#define ROWS 64

static char *write_rows(const struct rows *rows, size_t *ret_len)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, ret_len);

	FUZZ_ASSERT(f);
	for (size_t i = 0; i < rows->n; i++) {
		for (size_t k = 0; k < rows->items[i].n; k++) {
			fputs(k > 0 ? ",\"" : "\"", f);
			for (const char *c = rows->items[i].fields[k]; *c; c++)
				fprintf(f, *c == '"' ? "\"\"" : "%c", *c);
			fputc('"', f);
		}
		fputs("\r\n", f);
	}
	FUZZ_ASSERT(fclose(f) == 0);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_(rows_done) struct rows rows = {.n = 0}, again = {.n = 0};
	_cleanup_(freep) char *text = NULL, *detail = NULL, *copy = malloc(len + 1);
	size_t text_len;
	int r;

	FUZZ_ASSERT(copy);
	memcpy(copy, data, len);
	r = rows_parse(copy, len, ROWS, &rows, &detail);
	FUZZ_ASSERT(r == 0 || r == ROWS_E_SYNTAX || r == ROWS_E_MANY);
	FUZZ_ASSERT((r == ROWS_E_SYNTAX) == (detail != NULL));
	if (r != 0)
		return 0;
	FUZZ_ASSERT(rows.n <= ROWS);
	for (size_t i = 0; i < rows.n; i++)
		if (rows.items[i].n > ROWS_FIELDS_MAX)
			return 0; /* not all of it was kept */
	text = write_rows(&rows, &text_len);
	FUZZ_ASSERT(rows_parse(text, text_len, ROWS, &again, &detail) == 0 && again.n == rows.n);
	for (size_t i = 0; i < rows.n; i++) {
		FUZZ_ASSERT(again.items[i].n == rows.items[i].n);
		for (size_t k = 0; k < rows.items[i].n; k++)
			FUZZ_ASSERT(strcmp(again.items[i].fields[k], rows.items[i].fields[k]) == 0);
	}
	return 0;
}
