/* SPDX-License-Identifier: Apache-2.0 */
#include "session/fdstore.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#include "base/text.h"

#define FULL_NAME_MAX 64

int fdstore_keep(const char *name, const char *what, int fd)
{
	char state[FULL_NAME_MAX + 64];
	int r;

	/* FDPOLL=0: a socket whose peer is gone must not be dropped behind our back. */
	snprintf(state, sizeof(state), "FDSTORE=1\nFDNAME=%.32s-%.16s\nFDPOLL=0", name, what);
	r = sd_pid_notify_with_fds(0, 0, state, &fd, 1);
	return r < 0 ? r : 0;
}

void fdstore_remove(const char *name, const char *what)
{
	char state[FULL_NAME_MAX + 64];

	snprintf(state, sizeof(state), "FDSTOREREMOVE=1\nFDNAME=%.32s-%.16s", name, what);
	(void)sd_notify(0, state);
}

/* $LISTEN_FDS, when it is meant for this process. Not sd_listen_fds_with_names(): that fails for
 * everybody once the first of the descriptors was closed. */
static int listen_fds(void)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	uint64_t value;

	if (!pid || !fds || decimal_parse(pid, strlen(pid), INT_MAX, &value) < 0 ||
	    (pid_t)value != getpid() ||
	    decimal_parse(fds, strlen(fds), INT_MAX - SD_LISTEN_FDS_START, &value) < 0)
		return 0;
	return (int)value;
}

/* Moves the descriptor away and leaves /dev/null under its number: else the next file that is
 * opened would get that number, and look like one from the store. */
static int move_away(int fd, int *ret_fd)
{
	_cleanup_(closep) int moved = -1, null = -1;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISCHR(st.st_mode))
		return -ENOENT;
	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	moved = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (null < 0 || moved < 0 || dup3(null, fd, O_CLOEXEC) < 0)
		return -errno;
	*ret_fd = TAKE_FD(moved);
	return 0;
}

int fdstore_take(const char *name, const char *what, int *ret_fd)
{
	const int n = listen_fds();
	const char *at = getenv("LISTEN_FDNAMES");
	_cleanup_(closep) int found = -1;
	char wanted[FULL_NAME_MAX];

	snprintf(wanted, sizeof(wanted), "%.32s-%.16s", name, what);
	for (int i = 0; i < n && at; i++) {
		const size_t len = strcspn(at, ":");

		if (len == strlen(wanted) && strncmp(at, wanted, len) == 0) {
			int fd = -1;

			/* Of several of one name the last was stored last. */
			if (move_away(SD_LISTEN_FDS_START + i, &fd) == 0) {
				closep(&found);
				found = fd;
			}
		}
		at = at[len] ? at + len + 1 : NULL;
	}
	if (found < 0)
		return -ENOENT;
	*ret_fd = TAKE_FD(found);
	return 0;
}
