/* SPDX-License-Identifier: Apache-2.0 */
/* In place of the store's functions (credstore/store.h, staged.h), by the linker: the same contract
 * on the world's disk. Before the model is on, the real ones. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "credstore/staged.h"
#include "credstore/verb.h"
#include "wrap.h"

#define LEVELS_MAX 4
#define TEXTS_MAX 64

static struct disk levels[LEVELS_MAX];
static unsigned int depth;
static char *names[VALUES_MAX], *texts[TEXTS_MAX];

const char *command_name(unsigned int i)
{
	static const char *const ids[COMMANDS] = {"c0", "c1", "c2"};

	return ids[i];
}

int command_of(const char *correlation)
{
	for (unsigned int i = 0; i < COMMANDS; i++)
		if (strcmp(command_name(i), correlation) == 0)
			return (int)i;
	return -1;
}

bool is_error(unsigned int i)
{
	return scenario->kinds[i] == 'e';
}

/* ---- transactions ---- */

static void written(void)
{
	if (depth > 0)
		return;
	memset(world.disk.forgotten, 0, sizeof(world.disk.forgotten));
	note_durable();
}

WRAP(int, store_begin, struct store *s)
{
	if (!is_on)
		return __real_store_begin(s);
	if (depth == LEVELS_MAX)
		abort();
	levels[depth++] = world.disk;
	return 0;
}

WRAP(int, store_commit, struct store *s)
{
	if (!is_on)
		return __real_store_commit(s);
	if (depth == 0)
		abort();
	depth--;
	written();
	return 0;
}

WRAP(void, store_rollback, struct store *s)
{
	if (!is_on) {
		__real_store_rollback(s);
		return;
	}
	if (depth > 0)
		world.disk = levels[--depth];
}

/* ---- values ---- */

static uint8_t intern(char *table[], unsigned int max, const char *text)
{
	unsigned int i = 0;

	while (i < max && table[i] && strcmp(table[i], text) != 0)
		i++;
	if (i == max) {
		fprintf(stderr, "no room for %s\n", text);
		abort();
	}
	if (!table[i])
		table[i] = strdup(text);
	return (uint8_t)i;
}

WRAP(int, store_value_get, struct store *s, const char *name, char **ret)
{
	uint8_t text;

	if (!is_on)
		return __real_store_value_get(s, name, ret);
	text = world.disk.values[intern(names, VALUES_MAX, name)];
	if (text == 0)
		return -ENOENT;
	*ret = strdup(texts[text - 1]);
	return *ret ? 0 : -ENOMEM;
}

WRAP(int, store_value_put, struct store *s, const char *name, const char *value)
{
	if (!is_on)
		return __real_store_value_put(s, name, value);
	world.disk.values[intern(names, VALUES_MAX, name)] =
		(uint8_t)(intern(texts, TEXTS_MAX, value) + 1);
	say("the store has %s = %s", name, value);
	written();
	return 0;
}

WRAP(int, store_value_delete, struct store *s, const char *name)
{
	uint8_t *text;

	if (!is_on)
		return __real_store_value_delete(s, name);
	text = &world.disk.values[intern(names, VALUES_MAX, name)];
	if (*text == 0)
		return -ENOENT;
	*text = 0;
	say("the store loses %s", name);
	if (strcmp(name, "request/bus") == 0) {
		if (world.witness.asked != 3)
			violate(PROPERTY_REQUEST_SERVED,
				"a request is forgotten before a cycle has asked the service");
		world.witness.asked = 0;
	}
	written();
	return 0;
}

/* ---- credentials: that there is a root CA, and that what it holds is new ---- */

WRAP(int, store_credential_get, struct store *s, uint32_t tag, enum credential_type type,
     struct secret *ret)
{
	if (!is_on)
		return __real_store_credential_get(s, tag, type, ret);
	return type == CREDENTIAL_ROOT_CA
		       ? secret_set(ret, agent->ca_pem, strlen(agent->ca_pem) + 1)
		       : -ENOENT;
}

WRAP(int, staged_note_failure, struct store *s, uint32_t tag)
{
	return is_on ? 0 : __real_staged_note_failure(s, tag);
}

WRAP(bool, staged_is_half_done, struct store *s, uint32_t tag)
{
	return is_on ? false : __real_staged_is_half_done(s, tag);
}

WRAP(bool, staged_has_previous, struct store *s, uint32_t tag)
{
	return is_on ? scenario->has_previous && world.disk.staged == STAGED_UNVALIDATED
		     : __real_staged_has_previous(s, tag);
}

WRAP(bool, staged_is_changed, struct store *s, uint32_t tag, enum credential_type type)
{
	return is_on ? true : __real_staged_is_changed(s, tag, type);
}

WRAP(int, staged_promote, struct store *s, uint32_t tag, bool *ret_changed)
{
	if (!is_on)
		return __real_staged_promote(s, tag, ret_changed);
	*ret_changed = world.disk.staged == STAGED_UNVALIDATED;
	if (!*ret_changed)
		return 0;
	world.disk.staged = STAGED_SETTLED;
	written();
	return 0;
}

