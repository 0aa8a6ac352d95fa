/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What every decoded network keeps to, for the fuzz_wifi_* targets. */

#include <string.h>

#include "base/text.h"
#include "proto/wifi/wifi.h"
#include "tests/fuzz/fuzz.h"

static inline void fuzz_wifi_network(const struct wifi_network *n)
{
	char text[WIFI_SSID_TEXT_MAX];
	uint32_t point;
	size_t len;

	FUZZ_ASSERT(n->ssid_len <= WIFI_SSID_MAX && n->band <= WIFI_BAND_5_GHZ);
	FUZZ_ASSERT(n->auth <= WIFI_AUTH_WPA3_PSK || n->auth == WIFI_AUTH_UNKNOWN);
	FUZZ_ASSERT(wifi_ssid_text(n, text) == text);
	len = strnlen(text, sizeof(text));
	FUZZ_ASSERT(len < sizeof(text) && len >= n->ssid_len);
	for (size_t i = 0, step; i < len; i += step) {
		step = utf8_char(text + i, len - i, &point);
		FUZZ_ASSERT(step > 0 && point >= 0x20 && (point < 0x7f || point > 0x9f));
	}
}

/* Two encodings of what should be the same struct. */
#define FUZZ_SAME(a, a_len, b, b_len) FUZZ_ASSERT((a_len) == (b_len) && memcmp(a, b, a_len) == 0)
