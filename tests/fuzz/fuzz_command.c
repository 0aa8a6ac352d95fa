/* Targets: command_list_decode(), command_list_encode(). */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "proto/command.h"
#include "tests/fuzz/fuzz.h"

static int same(const struct command *a, const struct command *b)
{
	if (strcmp(a->correlation, b->correlation) != 0 || a->type != b->type ||
	    a->n_ignore_cme != b->n_ignore_cme || a->n_pairs != b->n_pairs)
		return 0;
	if (a->type == COMMAND_AT &&
	    (strcmp(a->verb, b->verb) != 0 || strcmp(a->parameters, b->parameters) != 0))
		return 0;
	for (size_t i = 0; i < a->n_pairs; i++) {
		if (strcmp(a->pairs[i].key, b->pairs[i].key) != 0 ||
		    strcmp(a->pairs[i].value, b->pairs[i].value) != 0)
			return 0;
	}
	return memcmp(a->ignore_cme, b->ignore_cme, a->n_ignore_cme * sizeof(*a->ignore_cme)) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_(command_list_done) struct command_list list = COMMAND_LIST_INIT,
							 again = COMMAND_LIST_INIT;
	static uint8_t body[BODY_MAX];
	size_t body_len, n = 0;

	if (command_list_decode(data, len, COMMANDS_MAX, &list) != 0)
		return 0;
	FUZZ_ASSERT(list.n > 0 && list.n <= COMMANDS_MAX);
	for (size_t i = 0; i < list.n; i++) {
		FUZZ_ASSERT(list.items[i].correlation[0] != '\0');
		FUZZ_ASSERT((list.items[i].type == COMMAND_INVALID) == !!list.items[i].problem);
		n += !list.items[i].problem;
	}
	if (n < list.n) /* a body with an invalid command is never written */
		return 0;
	FUZZ_ASSERT(command_list_encode(list.items, n, body, sizeof(body), &body_len) == 0);
	FUZZ_ASSERT(body_len <= len); /* ours is the shortest form */
	FUZZ_ASSERT(command_list_decode(body, body_len, n, &again) == 0 && again.n == n);
	for (size_t i = 0; i < n; i++)
		FUZZ_ASSERT(same(&list.items[i], &again.items[i]));
	return 0;
}
