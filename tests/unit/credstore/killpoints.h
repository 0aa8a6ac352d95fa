/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A child that dies without a word as it is about to make its n-th system call, for any n: every
 * point at which the disk can have changed. */

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
	if (WIFSIGNALED(status)) {
		assert_int_equal(WTERMSIG(status), SIGKILL);
		return true;
	}
	assert_int_equal(WEXITSTATUS(status), 0);
	return false;
}
