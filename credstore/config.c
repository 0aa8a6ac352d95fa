/* SPDX-License-Identifier: Apache-2.0 */
#include "credstore/config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "credstore/visible.h"
#include "proto/limits.h"

#define PREFIX "config/"

static int refuse(const char *key, const char *why, char **ret_refusal)
{
	char shown[CONFIG_KEY_MAX + 1];
	char *text;

	visible_copy(key, shown, sizeof(shown));
	if (asprintf(&text, "config key \"%s\": %s", shown, why) < 0)
		return -ENOMEM;
	*ret_refusal = text;
	return 0;
}

static const char *check(struct executor *e, const struct config_pair *pair)
{
	if (!e->config_check)
		return "this device takes no configuration from the service";
	if (strlen(pair->key) > CONFIG_KEY_MAX || strlen(pair->value) > CONFIG_VALUE_MAX)
		return "the pair is too long";
	return e->config_check(pair->key, pair->value);
}

int config_apply(struct executor *e, const struct command *c, char **ret_refusal)
{
	char name[sizeof(PREFIX) + CONFIG_KEY_MAX];
	int r;

	*ret_refusal = NULL;
	for (size_t i = 0; i < c->n_pairs; i++) {
		const char *why = check(e, &c->pairs[i]);

		if (why)
			return refuse(c->pairs[i].key, why, ret_refusal);
	}
	for (size_t i = 0; i < c->n_pairs; i++) {
		snprintf(name, sizeof(name), PREFIX "%s", c->pairs[i].key);
		r = store_value_put(e->store, name, c->pairs[i].value);
		if (r < 0)
			return r;
	}
	return 0;
}

int config_value_get(struct store *s, const char *key, char **ret)
{
	char name[sizeof(PREFIX) + CONFIG_KEY_MAX];

	if (strlen(key) > CONFIG_KEY_MAX)
		return -ENOENT;
	snprintf(name, sizeof(name), PREFIX "%s", key);
	return store_value_get(s, name, ret);
}

int config_value_put(struct store *s, const char *key, const char *value)
{
	char name[sizeof(PREFIX) + CONFIG_KEY_MAX];

	if (strlen(key) > CONFIG_KEY_MAX)
		return -EINVAL;
	snprintf(name, sizeof(name), PREFIX "%s", key);
	return store_value_put(s, name, value);
}
