/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi/ble/advertdata.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/cursor.h"
#include "wifi/ble/bluez.h"

/* Types of the Bluetooth assigned numbers. */
#define TYPE_FLAGS 0x01
#define TYPE_UUIDS_128 0x07 /* complete list */
#define TYPE_NAME 0x09      /* complete */
#define TYPE_SERVICE_DATA_128 0x21
/* General discoverable, BR/EDR not supported. */
#define FLAGS 0x06

#define VERSION 1
#define FLAG_PROVISIONED 0x01
#define FLAG_CONNECTED 0x02

static const uint8_t service_uuid[] = BLE_UUID_SERVICE_BYTES;

static void put_header(struct writer *w, size_t len, uint8_t type)
{
	writer_u8(w, (uint8_t)(len + 1));
	writer_u8(w, type);
}

void advertdata_service_data(const struct advertisement *a,
			     uint8_t ret[static ADVERTDATA_SERVICE_DATA_LEN])
{
	ret[0] = VERSION;
	ret[1] = (uint8_t)((a->is_provisioned ? FLAG_PROVISIONED : 0) |
			   (a->is_connected ? FLAG_CONNECTED : 0));
	ret[2] = 0;
	/* -128 says "no connection", whatever was measured before. */
	ret[3] = (uint8_t)(a->is_connected ? a->rssi_dbm : INT8_MIN);
}

void advertdata_interval_ms(const struct advertisement *a, uint32_t *ret_min_ms,
			    uint32_t *ret_max_ms)
{
	*ret_min_ms = a->is_fast ? 100 : 1000;
	*ret_max_ms = a->is_fast ? 150 : 1200;
}

bool advertdata_equal(const struct advertdata *a, const struct advertdata *b)
{
	return a->ad_len == b->ad_len && memcmp(a->ad, b->ad, a->ad_len) == 0 &&
	       a->scan_response_len == b->scan_response_len &&
	       memcmp(a->scan_response, b->scan_response, a->scan_response_len) == 0 &&
	       a->min_interval == b->min_interval && a->max_interval == b->max_interval;
}

int advertdata_encode(const struct advertisement *a, struct advertdata *ret)
{
	uint8_t service_data[ADVERTDATA_SERVICE_DATA_LEN];
	uint32_t min_ms, max_ms;
	struct writer w;

	if (strnlen(a->name, sizeof(a->name)) != ADVERTDATA_NAME_LEN)
		return -EINVAL;
	*ret = (struct advertdata){0};

	writer_init(&w, ret->ad, sizeof(ret->ad));
	put_header(&w, 1, TYPE_FLAGS);
	writer_u8(&w, FLAGS);
	put_header(&w, sizeof(service_uuid), TYPE_UUIDS_128);
	writer_bytes(&w, service_uuid, sizeof(service_uuid));
	put_header(&w, ADVERTDATA_NAME_LEN, TYPE_NAME);
	writer_bytes(&w, a->name, ADVERTDATA_NAME_LEN);
	/* More than this and controllers refuse it, or phones that scan for legacy packets alone
	 * do not see it. */
	assert(writer_ok(&w) && w.len <= ADVERTDATA_MAX);
	ret->ad_len = w.len;

	advertdata_service_data(a, service_data);
	writer_init(&w, ret->scan_response, sizeof(ret->scan_response));
	put_header(&w, sizeof(service_uuid) + sizeof(service_data), TYPE_SERVICE_DATA_128);
	writer_bytes(&w, service_uuid, sizeof(service_uuid));
	writer_bytes(&w, service_data, sizeof(service_data));
	assert(writer_ok(&w) && w.len <= ADVERTDATA_MAX);
	ret->scan_response_len = w.len;

	advertdata_interval_ms(a, &min_ms, &max_ms);
	ret->min_interval = (uint16_t)(min_ms * 8 / 5);
	ret->max_interval = (uint16_t)(max_ms * 8 / 5);
	return 0;
}
