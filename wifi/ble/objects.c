/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi/ble/objects.h"

#include <string.h>

#include "base/text.h"
#include "wifi/ble/bluez.h"
#include "wifi/busread.h"

/* BlueZ's own vendor and product in Modalias, with its version behind: "d0542" is 5.66. */
#define MODALIAS_OWN "v1D6Bp0246d"
#define VERSION_SCAN_RESPONSE 0x0550 /* 5.80 */

static int version_of(const char *modalias)
{
	const char *own = strstr(modalias, MODALIAS_OWN);
	uint8_t version[2];

	/* A vendor's own Modalias (DeviceID in main.conf) says nothing about BlueZ. */
	if (!own || strlen(own) < sizeof(MODALIAS_OWN) - 1 + 4 ||
	    hex_decode(own + sizeof(MODALIAS_OWN) - 1, 4, version, sizeof(version)) != 0)
		return 0;
	return version[0] << 8 | version[1];
}

static int read_value(sd_bus_message *m, const char *name, void *userdata)
{
	struct bluez_seen *s = userdata;
	const char *text;
	int r;

	if (strcmp(name, "Powered") == 0)
		return sd_bus_message_read(m, "v", "b", &s->powered);
	if (strcmp(name, "Connected") == 0)
		return sd_bus_message_read(m, "v", "b", &s->connected);
	if (strcmp(name, "Paired") == 0)
		return sd_bus_message_read(m, "v", "b", &s->paired);
	if (strcmp(name, "Modalias") != 0 && strcmp(name, "Address") != 0)
		return 0;
	r = sd_bus_message_read(m, "v", "s", &text);
	if (r > 0 && *name == 'A')
		s->has_address = bluez_address(text, s->address) == 0;
	else if (r > 0)
		s->scan_response = version_of(text) >= VERSION_SCAN_RESPONSE;
	return r;
}

int bluez_read_properties(sd_bus_message *m, struct bluez_seen *ret)
{
	*ret = BLUEZ_SEEN_NOTHING;
	return busread_properties(m, read_value, ret);
}
