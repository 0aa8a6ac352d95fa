/* Targets: certificate_note(), certificate_describe(), certificate_faults(). */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/cursor.h"
#include "session/certificate.h"
#include "tests/fuzz/fuzz.h"

/* data: the flags of a verdict, and a server's certificate. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_(mbedtls_x509_crt_free) mbedtls_x509_crt crt;
	struct certificate_check check = {.seen = false};
	uint32_t flags, given;
	struct reader input;
	char text[96];
	size_t n;

	mbedtls_x509_crt_init(&crt);
	reader_init(&input, data, len);
	given = flags = reader_be32(&input) & 0xfffff;
	n = reader_left(&input);
	if (input.failed || mbedtls_x509_crt_parse_der(&crt, reader_bytes(&input, n), n) != 0)
		return 0;
	FUZZ_ASSERT(certificate_note(&check, &crt, 0, &flags) == 0);
	FUZZ_ASSERT(check.seen && flags == given && check.flags == given);
	FUZZ_ASSERT((certificate_faults(flags) == 0) == (flags == 0));
	for (size_t size = 1; size <= sizeof(text); size += 19) {
		certificate_describe(&check, flags, "device.example", text, size);
		n = strnlen(text, size);
		FUZZ_ASSERT(n < size && (n > 0 || size == 1));
		for (size_t i = 0; i < n; i++)
			FUZZ_ASSERT(text[i] >= 0x20 && text[i] < 0x7f);
	}
	return 0;
}
