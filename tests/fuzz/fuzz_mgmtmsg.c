/* Targets: mgmtmsg_parse(), mgmtmsg_ext_data(), mgmtmsg_add(), advertdata_encode(). */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "wifi/ble/mgmtmsg.h"

/* A command is its head of opcode, index and length, and as much as that says. */
static void check_command(const uint8_t *out, size_t len, unsigned int index)
{
	FUZZ_ASSERT(len >= 6 && len <= MGMTMSG_MAX);
	FUZZ_ASSERT((out[2] | out[3] << 8) == (int)index);
	FUZZ_ASSERT((size_t)(out[4] | out[5] << 8) == len - 6);
}

/* data: what the kernel says, and the name of an advertisement. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct advertisement a = {.name = ""};
	char *name = a.name;
	uint8_t out[MGMTMSG_MAX];
	struct advertdata d;
	struct mgmtmsg m;

	if (mgmtmsg_parse(data, len, &m) == 0) {
		FUZZ_ASSERT(len >= 6 && (size_t)(data[4] | data[5] << 8) == len - 6);
		FUZZ_ASSERT(m.type <= MGMTMSG_OTHER);
		FUZZ_ASSERT(m.index == (data[2] | data[3] << 8));
		FUZZ_ASSERT(mgmtmsg_status_text(m.status)[0] != '\0');
		if (m.type == MGMTMSG_AUTH_FAILED)
			FUZZ_ASSERT(memmem(data, len, m.address, sizeof(m.address)));
	}
	memcpy(name, data, len < sizeof(a.name) ? len : sizeof(a.name) - 1);
	FUZZ_ASSERT((advertdata_encode(&a, &d) == 0) == (strlen(name) == ADVERTDATA_NAME_LEN));
	if (strlen(name) != ADVERTDATA_NAME_LEN)
		return 0;
	FUZZ_ASSERT(d.ad_len <= ADVERTDATA_MAX && d.scan_response_len <= ADVERTDATA_MAX);
	check_command(out, mgmtmsg_ext_params(data[0], 1, &d, out), data[0]);
	check_command(out, mgmtmsg_ext_data(data[0], 1, &d, out), data[0]);
	check_command(out, mgmtmsg_add(data[0], 1, &d, out), data[0]);
	FUZZ_ASSERT(memmem(out, sizeof(out), name, ADVERTDATA_NAME_LEN));
	return 0;
}