WRAP(int, staged_roll_back, struct store *s, uint32_t tag, const char *why)
{
	if (!is_on)
		return __real_staged_roll_back(s, tag, why);
	world.disk.staged = STAGED_ROLLED_BACK;
	say("the credentials before are back");
	written();
	return 0;
}

WRAP(int, staged_get, struct store *s, uint32_t tag, enum staged_state *ret, char **ret_why)
{
	if (!is_on)
		return __real_staged_get(s, tag, ret, ret_why);
	*ret = (enum staged_state)world.disk.staged;
	*ret_why = *ret == STAGED_ROLLED_BACK ? strdup("refused") : NULL;
	return 0;
}

/* ---- the journal ---- */

static void make_result(unsigned int i, struct response *ret)
{
	char text[16];

	*ret = (struct response){.code = RESPONSE_FINISHED};
	strcpy(ret->correlation, command_name(i));
	if (scenario->kinds[i] == 'f')
		return;
	ret->code = is_error(i) ? RESPONSE_ERROR : RESPONSE_AT;
	snprintf(text, sizeof(text), "%u", world.disk.journal[i]);
	ret->message = strdup(text);
}

WRAP(int, journal_find, struct store *s, const char *correlation, struct response *ret)
{
	int i = command_of(correlation);

	if (!is_on)
		return __real_journal_find(s, correlation, ret);
	if (mutant == MUTANT_NO_JOURNAL_LOOKUP || !world.disk.journal[i])
		return -ENOENT;
	make_result((unsigned int)i, ret);
	return 0;
}

/* The run that the result is of: what it did comes before, in the same transaction. */
WRAP(int, journal_add, struct store *s, const struct response *result)
{
	int i = command_of(result->correlation);

	if (!is_on)
		return __real_journal_add(s, result);
	if (world.disk.journal[i] && mutant != MUTANT_NO_JOURNAL_LOOKUP)
		return -EEXIST;
	if (mutant == MUTANT_NO_TRANSACTION)
		note_durable();
	if (scenario->kinds[i] != 'o' && world.disk.executed[i] < 2)
		world.disk.executed[i]++;
	world.disk.journal[i] = world.disk.executed[i];
	say("the journal has the result of command %d", i);
	written();
	return 0;
}

WRAP(size_t, journal_count, struct store *s)
{
	size_t n = 0;

	if (!is_on)
		return __real_journal_count(s);
	if (mutant == MUTANT_COUNTS_NOTHING || mutant == MUTANT_NO_JOURNAL_LOOKUP)
		return 0;
	for (unsigned int i = 0; i < COMMANDS; i++)
		n += world.disk.journal[i] > 0;
	return n;
}

WRAP(int, journal_pending, struct store *s, struct response_list *ret)
{
	struct response_list list = RESPONSE_LIST_INIT;

	if (!is_on)
		return __real_journal_pending(s, ret);
	list.items = calloc(COMMANDS, sizeof(*list.items));
	if (!list.items)
		return -ENOMEM;
	for (unsigned int i = 0; i < COMMANDS; i++)
		if (world.disk.journal[i])
			make_result(i, &list.items[list.n++]);
	*ret = list;
	return 0;
}

WRAP(int, journal_forget, struct store *s, const struct response *results, size_t n)
{
	if (!is_on)
		return __real_journal_forget(s, results, n);
	if (mutant == MUTANT_FORGETS_NEVER)
		return 0;
	for (size_t k = 0; k < n; k++) {
		int i = command_of(results[k].correlation);

		if (!world.disk.journal[i])
			continue;
		world.disk.forgotten[i] = world.disk.journal[i];
		world.disk.journal[i] = 0;
		say("the journal forgets command %d", i);
	}
	note_durable();
	return 0;
}

/* ---- what a command does ---- */

static int run(struct executor *e, const char *parameters, const struct key_work *prepared,
	       struct verb_result *ret)
{
	unsigned int i = (unsigned int)(parameters[0] - '0');
	char text[16];

	(void)e;
	(void)prepared;
	if (is_error(i))
		return verb_cme(ret, 515);
	if (world.disk.executed[i] < 2)
		world.disk.executed[i]++;
	world.disk.staged = STAGED_UNVALIDATED;
	say("command %u is executed", i);
	snprintf(text, sizeof(text), "%u", world.disk.executed[i]);
	ret->changed = true;
	return verb_ok(ret, text);
}

WRAP(verb_fn, verb_find, const char *name)
{
	return is_on ? run : __real_verb_find(name);
}

WRAP(int, verb_plan, struct executor *e, const struct command *c, struct foreseen *foreseen,
     struct key_work *ret)
{
	return is_on ? 0 : __real_verb_plan(e, c, foreseen, ret);
}

/* Nothing that the model does not know of reaches a database. */
WRAP(int, sqlite3_step, void *statement)
{
	if (is_on) {
		fprintf(stderr, "the model leaks into a database\n");
		abort();
	}
	return __real_sqlite3_step(statement);
}
