/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One job on a thread of its own, whose result comes back in the event loop: for calls that block
 * for seconds and cannot be made otherwise, as those of a hardware token are. The job is memory
 * that the thread alone touches until `done`; nothing else is shared, so neither side locks. */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/macros.h"

/* Threads at a time, in the whole process: a job that never ends keeps its own for good. */
#define WORKERS_MAX 64

struct worker;

typedef void (*worker_fn)(void *job);
typedef void (*worker_done_fn)(void *job, void *userdata);

/* Runs run(job) on a thread, then done(job, userdata) in the loop, then free_job(job). In done the
 * worker no longer exists: whoever keeps a pointer to it forgets that first, and may then start
 * another or free everything. The job is the worker's from success on, the caller's on failure.
 * -EAGAIN above WORKERS_MAX, -errno. */
int worker_start(sd_event *event, worker_fn run, worker_done_fn done, void (*free_job)(void *),
		 void *job, void *userdata, struct worker **ret) _must_check_;
/* Before done, which will then not be called. The thread is not interrupted: it frees the job when
 * it is through with it, which may be after the loop and its owner are gone. NULL does nothing. */
struct worker *worker_cancel(struct worker *w);
DEFINE_CLEANUP(struct worker *, worker_cancel);

/* For the end of a program: waits until no thread runs any more. False after limit_ms: then memory
 * and libraries must be left as they are, _exit() is the way out. */
bool worker_settle(uint64_t limit_ms) _must_check_;
