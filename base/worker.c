/* SPDX-License-Identifier: Apache-2.0 */
#include "base/worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>

/* Shared with the thread, which may outlive the worker: the last of the two frees it. */
struct task {
	unsigned int refs; /* atomic */
	int done_fd;
	worker_fn run;
	void (*free_job)(void *);
	void *job;                    /* owned */
	bool has_ended, is_cancelled; /* under running_lock: who joins the thread */
};

struct worker {
	struct task *task;
	sd_event_source *io;
	pthread_t thread;
	bool has_thread;
	worker_done_fn done;
	void *userdata;
};

/* Threads that have not ended, of the whole process: main() returns into exit handlers of
 * libraries that they may be in. */
static pthread_mutex_t running_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t none_runs = PTHREAD_COND_INITIALIZER;
static unsigned int n_running;
/* Threads that nobody waits for join each other: the last of them is left for worker_settle(). What
 * a library keeps for a thread is thus gone before the library is. */
static pthread_t orphan;
static bool has_orphan;

static int one_more(void)
{
	bool is_full;

	pthread_mutex_lock(&running_lock);
	is_full = n_running == WORKERS_MAX;
	if (!is_full)
		n_running++;
	pthread_mutex_unlock(&running_lock);
	return is_full ? -EAGAIN : 0;
}

static void one_less(void)
{
	pthread_mutex_lock(&running_lock);
	if (--n_running == 0)
		pthread_cond_broadcast(&none_runs);
	pthread_mutex_unlock(&running_lock);
}

static void join_orphan(bool become_one)
{
	pthread_t before;
	bool has_before;

	pthread_mutex_lock(&running_lock);
	before = orphan;
	has_before = has_orphan;
	orphan = pthread_self();
	has_orphan = become_one;
	pthread_mutex_unlock(&running_lock);
	if (has_before)
		pthread_join(before, NULL);
}

static void task_unref(struct task *t)
{
	if (__atomic_sub_fetch(&t->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	if (t->job)
		t->free_job(t->job);
	closep(&t->done_fd);
	free(t);
}

static void *run_task(void *p)
{
	const uint64_t one = 1;
	struct task *t = p;
	bool is_orphan;

	t->run(t->job);
	while (write(t->done_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	pthread_mutex_lock(&running_lock);
	is_orphan = t->is_cancelled;
	t->has_ended = true;
	pthread_mutex_unlock(&running_lock);
	task_unref(t);
	if (is_orphan)
		join_orphan(true);
	one_less();
	return NULL;
}

static int start_thread(struct task *t, pthread_t *ret)
{
	sigset_t all, before;
	int r;

	r = one_more();
	if (r < 0)
		return r;
	__atomic_add_fetch(&t->refs, 1, __ATOMIC_ACQ_REL);
	/* Signals belong to the loop's thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(ret, NULL, run_task, t);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r != 0) {
		one_less();
		task_unref(t);
	}
	return -r;
}

/* Waits for a thread that has done its job, which takes no time, and for no other. */
static void let_go(struct worker *w)
{
	bool has_ended;

	pthread_mutex_lock(&running_lock);
	has_ended = w->task->has_ended;
	w->task->is_cancelled = true;
	pthread_mutex_unlock(&running_lock);
	if (has_ended)
		pthread_join(w->thread, NULL);
}

static int on_done(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct worker *w = userdata;
	struct task *t = w->task;
	void (*free_job)(void *) = t->free_job;
	worker_done_fn done = w->done;
	void *done_userdata = w->userdata, *job = TAKE_PTR(t->job);

	(void)source;
	(void)fd;
	(void)events;
	worker_cancel(w);
	done(job, done_userdata);
	free_job(job);
	return 0;
}

int worker_start(sd_event *event, worker_fn run, worker_done_fn done, void (*free_job)(void *),
		 void *job, void *userdata, struct worker **ret)
{
	_cleanup_(worker_cancelp) struct worker *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	w->done = done;
	w->userdata = userdata;
	w->task = calloc(1, sizeof(*w->task));
	if (!w->task)
		return -ENOMEM;
	*w->task = (struct task){.refs = 1, .run = run, .free_job = free_job, .job = job};
	w->task->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = w->task->done_fd < 0 ? -errno : 0;
	if (r == 0)
		r = sd_event_add_io(event, &w->io, w->task->done_fd, EPOLLIN, on_done, w);
	if (r >= 0)
		r = start_thread(w->task, &w->thread);
	if (r < 0) {
		w->task->job = NULL;
		return r;
	}
	w->has_thread = true;
	*ret = TAKE_PTR(w);
	return 0;
}

struct worker *worker_cancel(struct worker *w)
{
	if (!w)
		return NULL;
	sd_event_source_disable_unref(w->io);
	if (w->has_thread)
		let_go(w);
	if (w->task)
		task_unref(w->task);
	free(w);
	return NULL;
}

bool worker_settle(uint64_t limit_ms)
{
	struct timespec until;
	bool settled;
	int r = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(limit_ms / 1000);
	until.tv_nsec += (long)(limit_ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&running_lock);
	while (n_running > 0 && r == 0)
		r = pthread_cond_clockwait(&none_runs, &running_lock, CLOCK_MONOTONIC, &until);
	settled = n_running == 0;
	pthread_mutex_unlock(&running_lock);
	if (settled)
		join_orphan(false);
	return settled;
}
