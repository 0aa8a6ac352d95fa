/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "credstore/verb.h"
#include "proto/limits.h"

/* %ATTESTTOKEN or %ATTESTTOKEN="<32 hex digits>" (docs/protocol.md §2.3). */
int verb_attesttoken(struct executor *e, const char *parameters, struct verb_result *ret)
{
	struct at_fields fields;
	uint8_t challenge[16];
	char token[TOKEN_TEXT_MAX + 1];
	int r;

	if (at_parse(parameters, &fields) != 0 || fields.n > 1)
		return verb_cme(ret, AT_CME_INCORRECT_PARAMETERS);
	if (fields.n == 1 && (fields.items[0].kind != AT_STRING ||
			      hex_decode(fields.items[0].text, fields.items[0].len, challenge,
					 sizeof(challenge)) < 0))
		return verb_cme(ret, AT_CME_INCORRECT_PARAMETERS);
	r = identity_attest(e->identity, fields.n == 1 ? challenge : NULL, token, sizeof(token));
	if (r < 0)
		return r;
	return verb_value(ret, "%ATTESTTOKEN", token);
}
