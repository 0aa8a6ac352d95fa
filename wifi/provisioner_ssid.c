/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi/provisioner_ssid.h"

#include <string.h>

/* Bytes that a character takes by its first one, and the smallest number that may take so many. */
static size_t sequence(uint8_t lead, uint32_t *ret_bits, uint32_t *ret_least)
{
	if (lead < 0x80) {
		*ret_bits = lead;
		*ret_least = 0;
		return 1;
	}
	if (lead >= 0xc2 && lead < 0xe0) {
		*ret_bits = lead & 0x1f;
		*ret_least = 0x80;
		return 2;
	}
	if (lead >= 0xe0 && lead < 0xf0) {
		*ret_bits = lead & 0x0f;
		*ret_least = 0x800;
		return 3;
	}
	if (lead >= 0xf0 && lead < 0xf5) {
		*ret_bits = lead & 0x07;
		*ret_least = 0x10000;
		return 4;
	}
	return 0;
}

/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
static bool is_utf8(const uint8_t *text, size_t len)
{
	while (len > 0) {
		uint32_t point = 0, least = 0;
		size_t n = sequence(*text, &point, &least);

		if (n == 0 || n > len)
			return false;
		for (size_t i = 1; i < n; i++) {
			if ((text[i] & 0xc0) != 0x80)
				return false;
			point = point << 6 | (text[i] & 0x3f);
		}
		if (point < least || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
			return false;
		text += n;
		len -= n;
	}
	return true;
}

static bool is_hidden(const struct wifi_network *n)
{
	for (size_t i = 0; i < n->ssid_len; i++)
		if (n->ssid[i] != 0)
			return false;
	return true;
}

bool ssid_is_showable(const struct wifi_network *n)
{
	return !is_hidden(n) && is_utf8(n->ssid, n->ssid_len);
}

void ssid_make_showable(struct wifi_network *n)
{
	char text[WIFI_SSID_TEXT_MAX];
	size_t len;

	if (is_utf8(n->ssid, n->ssid_len))
		return;
	wifi_ssid_text(n, text);
	len = strlen(text);
	if (len > WIFI_SSID_MAX) {
		len = WIFI_SSID_MAX;
		/* Not in the middle of a character. */
		while (len > 0 && ((uint8_t)text[len] & 0xc0) == 0x80)
			len--;
	}
	memcpy(n->ssid, text, len);
	n->ssid_len = len;
}
