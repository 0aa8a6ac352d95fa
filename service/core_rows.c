/* SPDX-License-Identifier: Apache-2.0 */
#include "service/core_rows.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

struct core_rows *core_rows_free(struct core_rows *rows)
{
	if (!rows)
		return NULL;
	rows_done(&rows->rows);
	json_decref(rows->done);
	json_decref(rows->failed);
	free(rows);
	return NULL;
}

static bool is_header(const struct rows *rows, const char *const *headers)
{
	if (rows->n == 0 || rows->items[0].n == 0)
		return false;
	for (; *headers; headers++)
		if (strcasecmp(rows->items[0].fields[0], *headers) == 0)
			return true;
	return false;
}

unsigned int core_rows_new(struct core *c, const struct core_owner *o, const char *csv, size_t len,
			   const char *const *headers, struct core_rows **ret_rows, json_t **ret)
{
	_cleanup_(core_rows_freep) struct core_rows *list = calloc(1, sizeof(*list));
	_cleanup_(freep) char *detail = NULL;
	int r = -ENOMEM;

	if (list) {
		list->core = c;
		list->owner = *o;
		list->done = json_array();
		list->failed = json_array();
		core_uuid(list->request);
		/* One more, for a header. */
		if (list->done && list->failed)
			r = rows_parse(csv, len, CORE_ROWS_MAX + 1, &list->rows, &detail);
	}
	if (r < 0)
		return core_fail_http(r, "cannot read a list", ret);
	if (r == ROWS_E_SYNTAX)
		return core_problem(422, ret, "%s", detail ? detail : "no memory");
	if (r == 0 && is_header(&list->rows, headers))
		list->next = 1;
	if (r == ROWS_E_MANY || list->rows.n - list->next > CORE_ROWS_MAX)
		return core_problem(422, ret, "a list has at most %d rows: send it in parts",
				    CORE_ROWS_MAX);
	if (list->rows.n == list->next)
		return core_problem(422, ret, "the list has no rows");
	*ret_rows = TAKE_PTR(list);
	return 0;
}

static bool holds(const json_t *array, const char *text)
{
	const json_t *item;
	size_t i;

	json_array_foreach(array, i, item)
	{
		if (strcmp(json_string_value(item), text) == 0)
			return true;
	}
	return false;
}

static int note(struct core_rows *list, const struct row *row, unsigned int status,
		const char *device, const json_t *problem)
{
	const json_t *detail = json_object_get(problem, "detail");
	json_t *item;

	if (status < 300)
		return holds(list->done, device)
			       ? 0
			       : json_array_append_new(list->done, json_string(device));
	item = json_pack("{s:I, s:i, s:s}", "row", (json_int_t)row->number, "status", (int)status,
			 "detail", json_is_string(detail) ? json_string_value(detail) : "");
	if (item && device[0] && json_object_set_new(item, "id", json_string(device)) < 0) {
		json_decref(item);
		return -1;
	}
	return json_array_append_new(list->failed, item);
}

unsigned int core_rows_step(struct core_rows *list, json_t **ret)
{
	const struct row *row;
	char device[CORE_UUID_TEXT] = "";
	json_t *json = NULL;
	unsigned int status;
	int r;

	if (list->next == list->rows.n)
		return list->end(list, ret);
	row = &list->rows.items[list->next++];
	status = list->row(list, row, device, &json);
	r = note(list, row, status, device, json);
	json_decref(json);
	return r < 0 ? core_fail_http(-ENOMEM, "cannot work off a list", ret) : 0;
}

json_t *core_rows_tags(const char *text, char **ret_detail)
{
	json_auto_t *tags = json_array();

	while (*text) {
		size_t len = strcspn(text, "|");

		if (json_array_append_new(tags, json_stringn(text, len)) < 0) {
			core_detail(ret_detail, "the tags are not UTF-8");
			return NULL;
		}
		text += len;
		text += *text == '|';
	}
	return core_tags(tags, ret_detail);
}
