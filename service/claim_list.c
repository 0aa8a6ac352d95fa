/* SPDX-License-Identifier: Apache-2.0 */

/* Many claims at a time: rows "<claim token>","<tag>|<tag>". */

#include <string.h>

#include "service/core_rows.h"

static unsigned int claim_row(struct core_rows *list, const struct row *row,
			      char device[static CORE_UUID_TEXT], json_t **ret)
{
	json_auto_t *tags = NULL, *body = NULL;
	_cleanup_(freep) char *detail = NULL;
	const char *id;
	unsigned int status;

	if (row->n > 2)
		return core_problem(422, ret,
				    "a row has two fields: a claim token, and tags with "
				    "| between them");
	tags = core_rows_tags(row->n > 1 ? row->fields[1] : "", &detail);
	if (!tags)
		return core_problem(422, ret, "%s", detail ? detail : "no memory");
	body = json_pack("{s:s, s:O}", "claimToken", row->fields[0], "tags", tags);
	if (!body)
		return core_problem(422, ret, "the claim token is not UTF-8");
	status = core_claim(list->core, &list->owner, body, ret);
	id = json_string_value(json_object_get(*ret, "id"));
	if (status < 300 && id)
		memcpy(device, id, strnlen(id, CORE_UUID_TEXT - 1) + 1);
	return status;
}

static unsigned int claim_end(struct core_rows *list, json_t **ret)
{
	*ret = json_pack("{s:O, s:O}", "claimedIds", list->done, "failed", list->failed);
	return 200;
}

unsigned int core_claim_rows(struct core *c, const struct core_owner *o, const char *csv,
			     size_t len, struct core_rows **ret_rows, json_t **ret)
{
	static const char *const headers[] = {
		"claimtoken",        "claim token",      "claim_token",  "token",
		"attestation token", "attestationtoken", "attest_token", NULL};
	unsigned int status;

	status = core_need_write(o, ret);
	if (!status)
		status = core_rows_new(c, o, csv, len, headers, ret_rows, ret);
	if (status)
		return status;
	(*ret_rows)->row = claim_row;
	(*ret_rows)->end = claim_end;
	return 0;
}
