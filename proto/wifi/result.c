/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "proto/wifi/wifi.pb-c.h"
#include "proto/wifi/wire.h"

int wifi_result_encode(const struct wifi_result *r, uint8_t *ret, size_t size, size_t *ret_len)
{
	Wifi__Result m = WIFI__RESULT__INIT;
	Wifi__ScanRecord record = WIFI__SCAN_RECORD__INIT;
	Wifi__WifiInfo network;
	int e;

	if ((r->has_state && r->state > WIFI_STATE_CONNECTION_FAILED) ||
	    (r->has_reason && r->reason > WIFI_REASON_FAIL_CONN))
		return -EINVAL;
	if (r->has_record) {
		e = wire_from_network(&r->record.network, &network);
		if (e < 0)
			return e;
		record.wifi = &network;
		record.has_rssi = true;
		record.rssi = r->record.rssi_dbm;
		m.scan_record = &record;
	}
	m.has_state = r->has_state;
	if (r->has_state)
		m.state = (Wifi__ConnectionState)r->state;
	m.has_reason = r->has_reason;
	if (r->has_reason)
		m.reason = (Wifi__ConnectionFailureReason)r->reason;
	return wire_pack(&m.base, ret, size, ret_len);
}

int wifi_result_decode(const void *data, size_t len, struct wifi_result *ret)
{
	_cleanup_(wire_arena_done) struct wire_arena arena;
	struct wifi_result result = {0};
	const Wifi__Result *m;
	int r;

	wire_arena_init(&arena);
	m = wire_unpack(&arena, &wifi__result__descriptor, data, len);
	if (!m)
		return -EBADMSG;
	/* A record that names no network says nothing. */
	if (m->scan_record && m->scan_record->wifi) {
		r = wire_to_network(m->scan_record->wifi, &result.record.network);
		if (r < 0)
			return r;
		result.record.rssi_dbm = m->scan_record->has_rssi ? m->scan_record->rssi : 0;
		result.has_record = true;
	}
	result.has_state = m->has_state && (uint32_t)m->state <= WIFI_STATE_CONNECTION_FAILED;
	if (result.has_state)
		result.state = (enum wifi_state)m->state;
	result.has_reason = m->has_reason && (uint32_t)m->reason <= WIFI_REASON_FAIL_CONN;
	if (result.has_reason)
		result.reason = (enum wifi_reason)m->reason;
	*ret = result;
	return 0;
}
