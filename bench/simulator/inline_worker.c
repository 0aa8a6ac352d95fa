/* SPDX-License-Identifier: Apache-2.0 */
/* Takes the place of base/worker.c. A device has a thread for its one key; thousands of devices
 * with P-256 in software would have thousands, for work of 0.1 ms. Here a job runs in the loop's
 * next turn. tests/fuzz takes it, too. */
#include "base/worker.h"

#include <errno.h>

struct worker {
	sd_event_source *turn;
	worker_fn run;
	worker_done_fn done;
	void (*free_job)(void *);
	void *job; /* owned */
	void *userdata;
};

static int on_turn(sd_event_source *source, void *userdata)
{
	struct worker *w = userdata;
	void (*free_job)(void *) = w->free_job;
	worker_done_fn done = w->done;
	void *job = TAKE_PTR(w->job), *done_userdata = w->userdata;

	(void)source;
	w->run(job);
	worker_cancel(w);
	done(job, done_userdata);
	free_job(job);
	return 0;
}

int worker_start(sd_event *event, worker_fn run, worker_done_fn done, void (*free_job)(void *),
		 void *job, void *userdata, struct worker **ret)
{
	struct worker *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	*w = (struct worker){NULL, run, done, free_job, NULL, userdata};
	r = sd_event_add_defer(event, &w->turn, on_turn, w);
	if (r < 0) {
		free(w);
		return r;
	}
	w->job = job;
	*ret = w;
	return 0;
}

struct worker *worker_cancel(struct worker *w)
{
	if (!w)
		return NULL;
	sd_event_source_disable_unref(w->turn);
	if (w->job)
		w->free_job(w->job);
	free(w);
	return NULL;
}

bool worker_settle(uint64_t limit_ms)
{
	(void)limit_ms;
	return true;
}
