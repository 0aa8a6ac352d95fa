/* Targets: saved_decode(), saved_encode(), saved_store(), saved_peek(), saved_take(). */
/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "session/saved.h"
#include "tests/fuzz/fuzz.h"

/* A memfd from the descriptor store, as somebody may have left it there. */
static void take_foreign(const uint8_t *data, size_t len)
{
	_cleanup_(closep) int fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	_cleanup_(secret_done) struct secret context = SECRET_INIT;
	struct saved_info info, taken;

	FUZZ_ASSERT(fd >= 0 && file_write_all(fd, data, len) == 0);
	FUZZ_ASSERT(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0);
	FUZZ_ASSERT(saved_peek(fd, &info) == 0);
	FUZZ_ASSERT(saved_take(fd, info.boot_id, info.binding, &taken, &context) == 0);
	FUZZ_ASSERT(context.len == len - SAVED_HEADER_LEN);
	FUZZ_ASSERT(memcmp(context.data, data + SAVED_HEADER_LEN, context.len) == 0);
	FUZZ_ASSERT(memcmp(&info, &taken, sizeof(info)) == 0);
	/* Once. */
	FUZZ_ASSERT(saved_peek(fd, &info) == SAVED_E_UNUSABLE);
	FUZZ_ASSERT(saved_take(fd, info.boot_id, info.binding, &taken, &context) ==
		    SAVED_E_UNUSABLE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t header[SAVED_HEADER_LEN];
	struct saved_info info;
	size_t context_len;

	if (saved_decode(data, len, &info, &context_len) != 0)
		return 0;
	FUZZ_ASSERT(context_len > 0 && context_len <= SAVED_CONTEXT_MAX);
	FUZZ_ASSERT(len == SAVED_HEADER_LEN + context_len);
	FUZZ_ASSERT(memchr(info.suite, '\0', sizeof(info.suite)));
	FUZZ_ASSERT(saved_label_is_good(info.label));
	saved_encode(&info, context_len, header);
	FUZZ_ASSERT(memcmp(header, data, sizeof(header)) == 0);
	take_foreign(data, len);
	return 0;
}
