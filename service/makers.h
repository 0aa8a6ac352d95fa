/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The CAs of makers whose devices are taken without an import, as files. */

#include <stddef.h>

#include "base/macros.h"
#include "service/crypto_chain.h"

enum { MAKERS_E_REFUSED = 1 };

/* Each path is a PEM file, or a directory whose *.pem and *.crt are read. MAKERS_E_REFUSED with an
 * owned text that names the file; -ENOMEM. */
int makers_load(const char *const *paths, size_t n, struct crypto_makers **ret,
		char **ret_detail) _must_check_;
