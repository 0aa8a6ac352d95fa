/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cursor.h"
#include "discovery/srv.h"
#include "tests/unit/proto/mutate.h"

struct row {
	uint16_t priority, weight, port;
	const char *target;
};

static void put_name(struct writer *w, const char *name)
{
	while (*name) {
		size_t len = strcspn(name, ".");

		writer_u8(w, (uint8_t)len);
		writer_bytes(w, name, len);
		name += len + (name[len] == '.');
	}
	writer_u8(w, 0);
}

/* A response with these records, each with the name of the question (RFC 1035 §4.1.4). */
static size_t make(const struct row *rows, size_t n, uint8_t *buf, size_t size)
{
	struct writer w;

	writer_init(&w, buf, size);
	writer_be16(&w, 7);
	writer_be16(&w, 0x8180);
	writer_be16(&w, 1);
	writer_be16(&w, (uint16_t)n);
	writer_be32(&w, 0);
	put_name(&w, "_onboardd-prov._udp.site.example");
	writer_be16(&w, 33);
	writer_be16(&w, 1);
	for (size_t i = 0; i < n; i++) {
		size_t at;

		writer_be16(&w, 0xc00c);
		writer_be16(&w, 33);
		writer_be16(&w, 1);
		writer_be32(&w, 60);
		at = w.len;
		writer_be16(&w, 0);
		writer_be16(&w, rows[i].priority);
		writer_be16(&w, rows[i].weight);
		writer_be16(&w, rows[i].port);
		put_name(&w, rows[i].target);
		buf[at + 1] = (uint8_t)(w.len - at - 2);
	}
	assert_true(writer_ok(&w));
	return w.len;
}

static int parse(const struct row *rows, size_t n, uint32_t random, struct srv *ret)
{
	uint8_t buf[1024];
	size_t len = make(rows, n, buf, sizeof(buf));

	return srv_parse(buf, len, "site.example", random, ret);
}

static void a_record_names_host_and_port(void **state)
{
	static const struct row row = {0, 0, 5684, "prov.site.example"};
	struct srv srv;

	(void)state;
	assert_int_equal(parse(&row, 1, 0, &srv), 0);
	assert_string_equal(srv.host, "prov.site.example");
	assert_int_equal(srv.port, 5684);
}

static void names_outside_of_the_domain_and_refusals_are_none(void **state)
{
	static const struct row rows[] = {{0, 0, 5684, "prov.evil.example"},
					  {0, 0, 5684, "site.example.evil"},
					  {0, 0, 0, "prov.site.example"},
					  {0, 0, 5684, "a b.site.example"},
					  {0, 0, 5684, ""}};
	struct srv srv;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(parse(&rows[i], 1, 0, &srv), SRV_E_NONE);
	assert_int_equal(parse(rows, ARRAY_SIZE(rows), 0, &srv), SRV_E_NONE);
	assert_int_equal(parse(NULL, 0, 0, &srv), SRV_E_NONE);
}

static void the_lowest_priority_goes_first(void **state)
{
	static const struct row rows[] = {{20, 900, 1, "a.site.example"},
					  {10, 0, 2, "b.site.example"},
					  {5, 0, 3, "evil.example"},
					  {30, 900, 4, "c.site.example"}};
	struct srv srv;

	(void)state;
	for (uint32_t random = 0; random < 2000; random += 17) {
		assert_int_equal(parse(rows, ARRAY_SIZE(rows), random, &srv), 0);
		assert_int_equal(srv.port, 2);
	}
}

static void weights_share_out_the_devices(void **state)
{
	static const struct row rows[] = {{1, 2, 1, "a.site.example"}, {1, 0, 2, "b.site.example"}};
	unsigned int n[3] = {0};
	struct srv srv;

	(void)state;
	for (uint32_t random = 0; random < 400; random++) {
		assert_int_equal(parse(rows, ARRAY_SIZE(rows), random, &srv), 0);
		n[srv.port]++;
	}
	assert_int_equal(n[1], 300);
	assert_int_equal(n[2], 100);
}

static void try_it(const uint8_t *data, size_t len)
{
	struct srv srv;

	if (srv_parse(data, len, "site.example", 1, &srv) == 0)
		assert_true(srv.port > 0 && hostname_is_in(srv.host, "site.example"));
}

static void damaged_answers_name_nobody_outside(void **state)
{
	static const struct row rows[] = {{1, 2, 5684, "a.site.example"},
					  {1, 0, 5685, "b.site.example"}};
	uint8_t buf[512];
	size_t len = make(rows, ARRAY_SIZE(rows), buf, sizeof(buf));

	(void)state;
	mutate_truncate(buf, len, try_it);
	mutate_corrupt(buf, len, try_it);
	mutate_append(buf, len, try_it);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_names_host_and_port),
		cmocka_unit_test(names_outside_of_the_domain_and_refusals_are_none),
		cmocka_unit_test(the_lowest_priority_goes_first),
		cmocka_unit_test(weights_share_out_the_devices),
		cmocka_unit_test(damaged_answers_name_nobody_outside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
