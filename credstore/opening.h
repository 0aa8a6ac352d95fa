/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* An existing store: examined, unsealed, upgraded, sealed anew where its key's source changed; or
 * refused, its files byte for byte as they were. Inside credstore/ only. */

#include "credstore/db.h"
#include "credstore/files.h"
#include "credstore/store.h"

/* Fills s, which store_close() releases in any case. -errno, STORE_E_*, all with ret_detail. */
int opening(struct store *s, const struct store_files *f, const struct store_options *options,
	    char **ret_detail) _must_check_;
