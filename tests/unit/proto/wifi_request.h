/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Requests as the phones' apps send them. The includer has included cmocka. */

#include "tests/unit/proto/wifi_try.h"

/* What the Android app sends for a network with a passphrase, and the iOS app for an open one. */
#define ANDROID_SET_CONFIG                                                                         \
	"08045a2d0a180a086c61622d777061321206020000000100180120012803120d636f727265637420686f7273" \
	"6518002000"
#define IOS_SET_CONFIG "08045a1e0a180a086c61622d6f70656e120602000000010018012001280012001800"
#define LABEL_12345678 "a206083132333435363738"
#define IOS_START_SCAN "080252020800"

static inline int request_of(const char *hex, struct wifi_request *ret)
{
	size_t len;
	_cleanup_(freep) uint8_t *data = mutate_unhex(hex, &len);

	return wifi_request_decode(data, len, ret);
}

static inline void assert_request_is(const struct wifi_request *r, const char *expected)
{
	_cleanup_(freep) char *hex = NULL;
	uint8_t data[WIFI_MESSAGE_MAX];
	size_t len;

	assert_int_equal(wifi_request_encode(r, data, sizeof(data), &len), 0);
	hex = wifi_hex(data, len);
	assert_string_equal(hex, expected);
}

static inline struct wifi_config wifi_secured(const char *passphrase)
{
	struct wifi_config c = {.network = wifi_lab("lab-wpa2", WIFI_AUTH_WPA2_PSK),
				.has_passphrase = true,
				.passphrase_len = strlen(passphrase)};

	memcpy(c.passphrase, passphrase, c.passphrase_len);
	return c;
}
