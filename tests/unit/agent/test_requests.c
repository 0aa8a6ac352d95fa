/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ftw.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "agent/requests.h"
#include "credstore/store.h"

struct fixture {
	char dir[64];
	struct store *store;
	struct requests r;
};

static void load(struct fixture *f)
{
	assert_int_equal(requests_load(&f->r, f->store), 0);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	snprintf(f->dir, sizeof(f->dir), "/tmp/requests-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(store_open(f->dir, NULL, &f->store, NULL), 0);
	load(f);
	*state = f;
	return 0;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	store_close(f->store);
	nftw(f->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

static void assert_pending(struct fixture *f, const char *all, const char *waiting)
{
	char text[REQUESTS_TEXT_MAX];

	requests_describe(&f->r, false, text);
	assert_string_equal(text, all);
	requests_describe(&f->r, true, text);
	assert_string_equal(text, waiting);
	assert_int_equal(requests_are_waiting(&f->r), *waiting != '\0');
}

/* What a process that crashed here would leave to the next one. */
static void restart(struct fixture *f)
{
	f->store = store_close(f->store);
	assert_int_equal(store_open(f->dir, NULL, &f->store, NULL), 0);
	load(f);
}

static void a_new_store_has_no_requests(void **state)
{
	assert_pending(*state, "", "");
}

static void a_request_is_there_until_a_cycle_that_took_it_has_ended_well(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(requests_add(&f->r, REQUEST_BUS), 0);
	assert_pending(f, "bus", "bus");
	requests_take(&f->r);
	assert_pending(f, "bus", "");
	assert_int_equal(requests_finish(&f->r), 0);
	assert_pending(f, "", "");
	restart(f);
	assert_pending(f, "", "");
}

static void a_request_that_comes_while_a_cycle_runs_outlives_its_end(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(requests_add(&f->r, REQUEST_BUS), 0);
	requests_take(&f->r);
	assert_int_equal(requests_add(&f->r, REQUEST_BUS), 0);
	assert_int_equal(requests_add(&f->r, REQUEST_SIGNAL), 0);
	assert_int_equal(requests_finish(&f->r), 0);
	assert_pending(f, "bus, signal", "bus, signal");
	restart(f);
	assert_pending(f, "bus, signal", "bus, signal");
}

static void a_restart_at_any_step_loses_no_request(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(requests_add(&f->r, REQUEST_SIGNAL), 0);
	restart(f);
	assert_pending(f, "signal", "signal");
	requests_take(&f->r);
	restart(f);
	assert_pending(f, "signal", "signal");
}

static void a_cycle_without_a_good_end_keeps_what_it_took_and_asks_for_no_other(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(requests_add(&f->r, REQUEST_BUS), 0);
	requests_take(&f->r);
	assert_pending(f, "bus", "");
	requests_take(&f->r); /* the next try */
	assert_int_equal(requests_finish(&f->r), 0);
	assert_pending(f, "", "");
}

static void a_command_of_the_shadow_is_run_once_also_over_restarts(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(requests_add_command(&f->r, 7), 0);
	assert_int_equal(requests_add_command(&f->r, 7), REQUESTS_E_PENDING);
	restart(f);
	assert_pending(f, "shadow command 7", "shadow command 7");
	assert_int_equal(requests_add_command(&f->r, 7), REQUESTS_E_PENDING);
	requests_take(&f->r);
	assert_int_equal(requests_add_command(&f->r, 7), REQUESTS_E_PENDING);
	assert_pending(f, "shadow command 7", "");
	assert_int_equal(requests_finish(&f->r), 0);
	assert_int_equal(requests_add_command(&f->r, 7), REQUESTS_E_DONE);
	restart(f);
	assert_int_equal(requests_add_command(&f->r, 7), REQUESTS_E_DONE);
	assert_pending(f, "", "");
}

static void a_new_command_while_one_runs_is_kept(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(requests_add_command(&f->r, 7), 0);
	requests_take(&f->r);
	assert_int_equal(requests_add_command(&f->r, UINT32_MAX), 0);
	assert_int_equal(requests_finish(&f->r), 0);
	restart(f);
	assert_pending(f, "shadow command 4294967295", "shadow command 4294967295");
	requests_take(&f->r);
	assert_int_equal(requests_finish(&f->r), 0);
	assert_int_equal(requests_add_command(&f->r, UINT32_MAX), REQUESTS_E_DONE);
}

/* As a full disk does it: no file grows any more. */
static void let_files_grow(bool may)
{
	struct rlimit limit;

	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = may ? limit.rlim_max : 0;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_full_disk_keeps_a_request_in_memory_and_the_next_one_makes_it_durable(void **state)
{
	struct fixture *f = *state;
	int r;

	let_files_grow(false);
	r = requests_add(&f->r, REQUEST_BUS);
	let_files_grow(true);
	assert_true(r < 0);
	assert_pending(f, "bus", "bus");
	assert_int_equal(requests_add(&f->r, REQUEST_BUS), 0);
	restart(f);
	assert_pending(f, "bus", "bus");
}

static void a_run_that_cannot_be_noted_is_none_to_acknowledge(void **state)
{
	struct fixture *f = *state;
	int r;

	assert_int_equal(requests_add_command(&f->r, 7), 0);
	requests_take(&f->r);
	let_files_grow(false);
	r = requests_finish(&f->r);
	let_files_grow(true);
	assert_true(r < 0);
	assert_int_equal(requests_add_command(&f->r, 7), REQUESTS_E_PENDING);
	assert_pending(f, "shadow command 7", "");
	/* The next cycle that ends well notes it. */
	requests_take(&f->r);
	assert_int_equal(requests_finish(&f->r), 0);
	assert_int_equal(requests_add_command(&f->r, 7), REQUESTS_E_DONE);
}

static void rubbish_in_the_store_is_no_command(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(store_value_put(f->store, "request/shadow", "seven"), 0);
	assert_int_equal(store_value_put(f->store, "request/shadow-done", "-1"), 0);
	load(f);
	assert_pending(f, "", "");
	assert_int_equal(requests_add_command(&f->r, 7), 0);
}

int main(void)
{
#define TEST(x) cmocka_unit_test_setup_teardown(x, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_new_store_has_no_requests),
		TEST(a_request_is_there_until_a_cycle_that_took_it_has_ended_well),
		TEST(a_request_that_comes_while_a_cycle_runs_outlives_its_end),
		TEST(a_restart_at_any_step_loses_no_request),
		TEST(a_cycle_without_a_good_end_keeps_what_it_took_and_asks_for_no_other),
		TEST(a_command_of_the_shadow_is_run_once_also_over_restarts),
		TEST(a_new_command_while_one_runs_is_kept),
		TEST(a_full_disk_keeps_a_request_in_memory_and_the_next_one_makes_it_durable),
		TEST(a_run_that_cannot_be_noted_is_none_to_acknowledge),
		TEST(rubbish_in_the_store_is_no_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
