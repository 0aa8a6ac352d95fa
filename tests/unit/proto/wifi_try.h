/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What holds for every message of proto/wifi/wifi.h that decodes, whatever bytes it came from. The
 * includer has included cmocka. */

#include <errno.h>
#include <string.h>

#include "proto/wifi/wifi.h"
#include "tests/unit/proto/mutate.h"

static inline void assert_wifi_network(const struct wifi_network *n)
{
	assert_true(n->ssid_len <= WIFI_SSID_MAX);
	assert_true(n->band <= WIFI_BAND_5_GHZ);
	assert_true(n->auth <= WIFI_AUTH_WPA3_PSK || n->auth == WIFI_AUTH_UNKNOWN);
}

static inline void assert_wifi_config(const struct wifi_config *c)
{
	assert_wifi_network(&c->network);
	assert_true(c->passphrase_len <= WIFI_PASSPHRASE_MAX);
	assert_true(c->has_passphrase || c->passphrase_len == 0);
	assert_true(c->has_any_channel || !c->any_channel);
}

/* Defines NAME(data, len): what decodes keeps the limits (ASSERT), and encoded again it decodes to
 * the same. The same: its encoding, where every field of the struct is. */
#define WIFI_TRY(name, type, decode, encode, assert_limits)                                        \
	static void name(const uint8_t *data, size_t len)                                          \
	{                                                                                          \
		type first, second;                                                                \
		uint8_t once[WIFI_MESSAGE_MAX], twice[WIFI_MESSAGE_MAX];                           \
		size_t once_len, twice_len;                                                        \
		int r = decode(data, len, &first);                                                 \
                                                                                                   \
		if (r != 0) {                                                                      \
			assert_int_equal(r, -EBADMSG);                                             \
			return;                                                                    \
		}                                                                                  \
		assert_limits(&first);                                                             \
		assert_int_equal(encode(&first, once, sizeof(once), &once_len), 0);                \
		assert_int_equal(decode(once, once_len, &second), 0);                              \
		assert_int_equal(encode(&second, twice, sizeof(twice), &twice_len), 0);            \
		assert_int_equal(once_len, twice_len);                                             \
		assert_memory_equal(once, twice, once_len);                                        \
	}

/* Every mutation of one message. */
static inline void wifi_try_all(const char *hex, mutate_fn try)
{
	size_t len;
	_cleanup_(freep) uint8_t *data = mutate_unhex(hex, &len);

	mutate_once(data, len, try);
	mutate_truncate(data, len, try);
	if (len > 0)
		mutate_corrupt(data, len, try);
	mutate_append(data, len, try);
}

/* The bytes as hex; the caller frees. */
static inline char *wifi_hex(const uint8_t *data, size_t len)
{
	char *hex = malloc(2 * len + 1);

	hex_encode(data, len, hex);
	return hex;
}

static inline struct wifi_network wifi_lab(const char *ssid, enum wifi_auth auth)
{
	struct wifi_network n = {.ssid_len = strlen(ssid),
				 .bssid = {2, 0, 0, 0, 1, 0},
				 .band = WIFI_BAND_2_4_GHZ,
				 .channel = 1,
				 .auth = auth};

	memcpy(n.ssid, ssid, n.ssid_len);
	return n;
}
