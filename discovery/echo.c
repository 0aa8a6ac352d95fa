/* SPDX-License-Identifier: Apache-2.0 */
#include "discovery/echo.h"

#include <errno.h>
#include <mbedtls/md.h>
#include <string.h>

#define MAC_LEN 32
#define TIME_LEN 4
#define PEER_MAX 32

static int mac(const uint8_t key[static ECHO_KEY_LEN], const void *data, size_t len,
	       uint8_t ret[static MAC_LEN])
{
	return mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), key, ECHO_KEY_LEN,
			       data, len, ret) == 0
		       ? 0
		       : -EIO;
}

static int make_at(const uint8_t key[static ECHO_KEY_LEN], const void *peer, size_t peer_len,
		   uint32_t second, uint8_t ret[static ECHO_LEN])
{
	uint8_t text[TIME_LEN + PEER_MAX] = {(uint8_t)(second >> 24), (uint8_t)(second >> 16),
					     (uint8_t)(second >> 8), (uint8_t)second};
	uint8_t full[MAC_LEN];
	int r;

	if (peer_len > PEER_MAX)
		return -EIO;
	memcpy(text + TIME_LEN, peer, peer_len);
	r = mac(key, text, TIME_LEN + peer_len, full);
	if (r < 0)
		return r;
	memcpy(ret, text, TIME_LEN);
	memcpy(ret + TIME_LEN, full, ECHO_LEN - TIME_LEN);
	return 0;
}

int echo_make(const uint8_t key[static ECHO_KEY_LEN], const void *peer, size_t peer_len,
	      uint64_t now_ms, uint8_t ret[static ECHO_LEN])
{
	return make_at(key, peer, peer_len, (uint32_t)(now_ms / 1000), ret);
}

bool echo_is_fresh(const uint8_t key[static ECHO_KEY_LEN], const void *peer, size_t peer_len,
		   uint64_t now_ms, const void *value, size_t len)
{
	const uint8_t *v = value;
	uint8_t right[ECHO_LEN], differs = 0;
	uint32_t second;

	if (len != ECHO_LEN)
		return false;
	second = (uint32_t)v[0] << 24 | (uint32_t)v[1] << 16 | (uint32_t)v[2] << 8 | v[3];
	if ((uint32_t)(now_ms / 1000) - second > ECHO_FRESH_S ||
	    make_at(key, peer, peer_len, second, right) < 0)
		return false;
	for (size_t i = 0; i < ECHO_LEN; i++)
		differs |= (uint8_t)(right[i] ^ v[i]);
	return differs == 0;
}

int echo_tag(const uint8_t key[static ECHO_KEY_LEN], const void *body, size_t len,
	     uint8_t ret[static ECHO_TAG_LEN])
{
	uint8_t full[MAC_LEN];
	int r = mac(key, body, len, full);

	if (r == 0)
		memcpy(ret, full, ECHO_TAG_LEN);
	return r;
}
