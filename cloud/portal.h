/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Whether something stands between this network and the web: one GET of a page that is known to be
 * empty. Plain HTTP, for portals get into that; no redirect is followed, nothing is sent of this
 * device. Blocking: for onboardctl. */

#include <stdint.h>

#include "base/macros.h"

enum portal_result {
	PORTAL_OPEN,    /* 204, or an empty page */
	PORTAL_CAPTIVE, /* a redirect, a page, or 511 (RFC 6585 §6) */
	PORTAL_SILENT,  /* no answer, or one that says nothing */
};

struct portal_answer {
	enum portal_result result;
	char detail[256]; /* for people, in printable ASCII */
	int64_t date_s;   /* of the answer's Date, 0 without */
};

/* -EINVAL: not an http:// URL; -ENOMEM. */
int portal_probe(const char *url, unsigned int timeout_ms, struct portal_answer *ret) _must_check_;
