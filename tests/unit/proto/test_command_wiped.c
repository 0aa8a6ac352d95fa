/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <malloc.h>

#include "proto/command.h"

/* What a private key written by %CMNG would be. */
static char secret[] = "0,7,2,\"not for the next owner of this memory\"";
static unsigned int n_seen;

void __real_free(void *p);
void __wrap_free(void *p);

void __wrap_free(void *p)
{
	size_t size = p ? malloc_usable_size(p) : 0;

	if (size >= sizeof(secret) && memmem(p, size, secret, sizeof(secret) - 1))
		n_seen++;
	__real_free(p);
}

static void decode(bool is_sound, struct command_list *ret)
{
	static char verb[] = "%CMNG";
	const struct command c = {
		.correlation = "a", .type = COMMAND_AT, .verb = verb, .parameters = secret};
	uint8_t body[256];
	size_t body_len;

	assert_int_equal(command_list_encode(&c, 1, body, sizeof(body), &body_len), 0);
	/* The list of ignored errors is the last byte; spoiled, the command is none. */
	if (!is_sound)
		body[body_len - 1] = 0x00;
	assert_int_equal(command_list_decode(body, body_len, 1, ret), 0);
}

static void parameters_are_wiped_before_they_are_freed(void **state)
{
	struct command_list list;

	(void)state;
	n_seen = 0;
	decode(true, &list);
	assert_string_equal(list.items[0].parameters, secret);
	command_list_done(&list);
	assert_int_equal(n_seen, 0);
}

static void parameters_of_a_malformed_command_are_wiped_too(void **state)
{
	struct command_list list;

	(void)state;
	n_seen = 0;
	decode(false, &list);
	assert_int_equal(list.items[0].type, COMMAND_INVALID);
	command_list_done(&list);
	assert_int_equal(n_seen, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parameters_are_wiped_before_they_are_freed),
		cmocka_unit_test(parameters_of_a_malformed_command_are_wiped_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
