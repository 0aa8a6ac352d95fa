/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/command.h"

#include <errno.h>
#include <string.h>

#include "base/cursor.h"
#include "base/secret.h"
#include "proto/item.h"

/* What a command breaks; answered as the text of error 99. */
static const char problem_type[] = "unknown command type";
static const char problem_arity[] = "wrong number of items in command";
static const char problem_verb[] = "AT command name is not a text of 1 to 32 characters";
static const char problem_parameters[] = "AT parameters are not a text, or are too long";
static const char problem_at_text[] = "AT command too long";
static const char problem_ignore[] = "ignored errors are not a list of at most 6 numbers";
static const char problem_pairs[] = "config is not a map of at most 10 pairs";
static const char problem_key[] = "config key is not a text of 1 to 64 characters";
static const char problem_value[] = "config value is not a text, or is too long";
static const char problem_twice[] = "config key appears twice";

enum { PROBLEM = 1 };

static int text_copy(const struct item *i, char **ret)
{
	char *copy = malloc(i->value + 1);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, i->data, i->value);
	copy[i->value] = '\0';
	*ret = copy;
	return 0;
}

/* Reads the next item, a text of min to max bytes, into ret. PROBLEM when it is not. */
static int text_read(struct reader *r, size_t min, size_t max, char **ret)
{
	const struct item i = item_next(r);

	return item_is_text(&i, min, max) ? text_copy(&i, ret) : PROBLEM;
}

static bool at_text_fits(const char *verb, const char *parameters)
{
	return strlen("AT") + strlen(verb) + strlen("=") + strlen(parameters) <= AT_TEXT_MAX;
}

static int at_decode(struct reader *r, struct command *c)
{
	struct item list;
	int k;

	k = text_read(r, 1, AT_VERB_MAX, &c->verb);
	if (k < 0)
		return k;
	if (k == PROBLEM) {
		c->problem = problem_verb;
		return 0;
	}
	k = text_read(r, 0, AT_PARAMETERS_MAX, &c->parameters);
	if (k < 0)
		return k;
	if (k == PROBLEM) {
		c->problem = problem_parameters;
		return 0;
	}
	if (!at_text_fits(c->verb, c->parameters)) {
		c->problem = problem_at_text;
		return 0;
	}
	list = item_next(r);
	if (list.kind != ITEM_ARRAY || list.value > IGNORE_CME_MAX) {
		c->problem = problem_ignore;
		return 0;
	}
	for (; c->n_ignore_cme < list.value; c->n_ignore_cme++) {
		const struct item code = item_next(r);

		if (code.kind != ITEM_UINT || code.value > UINT16_MAX) {
			c->problem = problem_ignore;
			return 0;
		}
		c->ignore_cme[c->n_ignore_cme] = (uint16_t)code.value;
	}
	return 0;
}

static bool key_is_known(const struct config_pair *pairs, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(pairs[i].key, key) == 0)
			return true;
	}
	return false;
}

static int config_decode(struct reader *r, struct command *c)
{
	const struct item map = item_next(r);
	int k;

	if (map.kind != ITEM_MAP || map.value > CONFIG_PAIRS_MAX) {
		c->problem = problem_pairs;
		return 0;
	}
	while (c->n_pairs < map.value) {
		struct config_pair *pair = &c->pairs[c->n_pairs];

		k = text_read(r, 1, CONFIG_KEY_MAX, &pair->key);
		if (k < 0)
			return k;
		if (k == PROBLEM) {
			c->problem = problem_key;
			return 0;
		}
		if (key_is_known(c->pairs, c->n_pairs, pair->key))
			c->problem = problem_twice;
		c->n_pairs++; /* from here on command_done() frees the key */
		k = text_read(r, 0, CONFIG_VALUE_MAX, &pair->value);
		if (k < 0)
			return k;
		if (k == PROBLEM)
			c->problem = problem_value;
		if (c->problem)
			return 0;
	}
	return 0;
}

/* Items of a command's array, correlation and type included. */
static size_t command_arity(enum command_type type)
{
	switch (type) {
	case COMMAND_AT:
		return 5;
	case COMMAND_CONFIG:
		return 3;
	case COMMAND_FINISHED:
		return 2;
	case COMMAND_INVALID:
		break;
	}
	return 0;
}

/* Sets c->problem when the items after the correlation id are not those of a known type. */
static int items_decode(struct reader *r, uint64_t arity, struct command *c)
{
	const struct item type = arity > 1 ? item_next(r) : (struct item){.kind = ITEM_BAD};

	if (arity < 2) {
		c->problem = problem_arity;
		return 0;
	}
	if (type.kind != ITEM_UINT || type.value > COMMAND_FINISHED) {
		c->problem = problem_type;
		return 0;
	}
	c->type = (enum command_type)type.value;
	if (arity != command_arity(c->type)) {
		c->problem = problem_arity;
		return 0;
	}
	switch (c->type) {
	case COMMAND_AT:
		return at_decode(r, c);
	case COMMAND_CONFIG:
		return config_decode(r, c);
	case COMMAND_FINISHED:
	case COMMAND_INVALID:
		break;
	}
	return 0;
}

static void command_invalidate(struct command *c)
{
	struct command invalid = {.type = COMMAND_INVALID, .problem = c->problem};

	memcpy(invalid.correlation, c->correlation, sizeof(invalid.correlation));
	command_done(c);
	*c = invalid;
}

