/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "proto/wifi/wifi.pb-c.h"
#include "proto/wifi/wire.h"

int wifi_info_encode(uint32_t version, uint8_t *ret, size_t size, size_t *ret_len)
{
	Wifi__Info m = WIFI__INFO__INIT;

	m.version = version;
	return wire_pack(&m.base, ret, size, ret_len);
}

int wifi_info_decode(const void *data, size_t len, uint32_t *ret_version)
{
	_cleanup_(wire_arena_done) struct wire_arena arena;
	const Wifi__Info *m;

	wire_arena_init(&arena);
	m = wire_unpack(&arena, &wifi__info__descriptor, data, len);
	if (!m)
		return -EBADMSG;
	*ret_version = m->version;
	return 0;
}
