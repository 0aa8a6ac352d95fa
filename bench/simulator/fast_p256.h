/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Compares the preempted multiplications with those of mbedTLS. 0, or -EBADMSG when they differ. */

#include "base/macros.h"

int fast_p256_self_test(void) _must_check_;
/* How many multiplications were OpenSSL's so far. */
unsigned long fast_p256_used(void);
