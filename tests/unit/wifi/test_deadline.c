/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "wifi/deadline.h"

struct rings {
	struct deadline *again; /* set from within its own ring */
	unsigned int n;
};

static void on_ring(void *userdata)
{
	struct rings *r = userdata;

	r->n++;
	if (r->again && r->n < 3)
		assert_int_equal(deadline_set(r->again, 1), 0);
}

static sd_event *new_event(void)
{
	sd_event *event = NULL;

	assert_true(sd_event_new(&event) >= 0);
	return event;
}

static void a_deadline_rings_once_when_its_time_has_come(void **state)
{
	sd_event *event = new_event();
	struct deadline *d = NULL;
	struct rings rings = {0};

	(void)state;
	assert_int_equal(deadline_new(event, on_ring, &rings, &d), 0);
	assert_int_equal(deadline_left_ms(d), 0);
	assert_int_equal(sd_event_run(event, 0), 0);
	assert_int_equal(deadline_set(d, 5), 0);
	assert_in_range(deadline_left_ms(d), 1, 5);
	assert_true(sd_event_run(event, UINT64_MAX) > 0);
	assert_int_equal(rings.n, 1);
	assert_int_equal(deadline_left_ms(d), 0);
	assert_int_equal(sd_event_run(event, 0), 0);
	assert_int_equal(rings.n, 1);
	deadline_free(d);
	sd_event_unref(event);
}

static void a_deadline_of_now_rings_with_the_next_round_and_may_be_set_again(void **state)
{
	sd_event *event = new_event();
	struct deadline *d = NULL;
	struct rings rings = {0};

	(void)state;
	assert_int_equal(deadline_new(event, on_ring, &rings, &d), 0);
	rings.again = d;
	assert_int_equal(deadline_set(d, 0), 0);
	assert_int_equal(deadline_left_ms(d), 1);
	while (rings.n < 3)
		assert_true(sd_event_run(event, UINT64_MAX) > 0);
	assert_int_equal(deadline_left_ms(d), 0);
	deadline_free(d);
	sd_event_unref(event);
}

static void a_cleared_or_moved_deadline_does_not_ring_at_its_old_time(void **state)
{
	sd_event *event = new_event();
	struct deadline *first = NULL, *second = NULL;
	struct rings rings = {0}, others = {0};

	(void)state;
	assert_int_equal(deadline_new(event, on_ring, &rings, &first), 0);
	assert_int_equal(deadline_new(event, on_ring, &others, &second), 0);
	assert_int_equal(deadline_set(first, 1), 0);
	deadline_clear(first);
	assert_int_equal(deadline_left_ms(first), 0);
	assert_int_equal(deadline_set(second, 2), 0);
	assert_true(sd_event_run(event, UINT64_MAX) > 0);
	assert_int_equal(others.n, 1);
	assert_int_equal(rings.n, 0);
	assert_int_equal(deadline_set(first, 1), 0);
	assert_int_equal(deadline_set(first, UINT64_MAX), 0);
	assert_int_equal(deadline_set(second, 2), 0);
	assert_true(sd_event_run(event, UINT64_MAX) > 0);
	assert_int_equal(others.n, 2);
	assert_int_equal(rings.n, 0);
	assert_true(deadline_left_ms(first) > UINT32_MAX);
	deadline_free(first);
	deadline_free(second);
	assert_null(deadline_free(NULL));
	sd_event_unref(event);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_deadline_rings_once_when_its_time_has_come),
		cmocka_unit_test(a_deadline_of_now_rings_with_the_next_round_and_may_be_set_again),
		cmocka_unit_test(a_cleared_or_moved_deadline_does_not_ring_at_its_old_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
