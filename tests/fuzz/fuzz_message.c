/* Targets: message_decode(), message_encode(), message_peek(). */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "session/message.h"
#include "tests/fuzz/fuzz.h"

/* What is a message can be written again, to the same bytes: CoAP has one form of each. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t out[65536];
	enum message_type type;
	struct message m, again;
	size_t out_len;
	uint16_t mid;
	uint32_t v;

	if (len > sizeof(out))
		return 0;
	if (message_peek(data, len, &type, &mid))
		FUZZ_ASSERT(len >= 4 && data[0] >> 6 == 1 && mid == (data[2] << 8 | data[3]));
	if (message_decode(data, len, &m) != 0)
		return 0;
	FUZZ_ASSERT(message_peek(data, len, &type, &mid) && type == m.type && mid == m.mid);
	message_init(&again, m.type, m.code, m.mid, m.token, m.token_len);
	for (size_t i = 0; i < m.n_options; i++) {
		FUZZ_ASSERT(m.options[i].value >= data &&
			    m.options[i].value + m.options[i].len <= data + len);
		message_add(&again, m.options[i].number, m.options[i].value, m.options[i].len);
		FUZZ_ASSERT((message_uint(&m.options[i], &v) == 0) == (m.options[i].len <= 4));
	}
	again.payload = m.payload;
	again.payload_len = m.payload_len;
	FUZZ_ASSERT(message_encode(&again, out, sizeof(out), &out_len) == 0);
	FUZZ_ASSERT(out_len == len && memcmp(out, data, len) == 0);
	return 0;
}
