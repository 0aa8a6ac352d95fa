/* Targets: wifi_result_decode(), wifi_result_encode(). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/wifi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t once[WIFI_MESSAGE_MAX], twice[WIFI_MESSAGE_MAX];
	struct wifi_result result, again;
	size_t once_len, twice_len;

	if (wifi_result_decode(data, len, &result) != 0)
		return 0;
	FUZZ_ASSERT(len <= WIFI_MESSAGE_MAX);
	FUZZ_ASSERT(result.state <= WIFI_STATE_CONNECTION_FAILED);
	FUZZ_ASSERT(result.reason <= WIFI_REASON_FAIL_CONN);
	fuzz_wifi_network(&result.record.network);
	FUZZ_ASSERT(wifi_result_encode(&result, once, sizeof(once), &once_len) == 0);
	FUZZ_ASSERT(wifi_result_decode(once, once_len, &again) == 0);
	FUZZ_ASSERT(wifi_result_encode(&again, twice, sizeof(twice), &twice_len) == 0);
	FUZZ_SAME(once, once_len, twice, twice_len);
	FUZZ_ASSERT(result.record.rssi_dbm == again.record.rssi_dbm);
	return 0;
}
