/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Credentials of one tag as a directory of files that other programs read: PEM, a token's key as
 * its URI. The directory is replaced as a whole, so that CA, certificate and key change together,
 * and only when it is our own: one with anything in it that we did not put there is left alone.
 * docs/export.md. When to export, and whom to tell, is the agent's. */

#include <stdbool.h>
#include <sys/types.h>

#include "credstore/store.h"

enum export_role {
	EXPORT_ROLE_CA,
	EXPORT_ROLE_CERTIFICATE,
	EXPORT_ROLE_KEY,
	EXPORT_ROLE_PSK,
	EXPORT_ROLE_PSK_IDENTITY,
	EXPORT_N_ROLES,
};

/* Also the first characters of every name that we make beside or in a directory. */
#define EXPORT_MARKER ".onboardd"
#define EXPORT_FILES_MAX (EXPORT_N_ROLES + 1)
#define EXPORT_OWNER_ANY ((uid_t)-1)
#define EXPORT_GROUP_ANY ((gid_t)-1)

struct export_spec {
	char *name;
	uint32_t tag;
	char *directory;             /* absolute, no slash at its end, no "." or ".." in it */
	char *files[EXPORT_N_ROLES]; /* names in the directory; NULL: not exported */
	char *uri_file;              /* in place of the key's when a token holds it */
	uid_t owner;                 /* of the files; the directory stays ours */
	gid_t group;
	mode_t mode, directory_mode;
};

struct export_file {
	const char *name; /* borrowed from the spec */
	struct secret content;
};

/* What the directory is to hold, the marker first. */
struct export_set {
	struct export_file files[EXPORT_FILES_MAX];
	size_t n;
	char digest[65]; /* of names and contents, hex */
	char *key_uri;   /* owned; NULL: no token's key is in it */
};

enum {
	EXPORT_E_INCOMPLETE = 60, /* the tag does not hold all of it, or key and certificate do not
				     belong together: keep what is there */
	EXPORT_E_FOREIGN = 61,    /* something that is not ours is in the way */
	EXPORT_E_EXCHANGE = 62,   /* the file system cannot swap two directories */
};

/* The credentials as they are now, or (previous) those before the last change that was not
 * validated yet. EXPORT_E_INCOMPLETE, STORE_E_CORRUPT, -errno; *ret_detail (not NULL) then says
 * more. ret is done by export_set_done(). */
int export_set_load(struct store *s, const struct export_spec *spec, bool previous,
		    struct export_set *ret, char **ret_detail) _must_check_;
void export_set_done(struct export_set *set);

/* Whether the directory holds the set as it is to be. */
bool export_is_current(const struct export_spec *spec, const struct export_set *set);
/* Makes the directory hold the set, unless it does; *ret_changed tells. Removes what an earlier
 * call that was cut off left behind. On failure the directory is as it was, or (when the old one
 * cannot be removed) whole and new with *ret_changed true. EXPORT_E_FOREIGN, EXPORT_E_EXCHANGE,
 * -errno; *ret_detail (not NULL) then says more. */
int export_apply(const struct export_spec *spec, const struct export_set *set, bool *ret_changed,
		 char **ret_detail) _must_check_;
/* Overwrites and removes what earlier calls put there, and the directory when nothing else is in
 * it; *ret_removed tells whether there was anything. A directory without our marker is left alone.
 * EXPORT_E_FOREIGN: the files are removed, the directory holds others. -errno: call it again.
 * *ret_detail (not NULL) then says more. */
int export_remove(const struct export_spec *spec, bool *ret_removed,
		  char **ret_detail) _must_check_;
