/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What opening the store needs of its credentials. Inside credstore/ only. */

#include "credstore/store.h"

/* Opens every seal once, those of the predecessors as well. -errno, or STORE_E_CORRUPT with a text
 * that names the credential. */
int credential_verify_all(struct store *s, const char *path, char **ret_detail) _must_check_;
