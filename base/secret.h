/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Bytes that must not outlive their use: private keys, sealing keys, API keys, plain credential
 * values. They live in locked memory (base/locked.h) and are wiped on release, so a larger copy is
 * made with secret_alloc(), never with realloc(). A struct secret on the stack starts as
 * SECRET_INIT and carries _cleanup_(secret_done). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

struct secret {
	uint8_t *data; /* owned; always followed by one NUL that len does not count */
	size_t len;    /* its holder may lessen it */
};

#define SECRET_INIT                                                                                \
	(struct secret)                                                                            \
	{                                                                                          \
		NULL, 0                                                                            \
	}

/* Allocates len zero bytes. Whatever was held is wiped first. -ENOMEM. */
int secret_alloc(struct secret *s, size_t len) _must_check_;
int secret_set(struct secret *s, const void *data, size_t len) _must_check_;
void secret_done(struct secret *s);

/* Wipes memory that the compiler may not decide to leave alone. */
void secret_wipe(void *data, size_t len);

/* Wipes the stack below the caller, for after a call into a library that leaves secrets there. */
void secret_wipe_stack(void);

/* Constant time in the content; lengths may leak. */
bool secret_equal(const void *a, size_t a_len, const void *b, size_t b_len);

/* No core dumps, not traceable by other users: first call of every program's main(). 0 or -errno.
 */
int secret_protect_process(void) _must_check_;
