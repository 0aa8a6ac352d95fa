/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Whole files, bounded on reading and atomic on writing. */

#include <sys/types.h>

#include "base/secret.h"

/* Reads a regular file of at most max bytes. -errno; -EFBIG when larger; -ENOENT. */
int file_read(const char *path, size_t max, struct secret *ret) _must_check_;
/* Temporary file in the same directory, fsync, rename, fsync of the directory. -errno. */
int file_write_atomic(const char *path, const void *data, size_t len, mode_t mode) _must_check_;
/* All of it, whatever the kernel takes at a time. -errno. */
int file_write_all(int fd, const void *data, size_t len) _must_check_;
/* Makes renames and new names in dir durable. -errno. */
int file_sync_directory(const char *dir) _must_check_;
/* Unlike rename(2) it replaces nothing: -EEXIST. One step where the file system can, else a moment
 * with both names. */
int file_rename_new(const char *from, const char *to) _must_check_;
/* Overwrites a regular file with zeros, durably, and removes its name; what is no file, or not to
 * be written, loses its name alone. What the disk below keeps of it is out of reach. dir may be
 * AT_FDCWD. -errno; -ENOENT. */
int file_wipe_at(int dir, const char *name) _must_check_;
