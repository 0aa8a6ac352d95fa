/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Names of machines as strangers write them. Pure. */

#include <stdbool.h>
#include <stddef.h>

#include "base/macros.h"

#define HOSTNAME_MAX 253

/* text without a dot at its end, when it is made of labels of letters, digits, '-' and '_' (RFC
 * 1035 §2.3.1, and what is in use). False when not. */
bool hostname_read(const char *text, char ret[static HOSTNAME_MAX + 1]);
/* host is domain or a name below it, whatever the case of their letters. */
bool hostname_is_in(const char *host, const char *domain);
