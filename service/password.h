/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Passwords of users, as the store keeps them: scrypt with its parameters and a salt of its own in
 * front, "scrypt$<log2 N>$<r>$<p>$<salt>$<hash>". Parameters may grow: what is stored says how it
 * is checked. Pure, and slow on purpose: some tenths of a second and 128 MiB a call, so the caller
 * has it run on a thread (service/password_job.h). */

#include <stdbool.h>
#include <stddef.h>

#include "base/macros.h"

#define PASSWORD_MIN 8 /* bytes */
#define PASSWORD_MAX 128
#define PASSWORD_TEXT 96 /* of what is stored, with NUL; at most STORE_PASSWORD_TEXT */
#define PASSWORD_GENERATED_TEXT 32

/* Memory is 1 KiB << log2 N. 17 with r = 8, p = 1 is the least that OWASP's cheat sheet names;
 * builds with sanitizers, which nobody installs, take less (cmake/Onboard.cmake). */
#ifndef PASSWORD_LOG2_N
#define PASSWORD_LOG2_N 17
#endif

enum {
	PASSWORD_E_SHORT = 1,
	PASSWORD_E_LONG = 2,
	PASSWORD_E_TEXT = 3, /* not UTF-8, or with a control character */
};

/* What a person may choose. 0 or PASSWORD_E_*. */
int password_check(const char *password, size_t len) _must_check_;
/* What to say about it. */
const char *password_why(int error);

/* -ENOMEM; -EINVAL when password_check() would refuse it. */
int password_hash(const char *password, size_t len, unsigned int log2_n,
		  char ret[static PASSWORD_TEXT]) _must_check_;
/* Constant time in the password. stored NULL is a user that does not exist: the answer is false
 * after the time that a user who does would have taken. -EBADMSG: stored is none of ours; -ENOMEM.
 */
int password_verify(const char *stored, const char *password, size_t len, unsigned int log2_n,
		    bool *ret) _must_check_;
/* Whether it was hashed with less than is asked for now. */
bool password_is_weak(const char *stored, unsigned int log2_n);

/* 125 random bits for people to copy: five groups of letters and digits that cannot be taken for
 * each other. */
void password_generate(char ret[static PASSWORD_GENERATED_TEXT]);
