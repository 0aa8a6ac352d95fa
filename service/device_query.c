/* SPDX-License-Identifier: Apache-2.0 */
#include "service/device_query.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"

/* What stock devices are built with when they say nothing (docs/protocol.md §3.2). */
#define RX_MAX_DEFAULT 1024
#define TX_MAX_DEFAULT 2048
#define LIMIT_DEFAULT 10

/* The value of the parameter called name: 0 and NULL when absent, -EINVAL when it is there twice.
 */
static int find(const struct device_request *request, const char *name, const char **ret,
		size_t *ret_len)
{
	size_t name_len = strlen(name);

	*ret = NULL;
	*ret_len = 0;
	for (size_t i = 0; i < request->n_query; i++) {
		const struct device_query_item *q = &request->query[i];

		if (q->len <= name_len || q->text[name_len] != '=' ||
		    memcmp(q->text, name, name_len) != 0)
			continue;
		if (*ret)
			return -EINVAL;
		*ret = q->text + name_len + 1;
		*ret_len = q->len - name_len - 1;
	}
	return 0;
}

static int find_number(const struct device_request *request, const char *name, size_t absent,
		       size_t max, size_t *ret)
{
	const char *text;
	uint64_t number;
	size_t len;
	int r;

	r = find(request, name, &text, &len);
	if (r < 0)
		return r;
	if (!text) {
		*ret = absent;
		return 0;
	}
	r = decimal_parse(text, len, UINT32_MAX, &number);
	if (r < 0 || number == 0)
		return -EINVAL;
	*ret = number > max ? max : (size_t)number;
	return 0;
}

int fetch_query_parse(const struct device_request *request, struct fetch_query *ret)
{
	struct fetch_query q = {0};
	const char *after;
	size_t len;
	int r;

	r = find(request, "after", &after, &len);
	if (r < 0)
		return r;
	if (len > CORRELATION_MAX)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		if (after[i] <= ' ' || after[i] > '~')
			return -EINVAL;
		q.after[i] = after[i];
	}
	r = find_number(request, "rxMaxSize", RX_MAX_DEFAULT, BODY_MAX, &q.rx_max);
	if (r < 0)
		return r;
	r = find_number(request, "txMaxSize", TX_MAX_DEFAULT, BODY_MAX, &q.tx_max);
	if (r < 0)
		return r;
	r = find_number(request, "limit", LIMIT_DEFAULT, COMMANDS_MAX, &q.limit);
	if (r < 0)
		return r;
	*ret = q;
	return 0;
}

int state_query_parse(const struct device_request *request, bool *ret_delta)
{
	const char *text;
	size_t len;
	int r;

	r = find(request, "delta", &text, &len);
	if (r < 0)
		return r;
	if (!text || (len == 4 && memcmp(text, "true", 4) == 0))
		*ret_delta = true;
	else if (len == 5 && memcmp(text, "false", 5) == 0)
		*ret_delta = false;
	else
		return -EINVAL;
	return 0;
}
