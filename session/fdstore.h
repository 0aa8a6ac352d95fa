/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* systemd's file-descriptor store: descriptors that outlive this process and come back to the next
 * one (sd_pid_notify_with_fds(3), sd_listen_fds_with_names(3)). */

#include "base/macros.h"

/* Keeps a copy of fd under "<name>-<what>". Without $NOTIFY_SOCKET nothing happens: 0. -errno. */
int fdstore_keep(const char *name, const char *what, int fd) _must_check_;
/* Errors do not matter: what stays in the store is refused when it comes back. */
void fdstore_remove(const char *name, const char *what);
/* A descriptor that this process was started with, now owned by the caller; -ENOENT. The
 * environment stays as it is, so that others may look as well. */
int fdstore_take(const char *name, const char *what, int *ret_fd) _must_check_;
