/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "wifi/ble/mgmtmsg.h"

#define INDEX 0x0102
#define INSTANCE 5

static struct advertdata example(void)
{
	static const struct advertisement a = {
		.name = "PV0A0B0C", .rssi_dbm = INT8_MIN, .is_fast = true};
	struct advertdata d;

	assert_int_equal(advertdata_encode(&a, &d), 0);
	return d;
}

static void commands_without_data_are_header_and_instance(void **state)
{
	static const uint8_t features[] = {0x3d, 0x00, 0x02, 0x01, 0x00, 0x00};
	static const uint8_t removal[] = {0x3f, 0x00, 0x02, 0x01, 0x01, 0x00, INSTANCE};
	uint8_t message[MGMTMSG_MAX];

	(void)state;
	assert_int_equal(mgmtmsg_read_features(INDEX, message), sizeof(features));
	assert_memory_equal(message, features, sizeof(features));
	assert_int_equal(mgmtmsg_remove(INDEX, INSTANCE, message), sizeof(removal));
	assert_memory_equal(message, removal, sizeof(removal));
}

static void the_parameters_carry_connectable_and_the_interval(void **state)
{
	static const uint8_t expected[] = {
		0x54,     0x00, 0x02, 0x01, 18,   0x00,
		INSTANCE, 0x01, 0x40, 0x00, 0x00, /* connectable, intervals */
		0x00,     0x00, 0x00, 0x00,       /* duration, timeout */
		0xa0,     0x00, 0x00, 0x00,       /* min */
		0xf0,     0x00, 0x00, 0x00, 127,  /* max, any power */
	};
	struct advertdata d = example();
	uint8_t message[MGMTMSG_MAX];

	(void)state;
	assert_int_equal(mgmtmsg_ext_params(INDEX, INSTANCE, &d, message), sizeof(expected));
	assert_memory_equal(message, expected, sizeof(expected));
}

static void the_data_follow_their_lengths(void **state)
{
	static const uint8_t header[] = {0x55, 0x00,     0x02, 0x01, 3 + 31 + 22,
					 0x00, INSTANCE, 31,   22};
	struct advertdata d = example();
	uint8_t message[MGMTMSG_MAX];

	(void)state;
	assert_int_equal(mgmtmsg_ext_data(INDEX, INSTANCE, &d, message), sizeof(header) + 31 + 22);
	assert_memory_equal(message, header, sizeof(header));
	assert_memory_equal(message + sizeof(header), d.ad, 31);
	assert_memory_equal(message + sizeof(header) + 31, d.scan_response, 22);
}

static void the_command_of_old_kernels_has_all_but_the_interval(void **state)
{
	static const uint8_t header[] = {0x3e, 0x00, 0x02, 0x01, 11 + 31 + 22, 0x00, INSTANCE,
					 0x01, 0x00, 0x00, 0x00, 0x00,         0x00, 0x00,
					 0x00, 31,   22};
	struct advertdata d = example();
	uint8_t message[MGMTMSG_MAX];

	(void)state;
	assert_int_equal(mgmtmsg_add(INDEX, INSTANCE, &d, message), sizeof(header) + 31 + 22);
	assert_memory_equal(message, header, sizeof(header));
	assert_memory_equal(message + sizeof(header), d.ad, 31);
}

struct row {
	uint8_t bytes[24];
	size_t len;
	struct mgmtmsg expected;
};

static const struct row rows[] = {
	/* READ_ADVERTISING_FEATURES done: five instances, two in use. */
	{{0x01, 0x00, 0x02, 0x01, 13, 0, 0x3d, 0x00, 0x00, 0x7f, 0, 0, 0, 31, 31, 5, 2, 1, 5},
	 0,
	 {.type = MGMTMSG_REPLY, .index = INDEX, .op = 0x3d, .instance = 5}},
	{{0x01, 0x00, 0x02, 0x01, 7, 0, 0x54, 0x00, 0x00, INSTANCE, 0x7f, 31, 31},
	 13,
	 {.type = MGMTMSG_REPLY, .index = INDEX, .op = 0x54, .instance = INSTANCE}},
	{{0x01, 0x00, 0x02, 0x01, 4, 0, 0x55, 0x00, 0x00, INSTANCE},
	 10,
	 {.type = MGMTMSG_REPLY, .index = INDEX, .op = 0x55, .instance = INSTANCE}},
	{{0x01, 0x00, 0x02, 0x01, 4, 0, 0x3f, 0x00, 0x00, INSTANCE},
	 10,
	 {.type = MGMTMSG_REPLY, .index = INDEX, .op = 0x3f, .instance = INSTANCE}},
	{{0x02, 0x00, 0x02, 0x01, 3, 0, 0x54, 0x00, 0x14},
	 9,
	 {.type = MGMTMSG_REPLY,
	  .index = INDEX,
	  .op = 0x54,
	  .status = MGMT_STATUS_PERMISSION_DENIED}},
	{{0x24, 0x00, 0x02, 0x01, 1, 0, INSTANCE},
	 7,
	 {.type = MGMTMSG_ADVERTISING_REMOVED, .index = INDEX, .instance = INSTANCE}},
	{{0x11, 0x00, 0x02, 0x01, 8, 0, 1, 2, 3, 4, 5, 6, 0x01, 0x05},
	 14,
	 {.type = MGMTMSG_AUTH_FAILED,
	  .index = INDEX,
	  .status = 0x05,
	  .address = {1, 2, 3, 4, 5, 6}}},
	{{0x0b, 0x00, 0x02, 0x01, 2, 0, 0xaa, 0xbb}, 8, {.type = MGMTMSG_OTHER, .index = INDEX}},
};

