/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The bytes of the advertisement and the scan response (docs/ble.md §3). Pure. */

#include <stddef.h>
#include <stdint.h>

#include "wifi/ble/peripheral.h"

#define ADVERTDATA_MAX 31 /* of a legacy advertisement, and of its scan response */
#define ADVERTDATA_NAME_LEN 8
#define ADVERTDATA_SERVICE_DATA_LEN 4

struct advertdata {
	uint8_t ad[ADVERTDATA_MAX];
	size_t ad_len;
	uint8_t scan_response[ADVERTDATA_MAX];
	size_t scan_response_len;
	uint16_t min_interval, max_interval; /* in units of 0.625 ms */
};

/* What follows the UUID in the service data. */
void advertdata_service_data(const struct advertisement *a,
			     uint8_t ret[static ADVERTDATA_SERVICE_DATA_LEN]);
/* -EINVAL for a name that is not ADVERTDATA_NAME_LEN long. */
int advertdata_encode(const struct advertisement *a, struct advertdata *ret) _must_check_;
bool advertdata_equal(const struct advertdata *a, const struct advertdata *b);
void advertdata_interval_ms(const struct advertisement *a, uint32_t *ret_min_ms,
			    uint32_t *ret_max_ms);
