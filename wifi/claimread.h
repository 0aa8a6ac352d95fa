/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The Claim characteristic (docs/ble.md §9), read by a configurator: who the device is, whether it
 * has an owner, and while it has none its claim token. One value holds less than the longest token,
 * so each read from the beginning is told the next part, round and round; and the rest of a long
 * read is of the same value, whatever has happened meanwhile. Who may is the provisioner's to
 * judge; that the link is encrypted, BlueZ's. */

#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "proto/wifi/wifi.h"
#include "wifi/provisioner.h"

struct claimread;

/* What there is to tell, as it is now. */
struct claimread_news {
	const char *uuid; /* 36 characters; borrowed until the next turn of the loop, as the next */
	enum wifi_claim_state state;
	const char *token; /* NULL or "": none to be told */
};
typedef void (*claimread_fn)(void *userdata, struct claimread_news *ret);

/* provisioner is borrowed and outlives it. -ENOMEM. */
int claimread_new(const struct provisioner *provisioner, claimread_fn fn, void *userdata,
		  struct claimread **ret) _must_check_;
struct claimread *claimread_free(struct claimread *c);
DEFINE_CLEANUP(struct claimread *, claimread_free);

/* The value from offset on. -EACCES: peer may not now; -ERANGE: it began no read, or the value ends
 * before; -ENODATA: there is nothing to tell. The caller wipes ret. */
int claimread_read(struct claimread *c, const char *peer, size_t offset, uint8_t *ret, size_t size,
		   size_t *ret_len) _must_check_;
void claimread_peer_gone(struct claimread *c, const char *peer);
