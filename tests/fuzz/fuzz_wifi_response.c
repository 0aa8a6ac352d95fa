/* Targets: wifi_response_decode(), wifi_info_decode(), and their encoders. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/wifi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t once[WIFI_MESSAGE_MAX], twice[WIFI_MESSAGE_MAX];
	struct wifi_response response, again;
	size_t once_len, twice_len;
	uint32_t version, version_again;

	if (wifi_info_decode(data, len, &version) == 0) {
		FUZZ_ASSERT(wifi_info_encode(version, once, sizeof(once), &once_len) == 0);
		FUZZ_ASSERT(wifi_info_decode(once, once_len, &version_again) == 0);
		FUZZ_ASSERT(version == version_again);
	}
	if (wifi_response_decode(data, len, &response) != 0)
		return 0;
	FUZZ_ASSERT(len <= WIFI_MESSAGE_MAX);
	FUZZ_ASSERT(response.answer <= WIFI_ANSWER_INTERNAL_ERROR);
	FUZZ_ASSERT(response.device_status.state <= WIFI_STATE_CONNECTION_FAILED);
	fuzz_wifi_network(&response.device_status.network);
	FUZZ_ASSERT(wifi_response_encode(&response, once, sizeof(once), &once_len) == 0);
	FUZZ_ASSERT(wifi_response_decode(once, once_len, &again) == 0);
	FUZZ_ASSERT(wifi_response_encode(&again, twice, sizeof(twice), &twice_len) == 0);
	FUZZ_SAME(once, once_len, twice, twice_len);
	FUZZ_ASSERT(memcmp(response.device_status.ip4, again.device_status.ip4, 4) == 0);
	return 0;
}
