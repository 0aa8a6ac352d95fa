/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Passwords checked and hashed on threads, a few at a time: each takes 128 MiB and some tenths of a
 * second, in which the loop serves devices. What is asked above that waits in a queue with an end.
 * A job whose asker went away keeps its place until its thread is through, so that going away does
 * not make room for more. */

#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-event.h>

#include "base/macros.h"

#define PASSWORD_JOBS_RUNNING_MAX 2
#define PASSWORD_JOBS_WAITING_MAX 32

struct password_jobs;
struct password_job;

struct password_result {
	int error; /* 0, or -errno: then the rest says nothing */
	bool is_right;
	/* What to store from now on: always of password_jobs_hash(), of password_jobs_verify() when
	 * what is stored is weaker than what is asked for now and the password is right; else NULL.
	 * Borrowed until the callback returns. */
	const char *hash;
};

/* In the loop, once. The job no longer exists. */
typedef void (*password_done_fn)(void *userdata, const struct password_result *result);

int password_jobs_new(sd_event *event, unsigned int log2_n,
		      struct password_jobs **ret) _must_check_;
/* No callback comes any more. */
struct password_jobs *password_jobs_free(struct password_jobs *jobs);
DEFINE_CLEANUP(struct password_jobs *, password_jobs_free);

/* stored: NULL for a user that does not exist. Copies both. -EAGAIN when too many wait; -EINVAL for
 * a password above PASSWORD_MAX; -ENOMEM. ret may be NULL when nobody will abandon it. */
int password_jobs_verify(struct password_jobs *jobs, const char *stored, const char *password,
			 size_t len, password_done_fn done, void *userdata,
			 struct password_job **ret) _must_check_;
/* The same with what password_check() takes. */
int password_jobs_hash(struct password_jobs *jobs, const char *password, size_t len,
		       password_done_fn done, void *userdata,
		       struct password_job **ret) _must_check_;
/* Before the callback, which then does not come. */
void password_job_abandon(struct password_job *job);
