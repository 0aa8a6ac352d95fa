/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Where an exported directory P/NAME is, and what of it is ours: what those who replace it and who
 * remove it share. Inside credstore/ only. */

#include <limits.h>
#include <sys/stat.h>

#include "credstore/export.h"

#define EXPORT_MARKER_MAX 4096

struct place {
	const struct export_spec *spec; /* borrowed, as the set, which may be NULL */
	const struct export_set *set;
	char **ret_detail; /* may be NULL */
	char parent_path[PATH_MAX], name[NAME_MAX + 1];
	char temporary[NAME_MAX + 1]; /* what P/NAME is made as before it is put in its place */
	int parent;                   /* owned; -1 before place_open_parent() */
};

void place_done(struct place *p);
/* errno as -errno, and the text for it; the other one is EXPORT_E_FOREIGN. name: in the parent. */
int place_failed(struct place *p, const char *what, const char *name);
int place_foreign(struct place *p, const char *name, const char *why);

/* Fills in the names, too. */
int place_open_parent(struct place *p) _must_check_;
/* A descriptor, or -errno: -ENOTDIR and -ELOOP when something else has the name. */
int place_open_directory(int parent, const char *name) _must_check_;
/* A small regular file of the directory that is nobody else's. -ENOENT, -ELOOP … -errno. */
int place_read_file(int dir, const char *name, size_t max, struct secret *ret,
		    struct stat *ret_stat) _must_check_;
/* "\nname\n" in the marker. */
bool place_is_listed(const struct secret *marker, const char *name);
/* Calls visit for each entry; stops at what is not 0. */
int place_each_entry(int dir, int (*visit)(void *userdata, int dir, const char *name),
		     void *userdata) _must_check_;
