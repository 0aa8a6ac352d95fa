/* SPDX-License-Identifier: Apache-2.0 */
#include "credstore/verb.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "credstore/staged.h"
#include "proto/limits.h"

static const struct {
	const char *name;
	verb_fn run;
	verb_plan_fn plan; /* NULL: it has nothing to do with keys */
} verbs[] = {
	{"%CMNG", verb_cmng, verb_cmng_plan},
	{"%KEYGEN", verb_keygen, verb_keygen_plan},
	{"%ATTESTTOKEN", verb_attesttoken, verb_attesttoken_plan},
	{"%KEYINJECT", verb_keyinject, NULL},
};

verb_fn verb_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return verbs[i].run;
	return NULL;
}

int verb_plan(struct executor *e, const struct command *c, struct foreseen *foreseen,
	      struct key_work *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (verbs[i].plan && strcmp(verbs[i].name, c->verb) == 0)
			return verbs[i].plan(e, c->parameters, foreseen, ret);
	return 0;
}

int verb_work_now(struct executor *e, struct key_work *w)
{
	_cleanup_(signer_freep) struct signer *signer = NULL;
	int r;

	r = identity_signer(e->identity, &signer);
	if (r < 0)
		return r;
	key_work_run(w, signer);
	if (w->r > 0)
		return -ENODEV;
	return w->r == -ENOMEM ? w->r : 0;
}

/* Encrypted injection needs an endorsement key that the service has enrolled; known by name so that
 * its owner reads why. */
int verb_keyinject(struct executor *e, const char *parameters, const struct key_work *prepared,
		   struct verb_result *ret)
{
	(void)e;
	(void)prepared;
	(void)parameters;
	return verb_failed(ret, "%%KEYINJECT: this device does not take injected credentials; "
				"write them with %%CMNG or generate the key with %%KEYGEN");
}

int verb_stage(struct executor *e, uint32_t tag)
{
	return tag == e->cloud_tag ? staged_keep(e->store, tag) : 0;
}

int verb_ok(struct verb_result *ret, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return -ENOMEM;
	ret->outcome = VERB_OK;
	ret->text = copy;
	return 0;
}

int verb_value(struct verb_result *ret, const char *name, const char *value)
{
	char answer[AT_ANSWER_MAX + 1];
	int r;

	r = at_format_value(name, value, answer, sizeof(answer));
	if (r < 0)
		return verb_failed(ret, "%s: the answer is longer than %d characters", name,
				   AT_ANSWER_MAX);
	return verb_ok(ret, answer);
}

int verb_cme(struct verb_result *ret, enum at_cme cme)
{
	ret->outcome = VERB_CME;
	ret->cme = cme;
	return 0;
}

int verb_failed(struct verb_result *ret, const char *format, ...)
{
	va_list args;
	char *text;
	int n;

	va_start(args, format);
	n = vasprintf(&text, format, args);
	va_end(args);
	if (n < 0)
		return -ENOMEM;
	ret->outcome = VERB_FAILED;
	ret->text = text;
	return 0;
}

int verb_store_error(struct verb_result *ret, int r)
{
	if (r > 0)
		return verb_failed(ret, "the stored credential is damaged");
	return r;
}

bool verb_number(const struct at_fields *fields, size_t i, uint32_t *ret)
{
	if (i >= fields->n || fields->items[i].kind != AT_NUMBER)
		return false;
	*ret = fields->items[i].number;
	return true;
}

bool verb_is_absent(const struct at_fields *fields, size_t i)
{
	return i >= fields->n || fields->items[i].kind == AT_ABSENT;
}
