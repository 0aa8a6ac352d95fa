/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Echo values (RFC 9175 §2) that prove, without a table, that whoever repeats one gets what is sent
 * to its address: time and a MAC over time and address. Also short digests of bodies under the same
 * key. The clock is the caller's. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

#define ECHO_KEY_LEN 32
#define ECHO_LEN 12
#define ECHO_FRESH_S 30
#define ECHO_TAG_LEN 4

/* -EIO when the MAC cannot be made. */
int echo_make(const uint8_t key[static ECHO_KEY_LEN], const void *peer, size_t peer_len,
	      uint64_t now_ms, uint8_t ret[static ECHO_LEN]) _must_check_;
/* value is one that was made for this peer not long ago. */
bool echo_is_fresh(const uint8_t key[static ECHO_KEY_LEN], const void *peer, size_t peer_len,
		   uint64_t now_ms, const void *value, size_t len);
/* An ETag. -EIO. */
int echo_tag(const uint8_t key[static ECHO_KEY_LEN], const void *body, size_t len,
	     uint8_t ret[static ECHO_TAG_LEN]) _must_check_;
