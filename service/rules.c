/* SPDX-License-Identifier: Apache-2.0 */
#include "service/rules.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "service/queue.h"

void rule_list_done(struct rule_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		store_rule_done(&l->items[i]);
	free(l->items);
}

static int rule_push(struct rule_list *l, struct store_rule *row)
{
	struct store_rule *items = reallocarray(l->items, l->n + 1, sizeof(*items));

	if (!items)
		return -ENOMEM;
	l->items = items;
	l->items[l->n++] = *row;
	memset(row, 0, sizeof(*row));
	return 0;
}

int rule_collect(void *userdata, struct store_rule *row)
{
	return rule_push(userdata, row);
}

/* docs/protocol.md §7.3: two key generations in one tag. The key that counts is the last one. Most
 * devices ask for it. NULL: no memory. */
static json_t *builtin_commands(struct core *c)
{
	if (c->builtin_commands)
		return c->builtin_commands;
	c->builtin_commands = json_pack(
		"[{s:{s:{s:I}}}, {s:{s:{s:I}}}, {s:{s:{s:I, s:s}}}]", "request",
		"clientPrivateKeyGeneration", "secTag", (json_int_t)c->cloud_tag, "request",
		"cloudAccessKeyGeneration", "secTag", (json_int_t)c->cloud_tag, "request",
		"serverCertificate", "secTag", (json_int_t)c->cloud_tag, "content", c->cloud_ca);
	return c->builtin_commands;
}

/* All but its commands. */
static int builtin_make(struct store_rule *ret)
{
	_cleanup_(store_rule_done) struct store_rule row = {.active = true};

	snprintf(row.id, sizeof(row.id), "%s", RULES_BUILTIN);
	row.name = strdup("nRF Cloud Onboarding");
	row.description =
		strdup("Built in: keys and certificates for the device connection. A rule of "
		       "your own with this tag takes its place.");
	row.tags = strdup("[\"" RULES_BUILTIN "\"]");
	if (!row.name || !row.description || !row.tags)
		return -ENOMEM;
	*ret = row;
	memset(&row, 0, sizeof(row));
	return 0;
}

int rules_builtin(struct core *c, struct store_rule *ret)
{
	_cleanup_(store_rule_done) struct store_rule row = {.name = NULL};
	const json_t *commands = builtin_commands(c);
	int r;

	r = builtin_make(&row);
	if (r < 0)
		return r;
	row.commands = commands ? json_dumps(commands, JSON_COMPACT) : NULL;
	if (!row.commands)
		return -ENOMEM;
	*ret = row;
	memset(&row, 0, sizeof(row));
	return 0;
}

/* The built-in ones are not parsed for each device. */
static int rule_commands(struct core *c, const struct store_rule *rule, json_t **ret)
{
	if (strcmp(rule->id, RULES_BUILTIN) != 0)
		return core_json_load(rule->commands, ret);
	*ret = json_incref(builtin_commands(c));
	return *ret ? 0 : -ENOMEM;
}

static int rule_has_tag(const struct store_rule *rule, const json_t *device_tags, bool *ret)
{
	json_auto_t *tags = NULL;
	const json_t *tag;
	size_t i;
	int r;

	r = core_json_load(rule->tags, &tags);
	if (r < 0)
		return r;
	*ret = false;
	json_array_foreach(tags, i,
			   tag) if (core_has_tag(device_tags, json_string_value(tag))) *ret = true;
	return 0;
}

/* Active rules of the team, after the built-in one when no active rule of the team has its tag. */
static int rules_effective(struct core *c, const char *team, struct rule_list *ret)
{
	_cleanup_(rule_list_done) struct rule_list own = {NULL, 0};
	_cleanup_(store_rule_done) struct store_rule builtin = {.name = NULL};
	json_auto_t *builtin_tags = json_pack("[s]", RULES_BUILTIN);
	bool replaced = false, has;
	int r;

	r = c->store->ops->rule_each(c->store, team, rule_collect, &own);
	if (r < 0)
		return r;
	for (size_t i = 0; i < own.n; i++) {
		if (!own.items[i].active)
			continue;
		r = rule_has_tag(&own.items[i], builtin_tags, &has);
		if (r < 0)
			return r;
		replaced = replaced || has;
	}
	if (!replaced) {
		r = builtin_make(&builtin);
		if (r < 0)
			return r;
		r = rule_push(ret, &builtin);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < own.n; i++) {
		if (!own.items[i].active)
			continue;
		r = rule_push(ret, &own.items[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The rules for this device that were not applied since it was claimed. */
static int rules_waiting(struct core *c, const struct store_device *device, struct rule_list *ret)
{
	_cleanup_(rule_list_done) struct rule_list all = {NULL, 0};
	json_auto_t *tags = NULL;
	int r;

	r = core_json_load(device->tags, &tags);
	if (r < 0)
		return r;
	if (json_array_size(tags) == 0)
		return 0;
	r = rules_effective(c, device->team, &all);
	if (r < 0)
		return r;
	for (size_t i = 0; i < all.n; i++) {
		bool has, applied;

		r = rule_has_tag(&all.items[i], tags, &has);
		if (r < 0)
			return r;
		if (!has)
			continue;
		r = c->store->ops->rule_is_applied(c->store, device->uuid, all.items[i].id,
						   &applied);
		if (r < 0)
			return r;
		if (applied)
			continue;
		r = rule_push(ret, &all.items[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

int rules_pending(struct core *c, const struct store_device *device, bool *ret)
{
	_cleanup_(rule_list_done) struct rule_list waiting = {NULL, 0};
	int r;

	r = rules_waiting(c, device, &waiting);
	if (r < 0)
		return r;
	*ret = waiting.n > 0;
	return 0;
}

/* The whole rule or nothing of it: what finds no room waits for the next connection. */
static int rule_apply(struct core *c, const struct store_device *device,
		      const struct store_rule *rule, const json_t *commands)
{
	struct queue_order order = {.description = rule->name, .rule = rule->id};
	json_t *item;
	size_t i;
	int r;

	r = queue_reserve(c, device->uuid, json_array_size(commands), &order.number);
	if (r != 0)
		return r == QUEUE_E_FULL ? 0 : r;
	json_array_foreach(commands, i, item)
	{
		_cleanup_(store_command_done) struct store_command row = {.seq = 0};
		_cleanup_(freep) char *detail = NULL;

		order.request = json_object_get(item, "request");
		r = queue_add(c, device->uuid, &order, &row, &detail);
		order.number++;
		/* Checked when the rule was made; a newer program may have become stricter. */
		if (r == QUEUE_E_REFUSED)
			log_error("rule=%s command %zu cannot be queued: %s, ignoring", rule->id, i,
				  detail ? detail : "no memory");
		else if (r != 0)
			return r;
	}
	log_info("device=%s trace=%s rule=%s applied", device->uuid, TRACE_OR_NONE(device->trace),
		 rule->id);
	return c->store->ops->rule_set_applied(c->store, device->uuid, rule->id);
}

int rules_apply(struct core *c, const struct store_device *device)
{
	_cleanup_(rule_list_done) struct rule_list waiting = {NULL, 0};
	int r;

	r = rules_waiting(c, device, &waiting);
	if (r < 0)
		return r;
	for (size_t i = 0; i < waiting.n; i++) {
		json_auto_t *commands = NULL;

		r = rule_commands(c, &waiting.items[i], &commands);
		if (r < 0)
			return r;
		r = rule_apply(c, device, &waiting.items[i], commands);
		if (r < 0)
			return r;
	}
	return 0;
}
