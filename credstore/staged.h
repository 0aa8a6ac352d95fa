/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Staged credentials: while nobody knows yet whether the new credentials of a tag work, the ones
 * that did are kept beside them and can take their place again (docs/decisions/0015). They are not
 * credentials meanwhile: nothing on the wire lists, reads or deletes them. The endorsement key
 * (type 8) takes no part. Each call is a transaction of its own or part of the caller's. Loop's
 * thread only, like the store. */

#include "credstore/store.h"

/* What became of the last change of a tag. */
enum staged_state {
	STAGED_SETTLED,     /* promoted, or never changed */
	STAGED_UNVALIDATED, /* changed, and not promoted since */
	STAGED_ROLLED_BACK, /* the change was refused, the predecessors are in place again */
};

/* To be called before the first change of a tag. Copies what the tag holds, when it can
 * authenticate (a private key or a PSK is there) and when nothing is unvalidated yet: what a second
 * batch finds was never validated. -errno. */
int staged_keep(struct store *s, uint32_t tag) _must_check_;

/* A batch ended with a command that failed: when something of the tag is unvalidated, that is
 * remembered until the next change of it. -errno. */
int staged_note_failure(struct store *s, uint32_t tag) _must_check_;
/* A command failed, and the tag holds neither a private key nor a PSK: a change that stopped half
 * way. */
bool staged_is_half_done(struct store *s, uint32_t tag);

bool staged_has_previous(struct store *s, uint32_t tag);
/* Whether a credential is another one than its predecessor; with one missing it is. */
bool staged_is_changed(struct store *s, uint32_t tag, enum credential_type type);
/* Like store_credential_get(). */
int staged_previous_get(struct store *s, uint32_t tag, enum credential_type type,
			struct secret *ret) _must_check_;
/* All predecessors, ordered by tag, then type. *ret owned by the caller (free()). */
int staged_previous_list(struct store *s, struct credential_info **ret, size_t *ret_n) _must_check_;

/* The credentials are good: forgets the predecessors. Writes nothing when nothing is unvalidated;
 * *ret_changed (may be NULL) says whether it did. -errno. */
int staged_promote(struct store *s, uint32_t tag, bool *ret_changed) _must_check_;
/* The predecessors are the credentials again and what was there is gone. why: a text that
 * staged_get() gives from then on until the next change, NULL when there is nothing to remember.
 * -ENOENT when there are no predecessors. */
int staged_roll_back(struct store *s, uint32_t tag, const char *why) _must_check_;

/* *ret_why (may be NULL): owned text of staged_roll_back(), NULL in the other states. -errno. */
int staged_get(struct store *s, uint32_t tag, enum staged_state *ret, char **ret_why) _must_check_;
