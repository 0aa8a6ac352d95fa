/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wifi/central/queue.h"

static void put(struct queue *q, bool is_response, uint8_t byte)
{
	queue_put(q, is_response, &byte, 1);
}

/* Takes one and frees it; -1 when there is none. */
static int byte_of(struct message *m)
{
	int byte = m ? m->data[0] : -1;

	free(m);
	return byte;
}

static void messages_of_one_kind_are_taken_in_order_past_the_other(void **state)
{
	struct queue q = {0};

	(void)state;
	put(&q, false, 1);
	put(&q, true, 2);
	put(&q, false, 3);
	put(&q, true, 4);
	assert_int_equal(byte_of(queue_take(&q, true)), 2);
	assert_int_equal(byte_of(queue_take(&q, true)), 4);
	assert_int_equal(byte_of(queue_take(&q, true)), -1);
	/* The last one was taken: what comes now goes behind the one that is last now. */
	put(&q, true, 5);
	assert_int_equal(byte_of(queue_take(&q, false)), 1);
	assert_int_equal(byte_of(queue_take_any(&q)), 3);
	assert_int_equal(byte_of(queue_take_any(&q)), 5);
	assert_int_equal(byte_of(queue_take_any(&q)), -1);
	assert_int_equal(q.n, 0);
	assert_false(q.has_lost);
	put(&q, false, 6);
	assert_int_equal(byte_of(queue_take(&q, false)), 6);
}

static void what_no_longer_fits_is_dropped_and_told(void **state)
{
	struct queue q = {0};

	(void)state;
	for (size_t i = 0; i < QUEUE_MAX; i++)
		put(&q, i % 2, (uint8_t)i);
	assert_false(q.has_lost);
	put(&q, false, 0xee);
	assert_true(q.has_lost);
	for (size_t i = 0; i < QUEUE_MAX; i++)
		assert_int_equal(byte_of(queue_take_any(&q)), i & 0xff);
	assert_null(queue_take_any(&q));
	queue_clear(&q);
	assert_false(q.has_lost);
}

static void a_message_is_kept_up_to_the_largest_attribute_value(void **state)
{
	static const uint8_t data[WIFI_MESSAGE_MAX + 1];
	struct queue q = {0};
	struct message *m;

	(void)state;
	queue_put(&q, true, NULL, 0);
	queue_put(&q, true, data, WIFI_MESSAGE_MAX);
	assert_false(q.has_lost);
	queue_put(&q, true, data, sizeof(data));
	assert_true(q.has_lost);
	m = queue_take(&q, true);
	assert_int_equal(m->len, 0);
	free(m);
	m = queue_take(&q, true);
	assert_int_equal(m->len, WIFI_MESSAGE_MAX);
	free(m);
	assert_null(queue_take_any(&q));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_of_one_kind_are_taken_in_order_past_the_other),
		cmocka_unit_test(what_no_longer_fits_is_dropped_and_told),
		cmocka_unit_test(a_message_is_kept_up_to_the_largest_attribute_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
