/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "credstore/verb.h"
#include "proto/limits.h"

/* %ATTESTTOKEN or %ATTESTTOKEN="<32 hex digits>" (docs/protocol.md §2.3). */

/* 0 or the number to answer. */
static int parse_request(const char *parameters, struct key_work *ret)
{
	struct at_fields fields;

	if (at_parse(parameters, &fields) != 0 || fields.n > 1)
		return AT_CME_INCORRECT_PARAMETERS;
	if (fields.n == 1 && (fields.items[0].kind != AT_STRING ||
			      hex_decode(fields.items[0].text, fields.items[0].len, ret->challenge,
					 sizeof(ret->challenge)) < 0))
		return AT_CME_INCORRECT_PARAMETERS;
	ret->has_challenge = fields.n == 1;
	ret->kind = KEY_WORK_ATTEST;
	return 0;
}

int verb_attesttoken_plan(struct executor *e, const char *parameters, struct foreseen *foreseen,
			  struct key_work *ret)
{
	struct key_work w = {.kind = KEY_WORK_NONE};

	(void)e;
	(void)foreseen;
	if (parse_request(parameters, &w) == 0)
		*ret = w;
	return 0;
}

int verb_attesttoken(struct executor *e, const char *parameters, const struct key_work *prepared,
		     struct verb_result *ret)
{
	_cleanup_(key_work_done) struct key_work now = {.kind = KEY_WORK_NONE};
	int r;

	r = parse_request(parameters, &now);
	if (r > 0)
		return verb_cme(ret, (enum at_cme)r);
	if (!prepared) {
		r = verb_work_now(e, &now);
		if (r < 0)
			return r;
		prepared = &now;
	}
	return prepared->r < 0 ? prepared->r : verb_value(ret, "%ATTESTTOKEN", prepared->text);
}
