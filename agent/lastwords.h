/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Why onboardd ended by itself, for whoever asks afterwards and may not read the journal: a small
 * JSON file in $RUNTIME_DIRECTORY, which systemd keeps and gives to the group onboardd. Without
 * that variable nothing is written. */

#include "base/macros.h"

#define LASTWORDS_TEXT_MAX 512

struct lastwords {
	char check[32]; /* the name of the check of `onboardctl check` that is about it */
	int exit_code;
	char text[LASTWORDS_TEXT_MAX];
};

/* A failure to write them is no failure of anything. detail NULL: strerror of a negative r. */
void lastwords_say(const char *check, int exit_code, const char *detail);
/* Nothing is wrong any more. */
void lastwords_forget(void);
/* -ENOENT: it did not end by itself; -EINVAL, -errno. */
int lastwords_read(struct lastwords *ret) _must_check_;
