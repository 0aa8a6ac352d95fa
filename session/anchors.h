/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How long trust anchors are good for, for people. */

#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

struct anchors {
	size_t n;
	int64_t from_s, until_s; /* the time that one of them at least is good for */
};

/* -EINVAL: not PEM certificates, or something else among them; -ENOMEM. */
int anchors_examine(const char *pem, struct anchors *ret) _must_check_;
