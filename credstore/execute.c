/* SPDX-License-Identifier: Apache-2.0 */
#include "credstore/execute.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "credstore/config.h"
#include "credstore/prepare.h"
#include "credstore/staged.h"
#include "credstore/verb.h"
#include "credstore/visible.h"

static void verb_result_done(struct verb_result *r)
{
	free(r->text);
}

static int set_text(struct response *ret, enum response_code code, uint64_t cme, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return -ENOMEM;
	free(ret->message);
	ret->message = copy;
	ret->code = code;
	ret->cme_error = cme;
	return 0;
}

static bool is_ignored(const struct command *c, enum at_cme cme)
{
	for (size_t i = 0; i < c->n_ignore_cme; i++)
		if (c->ignore_cme[i] == (unsigned int)cme)
			return true;
	return false;
}

/* The answer of a verb as it is reported. */
static int report_verb(const struct command *c, const struct verb_result *v, struct response *ret)
{
	char cme[32];
	int r;

	switch (v->outcome) {
	case VERB_OK:
		if (strlen(v->text) > AT_ANSWER_MAX)
			return set_text(ret, RESPONSE_ERROR, 0, "the answer is too long");
		return set_text(ret, RESPONSE_AT, 0, v->text);
	case VERB_CME:
		r = at_format_cme(v->cme, cme, sizeof(cme));
		if (r < 0)
			return r;
		if (is_ignored(c, v->cme))
			return set_text(ret, RESPONSE_AT, 0, cme);
		return set_text(ret, RESPONSE_ERROR, (uint64_t)v->cme, cme);
	case VERB_FAILED:
		return set_text(ret, RESPONSE_ERROR, 0, v->text);
	}
	return -EINVAL;
}

static int run_at(struct executor *e, const struct command *c, const struct key_work *prepared,
		  struct response *ret, bool *ret_effect, bool *ret_changed)
{
	_cleanup_(verb_result_done) struct verb_result v = {.outcome = VERB_FAILED};
	verb_fn run = verb_find(c->verb);
	char shown[AT_VERB_MAX + 1];
	int r;

	if (run) {
		r = run(e, c->parameters, prepared, &v);
	} else {
		visible_copy(c->verb, shown, sizeof(shown));
		r = verb_failed(&v, "%s: this device has no such command", shown);
	}
	if (r < 0)
		return r;
	r = report_verb(c, &v, ret);
	if (r < 0)
		return r;
	*ret_effect = v.outcome == VERB_OK && ret->code == RESPONSE_AT;
	*ret_changed = *ret_effect && v.changed;
	return 0;
}

static int run_config(struct executor *e, const struct command *c, struct response *ret,
		      bool *ret_effect)
{
	_cleanup_(freep) char *refusal = NULL;
	int r;

	r = config_apply(e, c, &refusal);
	if (r < 0)
		return r;
	if (refusal)
		return set_text(ret, RESPONSE_ERROR, 0, refusal);
	ret->code = RESPONSE_CONFIG;
	*ret_effect = true;
	return 0;
}

/* Inside a savepoint; *ret_effect says whether what was done in it stays. */
static int run_command(struct executor *e, const struct command *c, const struct key_work *prepared,
		       struct response *ret, bool *ret_effect, bool *ret_changed)
{
	switch (c->type) {
	case COMMAND_AT:
		return run_at(e, c, prepared, ret, ret_effect, ret_changed);
	case COMMAND_CONFIG:
		return run_config(e, c, ret, ret_effect);
	case COMMAND_INVALID:
		return set_text(ret, RESPONSE_ERROR, 0,
				c->problem ? c->problem : "the command is malformed");
	case COMMAND_FINISHED:
		break;
	}
	return -EINVAL;
}

static int start_result(const struct command *c, struct response *ret)
{
	size_t n = strnlen(c->correlation, sizeof(c->correlation));

	if (n == 0 || n == sizeof(c->correlation))
		return -EINVAL;
	memcpy(ret->correlation, c->correlation, n + 1);
	return 0;
}

static int execute_new(struct executor *e, const struct command *c, const struct key_work *prepared,
		       struct batch_result *b)
{
	_cleanup_(response_done) struct response result = {.code = RESPONSE_ERROR};
	bool effect = false, changed = false;
	int r;

	r = start_result(c, &result);
	if (r < 0)
		return r;
	r = store_begin(e->store);
	if (r < 0)
		return r;
	r = run_command(e, c, prepared, &result, &effect, &changed);
	if (r == 0 && effect) {
		r = store_commit(e->store);
		if (r < 0)
			return r;
	} else {
		store_rollback(e->store);
	}
	if (r < 0)
		return r;
	r = journal_add(e->store, &result);
	if (r < 0)
		return r;
	b->n_results++;
	b->failed = result.code == RESPONSE_ERROR;
	b->cloud_changed |= changed;
	return 0;
}

/* What an earlier run did counts as done now: nobody may have looked at its credentials yet. */
static bool may_have_changed(const struct command *c, const struct response *recorded)
{
	return c->type == COMMAND_AT && recorded->code == RESPONSE_AT &&
	       (strcmp(c->verb, "%CMNG") == 0 || strcmp(c->verb, "%KEYGEN") == 0);
}

static int execute_one(struct executor *e, const struct command *c, const struct key_work *prepared,
		       struct batch_result *b)
{
	_cleanup_(response_done) struct response recorded = {.code = RESPONSE_ERROR};
	int r;

	r = journal_find(e->store, c->correlation, &recorded);
	if (r == -ENOENT)
		return execute_new(e, c, prepared, b);
	if (r < 0)
		return r;
	b->n_results++;
	b->failed = recorded.code == RESPONSE_ERROR;
	b->cloud_changed |= may_have_changed(c, &recorded);
	return 0;
}

static int acknowledge_finished(struct executor *e, const struct command *c, struct batch_result *b)
{
	struct response result = {.code = RESPONSE_FINISHED};
	int r;

	r = start_result(c, &result);
	if (r < 0)
		return r;
	r = journal_add(e->store, &result);
	if (r < 0 && r != -EEXIST)
		return r;
	b->n_results++;
	b->finished = true;
	return 0;
}

/* NULL when nothing was done for command i. */
static const struct key_work *work_of(const struct prepared *p, size_t i)
{
	return p && p->works[i].is_done ? &p->works[i] : NULL;
}

static int execute_all(struct executor *e, const struct command_list *commands,
		       const struct prepared *prepared, struct batch_result *b)
{
	const struct command *finished = NULL;
	int r;

	for (size_t i = 0; i < commands->n && !b->failed; i++) {
		const struct command *c = &commands->items[i];

		if (c->type == COMMAND_FINISHED) {
			finished = c;
			continue;
		}
		r = execute_one(e, c, work_of(prepared, i), b);
		if (r < 0)
			return r;
	}
	if (b->failed)
		return staged_note_failure(e->store, e->cloud_tag);
	if (!finished)
		return 0;
	return acknowledge_finished(e, finished, b);
}

int execute_batch(struct executor *e, const struct command_list *commands,
		  const struct prepared *prepared, struct batch_result *ret)
{
	struct batch_result b = {0};
	int r;

	if (prepared && (prepared->n != commands->n || prepared->r != 0))
		return -EINVAL;
	r = store_begin(e->store);
	if (r < 0)
		return r;
	r = store_end(e->store, execute_all(e, commands, prepared, &b));
	if (r < 0)
		return r;
	*ret = b;
	return 0;
}
