/* Targets: core_authenticate(), core_authenticate_cloud(), jwt_parse(). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cursor.h"
#include "proto/jwt.h"
#include "tests/fuzz/service.h"

/* The token that the accepted text says the same as: the bytes that were signed are all there. */
static bool is_as_issued(const char *text, size_t len, const char *device, enum service_token kind)
{
	struct service *s = service_get();
	struct jwt jwt, issued;

	FUZZ_ASSERT(jwt_parse(text, len, &jwt) == 0);
	for (size_t i = 0; i < SERVICE_DEVICES; i++) {
		const char *token = s->tokens[i][kind];

		if (strcmp(s->devices[i].uuid, device) != 0)
			continue;
		FUZZ_ASSERT(jwt_parse(token, strlen(token), &issued) == 0);
		return jwt.signed_len == issued.signed_len &&
		       memcmp(jwt.signed_data, issued.signed_data, jwt.signed_len) == 0;
	}
	return false;
}

/* The header, payload and signature of three tokens, which the input's first bytes choose. */
static size_t splice(struct reader *input, char *ret)
{
	struct service *s = service_get();
	size_t len = 0;

	for (size_t part = 0; part < 3; part++) {
		unsigned int i = reader_u8(input) % (SERVICE_DEVICES * SERVICE_TOKENS);
		const char *from = s->tokens[i / SERVICE_TOKENS][i % SERVICE_TOKENS];
		size_t n;

		for (size_t skip = 0; skip < part; skip++)
			from = strchr(from, '.') + 1;
		n = strcspn(from, ".");
		memcpy(ret + len, from, n);
		len += n;
		if (part < 2)
			ret[len++] = '.';
	}
	return len;
}

/* Puts what is left of the input in the place of some characters. */
static size_t mutate(struct reader *input, char *text, size_t len)
{
	size_t at = reader_be16(input), gone = reader_u8(input), n = reader_left(input);

	if (input->failed)
		return len;
	at = MIN(at, len);
	gone = MIN(gone, len - at);
	n = MIN(n, (size_t)JWT_MAX);
	memmove(text + at + n, text + at + gone, len - at - gone);
	if (n > 0)
		memcpy(text + at, reader_bytes(input, n), n);
	return len - gone + n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct service *s = service_begin();
	char text[4 * JWT_MAX], device[CORE_UUID_TEXT] = "";
	struct reader input;
	size_t text_len;

	reader_init(&input, data, len);
	text_len = mutate(&input, text, splice(&input, text));
	if (token_show(s->f->core, text, text_len, device) == CORE_OK) {
		FUZZ_ASSERT(is_as_issued(text, text_len, device, SERVICE_TOKEN_PROVISIONING));
		FUZZ_ASSERT(strcmp(device, s->devices[SERVICE_CLAIMED].uuid) == 0 ||
			    strcmp(device, s->devices[SERVICE_THEIRS].uuid) == 0);
	}
	if (cloud_token_show(s->f->core, text, text_len, device) == CORE_OK) {
		FUZZ_ASSERT(is_as_issued(text, text_len, device, SERVICE_TOKEN_CLOUD));
		FUZZ_ASSERT(strcmp(device, s->devices[SERVICE_CLAIMED].uuid) == 0);
	}
	service_end();
	return 0;
}
