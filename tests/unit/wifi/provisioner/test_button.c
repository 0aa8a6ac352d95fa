/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tests/unit/wifi/provisioner/fake_clock.h"
#include "wifi/button.h"
#include "wifi/button_line.h"

/* In the place of libgpiod: the test moves the level and makes the edges. */
struct button_line {
	int fd, open_r, take_r, value;
	bool is_open;
};

static struct button_line fake;

int button_line_open(const char *path, unsigned int line, bool active_low, struct button_line **ret)
{
	assert_string_equal(path, "/dev/gpiochip7");
	assert_int_equal(line, 11);
	assert_true(active_low);
	if (fake.open_r < 0)
		return fake.open_r;
	fake.is_open = true;
	*ret = &fake;
	return 0;
}

struct button_line *button_line_close(struct button_line *l)
{
	if (l)
		l->is_open = false;
	return NULL;
}

int button_line_fd(const struct button_line *l)
{
	return l->fd;
}

int button_line_take_edges(struct button_line *l)
{
	uint64_t n;

	if (l->take_r < 0)
		return l->take_r;
	return read(l->fd, &n, sizeof(n)) == sizeof(n) ? 0 : -errno;
}

int button_line_value(struct button_line *l)
{
	return l->value;
}

struct fixture {
	sd_event *event;
	struct button *button;
	unsigned int n_presses;
};

static void on_press(void *userdata)
{
	struct fixture *f = userdata;

	f->n_presses++;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(sd_event_new(&f->event), 0);
	fake = (struct button_line){.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
	assert_true(fake.fd >= 0);
	fake_clock_ms = 100;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	button_free(f->button);
	assert_false(fake.is_open);
	sd_event_unref(f->event);
	close(fake.fd);
	free(f);
	return 0;
}

static int make(struct fixture *f)
{
	return button_new(f->event, "gpiochip7", 11, true, on_press, f, &f->button);
}

static void edge(int value)
{
	const uint64_t one = 1;

	fake.value = value;
	assert_int_equal(write(fake.fd, &one, sizeof(one)), sizeof(one));
}

static void settle(struct fixture *f)
{
	fake_clock_pass(f->event, 30);
}

static void a_press_counts_when_the_line_was_quiet_for_a_moment(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(make(f), 0);
	edge(1);
	fake_clock_run(f->event);
	fake_clock_pass(f->event, 29);
	assert_int_equal(f->n_presses, 0);
	fake_clock_pass(f->event, 1);
	assert_int_equal(f->n_presses, 1);
}

static void contacts_that_bounce_are_one_press(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(make(f), 0);
	for (int i = 0; i < 9; i++) {
		edge(i % 2 == 0);
		fake_clock_run(f->event);
		fake_clock_pass(f->event, 10);
	}
	assert_int_equal(f->n_presses, 0);
	settle(f);
	assert_int_equal(f->n_presses, 1);
}

static void a_press_is_told_once_however_long_it_lasts(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(make(f), 0);
	edge(1);
	fake_clock_run(f->event);
	settle(f);
	assert_int_equal(f->n_presses, 1);
	fake_clock_pass(f->event, 100);
	assert_int_equal(f->n_presses, 1);
}

static void letting_go_is_no_press_and_the_next_one_is(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(make(f), 0);
	edge(1);
	fake_clock_run(f->event);
	settle(f);
	edge(0);
	fake_clock_run(f->event);
	settle(f);
	assert_int_equal(f->n_presses, 1);
	edge(1);
	fake_clock_run(f->event);
	settle(f);
	assert_int_equal(f->n_presses, 2);
}

/* Edges that end where they began: an impulse of the wiring. */
static void a_spike_is_no_press(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(make(f), 0);
	edge(1);
	edge(0);
	fake_clock_run(f->event);
	settle(f);
	assert_int_equal(f->n_presses, 0);
}

static void edges_without_a_change_of_the_level_are_no_press(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(make(f), 0);
	edge(1);
	fake_clock_run(f->event);
	settle(f);
	for (int i = 0; i < 10; i++) {
		edge(1);
		fake_clock_run(f->event);
		settle(f);
	}
	assert_int_equal(f->n_presses, 1);
}

static void a_button_held_down_at_the_start_is_no_press_until_let_go(void **state)
{
	struct fixture *f = *state;

	fake.value = 1;
	assert_int_equal(make(f), 0);
	edge(1);
	fake_clock_run(f->event);
	settle(f);
	assert_int_equal(f->n_presses, 0);
	edge(0);
	fake_clock_run(f->event);
	settle(f);
	edge(1);
	fake_clock_run(f->event);
	settle(f);
	assert_int_equal(f->n_presses, 1);
}

static void a_level_that_cannot_be_read_is_no_press(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(make(f), 0);
	edge(-EIO);
	fake_clock_run(f->event);
	settle(f);
	assert_int_equal(f->n_presses, 0);
	edge(1);
	fake_clock_run(f->event);
	settle(f);
	assert_int_equal(f->n_presses, 1);
}

static void a_line_that_goes_away_is_left_alone(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(make(f), 0);
	fake.take_r = -ENODEV;
	edge(1);
	fake_clock_run(f->event);
	settle(f);
	fake.take_r = 0;
	edge(1);
	fake_clock_run(f->event);
	settle(f);
	assert_int_equal(f->n_presses, 0);
}

static void why_a_line_cannot_be_had_is_handed_on(void **state)
{
	static const int errors[] = {-ENODEV, -EBUSY, -EACCES};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		fake.open_r = errors[i];
		assert_int_equal(make(f), errors[i]);
		assert_null(f->button);
	}
}

static void a_line_that_cannot_be_read_at_the_start_is_given_back(void **state)
{
	struct fixture *f = *state;

	fake.value = -EIO;
	assert_int_equal(make(f), -EIO);
	assert_false(fake.is_open);
}

int main(void)
{
#define TEST(x) cmocka_unit_test_setup_teardown(x, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_press_counts_when_the_line_was_quiet_for_a_moment),
		TEST(contacts_that_bounce_are_one_press),
		TEST(a_press_is_told_once_however_long_it_lasts),
		TEST(letting_go_is_no_press_and_the_next_one_is),
		TEST(a_spike_is_no_press),
		TEST(edges_without_a_change_of_the_level_are_no_press),
		TEST(a_button_held_down_at_the_start_is_no_press_until_let_go),
		TEST(a_level_that_cannot_be_read_is_no_press),
		TEST(a_line_that_goes_away_is_left_alone),
		TEST(why_a_line_cannot_be_had_is_handed_on),
		TEST(a_line_that_cannot_be_read_at_the_start_is_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
