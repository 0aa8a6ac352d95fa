/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A claim token put together from the messages that a device tells it in (docs/ble.md §9). Pure. */

#include <stddef.h>

#include "base/macros.h"
#include "proto/wifi/wifi.h"

/* A device that tells it in more is not read to its end. The longest takes 13. */
#define CLAIMPARTS_MAX 64

struct claimparts {
	char token[CLAIM_TEXT_MAX + 1];
	size_t len, whole_len, n_read;
};

/* Wipes it, too. */
void claimparts_init(struct claimparts *p);
/* 0: token is whole, "" when the message has none. 1: there is more to read. -EBADMSG: it does not
 * come to an end. Parts out of turn are left out: they come round again. */
int claimparts_add(struct claimparts *p, const struct wifi_claim *part) _must_check_;
