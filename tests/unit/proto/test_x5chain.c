/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/x5chain.h"
#include "tests/unit/proto/mutate.h"

static int split_of(const char *hex, struct x5chain *ret)
{
	size_t len;
	uint8_t *data = mutate_unhex(hex, &len);
	int r = x5chain_split(data, len, ret);

	free(data);
	return r;
}

static void certificates_are_cut_where_they_end(void **state)
{
	struct x5chain c;

	(void)state;
	assert_int_equal(split_of("3000", &c), 0);
	assert_int_equal(c.n, 1);
	assert_int_equal(c.lens[0], 2);
	assert_int_equal(split_of("3002050030030201053000", &c), 0);
	assert_int_equal(c.n, 3);
	assert_int_equal(c.lens[0], 4);
	assert_int_equal(c.lens[1], 5);
	assert_int_equal(c.lens[2], 2);
	assert_int_equal(x5chain_size(&c), 11);
	assert_memory_equal(c.der + 4, "\x30\x03\x02\x01\x05", 5);
}

static void what_is_not_der_is_refused(void **state)
{
	static const char *const bad[] = {
		"",           "30",         "3001",         "3100",   "0000",
		"3080",       "30800000",   "308100",       "30817f", "30820000",
		"308200ff",   "3083000001", "308400000001", "30ff",   "300005",
		"3002050030",
	};
	struct x5chain c;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (split_of(bad[i], &c) != X5CHAIN_E_SYNTAX)
			fail_msg("row %zu", i);
}

/* A SEQUENCE of len bytes, its own head of four among them. */
static size_t sequence(uint8_t *ret, size_t len)
{
	ret[0] = 0x30;
	ret[1] = 0x82;
	ret[2] = (uint8_t)((len - 4) >> 8);
	ret[3] = (uint8_t)(len - 4);
	memset(ret + 4, 5, len - 4);
	return len;
}

static void certificates_and_bytes_are_counted(void **state)
{
	static uint8_t data[2 * X5CHAIN_MAX];
	struct x5chain c = {.n = 0};
	size_t len;

	(void)state;
	assert_int_equal(split_of("3000300030003000", &c), 0);
	assert_int_equal(c.n, X5CHAIN_CERTS_MAX);
	assert_int_equal(split_of("30003000300030003000", &c), X5CHAIN_E_TOO_MANY);
	assert_int_equal(x5chain_split(data, sequence(data, X5CHAIN_MAX), &c), 0);
	assert_int_equal(x5chain_size(&c), X5CHAIN_MAX);
	assert_int_equal(x5chain_split(data, sequence(data, X5CHAIN_MAX + 1), &c),
			 X5CHAIN_E_TOO_LONG);
	len = sequence(data, 3000);
	len += sequence(data + len, X5CHAIN_MAX - 3000);
	assert_int_equal(x5chain_split(data, len, &c), 0);
	assert_int_equal(c.n, 2);
	len = sequence(data, 3000);
	len += sequence(data + len, X5CHAIN_MAX - 3000 + 1);
	assert_int_equal(x5chain_split(data, len, &c), X5CHAIN_E_TOO_LONG);
	c = (struct x5chain){.n = 0};
	assert_int_equal(x5chain_add(&c, data, 0), X5CHAIN_E_SYNTAX);
}

static void try_split(const uint8_t *data, size_t len)
{
	struct x5chain c;

	if (x5chain_split(data, len, &c) != 0)
		return;
	assert_int_equal(x5chain_size(&c), len);
	assert_memory_equal(c.der, data, len);
}

static void every_damage_is_refused_or_keeps_every_byte(void **state)
{
	uint8_t data[700];
	size_t len = sequence(data, 300);

	(void)state;
	len += sequence(data + len, 290);
	data[len++] = 0x30;
	data[len++] = 0;
	mutate_truncate(data, len, try_split);
	mutate_append(data, len, try_split);
	mutate_corrupt(data, len, try_split);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(certificates_are_cut_where_they_end),
		cmocka_unit_test(what_is_not_der_is_refused),
		cmocka_unit_test(certificates_and_bytes_are_counted),
		cmocka_unit_test(every_damage_is_refused_or_keeps_every_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
