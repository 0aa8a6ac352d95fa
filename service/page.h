/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Lists in pages: a limit, and a token that says where the page before ended. The token is opaque
 * to those who send it back; whatever they send instead is refused, and could only move the place.
 */

#include "service/core_private.h"

#define PAGE_LIMIT_DEFAULT 100
#define PAGE_LIMIT_MAX 1000

struct page {
	size_t limit;
	/* behind which row; 0 and "" for the first page */
	int64_t number;
	char text[CORE_UUID_TEXT];
};

/* kind: of list, so that the token of one is none for another. 0, or the status of the problem in
 * *ret. */
unsigned int page_read(const struct core_list *list, char kind, struct page *ret_page,
		       json_t **ret) _must_check_;
/* {"items", "pageNextToken" when there is more}: next is NULL when this was the last page. Takes
 * items over. NULL when there is no memory. */
json_t *page_json(json_t *items, char kind, const struct page *next);
