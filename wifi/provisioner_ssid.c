/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi/provisioner_ssid.h"

#include <string.h>

#include "base/text.h"

static bool is_utf8(const struct wifi_network *n)
{
	uint32_t point;

	for (size_t i = 0; i < n->ssid_len;) {
		size_t len = utf8_char(n->ssid + i, n->ssid_len - i, &point);

		if (len == 0)
			return false;
		i += len;
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
	return !is_hidden(n) && is_utf8(n);
}

void ssid_make_showable(struct wifi_network *n)
{
	char text[WIFI_SSID_TEXT_MAX];
	size_t len;

	if (is_utf8(n))
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
