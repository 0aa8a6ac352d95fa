/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A suspended session in a memfd: what identifies it, what its owner and the exchange must
 * remember, and the DTLS context. Loading one context twice repeats AES-GCM nonces and gives the
 * key away, so saved_take() hands it out at most once however many processes hold the descriptor:
 * it marks the memfd consumed, by one atomic exchange, before it reads, and wipes it after. Never
 * on a disk. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "base/secret.h"

#define SAVED_BOOT_LEN 16
#define SAVED_BINDING_LEN 32
#define SAVED_SUITE_LEN 64
#define SAVED_LABEL_LEN 16
#define SAVED_CONTEXT_MAX 16384

struct saved_info {
	uint8_t boot_id[SAVED_BOOT_LEN];    /* another boot may be a restored snapshot */
	uint8_t binding[SAVED_BINDING_LEN]; /* server name, port, CA, owner, library: not checked
					       on load */
	uint64_t note;
	uint32_t srtt_ms;
	uint16_t next_mid;
	char suite[SAVED_SUITE_LEN];     /* text, NUL-padded */
	char label[SAVED_LABEL_LEN + 1]; /* the owner's: saved_label_is_good() */
};

enum {
	SAVED_E_UNUSABLE = 1, /* used before, truncated, of another version, boot, server or CA */
};

/* All of its length, of 0-9 and a-z, so that it can be logged as it is; or "" for none. */
bool saved_label_is_good(const char *label);

/* Header bytes: fixed, followed by the context. */
#define SAVED_HEADER_LEN 156
void saved_encode(const struct saved_info *info, size_t context_len,
		  uint8_t ret[static SAVED_HEADER_LEN]);
/* Of `len` bytes of memfd in all. SAVED_E_UNUSABLE: no such header, consumed, another length, or a
 * label that is none. */
int saved_decode(const uint8_t *data, size_t len, struct saved_info *ret_info,
		 size_t *ret_context_len) _must_check_;

/* Makes the memfd. -EFBIG, -errno. */
int saved_store(const struct saved_info *info, const struct secret *context,
		int *ret_fd) _must_check_;
/* Reads what identifies it and takes nothing. SAVED_E_UNUSABLE, -errno. */
int saved_peek(int fd, struct saved_info *ret) _must_check_;
/* Consumes it and wipes what it holds, whether this program could use it or not. */
void saved_discard(int fd);
/* Consumes: of all callers ever, one at most gets 0. SAVED_E_UNUSABLE: also when boot or binding
 * are others; the memfd is consumed and wiped then too. -errno: nothing was read. */
int saved_take(int fd, const uint8_t boot_id[static SAVED_BOOT_LEN],
	       const uint8_t binding[static SAVED_BINDING_LEN], struct saved_info *ret_info,
	       struct secret *ret_context) _must_check_;
