/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The device's durable memory: one SQLite database (WAL, synchronous=FULL, secure_delete) in the
 * state directory, every credential value sealed with AES-256-GCM bound to its tag and type.
 * Credentials, the journal of results and small named values share it, so that a command's effect
 * and its result are one transaction (docs/storage.md). Not thread-safe; one process at a time (a
 * second opener gets -EBUSY). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"
#include "proto/response.h"

struct keyring;
struct store;

enum {
	STORE_E_SEALING_KEY = 1, /* the sealing key is missing, malformed, or not the one this store
				    was made with */
	STORE_E_NEWER = 2,       /* the schema is newer than this program */
	STORE_E_CORRUPT = 3,     /* not a database of ours, or a row that fails authentication */
};

/* All borrowed, and only for the call. */
struct store_options {
	const char
		*seal_uri; /* pkcs11: URI of the RSA key pair that wraps the sealing key, or NULL */
	struct keyring *ring; /* how tokens are reached; NULL: seal_uri cannot be used */
	bool start_anew;      /* a damaged store is followed by an empty one at once */
};

/* Opens or creates <dir>/store.db (dir: 0700) and its sealing key, which is the first of: the
 * credential $CREDENTIALS_DIRECTORY/onboardd.seal; <dir>/seal.wrapped, with seal_uri;
 * <dir>/seal.key, made with a new store only. A store that one of the later ones opens is sealed
 * anew with the first.
 *
 * A damaged store is moved aside, never overwritten, and refused now and at every later opening
 * until another store is in its place or somebody removed <dir>/store.set-aside. A wrong key, a
 * newer schema or a failing disk is no damage: nothing is moved then, nothing changed.
 *
 * May take seconds with a token. options NULL: none. ret_detail, when not NULL, gets an owned text
 * for people on any failure. -errno or STORE_E_*. */
int store_open(const char *dir, const struct store_options *options, struct store **ret,
	       char **ret_detail) _must_check_;
/* What opening did that somebody should know, one line for people; "" for nothing. Borrowed. */
const char *store_notice(const struct store *s);
/* An empty store followed a damaged one at this opening. */
bool store_is_anew(const struct store *s);
/* Damaged ones lay beside it when it was opened: somebody may take one of them back. */
bool store_has_aside(const struct store *s);
struct store *store_close(struct store *s);
DEFINE_CLEANUP(struct store *, store_close);

/* Transactions nest by savepoints: only the outermost commit is durable, and durable when it
 * returns. Single calls outside a transaction are one of their own. A commit that fails has rolled
 * its level back; a rollback without a level does nothing. When SQLite gives a transaction up by
 * itself (a full disk, an I/O error), every call fails until the outermost level is left. -errno
 * (-ENOSPC, -EIO, -EROFS as SQLite met them; -EUCLEAN for rows that we did not write). */
int store_begin(struct store *s) _must_check_;
int store_commit(struct store *s) _must_check_;
void store_rollback(struct store *s); /* the innermost level */
/* The innermost level came to r: commits when that is 0, and rolls back when not. r, or what became
 * of the commit. */
int store_end(struct store *s, int r) _must_check_;

/* Types of %CMNG. */
enum credential_type {
	CREDENTIAL_ROOT_CA = 0,
	CREDENTIAL_CLIENT_CERT = 1,
	CREDENTIAL_PRIVATE_KEY = 2,
	CREDENTIAL_PSK = 3,
	CREDENTIAL_PSK_IDENTITY = 4,
	CREDENTIAL_ENDORSEMENT_KEY = 8,
};

struct credential_info {
	uint32_t tag;
	enum credential_type type;
	uint8_t sha256[32]; /* of the plain value; of the SubjectPublicKeyInfo for generated keys */
};

/* -ENOENT when absent, STORE_E_CORRUPT when the seal does not verify. */
int store_credential_get(struct store *s, uint32_t tag, enum credential_type type,
			 struct secret *ret) _must_check_;
/* Inserts or replaces. sha256 as in struct credential_info. */
int store_credential_put(struct store *s, uint32_t tag, enum credential_type type,
			 const void *value, size_t len,
			 const uint8_t sha256[static 32]) _must_check_;
int store_credential_delete(struct store *s, uint32_t tag,
			    enum credential_type type) _must_check_; /* -ENOENT */
bool store_credential_exists(struct store *s, uint32_t tag, enum credential_type type);
/* Ordered by tag, then type. *ret owned by the caller (free()). */
int store_credential_list(struct store *s, struct credential_info **ret,
			  size_t *ret_n) _must_check_;

/* Small named values that are not secret: "after", "interval-sec", "device-uuid" ... -ENOENT. *ret
 * owned. */
int store_value_get(struct store *s, const char *name, char **ret) _must_check_;
int store_value_put(struct store *s, const char *name, const char *value) _must_check_;
int store_value_delete(struct store *s, const char *name) _must_check_;

/* Secrets that are not credentials and never go over the wire, by name ("wifi/config", at most 63
 * bytes): sealed like credentials, bound to the name. At most 64 KiB (-EFBIG). What is replaced or
 * deleted leaves the files with the outermost commit. -ENOENT; -EINVAL for a name that cannot be;
 * STORE_E_CORRUPT when the seal does not verify. */
int store_secret_get(struct store *s, const char *name, struct secret *ret) _must_check_;
int store_secret_put(struct store *s, const char *name, const void *value, size_t len) _must_check_;
int store_secret_delete(struct store *s, const char *name) _must_check_;

/* The journal: results that the service has not acknowledged, in the order of execution. */

/* The recorded result of a command, -ENOENT when it never ran. *ret owned (response_done()). */
int journal_find(struct store *s, const char *correlation, struct response *ret) _must_check_;
/* -EEXIST when this command has a result already. */
int journal_add(struct store *s, const struct response *result) _must_check_;
/* All of them, oldest first. */
int journal_pending(struct store *s, struct response_list *ret) _must_check_;
size_t journal_count(struct store *s);
/* Forgets these results: the service acknowledged them. The last success among them becomes the
 * value "after". Not durable before the next thing that is: a power cut may bring results back. */
int journal_forget(struct store *s, const struct response *results, size_t n) _must_check_;
