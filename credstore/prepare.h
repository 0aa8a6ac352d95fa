/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The inside of what execute_prepare() makes. Inside credstore/ only. */

#include <stdatomic.h>

#include "credstore/keywork.h"

struct prepared {
	size_t n;               /* commands of the batch */
	struct key_work *works; /* owned; one for each */
	size_t n_planned;
	struct signer *signer; /* owned; NULL: nothing is planned, or it has signed */
	atomic_bool gives_up;
	int r;
};
