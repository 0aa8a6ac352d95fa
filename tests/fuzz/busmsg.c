/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/busmsg.h"

#include <string.h>
#include <sys/socket.h>

#include "tests/fuzz/fuzz.h"

#define DEPTH_MAX 4
#define TEXT_MAX 64
#define VALUES_MAX 12

static const char *const words[] = {
	"AccessPoints",
	"ActiveAccessPoint",
	"ActiveConnection",
	"Address",
	"Age",
	"Alias",
	"AssocStatusCode",
	"AuthStatusCode",
	"BSSID",
	"Capabilities",
	"Connected",
	"CurrentAuthMode",
	"CurrentBSS",
	"DeviceType",
	"DisconnectReason",
	"Flags",
	"Frequency",
	"Group",
	"HwAddress",
	"KeyMgmt",
	"LastScan",
	"LastSeen",
	"Paired",
	"Powered",
	"Privacy",
	"RSN",
	"RSSI",
	"RsnFlags",
	"SSID",
	"Scanning",
	"ServiceData",
	"Signal",
	"Ssid",
	"Startup",
	"State",
	"StateReason",
	"Strength",
	"UUID",
	"UUIDs",
	"WPA",
	"WpaFlags",
	"device",
	"link",
	"mtu",
	"offset",
	"prepare-authorize",
	"rssi",
	"sae",
	"wpa-psk",
	"completed",
	"4way_handshake",
	"scanning",
	"14387800-130c-49e7-b877-2881c89cb258",
	"02:00:00:00:01:00",
	"network",
	"credentials",
	"identity",
	"open",
	"wpa2-psk",
	"",
};

void busmsg_pair(sd_bus **ret_a, sd_bus **ret_b)
{
	sd_bus *a = NULL, *b = NULL;
	int fds[2];

	FUZZ_ASSERT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
	FUZZ_ASSERT(sd_bus_new(&a) >= 0 && sd_bus_set_fd(a, fds[0], fds[0]) >= 0);
	FUZZ_ASSERT(sd_bus_set_server(
			    a, 1, SD_ID128_MAKE(1, 2, 3, 4, 5, 6, 7, 8, 9, a, b, c, d, e, f, 1)) >=
		    0);
	FUZZ_ASSERT(sd_bus_set_anonymous(a, 1) >= 0 && sd_bus_start(a) >= 0);
	FUZZ_ASSERT(sd_bus_new(&b) >= 0 && sd_bus_set_fd(b, fds[1], fds[1]) >= 0);
	FUZZ_ASSERT(sd_bus_start(b) >= 0);
	*ret_a = a;
	*ret_b = b;
}

/* Of the words above, or any ASCII. */
static const char *take_text(struct reader *input, char ret[static TEXT_MAX + 1])
{
	size_t i = reader_u8(input), len;
	const uint8_t *bytes;

	if (i < sizeof(words) / sizeof(words[0]))
		return words[i];
	len = i % TEXT_MAX;
	len = len < reader_left(input) ? len : reader_left(input);
	bytes = reader_bytes(input, len);
	for (size_t k = 0; k < len; k++)
		ret[k] = (char)(bytes[k] % 0x7f + 1);
	ret[len] = '\0';
	return ret;
}

static bool append_number(sd_bus_message *m, char type, struct reader *input)
{
	/* Wide enough for each; sd-bus reads as much as the type has. */
	uint64_t value = reader_be32(input);
	int boolean = value & 1;

	if (value == UINT32_MAX)
		value = UINT64_MAX;
	return sd_bus_message_append_basic(m, type, type == 'b' ? (void *)&boolean : &value) >= 0;
}

static bool append_array(sd_bus_message *m, char type, struct reader *input)
{
	size_t n = reader_u8(input) % 24;
	char text[TEXT_MAX + 1];
	bool ok;

	if (type == 'y') {
		n = reader_u8(input) < 0xf0 ? n : 8 * n;
		n = n < reader_left(input) ? n : reader_left(input);
		return sd_bus_message_append_array(m, 'y', reader_bytes(input, n), n) >= 0;
	}
	ok = sd_bus_message_open_container(m, 'a', (const char[]){type, '\0'}) >= 0;
	for (size_t i = 0; ok && i < n && reader_left(input) > 0; i++)
		ok = sd_bus_message_append_basic(m, type, take_text(input, text)) >= 0;
	return ok && sd_bus_message_close_container(m) >= 0;
}

static const char *take_type(struct reader *input)
{
	static const char *const types[] = {"s",  "o", "b", "y",  "n",  "q",  "i",
					    "u",  "x", "t", "d",  "ay", "as", "a{sv}",
					    "ao", "v", "g", "au", "(u)"};

	return types[reader_u8(input) % (sizeof(types) / sizeof(types[0]))];
}

static bool append_value(sd_bus_message *m, const char *type, struct reader *input,
			 unsigned int depth);

static bool append_variant(sd_bus_message *m, struct reader *input, unsigned int depth)
{
	const char *type = depth < DEPTH_MAX ? take_type(input) : "s";

	return sd_bus_message_open_container(m, 'v', type) >= 0 &&
	       append_value(m, type, input, depth + 1) && sd_bus_message_close_container(m) >= 0;
}

bool busmsg_append_properties(sd_bus_message *m, struct reader *input, unsigned int depth)
{
	size_t n = reader_u8(input) % VALUES_MAX;
	bool ok = sd_bus_message_open_container(m, 'a', "{sv}") >= 0;
	char text[TEXT_MAX + 1];

	for (size_t i = 0; ok && i < n && reader_left(input) > 0; i++)
		ok = sd_bus_message_open_container(m, 'e', "sv") >= 0 &&
		     sd_bus_message_append_basic(m, 's', take_text(input, text)) >= 0 &&
		     append_variant(m, input, depth) && sd_bus_message_close_container(m) >= 0;
	return ok && sd_bus_message_close_container(m) >= 0;
}

static bool append_value(sd_bus_message *m, const char *type, struct reader *input,
			 unsigned int depth)
{
	char text[TEXT_MAX + 1], path[TEXT_MAX + 8] = "/a";

	switch (type[0]) {
	case 'v':
		return append_variant(m, input, depth);
	case 'a':
		return type[1] == '{'   ? busmsg_append_properties(m, input, depth)
		       : type[1] == 'u' ? sd_bus_message_append(m, "au", 1, 7U) >= 0
					: append_array(m, type[1], input);
	case '(':
		return sd_bus_message_append(m, "(u)", 7U) >= 0;
	case 'o':
		strcpy(path + 1, take_text(input, text));
		return sd_bus_message_append_basic(m, 'o', path) >= 0;
	case 's':
	case 'g':
		return sd_bus_message_append_basic(m, type[0], take_text(input, text)) >= 0;
	default:
		return append_number(m, type[0], input);
	}
}

bool busmsg_append(sd_bus_message *m, struct reader *input)
{
	size_t n = reader_u8(input) % 7;
	bool ok = true;

	for (size_t i = 0; ok && i < n; i++)
		ok = append_value(m, take_type(input), input, 0);
	return ok;
}

bool busmsg_seal(sd_bus_message *m)
{
	return sd_bus_message_seal(m, 1, 0) >= 0 && sd_bus_message_rewind(m, 1) >= 0;
}
