/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>

#include <cmocka.h>

#include "base/worker.h"

#define LIMIT_MS 20000 /* of a failure, never of a success */

static unsigned int n_freed; /* atomic */

/* A job that says when it started and ends when it is told to. */
struct job {
	int started, gate; /* eventfds, borrowed */
	pthread_t loop;
	int answer;
	bool on_thread, signals_blocked;
	uint8_t memory[4096]; /* for the checkers: written to the end */
};

struct fixture {
	sd_event *event;
	int started, gate;
	struct worker *worker;
	unsigned int n_done;
	int answer;
	bool free_everything, chain;
};

static void tell(int fd)
{
	const uint64_t one = 1;

	assert_int_equal(write(fd, &one, sizeof(one)), sizeof(one));
}

static void await(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	uint64_t count;

	if (poll(&p, 1, LIMIT_MS) == 1 && read(fd, &count, sizeof(count)) < 0)
		abort();
}

static void run(void *p)
{
	struct job *j = p;
	sigset_t mask;

	tell(j->started);
	await(j->gate);
	for (size_t i = 0; i < sizeof(j->memory); i++)
		j->memory[i] = (uint8_t)i;
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	j->signals_blocked = sigismember(&mask, SIGTERM) == 1;
	j->on_thread = !pthread_equal(pthread_self(), j->loop);
	j->answer = 42;
}

static void free_job(void *p)
{
	__atomic_add_fetch(&n_freed, 1, __ATOMIC_ACQ_REL);
	free(p);
}

static int start(struct fixture *f);

static void on_done(void *p, void *userdata)
{
	struct fixture *f = userdata;
	struct job *j = p;

	f->worker = NULL;
	f->n_done++;
	f->answer = j->answer;
	assert_true(j->on_thread);
	assert_true(j->signals_blocked);
	assert_int_equal(j->memory[sizeof(j->memory) - 1], 0xff);
	if (f->chain) {
		f->chain = false;
		assert_int_equal(start(f), 0);
		tell(f->gate);
	}
	if (f->free_everything)
		f->event = sd_event_unref(f->event);
}

static int start(struct fixture *f)
{
	struct job *j = calloc(1, sizeof(*j));
	int r;

	assert_non_null(j);
	*j = (struct job){.started = f->started, .gate = f->gate, .loop = pthread_self()};
	r = worker_start(f->event, run, on_done, free_job, j, f, &f->worker);
	if (r < 0)
		free(j);
	return r;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	n_freed = 0;
	f->started = eventfd(0, EFD_CLOEXEC);
	f->gate = eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE);
	assert_true(f->started >= 0 && f->gate >= 0);
	assert_true(sd_event_new(&f->event) >= 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	worker_cancel(f->worker);
	assert_true(worker_settle(LIMIT_MS));
	sd_event_unref(f->event);
	close(f->started);
	close(f->gate);
	free(f);
	return 0;
}

static void run_until_done(struct fixture *f, unsigned int n)
{
	while (f->n_done < n)
		assert_true(sd_event_run(f->event, LIMIT_MS * 1000) > 0);
}

static void the_loop_turns_while_a_thread_works_and_then_gets_its_result(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(start(f), 0);
	await(f->started);
	assert_int_equal(sd_event_run(f->event, 0), 0);
	assert_int_equal(f->n_done, 0);
	tell(f->gate);
	run_until_done(f, 1);
	assert_int_equal(f->answer, 42);
	assert_int_equal(n_freed, 1);
}

static void done_may_start_the_next_one(void **state)
{
	struct fixture *f = *state;

	f->chain = true;
	assert_int_equal(start(f), 0);
	tell(f->gate);
	run_until_done(f, 2);
	assert_int_equal(n_freed, 2);
}

static void done_may_give_the_loop_up(void **state)
{
	struct fixture *f = *state;

	f->free_everything = true;
	assert_int_equal(start(f), 0);
	tell(f->gate);
	while (f->n_done == 0) {
		_cleanup_(sd_event_unrefp) sd_event *event = sd_event_ref(f->event);

		assert_true(sd_event_run(event, LIMIT_MS * 1000) > 0);
	}
	assert_int_equal(n_freed, 1);
}

static void one_that_is_cancelled_while_it_works_frees_its_job_later(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(start(f), 0);
	await(f->started);
	f->worker = worker_cancel(f->worker);
	assert_null(f->worker);
	assert_int_equal(__atomic_load_n(&n_freed, __ATOMIC_ACQUIRE), 0);
	assert_false(worker_settle(1));
	tell(f->gate);
	assert_true(worker_settle(LIMIT_MS));
	assert_int_equal(n_freed, 1);
	assert_int_equal(sd_event_run(f->event, 0), 0);
	assert_int_equal(f->n_done, 0);
}

static void one_that_is_cancelled_after_its_work_but_before_the_loop_saw_it_is_silent(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(start(f), 0);
	tell(f->gate);
	assert_true(worker_settle(LIMIT_MS));
	assert_int_equal(n_freed, 0);
	f->worker = worker_cancel(f->worker);
	assert_int_equal(n_freed, 1);
	assert_int_equal(sd_event_run(f->event, 0), 0);
	assert_int_equal(f->n_done, 0);
}

static void one_that_is_cancelled_at_once_does_not_outlive_the_settling(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 32; i++) {
		assert_int_equal(start(f), 0);
		f->worker = worker_cancel(f->worker);
		tell(f->gate);
	}
	assert_true(worker_settle(LIMIT_MS));
	assert_int_equal(n_freed, 32);
}

static void a_thread_may_outlive_the_loop(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(start(f), 0);
	await(f->started);
	f->worker = worker_cancel(f->worker);
	f->event = sd_event_unref(f->event);
	tell(f->gate);
	assert_true(worker_settle(LIMIT_MS));
	assert_int_equal(n_freed, 1);
}

static void a_job_that_cannot_be_started_stays_the_callers(void **state)
{
	struct fixture *f = *state;
	sd_event *event = f->event;

	/* A loop that has ended takes no more sources. */
	assert_true(sd_event_exit(event, 0) >= 0);
	assert_true(sd_event_loop(event) >= 0);
	assert_true(start(f) < 0);
	assert_null(f->worker);
	assert_int_equal(n_freed, 0);
}

static void jobs_that_never_end_take_a_bounded_number_of_threads(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < WORKERS_MAX; i++) {
		assert_int_equal(start(f), 0);
		f->worker = worker_cancel(f->worker);
	}
	assert_int_equal(start(f), -EAGAIN);
	for (int i = 0; i < WORKERS_MAX; i++)
		tell(f->gate);
	assert_true(worker_settle(LIMIT_MS));
	assert_int_equal(n_freed, WORKERS_MAX);
	assert_int_equal(start(f), 0);
	tell(f->gate);
	run_until_done(f, 1);
}

int main(void)
{
#define TEST(x) cmocka_unit_test_setup_teardown(x, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_loop_turns_while_a_thread_works_and_then_gets_its_result),
		TEST(done_may_start_the_next_one),
		TEST(done_may_give_the_loop_up),
		TEST(one_that_is_cancelled_while_it_works_frees_its_job_later),
		TEST(one_that_is_cancelled_after_its_work_but_before_the_loop_saw_it_is_silent),
		TEST(one_that_is_cancelled_at_once_does_not_outlive_the_settling),
		TEST(a_thread_may_outlive_the_loop),
		TEST(a_job_that_cannot_be_started_stays_the_callers),
		TEST(jobs_that_never_end_take_a_bounded_number_of_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