/* r spans one well-formed item. *c is zero, and safe for command_done() whatever the outcome. */
static int command_decode(struct reader *r, struct command *c)
{
	const struct item array = item_next(r);
	struct item id;
	int k;

	if (array.kind != ITEM_ARRAY)
		return COMMAND_E_SYNTAX;
	if (array.value == 0)
		return COMMAND_E_ID;
	id = item_next(r);
	if (!item_is_text(&id, 1, CORRELATION_MAX))
		return COMMAND_E_ID;
	memcpy(c->correlation, id.data, id.value);
	k = items_decode(r, array.value, c);
	if (k == 0 && c->problem)
		command_invalidate(c);
	return k;
}

static bool body_is_well_formed(const uint8_t *body, size_t len)
{
	struct reader r;

	if (len > BODY_MAX)
		return false;
	reader_init(&r, body, len);
	return !item_skip(&r).failed && reader_done(&r);
}

/* Reads n commands. Whatever the outcome, l is to be released. */
static int items_read(struct reader *r, size_t n, struct command_list *l)
{
	int k;

	l->items = calloc(n, sizeof(*l->items));
	if (!l->items)
		return -ENOMEM;
	while (l->n < n) {
		struct reader span = item_skip(r);

		k = command_decode(&span, &l->items[l->n++]);
		if (k != 0)
			return k;
	}
	return 0;
}

int command_list_decode(const uint8_t *body, size_t len, size_t max_commands,
			struct command_list *ret)
{
	struct command_list list = COMMAND_LIST_INIT;
	struct reader r;
	struct item array;
	int k;

	if (!body_is_well_formed(body, len))
		return COMMAND_E_SYNTAX;
	reader_init(&r, body, len);
	array = item_next(&r);
	if (array.kind != ITEM_ARRAY)
		return COMMAND_E_SYNTAX;
	if (array.value == 0)
		return COMMAND_E_EMPTY;
	if (array.value > MIN(max_commands, (size_t)COMMANDS_MAX))
		return COMMAND_E_TOO_MANY;
	k = items_read(&r, array.value, &list);
	if (k != 0) {
		command_list_done(&list);
		return k;
	}
	*ret = list;
	return 0;
}

static bool text_is_within(const char *text, size_t min, size_t max)
{
	size_t len;

	if (!text)
		return false;
	len = strlen(text);
	return len >= min && len <= max && item_text_is_clean(text, len);
}

static bool at_is_valid(const struct command *c)
{
	return text_is_within(c->verb, 1, AT_VERB_MAX) &&
	       text_is_within(c->parameters, 0, AT_PARAMETERS_MAX) &&
	       at_text_fits(c->verb, c->parameters) && c->n_ignore_cme <= IGNORE_CME_MAX;
}

static bool config_is_valid(const struct command *c)
{
	if (c->n_pairs > CONFIG_PAIRS_MAX)
		return false;
	for (size_t i = 0; i < c->n_pairs; i++) {
		if (!text_is_within(c->pairs[i].key, 1, CONFIG_KEY_MAX) ||
		    !text_is_within(c->pairs[i].value, 0, CONFIG_VALUE_MAX) ||
		    key_is_known(c->pairs, i, c->pairs[i].key))
			return false;
	}
	return true;
}

static bool command_is_valid(const struct command *c)
{
	if (!memchr(c->correlation, '\0', sizeof(c->correlation)) ||
	    !text_is_within(c->correlation, 1, CORRELATION_MAX))
		return false;
	switch (c->type) {
	case COMMAND_AT:
		return at_is_valid(c);
	case COMMAND_CONFIG:
		return config_is_valid(c);
	case COMMAND_FINISHED:
		return true;
	case COMMAND_INVALID:
		break;
	}
	return false;
}

static void command_write(struct writer *w, const struct command *c)
{
	item_write_array(w, command_arity(c->type));
	item_write_text(w, c->correlation, strlen(c->correlation));
	item_write_uint(w, (uint64_t)c->type);
	if (c->type == COMMAND_AT) {
		item_write_text(w, c->verb, strlen(c->verb));
		item_write_text(w, c->parameters, strlen(c->parameters));
		item_write_array(w, c->n_ignore_cme);
		for (size_t i = 0; i < c->n_ignore_cme; i++)
			item_write_uint(w, c->ignore_cme[i]);
	} else if (c->type == COMMAND_CONFIG) {
		item_write_map(w, c->n_pairs);
		for (size_t i = 0; i < c->n_pairs; i++) {
			item_write_text(w, c->pairs[i].key, strlen(c->pairs[i].key));
			item_write_text(w, c->pairs[i].value, strlen(c->pairs[i].value));
		}
	}
}

int command_list_encode(const struct command *items, size_t n, uint8_t *ret, size_t size,
			size_t *ret_len)
{
	struct writer w;

	if (n == 0 || n > COMMANDS_MAX)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		if (!command_is_valid(&items[i]))
			return -EINVAL;
	}
	writer_init(&w, ret, MIN(size, (size_t)BODY_MAX));
	item_write_array(&w, n);
	for (size_t i = 0; i < n; i++)
		command_write(&w, &items[i]);
	if (!writer_ok(&w))
		return -ENOBUFS;
	*ret_len = w.len;
	return 0;
}

void command_done(struct command *c)
{
	free(c->verb);
	/* %CMNG writes private keys with them. */
	if (c->parameters)
		secret_wipe(c->parameters, strlen(c->parameters));
	free(c->parameters);
	for (size_t i = 0; i < c->n_pairs; i++) {
		free(c->pairs[i].key);
		free(c->pairs[i].value);
	}
	*c = (struct command){.type = COMMAND_INVALID};
}

void command_list_done(struct command_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		command_done(&l->items[i]);
	free(l->items);
	*l = COMMAND_LIST_INIT;
}
