/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A damaged store is moved out of the way, never overwritten: store.db and its logs become
 * store.db.damaged, store.db.damaged.2 and so on with their endings, and the file store.set-aside
 * remembers it until a store is in place again or somebody removes it: no start makes a new
 * identity silently meanwhile. Inside credstore/ only. */

#include <stdbool.h>

#include "credstore/files.h"

/* why: for people, what is damaged. *ret_name: owned, the path that the database has now. A cut
 * at any point leaves the store where it was, or the mark. -errno with ret_detail. */
int aside_move(const struct store_files *f, const char *why, char **ret_name,
	       char **ret_detail) _must_check_;
/* Asked when there is no database. Ends a move that was cut off; STORE_E_CORRUPT with the text of
 * what happened and what to do while the mark is there; 0 without a mark. -errno. */
int aside_check(const struct store_files *f, char **ret_detail) _must_check_;
/* The text that aside_check() gives, at once after the move; evaluates to STORE_E_CORRUPT. */
int aside_say(const struct store_files *f, const char *why, const char *name, char **ret_detail);
/* Whether something that was set aside is still there. */
bool aside_exists(const struct store_files *f);
/* Overwrites and removes all that was set aside. -errno. */
int aside_wipe(const struct store_files *f) _must_check_;
/* A store is in place again. */
void aside_forget(const struct store_files *f);
