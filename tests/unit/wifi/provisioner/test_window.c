/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/wifi/provisioner/fake_clock.h"
#include "wifi/window.h"

struct fixture {
	sd_event *event;
	struct window *window;
	unsigned int n_told;
	bool told;
};

static void on_window(bool is_open, void *userdata)
{
	struct fixture *f = userdata;

	f->n_told++;
	f->told = is_open;
	/* What is told is so when it is told. */
	assert_int_equal(window_is_open(f->window), is_open);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(sd_event_new(&f->event), 0);
	fake_clock_ms = 100;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	window_free(f->window);
	sd_event_unref(f->event);
	free(f);
	return 0;
}

static void make(struct fixture *f, uint64_t boot_ms)
{
	assert_int_equal(window_new(f->event, boot_ms, on_window, f, &f->window), 0);
}

static void power_on_opens_it_until_so_long_after_the_machine_started(void **state)
{
	struct fixture *f = *state;

	make(f, 150);
	assert_true(window_is_open(f->window));
	assert_int_equal(window_left_ms(f->window), 50);
	fake_clock_pass(f->event, 49);
	assert_true(window_is_open(f->window));
	assert_int_equal(f->n_told, 0);
	fake_clock_pass(f->event, 1);
	assert_false(window_is_open(f->window));
	assert_int_equal(window_left_ms(f->window), 0);
	assert_int_equal(f->n_told, 1);
	assert_false(f->told);
}

static void a_program_that_starts_late_opens_nothing(void **state)
{
	struct fixture *f = *state;

	make(f, 100);
	assert_false(window_is_open(f->window));
	fake_clock_run(f->event);
	assert_int_equal(f->n_told, 0);
}

static void zero_means_that_power_on_does_not_open_it(void **state)
{
	struct fixture *f = *state;

	make(f, 0);
	assert_false(window_is_open(f->window));
	assert_int_equal(window_left_ms(f->window), 0);
}

static void it_opens_at_once_and_tells_so_later(void **state)
{
	struct fixture *f = *state;

	make(f, 0);
	window_open(f->window, 40, "the test");
	assert_true(window_is_open(f->window));
	assert_int_equal(f->n_told, 0);
	fake_clock_run(f->event);
	assert_int_equal(f->n_told, 1);
	assert_true(f->told);
	fake_clock_pass(f->event, 40);
	assert_int_equal(f->n_told, 2);
	assert_false(f->told);
}

static void opening_an_open_one_lengthens_it_and_tells_nothing(void **state)
{
	struct fixture *f = *state;

	make(f, 120);
	window_open(f->window, 50, "the test");
	assert_int_equal(window_left_ms(f->window), 50);
	fake_clock_pass(f->event, 49);
	assert_true(window_is_open(f->window));
	assert_int_equal(f->n_told, 0);
	fake_clock_pass(f->event, 1);
	assert_int_equal(f->n_told, 1);
}

static void opening_never_shortens_it(void **state)
{
	struct fixture *f = *state;

	make(f, 200);
	window_open(f->window, 10, "the test");
	assert_int_equal(window_left_ms(f->window), 100);
	window_open(f->window, 0, "the test");
	assert_int_equal(window_left_ms(f->window), 100);
}

static void opening_for_ever_does_not_wrap_around(void **state)
{
	struct fixture *f = *state;

	make(f, 0);
	window_open(f->window, UINT64_MAX, "the test");
	assert_true(window_is_open(f->window));
	fake_clock_pass(f->event, 5);
	assert_true(window_is_open(f->window));
	window_open(f->window, UINT64_MAX - 3, "the test");
	assert_true(window_is_open(f->window));
}

static void closing_takes_effect_at_once_and_is_told_later(void **state)
{
	struct fixture *f = *state;

	make(f, 150);
	window_close(f->window, "the test");
	assert_false(window_is_open(f->window));
	assert_int_equal(f->n_told, 0);
	fake_clock_run(f->event);
	assert_int_equal(f->n_told, 1);
	assert_false(f->told);
	/* Its old end is nothing to tell again. */
	fake_clock_pass(f->event, 60);
	assert_int_equal(f->n_told, 1);
}

static void a_closed_one_can_be_opened_again(void **state)
{
	struct fixture *f = *state;

	make(f, 150);
	window_close(f->window, "the test");
	fake_clock_run(f->event);
	window_open(f->window, 10, "the test");
	assert_int_equal(window_left_ms(f->window), 10);
	fake_clock_run(f->event);
	assert_int_equal(f->n_told, 2);
	assert_true(f->told);
}

static void what_is_undone_before_it_was_told_is_not_told(void **state)
{
	struct fixture *f = *state;

	make(f, 0);
	window_open(f->window, 10, "the test");
	window_close(f->window, "the test");
	fake_clock_run(f->event);
	assert_int_equal(f->n_told, 0);
}

static void closing_a_closed_one_is_nothing(void **state)
{
	struct fixture *f = *state;

	make(f, 0);
	window_close(f->window, "the test");
	fake_clock_run(f->event);
	assert_int_equal(f->n_told, 0);
}

int main(void)
{
#define TEST(x) cmocka_unit_test_setup_teardown(x, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(power_on_opens_it_until_so_long_after_the_machine_started),
		TEST(a_program_that_starts_late_opens_nothing),
		TEST(zero_means_that_power_on_does_not_open_it),
		TEST(it_opens_at_once_and_tells_so_later),
		TEST(opening_an_open_one_lengthens_it_and_tells_nothing),
		TEST(opening_never_shortens_it),
		TEST(opening_for_ever_does_not_wrap_around),
		TEST(closing_takes_effect_at_once_and_is_told_later),
		TEST(a_closed_one_can_be_opened_again),
		TEST(what_is_undone_before_it_was_told_is_not_told),
		TEST(closing_a_closed_one_is_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
