/* Targets: wifi_request_decode(), wifi_config_decode(), their encoders, wifi_config_refusal(). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/wifi.h"

static void check_config(const struct wifi_config *c)
{
	const char *why = wifi_config_refusal(c);
	uint8_t once[WIFI_MESSAGE_MAX], twice[WIFI_MESSAGE_MAX];
	size_t once_len, twice_len;
	struct wifi_config again;

	fuzz_wifi_network(&c->network);
	FUZZ_ASSERT(c->passphrase_len <= WIFI_PASSPHRASE_MAX);
	FUZZ_ASSERT(c->has_passphrase || c->passphrase_len == 0);
	if (!why) {
		FUZZ_ASSERT(c->network.ssid_len > 0);
		FUZZ_ASSERT(c->network.auth != WIFI_AUTH_WEP);
		FUZZ_ASSERT(c->network.auth != WIFI_AUTH_WPA2_ENTERPRISE);
		FUZZ_ASSERT(c->passphrase_len > 0 || c->network.auth == WIFI_AUTH_OPEN ||
			    c->network.auth == WIFI_AUTH_UNKNOWN);
		FUZZ_ASSERT(!memchr(c->passphrase, '\n', c->passphrase_len));
		FUZZ_ASSERT(!memchr(c->passphrase, '\0', c->passphrase_len));
	}
	FUZZ_ASSERT(wifi_config_encode(c, once, sizeof(once), &once_len) == 0);
	FUZZ_ASSERT(wifi_config_decode(once, once_len, &again) == 0);
	FUZZ_ASSERT(wifi_config_encode(&again, twice, sizeof(twice), &twice_len) == 0);
	FUZZ_SAME(once, once_len, twice, twice_len);
	/* Certificates are not kept, and decide only where the authentication is not known. */
	FUZZ_ASSERT(!again.has_certs);
	if (!c->has_certs || c->network.auth != WIFI_AUTH_UNKNOWN)
		FUZZ_ASSERT(wifi_config_refusal(&again) == why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t once[WIFI_MESSAGE_MAX], twice[WIFI_MESSAGE_MAX];
	struct wifi_request request, again;
	size_t once_len, twice_len;
	struct wifi_config config;

	if (wifi_config_decode(data, len, &config) == 0)
		check_config(&config);
	if (wifi_request_decode(data, len, &request) != 0)
		return 0;
	FUZZ_ASSERT(len <= WIFI_MESSAGE_MAX);
	FUZZ_ASSERT(request.has_config || !request.has_network);
	FUZZ_ASSERT(request.scan_params.band <= WIFI_BAND_5_GHZ);
	FUZZ_ASSERT(request.label_code_len <= WIFI_LABEL_CODE_MAX);
	if (request.has_network)
		check_config(&request.config);
	FUZZ_ASSERT(wifi_request_encode(&request, once, sizeof(once), &once_len) == 0);
	FUZZ_ASSERT(wifi_request_decode(once, once_len, &again) == 0);
	FUZZ_ASSERT(wifi_request_encode(&again, twice, sizeof(twice), &twice_len) == 0);
	FUZZ_SAME(once, once_len, twice, twice_len);
	FUZZ_ASSERT(wifi_op_name(request.op) != NULL);
	return 0;
}
