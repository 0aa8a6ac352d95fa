/* Targets: config_load(), config_show(), config_key_set(), config_exports_check(). */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/config.h"
#include "agent/config_show.h"
#include "base/file.h"
#include "tests/fuzz/fuzz.h"

#define LINE_MAX_LEN 198 /* of inih */

/* NULL when it is refused, which needs a reason. */
static struct config *load(const void *text, size_t len)
{
	_cleanup_(closep) int fd = memfd_create("fuzz", MFD_CLOEXEC);
	_cleanup_(freep) char *detail = NULL;
	struct config *c = NULL;
	char path[64];
	int r;

	FUZZ_ASSERT(fd >= 0 && file_write_all(fd, text, len) == 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	r = config_load(path, &c, &detail);
	FUZZ_ASSERT((r == 0) == (c != NULL));
	FUZZ_ASSERT(r == 0 || (detail && detail[0] == '/'));
	return c;
}

static char *show(const struct config *c, size_t *ret_len)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, ret_len);

	FUZZ_ASSERT(f);
	config_show(c, f);
	FUZZ_ASSERT(fclose(f) == 0);
	return text;
}

/* A value that fills its line leaves no room for the blanks that are shown around '='. */
static bool is_line_too_long(const char *text)
{
	for (; *text; text += strcspn(text, "\n"), text += *text == '\n')
		if (strcspn(text, "\n") > LINE_MAX_LEN)
			return true;
	return false;
}

/* What is shown is a configuration, and the same one. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_(config_freep) struct config *c = load(data, len), *again = NULL;
	_cleanup_(freep) char *once = NULL, *twice = NULL;
	size_t once_len, twice_len;

	if (!c)
		return 0;
	once = show(c, &once_len);
	again = load(once, once_len);
	/* Of an export not all is shown: two may differ by their files alone. */
	if (!again && (c->n_exports > 1 || is_line_too_long(once)))
		return 0;
	FUZZ_ASSERT(again);
	twice = show(again, &twice_len);
	FUZZ_ASSERT(once_len == twice_len && memcmp(once, twice, once_len) == 0);
	return 0;
}
