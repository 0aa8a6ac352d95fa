/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "credstore/prepare.h"
#include "credstore/verb.h"

int execute_prepare(struct executor *e, const struct command_list *commands, struct prepared **ret)
{
	_cleanup_(prepared_freep) struct prepared *p = calloc(1, sizeof(*p));
	struct foreseen foreseen = {.n = 0};
	int r = 0;

	if (!p)
		return -ENOMEM;
	p->works = calloc(MAX(commands->n, (size_t)1), sizeof(*p->works));
	if (!p->works)
		return -ENOMEM;
	p->n = commands->n;
	for (size_t i = 0; i < p->n && r == 0; i++) {
		const struct command *c = &commands->items[i];
		_cleanup_(response_done) struct response recorded = {.code = RESPONSE_ERROR};

		r = journal_find(e->store, c->correlation, &recorded);
		/* An error that is recorded is where the batch will stop. */
		if (r == 0 && recorded.code == RESPONSE_ERROR)
			break;
		if (r != -ENOENT)
			continue;
		r = c->type == COMMAND_AT ? verb_plan(e, c, &foreseen, &p->works[i]) : 0;
		p->n_planned += p->works[i].kind != KEY_WORK_NONE;
	}
	if (r == 0 && p->n_planned > 0)
		r = identity_signer(e->identity, &p->signer);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(p);
	return 0;
}

bool prepared_is_idle(const struct prepared *p)
{
	return p->n_planned == 0;
}

void prepared_run(void *prepared)
{
	struct prepared *p = prepared;

	for (size_t i = 0; i < p->n && p->r == 0; i++) {
		struct key_work *w = &p->works[i];

		if (w->kind == KEY_WORK_NONE)
			continue;
		if (atomic_load(&p->gives_up)) {
			p->r = -ECANCELED;
			break;
		}
		key_work_run(w, p->signer);
		/* The command's own fault is for its result; a token's keeps the batch back. */
		if (w->r > 0 || w->r == -ENOMEM)
			p->r = w->r;
	}
	p->signer = signer_free(p->signer);
}

void prepared_give_up(struct prepared *p)
{
	atomic_store(&p->gives_up, true);
}

int prepared_result(const struct prepared *p)
{
	return p->r;
}

struct prepared *prepared_free(struct prepared *p)
{
	if (!p)
		return NULL;
	for (size_t i = 0; i < p->n; i++)
		key_work_done(&p->works[i]);
	signer_free(p->signer);
	free(p->works);
	free(p);
	return NULL;
}
