/* Targets: response_list_decode(), response_list_encode(), response_size(), response_at_ok(). */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "proto/response.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_(response_list_done) struct response_list list = RESPONSE_LIST_INIT,
							   again = RESPONSE_LIST_INIT;
	static uint8_t body[BODY_MAX];
	size_t body_len, n, sum = 1;

	if (response_list_decode(data, len, &list) != 0)
		return 0;
	FUZZ_ASSERT(list.n > 0 && list.n <= COMMANDS_MAX);
	FUZZ_ASSERT(response_list_encode(list.items, list.n, body, sizeof(body), &body_len, &n) ==
		    0);
	FUZZ_ASSERT(n == list.n && body_len <= len);
	FUZZ_ASSERT(response_list_decode(body, body_len, &again) == 0 && again.n == n);
	for (size_t i = 0; i < n; i++) {
		const struct response *a = &list.items[i], *b = &again.items[i];

		sum += response_size(a);
		FUZZ_ASSERT(strcmp(a->correlation, b->correlation) == 0 && a->code == b->code);
		FUZZ_ASSERT(a->cme_error == b->cme_error && !a->message == !b->message);
		FUZZ_ASSERT(!a->message || strcmp(a->message, b->message) == 0);
		FUZZ_ASSERT(!a->message ||
			    response_at_ok(a->message) == response_at_ok(b->message));
	}
	FUZZ_ASSERT(sum == body_len);
	return 0;
}
