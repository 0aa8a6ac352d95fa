/* Targets: wifi_claim_decode(), wifi_claim_encode(), claimparts_add(). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/wifi.h"
#include "wifi/central/claimparts.h"

/* What a device that sends this over and over gets a configurator to do: it comes to an end. */
static void put_together(const struct wifi_claim *claim)
{
	static struct claimparts parts;
	int r = 1;

	claimparts_init(&parts);
	for (int i = 0; r == 1; i++) {
		FUZZ_ASSERT(i <= CLAIMPARTS_MAX);
		r = claimparts_add(&parts, claim);
		FUZZ_ASSERT(parts.len <= CLAIM_TEXT_MAX && strlen(parts.token) == parts.len);
	}
	FUZZ_ASSERT(r != 0 || parts.len == claim->token_whole_len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t once[WIFI_MESSAGE_MAX], twice[WIFI_MESSAGE_MAX];
	struct wifi_claim claim, again;
	size_t once_len, twice_len;

	if (wifi_claim_decode(data, len, &claim) != 0)
		return 0;
	FUZZ_ASSERT(len <= WIFI_MESSAGE_MAX);
	FUZZ_ASSERT(strlen(claim.uuid) == UUID_TEXT_LEN);
	FUZZ_ASSERT(claim.token_len <= WIFI_CLAIM_PART_MAX);
	FUZZ_ASSERT(claim.token_whole_len <= CLAIM_TEXT_MAX);
	FUZZ_ASSERT(claim.token_offset + claim.token_len <= claim.token_whole_len);
	FUZZ_ASSERT(wifi_claim_encode(&claim, once, sizeof(once), &once_len) == 0);
	FUZZ_ASSERT(wifi_claim_decode(once, once_len, &again) == 0);
	FUZZ_ASSERT(wifi_claim_encode(&again, twice, sizeof(twice), &twice_len) == 0);
	FUZZ_SAME(once, once_len, twice, twice_len);
	put_together(&claim);
	return 0;
}
