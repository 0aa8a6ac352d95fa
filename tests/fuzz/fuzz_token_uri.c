/* Targets: token_uri_parse(), token_uri_format(), token_uri_matches_*(). */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "credstore/token_uri.h"
#include "tests/fuzz/fuzz.h"

static size_t take(const CK_ATTRIBUTE *from, uint8_t ret[static 256])
{
	if (!from || from->ulValueLen > 256)
		return 0;
	memcpy(ret, from->pValue, from->ulValueLen);
	return from->ulValueLen;
}

/* The URI of an object that this URI fits leads back to the object. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_(freep) char *text = strndup((const char *)data, len), *again_text = NULL;
	_cleanup_(token_uri_freep) struct token_uri *u = NULL, *again = NULL;
	CK_TOKEN_INFO token = {.firmwareVersion.major = 1};
	struct token_name name = {.label_len = 0};
	int r = token_uri_parse(text, &u);

	FUZZ_ASSERT((r == 0) == (u != NULL));
	if (!u)
		return 0;
	memset(token.label, ' ', sizeof(token.label));
	memset(token.serialNumber, ' ', sizeof(token.serialNumber));
	memcpy(token.label, "a token", 7);
	memcpy(token.serialNumber, "0042", 4);
	(void)token_uri_matches_token(u, &token);
	name.label_len = take(token_uri_label(u), name.label);
	name.id_len = take(token_uri_id(u), name.id);
	if (name.label_len + name.id_len == 0)
		return 0;
	FUZZ_ASSERT(token_uri_format(u, &token, &name, &again_text) == 0);
	FUZZ_ASSERT(token_uri_parse(again_text, &again) == 0);
	FUZZ_ASSERT(token_uri_matches_token(again, &token));
	FUZZ_ASSERT(token_uri_matches_object(again, &name));
	FUZZ_ASSERT(!token_uri_module(u) == !token_uri_module(again));
	FUZZ_ASSERT(!token_uri_pin_file(u) == !token_uri_pin_file(again));
	return 0;
}
