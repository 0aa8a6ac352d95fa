/* Targets: at_parse(), at_format_value(). */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/cursor.h"
#include "proto/at.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_(freep) char *text = strndup((const char *)data, len);
	static char again[AT_PARAMETERS_MAX + 1], answer[AT_PARAMETERS_MAX + 64];
	struct at_fields fields;
	struct writer w;

	if (at_parse(text, &fields) != 0)
		return 0;
	FUZZ_ASSERT(fields.n <= AT_FIELDS_MAX);
	writer_init(&w, again, sizeof(again));
	for (size_t i = 0; i < fields.n; i++) {
		const struct at_field *f = &fields.items[i];
		char number[16];

		if (i > 0)
			writer_u8(&w, ',');
		if (f->kind == AT_NUMBER) {
			snprintf(number, sizeof(number), "%u", f->number);
			writer_text(&w, number);
		} else if (f->kind == AT_STRING) {
			writer_u8(&w, '"');
			writer_bytes(&w, f->text, f->len);
			writer_u8(&w, '"');
		}
	}
	FUZZ_ASSERT(writer_ok(&w) && w.len == strlen(text) && memcmp(again, text, w.len) == 0);
	FUZZ_ASSERT(at_format_value("%CMNG", text, answer, sizeof(answer)) == 0);
	return 0;
}
