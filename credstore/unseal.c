/* SPDX-License-Identifier: Apache-2.0 */
#include "credstore/unseal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "credstore/content.h"
#include "credstore/detail.h"
#include "credstore/probe.h"

static const char *source_name(enum sealing_source source)
{
	const char *file = sealing_file(source);

	return file ? file : "onboardd.seal";
}

/* Of try_source(), apart from STORE_E_*. */
enum { OTHER_KEY = 100 };

/* Loads and tries one. 0: it opens the store. OTHER_KEY: it does not. -ENOENT,
 * STORE_E_SEALING_KEY: there is none, or it cannot be had, as *ret_detail says. -errno. */
static int try_source(struct store *s, const struct store_files *f,
		      const struct store_options *options, enum sealing_source source,
		      uint8_t ret[static SEAL_KEY_LEN], char **ret_detail)
{
	int r = sealing_load(f->dir, options, source, ret, ret_detail);

	if (r != 0)
		return r;
	r = probe_try(s->db, ret);
	if (r == SEAL_E_AUTHENTICATION && content_knows_key(s->db, ret))
		return -EUCLEAN;
	if (r == SEAL_E_AUTHENTICATION)
		return detail_set(ret_detail, OTHER_KEY, "%s is another sealing key",
				  source_name(source));
	return r;
}

static bool goes_on(int r)
{
	return r == OTHER_KEY || r == -ENOENT || r == STORE_E_SEALING_KEY;
}

/* The other sources that the store may still be sealed with. */
static int try_others(struct store *s, const struct store_files *f,
		      const struct store_options *options, struct unsealed *u, char **texts)
{
	_cleanup_(secret_done) struct secret key = SECRET_INIT;
	int r = secret_alloc(&key, SEAL_KEY_LEN);

	if (r < 0)
		return r;
	r = -ENOENT;
	for (enum sealing_source i = u->to + 1; i < SEALING_N_SOURCES && goes_on(r); i++) {
		r = try_source(s, f, options, i, key.data, &texts[i]);
		u->from = i;
	}
	if (r == 0)
		memcpy(s->seal_key, key.data, key.len);
	return goes_on(r) ? STORE_E_SEALING_KEY : r;
}

/* A missing token key is nothing that concerns somebody who has no token. */
static bool is_worth_telling(enum sealing_source source, enum sealing_source preferred,
			     const char *text)
{
	return text &&
	       (source == preferred || source == SEALING_FILE || !strstr(text, " is missing"));
}

static int refuse(const struct store_files *f, enum sealing_source preferred, char *const *texts,
		  char **ret_detail)
{
	_cleanup_(freep) char *all = NULL;

	for (enum sealing_source i = 0; i < SEALING_N_SOURCES; i++) {
		char *longer;

		if (!is_worth_telling(i, preferred, texts[i]))
			continue;
		if (asprintf(&longer, "%s%s%s", all ? all : "", all ? "; " : "", texts[i]) < 0)
			return -ENOMEM;
		free(all);
		all = longer;
	}
	return detail_set(ret_detail, STORE_E_SEALING_KEY,
			  "%s cannot be unsealed: %s. Restore the sealing key that it was made "
			  "with (see docs/storage.md); nothing was changed",
			  f->db, all ? all : "there is no sealing key");
}

/* The preferred source did not open the store, another one did. */
static int prepare_change(const struct store_files *f, const struct store_options *options, int why,
			  struct unsealed *u, char **ret_detail)
{
	_cleanup_(freep) char *text = NULL;

	if (why == OTHER_KEY)
		return 0;
	if (why == -ENOENT)
		why = sealing_create(f->dir, options, u->to, u->key.data, &text);
	if (why == STORE_E_SEALING_KEY) {
		/* A token that is away today. */
		u->is_stuck = true;
		u->to = u->from;
		return 0;
	}
	return detail_give(why, TAKE_PTR(text), ret_detail);
}

int unseal(struct store *s, const struct store_files *f, const struct store_options *options,
	   struct unsealed *ret, char **ret_detail)
{
	struct unsealed u = {.from = sealing_preferred(options)};
	char *texts[SEALING_N_SOURCES] = {NULL};
	int why, r;

	u.to = u.from;
	r = secret_alloc(&u.key, SEAL_KEY_LEN);
	if (r < 0)
		return r;
	r = why = try_source(s, f, options, u.to, u.key.data, &texts[u.to]);
	if (why == 0)
		memcpy(s->seal_key, u.key.data, u.key.len);
	else if (goes_on(why) && !(why == STORE_E_SEALING_KEY && u.to != SEALING_TOKEN))
		r = try_others(s, f, options, &u, texts);
	if (r == 0 && why != 0)
		r = prepare_change(f, options, why, &u, ret_detail);
	else if (goes_on(r) && sealing_preferred(options) == SEALING_FILE)
		/* Only to tell of a wrapped key that is here. */
		(void)!sealing_load(f->dir, options, SEALING_TOKEN, u.key.data,
				    &texts[SEALING_TOKEN]);
	if (goes_on(r))
		r = refuse(f, sealing_preferred(options), texts, ret_detail);
	for (size_t i = 0; i < SEALING_N_SOURCES; i++)
		free(texts[i]);
	if (r == 0)
		*ret = u;
	else
		unsealed_done(&u);
	return r;
}

void unsealed_done(struct unsealed *u)
{
	secret_done(&u->key);
}
