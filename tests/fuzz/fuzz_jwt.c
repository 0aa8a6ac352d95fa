/* Targets: jwt_parse(), jwt_build(), jwt_iss_uuid(). */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "proto/jwt.h"
#include "tests/fuzz/fuzz.h"

static int keep_signature(void *userdata, const uint8_t *data, size_t len, uint8_t ret[static 64])
{
	(void)data, (void)len;
	memcpy(ret, userdata, 64);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct jwt jwt, again;
	char text[JWT_MAX + 1];
	uint8_t uuid[16];
	int r;

	if (jwt_parse((const char *)data, len, &jwt) != 0)
		return 0;
	FUZZ_ASSERT(jwt.signed_data == data && jwt.signed_len < len);
	(void)!jwt_iss_uuid(jwt.iss, uuid);
	r = jwt_build(&(struct jwt_claims){.iss = jwt.iss[0] ? jwt.iss : NULL,
					   .sub = jwt.sub[0] ? jwt.sub : NULL,
					   .jti = jwt.jti[0] ? jwt.jti : NULL,
					   .iat = jwt.iat,
					   .exp = jwt.exp},
		      keep_signature, jwt.signature, text, sizeof(text));
	if (r == -EINVAL) /* escaped characters made it longer than a token may be */
		return 0;
	FUZZ_ASSERT(r == 0 && jwt_parse(text, strlen(text), &again) == 0);
	FUZZ_ASSERT(strcmp(jwt.iss, again.iss) == 0 && strcmp(jwt.sub, again.sub) == 0);
	FUZZ_ASSERT(strcmp(jwt.jti, again.jti) == 0);
	FUZZ_ASSERT(jwt.iat == again.iat && jwt.exp == again.exp);
	FUZZ_ASSERT(memcmp(jwt.signature, again.signature, 64) == 0);
	return 0;
}
