/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Makes text fit for strangers: what may be a secret becomes "[masked]". That is long runs that
 * look like base64 or hex (tokens, keys, signatures; not UUIDs, paths and words), what is said of a
 * key that is named after a secret (passphrase, pin ...), and drawn QR codes. It is the second line
 * of defence: what goes through it should hold no secret to begin with. Pure. */

#include <stddef.h>

#include "base/macros.h"

/* One line without its end. *ret is owned. -ENOMEM. */
int mask_line(const char *line, char **ret) _must_check_;
