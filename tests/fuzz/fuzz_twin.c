/* Targets: twin_find(), twin_find_http(), twin_status(), twin_code(), twin_format(). */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "proto/twin.h"
#include "tests/fuzz/fuzz.h"

/* data: a method, a code, a format in two bytes, and a text. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_(freep) char *text = NULL;
	const struct twin *t, *http;
	const char *media;
	unsigned int status;

	if (len < 4)
		return 0;
	text = strndup((const char *)data + 4, len - 4);
	media = twin_media_type(data[2] << 8 | data[3]);
	FUZZ_ASSERT(!media || twin_format(media) == (data[2] << 8 | data[3]));
	FUZZ_ASSERT(twin_format(text) < 0 || twin_media_type(twin_format(text)));
	status = twin_status(data[1], data[0] & 1);
	FUZZ_ASSERT(status == 0 || (status >= 200 && status < 600));
	t = twin_find(data[0], text);
	http = twin_find_http("GET", text);
	FUZZ_ASSERT(!http || strcmp(http->http_path, text) == 0);
	if (!t)
		return 0;
	FUZZ_ASSERT(t->method == data[0] && strcmp(t->path, text) == 0);
	http = twin_find_http(t->http_method, t->http_path);
	FUZZ_ASSERT(http && strcmp(http->http_path, t->http_path) == 0);
	FUZZ_ASSERT(twin_login(t->is_cloud)->is_cloud == t->is_cloud);
	FUZZ_ASSERT(twin_code(t, status) >> 5 != 1 && twin_code(t, data[2] * 3U) >> 5 != 1);
	return 0;
}
