/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "service/portal_assets.h"

static const struct portal_asset table[] = {
	{"app.js", "text/javascript; charset=utf-8", "\"1\"", (const unsigned char *)"x", 1},
	{"index.html", "text/html; charset=utf-8", "\"2\"", (const unsigned char *)"y", 1},
	{"lib/dom.js", "text/javascript; charset=utf-8", "\"3\"", (const unsigned char *)"z", 1},
};

static void exact_paths_are_found(void **state)
{
	(void)state;
	assert_ptr_equal(portal_asset_find(table, ARRAY_SIZE(table), "app.js"), &table[0]);
	assert_ptr_equal(portal_asset_find(table, ARRAY_SIZE(table), "lib/dom.js"), &table[2]);
	assert_ptr_equal(portal_asset_find(table, ARRAY_SIZE(table), ""), &table[1]);
	assert_null(portal_asset_find(table, 0, ""));
}

static void nothing_else_is(void **state)
{
	static const char *const paths[] = {
		"app.jsx",   "app.j",         "App.js",        "/app.js",
		"./app.js",  "lib/../app.js", "../etc/passwd", "%61pp.js",
		"lib/",      "lib",           "lib//dom.js",   "app.js/",
		"app.js%00", "index.html ",   "lib\\dom.js",   ".",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		assert_null(portal_asset_find(table, ARRAY_SIZE(table), paths[i]));
}

static void etags_are_compared_as_a_list(void **state)
{
	static const char *const yes[] = {
		"\"a\"", "W/\"a\"", "\"b\", \"a\"",  "\"b\",W/\"a\" ",
		"*",     " \"a\"",  "\"x,y\",\"a\"", "\"b\" , \"a\",\"c\""};
	static const char *const no[] = {"",          "a",  "\"b\"",   "\"aa\"", "\"a",
					 "\"x,\"a\"", "\"", "w/\"a\"", ",,,",    "\"a\"x"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
		if (!portal_etag_matches(yes[i], "\"a\""))
			fail_msg("%s", yes[i]);
	for (size_t i = 0; i < ARRAY_SIZE(no); i++)
		if (portal_etag_matches(no[i], "\"a\""))
			fail_msg("%s", no[i]);
}

/* What was embedded is what lies in the source tree. */
static void embedded_files_are_whole(void **state)
{
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < portal_embedded_len; i++) {
		const struct portal_asset *a = &portal_embedded[i];
		_cleanup_(secret_done) struct secret file = SECRET_INIT;
		_cleanup_(freep) char *path = NULL;

		assert_non_null(strchr(a->type, '/'));
		assert_int_equal(strlen(a->etag), 34);
		assert_ptr_equal(portal_asset_find(portal_embedded, portal_embedded_len, a->path),
				 a);
		assert_true(asprintf(&path, "%s/service/portal/web/%s",
				     getenv("ONBOARD_SOURCE_DIR"), a->path) > 0);
		if (file_read(path, 1 << 22, &file) < 0)
			continue; /* of another folder */
		n++;
		assert_int_equal(a->len, file.len);
		assert_memory_equal(a->data, file.data, file.len);
	}
	assert_true(n > 0);
	assert_non_null(portal_asset_find(portal_embedded, portal_embedded_len, ""));
	assert_null(portal_embedded[portal_embedded_len].path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exact_paths_are_found),
		cmocka_unit_test(nothing_else_is),
		cmocka_unit_test(etags_are_compared_as_a_list),
		cmocka_unit_test(embedded_files_are_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
