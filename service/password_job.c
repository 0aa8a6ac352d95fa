/* SPDX-License-Identifier: Apache-2.0 */
#include "service/password_job.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/resource.h>

#include "base/secret.h"
#include "base/worker.h"
#include "service/password.h"

#define NICE 10 /* devices come first */

/* What the thread alone touches while it runs. */
struct work {
	bool is_check, has_stored;
	char stored[PASSWORD_TEXT];
	struct secret password;
	unsigned int log2_n;
	/* answers */
	int error;
	bool is_right, has_hash;
	char hash[PASSWORD_TEXT];
};

struct password_job {
	TAILQ_ENTRY(password_job) link;
	struct password_jobs *jobs; /* borrowed */
	struct work *work;          /* owned until it runs, then the worker's */
	struct worker *worker;      /* NULL while it waits */
	password_done_fn done;      /* NULL once it was abandoned */
	void *userdata;
};

TAILQ_HEAD(job_list, password_job);

struct password_jobs {
	sd_event *event;
	sd_event_source *start;
	unsigned int log2_n;
	struct job_list waiting, running;
	unsigned int n_waiting, n_running;
};

static void work_free(void *p)
{
	struct work *w = p;

	if (!w)
		return;
	secret_done(&w->password);
	secret_wipe(w, sizeof(*w));
	free(w);
}
DEFINE_CLEANUP(struct work *, work_free);

static void work_run(void *p)
{
	struct work *w = p;
	const char *password = (const char *)w->password.data;

	(void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE); /* of this thread, on Linux */
	if (w->is_check) {
		w->error = password_verify(w->has_stored ? w->stored : NULL, password,
					   w->password.len, w->log2_n, &w->is_right);
		if (w->error < 0 || !w->is_right || !password_is_weak(w->stored, w->log2_n))
			return;
		/* That it cannot be made stronger now is no reason to refuse a right one. */
		w->has_hash = password_hash(password, w->password.len, w->log2_n, w->hash) == 0;
		return;
	}
	w->error = password_hash(password, w->password.len, w->log2_n, w->hash);
	w->has_hash = w->error == 0;
}

/* Jobs start from the loop alone, so that no callback comes before its asker has the job. */
static void kick(struct password_jobs *jobs)
{
	/* A source of ours, in a loop of ours: it can be enabled. */
	(void)sd_event_source_set_enabled(jobs->start, SD_EVENT_ONESHOT);
}

static void job_end(struct password_jobs *jobs, struct password_job *job, const struct work *w)
{
	const struct password_result result = {
		.error = w->error,
		.is_right = w->error == 0 && w->is_right,
		.hash = w->error == 0 && w->has_hash ? w->hash : NULL,
	};
	password_done_fn done = job->done;
	void *userdata = job->userdata;

	TAILQ_REMOVE(&jobs->running, job, link);
	jobs->n_running--;
	free(job);
	if (done)
		done(userdata, &result);
}

/* The callback comes last: it may do anything, end all of this too. */
static void on_done(void *work, void *userdata)
{
	struct password_job *job = userdata;

	job->worker = NULL;
	kick(job->jobs);
	job_end(job->jobs, job, work);
}

static void start_next(struct password_jobs *jobs)
{
	while (jobs->n_running < PASSWORD_JOBS_RUNNING_MAX && jobs->n_waiting > 0) {
		struct password_job *job = TAILQ_FIRST(&jobs->waiting);
		int r;

		TAILQ_REMOVE(&jobs->waiting, job, link);
		jobs->n_waiting--;
		TAILQ_INSERT_TAIL(&jobs->running, job, link);
		jobs->n_running++;
		r = worker_start(jobs->event, work_run, on_done, work_free, job->work, job,
				 &job->worker);
		if (r < 0) {
			_cleanup_(work_freep) struct work *w = TAKE_PTR(job->work);

			w->error = r;
			kick(jobs);
			job_end(jobs, job, w);
			return;
		}
		job->work = NULL;
	}
}

static int on_kick(sd_event_source *source, void *userdata)
{
	(void)source;
	start_next(userdata);
	return 0;
}

int password_jobs_new(sd_event *event, unsigned int log2_n, struct password_jobs **ret)
{
	_cleanup_(password_jobs_freep) struct password_jobs *jobs = calloc(1, sizeof(*jobs));
	int r;

	if (!jobs)
		return -ENOMEM;
	TAILQ_INIT(&jobs->waiting);
	TAILQ_INIT(&jobs->running);
	jobs->event = sd_event_ref(event);
	jobs->log2_n = log2_n;
	r = sd_event_add_defer(event, &jobs->start, on_kick, jobs);
	if (r >= 0)
		r = sd_event_source_set_enabled(jobs->start, SD_EVENT_OFF);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(jobs);
	return 0;
}

static void job_list_free(struct job_list *list)
{
	struct password_job *job;

	while ((job = TAILQ_FIRST(list))) {
		TAILQ_REMOVE(list, job, link);
		worker_cancel(job->worker);
		work_free(job->work);
		free(job);
	}
}

struct password_jobs *password_jobs_free(struct password_jobs *jobs)
{
	if (!jobs)
		return NULL;
	job_list_free(&jobs->waiting);
	job_list_free(&jobs->running);
	sd_event_source_disable_unref(jobs->start);
	sd_event_unref(jobs->event);
	free(jobs);
	return NULL;
}

static int add(struct password_jobs *jobs, struct work **work, const char *password, size_t len,
	       password_done_fn done, void *userdata, struct password_job **ret)
{
	struct password_job *job;
	int r;

	if (jobs->n_waiting == PASSWORD_JOBS_WAITING_MAX)
		return -EAGAIN;
	r = secret_set(&(*work)->password, password, len);
	if (r < 0)
		return r;
	job = calloc(1, sizeof(*job));
	if (!job)
		return -ENOMEM;
	(*work)->log2_n = jobs->log2_n;
	*job = (struct password_job){
		.jobs = jobs, .work = TAKE_PTR(*work), .done = done, .userdata = userdata};
	TAILQ_INSERT_TAIL(&jobs->waiting, job, link);
	jobs->n_waiting++;
	kick(jobs);
	if (ret)
		*ret = job;
	return 0;
}

int password_jobs_verify(struct password_jobs *jobs, const char *stored, const char *password,
			 size_t len, password_done_fn done, void *userdata,
			 struct password_job **ret)
{
	_cleanup_(work_freep) struct work *w = NULL;

	if (len > PASSWORD_MAX || (stored && strlen(stored) >= PASSWORD_TEXT))
		return -EINVAL;
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->is_check = true;
	w->has_stored = stored;
	snprintf(w->stored, sizeof(w->stored), "%s", stored ? stored : "");
	return add(jobs, &w, password, len, done, userdata, ret);
}

int password_jobs_hash(struct password_jobs *jobs, const char *password, size_t len,
		       password_done_fn done, void *userdata, struct password_job **ret)
{
	_cleanup_(work_freep) struct work *w = NULL;

	if (password_check(password, len) != 0)
		return -EINVAL;
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	return add(jobs, &w, password, len, done, userdata, ret);
}

void password_job_abandon(struct password_job *job)
{
	struct password_jobs *jobs = job->jobs;

	job->done = NULL;
	if (job->worker)
		return;
	TAILQ_REMOVE(&jobs->waiting, job, link);
	jobs->n_waiting--;
	work_free(job->work);
	free(job);
}
