/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A child that dies without a word as it is about to make its n-th system call, for any n: every
 * point at which the disk can have changed. Or as SQLite is about to run its n-th statement: far
 * fewer of them. */

#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Under valgrind a step takes far longer and is mostly valgrind's own: the enumeration is thinned
 * out there. */
static inline int killpoints_stride(void)
{
	const char *preload = getenv("LD_PRELOAD");

	return preload && strstr(preload, "vgpreload") ? 97 : 1;
}

static inline bool killpoints_wait_stop(pid_t child, int *ret_status)
{
	assert_int_equal(waitpid(child, ret_status, 0), child);
	return WIFSTOPPED(*ret_status);
}

/* Not killed means that it came to its end in order. */
static inline bool killpoints_was_killed(int status)
{
	if (WIFSIGNALED(status))
		assert_int_equal(WTERMSIG(status), SIGKILL);
	else
		assert_int_equal(WEXITSTATUS(status), 0);
	return WIFSIGNALED(status);
}

/* For sqlite3_trace_v2() with SQLITE_TRACE_STMT, in a child: dies at the (*left)-th statement from
 * then on. */
static inline int killpoints_at_statement(unsigned int event, void *left, void *statement,
					  void *text)
{
	int *n = left;

	(void)event;
	(void)statement;
	(void)text;
	if ((*n)-- == 0)
		raise(SIGKILL);
	return 0;
}

/* Runs fn(data) in a child. True when it killed itself, false when it came to its end; it must
 * return 0 then. */
static inline bool killpoints_child(int (*fn)(void *data), void *data)
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0)
		_exit(fn(data) == 0 ? 0 : 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	return killpoints_was_killed(status);
}

/* Runs fn(data) in a child. True when it was killed before its n-th call, false when it came to its
 * end; it must return 0 then. */
static inline bool killpoints_run(int (*fn)(void *data), void *data, int n)
{
	int status = 0, at = 0;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		_exit(fn(data) == 0 ? 0 : 1);
	}
	assert_true(killpoints_wait_stop(child, &status));
	do {
		/* Every call stops twice: on its way in, on its way out. */
		if (at++ == 2 * n + 1)
			kill(child, SIGKILL);
		else
			assert_int_equal(ptrace(PTRACE_SYSCALL, child, NULL, NULL), 0);
	} while (killpoints_wait_stop(child, &status));
	return killpoints_was_killed(status);
}
