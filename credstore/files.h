/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The files of a store in its state directory. Inside credstore/ only. */

#include <limits.h>

#include "base/macros.h"

struct store_files {
	char dir[PATH_MAX], lock[PATH_MAX];
	char db[PATH_MAX], db_wal[PATH_MAX], db_journal[PATH_MAX];
	char fresh[PATH_MAX], fresh_journal[PATH_MAX]; /* a database that is being born */
	char mark[PATH_MAX];                           /* a damaged one was set aside: aside.h */
};

/* -ENAMETOOLONG. */
int files_name(const char *dir, struct store_files *ret) _must_check_;
/* Makes the directory and takes its lock, which lives as long as *ret_fd. -errno, -EBUSY. */
int files_lock(const struct store_files *f, int *ret_fd, char **ret_detail) _must_check_;
/* Whether every byte of the database and its log can be read. -errno. */
int files_read_through(const struct store_files *f) _must_check_;
