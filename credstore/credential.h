/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The rows of credentials, whatever table holds them. Inside credstore/ only. */

#include "credstore/store.h"

/* Opens every seal once, those of the predecessors as well. -errno, or STORE_E_CORRUPT with a text
 * that names the credential. */
int credential_verify_all(struct store *s, const char *path, char **ret_detail) _must_check_;

/* sql: tag, type, sha256, sealed of one place, which is bound as tag, type. As
 * store_credential_get(). */
int credential_get_row(struct store *s, const char *sql, uint32_t tag, enum credential_type type,
		       struct secret *ret) _must_check_;
/* sql: tag, type, sha256 in order. As store_credential_list(). */
int credential_list_rows(struct store *s, const char *sql, struct credential_info **ret,
			 size_t *ret_n) _must_check_;
