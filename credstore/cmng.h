/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How much the wire may put into the store. Inside credstore/ only. */

#include <stdbool.h>

#include "credstore/store.h"

/* A list of all of them fits into one answer (AT_ANSWER_MAX). */
#define CMNG_CREDENTIALS_MAX 40
#define CMNG_CONTENT_MAX 6144 /* characters: a chain of three, with room */

/* Whether a credential may be put there: a new one counts, one in its predecessor's place does
 * not. -errno. */
int cmng_has_room(struct store *s, uint32_t tag, enum credential_type type, bool *ret) _must_check_;
