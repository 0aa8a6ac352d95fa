/* SPDX-License-Identifier: Apache-2.0 */

/* Tags that somebody described. Devices and rules may have others: a tag is a word, and what it is
 * for may be written down here. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "service/core_private.h"

#define DESCRIPTION_MAX 256
#define TAGS_DESCRIBED_MAX 1000 /* of a team */

static json_t *tag_json(const struct store_tag *row)
{
	return json_pack("{s:o, s:o}", "tag", core_json_text(row->tag), "description",
			 core_json_text(row->description ? row->description : ""));
}

static int push(void *userdata, const struct store_tag *row)
{
	return json_array_append_new(userdata, tag_json(row)) < 0 ? -ENOMEM : 0;
}

unsigned int core_tag_list(struct core *c, const struct core_owner *o, json_t **ret)
{
	json_auto_t *items = json_array();
	unsigned int status;

	status = core_need_read(o, ret);
	if (status)
		return status;
	return core_items(c->store->ops->tag_each(c->store, o->team, push, items), items,
			  "cannot list the tags", ret);
}

struct count {
	const char *tag;
	size_t n;
	bool found;
};

static int count(void *userdata, const struct store_tag *row)
{
	struct count *w = userdata;

	w->n++;
	w->found = w->found || strcmp(row->tag, w->tag) == 0;
	return 0;
}

static unsigned int tag_store(struct core *c, const struct core_owner *o,
			      const struct store_tag *row, bool *ret_is_new, json_t **ret)
{
	_cleanup_(store_txn_rollback) struct store_txn t = {NULL};
	struct count w = {.tag = row->tag};
	int r;

	r = store_txn_begin(&t, c->store, STORE_WRITE, o->team);
	if (r == 0)
		r = c->store->ops->tag_each(c->store, o->team, count, &w);
	if (r == 0 && !w.found && w.n >= TAGS_DESCRIBED_MAX)
		return core_problem(409, ret, "the team has %d tags already: delete some",
				    TAGS_DESCRIBED_MAX);
	if (r == 0)
		r = c->store->ops->tag_put(c->store, row);
	if (r == 0)
		r = core_audit(c, o, "tag.put", row->tag, NULL);
	if (r == 0)
		r = store_txn_commit(&t);
	if (r != 0)
		return core_fail_http(r < 0 ? r : -EEXIST, "cannot store a tag", ret);
	*ret_is_new = !w.found;
	return 0;
}

unsigned int core_tag_add(struct core *c, const struct core_owner *o, const json_t *body,
			  json_t **ret)
{
	static const char *const members[] = {"tag", "description", NULL};
	_cleanup_(store_tag_done) struct store_tag row = {.tag = NULL};
	const json_t *tag = json_object_get(body, "tag");
	const json_t *description = json_object_get(body, "description");
	unsigned int status;
	bool is_new = false;

	status = core_need_write(o, ret);
	if (!status)
		status = core_need_members(body, members, ret);
	if (!status && !core_tag_is_valid(json_string_value(tag), json_string_length(tag)))
		status = core_problem(422, ret,
				      "tag must be 1 to %d letters, digits and - _ . :", TAG_MAX);
	if (!status && description)
		status = core_need_text(description, "description", 0, DESCRIPTION_MAX, ret);
	if (status)
		return status;
	memcpy(row.team, o->team, sizeof(row.team));
	row.tag = strdup(json_string_value(tag));
	row.description = strdup(description ? json_string_value(description) : "");
	if (!row.tag || !row.description)
		return core_fail_http(-ENOMEM, "cannot make a tag", ret);
	status = tag_store(c, o, &row, &is_new, ret);
	if (status)
		return status;
	*ret = tag_json(&row);
	return is_new ? 201 : 200;
}

unsigned int core_tag_delete(struct core *c, const struct core_owner *o, const char *tag,
			     json_t **ret)
{
	_cleanup_(store_txn_rollback) struct store_txn t = {NULL};
	unsigned int status;
	int r;

	status = core_need_write(o, ret);
	if (status)
		return status;
	r = store_txn_begin(&t, c->store, STORE_WRITE, o->team);
	if (r == 0)
		r = c->store->ops->tag_delete(c->store, o->team, tag);
	if (r == STORE_E_NOT_FOUND)
		return core_problem(404, ret, "your team has not described the tag %.64s", tag);
	if (r == 0)
		r = core_audit(c, o, "tag.delete", tag, NULL);
	if (r == 0)
		r = store_txn_commit(&t);
	if (r < 0)
		return core_fail_http(r, "cannot delete a tag", ret);
	*ret = NULL;
	return 204;
}
