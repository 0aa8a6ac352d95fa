/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/doctable.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"

#define END "<!-- end of table -->\n"

void doctable_check(const char *document, const char *maker, const char *table)
{
	_cleanup_(secret_done) struct secret doc = SECRET_INIT;
	const char *root = getenv("ONBOARD_SOURCE_DIR");
	char path[512], first_line[256];
	char *begin, *end;

	if (!root)
		skip();
	snprintf(path, sizeof(path), "%s/%s", root, document);
	snprintf(first_line, sizeof(first_line), "<!-- table: made by %s -->\n", maker);
	assert_int_equal(file_read(path, 1 << 20, &doc), 0);
	begin = strstr((char *)doc.data, first_line);
	assert_non_null(begin);
	begin += strlen(first_line);
	end = strstr(begin, END);
	assert_non_null(end);
	if (getenv("ONBOARD_UPDATE_DOCS")) {
		FILE *f = fopen(path, "w");

		assert_non_null(f);
		fprintf(f, "%.*s%s%s", (int)(begin - (char *)doc.data), (char *)doc.data, table,
			end);
		assert_int_equal(fclose(f), 0);
		return;
	}
	assert_int_equal((size_t)(end - begin), strlen(table));
	assert_memory_equal(begin, table, strlen(table));
}
