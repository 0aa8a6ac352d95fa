/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/renewal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "credstore/store.h"

#define LAST_VALUE "renewal" /* "<certificate> <last run>" */
#define PAUSE_MIN_S 3600
#define ID_LEN 16 /* bytes of the digest that tell certificates apart */

int64_t renewal_next(const struct validity *v, int64_t last_s)
{
	int64_t life = v->not_after_s - v->not_before_s;
	int64_t first = v->not_before_s + life / 3 * 2;

	if (last_s < first)
		return first;
	if (last_s >= v->not_after_s)
		return 0;
	return last_s + MAX((v->not_after_s - last_s) / 2, (int64_t)PAUSE_MIN_S);
}

int64_t renewal_load(struct store *s, const struct validity *v)
{
	_cleanup_(freep) char *text = NULL;
	char id[2 * ID_LEN + 1];
	uint64_t last;

	hex_encode(v->sha256, ID_LEN, id);
	if (store_value_get(s, LAST_VALUE, &text) != 0 || strncmp(text, id, strlen(id)) != 0 ||
	    text[strlen(id)] != ' ' ||
	    decimal_parse(text + strlen(id) + 1, strlen(text) - strlen(id) - 1, INT64_MAX, &last) !=
		    0)
		return 0;
	return (int64_t)last;
}

int renewal_save(struct store *s, const struct validity *v, int64_t last_s)
{
	char id[2 * ID_LEN + 1], text[sizeof(id) + 24];

	hex_encode(v->sha256, ID_LEN, id);
	snprintf(text, sizeof(text), "%s %" PRId64, id, last_s);
	return store_value_put(s, LAST_VALUE, text);
}
