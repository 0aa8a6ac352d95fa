/* Targets: mask_line(). */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "agent/cli/mask.h"
#include "tests/fuzz/fuzz.h"

/* What must not come through, wherever it stands in a line. */
static const char *const secrets[] = {
	"Qm9i4bGlrZXMgc2VjcmV0cyBhbmQgdG9rZW5zLCBhcyBkbyBJ", /* a key or token */
	"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
	" passphrase = correct horse battery",
	" \"pin\": \"739156\"",
	" passkey 739156 ",
	" psk=correct horse battery",
};
/* The same without what may stay. */
static const char *const cores[] = {
	"c2VjcmV0cyBhbmQgdG9rZW5z",
	"884c7d659a2feaa0c55ad015",
	"horse battery",
	"739156",
	"739156",
	"horse battery",
};

/* data: which secret, what stands before it, 0xff, what stands behind. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_(freep) char *line = NULL, *once = NULL, *twice = NULL, *before = NULL,
			      *alone = NULL;
	const uint8_t *split;
	size_t i;

	if (len < 1)
		return 0;
	i = data[0] % (sizeof(secrets) / sizeof(secrets[0]));
	split = memchr(data + 1, 0xff, len - 1);
	before = strndup((const char *)data + 1, split ? (size_t)(split - data - 1) : len - 1);
	FUZZ_ASSERT(asprintf(&line, "%s%s%.*s", before, secrets[i],
			     split ? (int)(data + len - split - 1) : 0,
			     split ? (const char *)split + 1 : "") >= 0);
	if (memmem(data + 1, len - 1, cores[i], strlen(cores[i])))
		return 0;
	FUZZ_ASSERT(mask_line(line, &once) == 0);
	FUZZ_ASSERT(!strstr(once, cores[i]));
	FUZZ_ASSERT(mask_line(once, &twice) == 0);
	FUZZ_ASSERT(!strstr(twice, cores[i]));
	FUZZ_ASSERT(mask_line(before, &alone) == 0);
	return 0;
}