static size_t row_len(const struct row *row)
{
	return row->len ? row->len : 19;
}

static void assert_message(const struct mgmtmsg *a, const struct mgmtmsg *b)
{
	assert_int_equal(a->type, b->type);
	assert_int_equal(a->index, b->index);
	assert_int_equal(a->op, b->op);
	assert_int_equal(a->status, b->status);
	assert_int_equal(a->instance, b->instance);
	assert_memory_equal(a->address, b->address, sizeof(a->address));
}

static void events_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		/* No byte more than there is, for the sanitizers. */
		uint8_t *bytes = malloc(row_len(&rows[i]));
		struct mgmtmsg m;

		memcpy(bytes, rows[i].bytes, row_len(&rows[i]));
		assert_int_equal(mgmtmsg_parse(bytes, row_len(&rows[i]), &m), 0);
		assert_message(&m, &rows[i].expected);
		free(bytes);
	}
}

static void every_truncation_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (size_t len = 0; len < row_len(&rows[i]); len++) {
			uint8_t *bytes = malloc(len + 1);
			struct mgmtmsg m;

			memcpy(bytes, rows[i].bytes, len);
			assert_int_equal(mgmtmsg_parse(bytes, len, &m), -EBADMSG);
			free(bytes);
		}
	}
}

/* With a length in the header that fits what is left, too. */
static void every_shortened_body_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].expected.type == MGMTMSG_OTHER)
			continue;
		for (size_t len = 6; len < row_len(&rows[i]); len++) {
			uint8_t *bytes = malloc(len);
			struct mgmtmsg m;

			memcpy(bytes, rows[i].bytes, len);
			bytes[4] = (uint8_t)(len - 6);
			assert_int_equal(mgmtmsg_parse(bytes, len, &m), -EBADMSG);
			free(bytes);
		}
	}
}

static void trailing_bytes_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t len = row_len(&rows[i]);
		uint8_t bytes[32] = {0};
		struct mgmtmsg m;

		memcpy(bytes, rows[i].bytes, len);
		assert_int_equal(mgmtmsg_parse(bytes, len + 1, &m), -EBADMSG);
		if (rows[i].expected.type == MGMTMSG_OTHER)
			continue;
		bytes[4]++;
		assert_int_equal(mgmtmsg_parse(bytes, len + 1, &m), -EBADMSG);
	}
}

static void a_count_of_instances_that_is_not_there_is_refused(void **state)
{
	struct row row = rows[0];
	struct mgmtmsg m;

	(void)state;
	for (unsigned int n = 0; n < 256; n++) {
		row.bytes[16] = (uint8_t)n;
		assert_int_equal(mgmtmsg_parse(row.bytes, row_len(&row), &m),
				 n == 2 ? 0 : -EBADMSG);
	}
}

static void a_refused_command_has_no_body_to_be_read(void **state)
{
	uint8_t bytes[] = {0x01, 0x00, 0x02, 0x01, 3, 0, 0x3d, 0x00, 0x0a};
	struct mgmtmsg m;

	(void)state;
	assert_int_equal(mgmtmsg_parse(bytes, sizeof(bytes), &m), 0);
	assert_int_equal(m.type, MGMTMSG_REPLY);
	assert_int_equal(m.status, 0x0a);
	assert_int_equal(m.instance, 0);
}

static void every_status_has_a_text(void **state)
{
	(void)state;
	for (unsigned int status = 0; status < 256; status++)
		assert_true(*mgmtmsg_status_text((uint8_t)status));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_without_data_are_header_and_instance),
		cmocka_unit_test(the_parameters_carry_connectable_and_the_interval),
		cmocka_unit_test(the_data_follow_their_lengths),
		cmocka_unit_test(the_command_of_old_kernels_has_all_but_the_interval),
		cmocka_unit_test(events_are_read),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(every_shortened_body_is_refused),
		cmocka_unit_test(trailing_bytes_are_refused),
		cmocka_unit_test(a_count_of_instances_that_is_not_there_is_refused),
		cmocka_unit_test(a_refused_command_has_no_body_to_be_read),
		cmocka_unit_test(every_status_has_a_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
