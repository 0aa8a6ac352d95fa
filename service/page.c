/* SPDX-License-Identifier: Apache-2.0 */
#include "service/page.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define PLAIN_MAX 64 /* "<kind>:<number>:<text>" */
#define TOKEN_MAX BASE64URL_LEN(PLAIN_MAX)

static bool number_parse(const char *text, size_t len, int64_t *ret)
{
	uint64_t v;

	if (decimal_parse(text, len, INT64_MAX, &v) < 0)
		return false;
	*ret = (int64_t)v;
	return true;
}

static bool token_read(const char *token, char kind, struct page *page)
{
	char plain[PLAIN_MAX + 4], *colon;
	size_t token_len = strlen(token), len;

	if (token_len > TOKEN_MAX ||
	    base64url_decode(token, token_len, (uint8_t *)plain, &len) < 0 || len > PLAIN_MAX)
		return false;
	plain[len] = '\0';
	if (strlen(plain) != len || plain[0] != kind || plain[1] != ':')
		return false;
	colon = strchr(plain + 2, ':');
	if (!colon || strlen(colon + 1) >= sizeof(page->text) ||
	    !number_parse(plain + 2, (size_t)(colon - plain - 2), &page->number))
		return false;
	memcpy(page->text, colon + 1, strlen(colon + 1) + 1);
	return true;
}

unsigned int page_read(const struct core_list *list, char kind, struct page *ret_page, json_t **ret)
{
	struct page page = {.limit = PAGE_LIMIT_DEFAULT};
	uint64_t limit;

	if (list->limit) {
		if (decimal_parse(list->limit, strlen(list->limit), PAGE_LIMIT_MAX, &limit) < 0 ||
		    limit == 0)
			return core_problem(400, ret, "pageLimit is a number from 1 to %d",
					    PAGE_LIMIT_MAX);
		page.limit = (size_t)limit;
	}
	if (list->token && !token_read(list->token, kind, &page))
		return core_problem(400, ret,
				    "pageNextToken is not one that this list gave: begin again "
				    "without it");
	*ret_page = page;
	return 0;
}

json_t *page_json(json_t *items, char kind, const struct page *next)
{
	char plain[PLAIN_MAX + 1], token[TOKEN_MAX + 1];
	int len;

	if (!next)
		return json_pack("{s:o}", "items", items);
	len = snprintf(plain, sizeof(plain), "%c:%" PRId64 ":%s", kind, next->number, next->text);
	base64url_encode(plain, (size_t)len, token);
	return json_pack("{s:o, s:s}", "items", items, "pageNextToken", token);
}
