/* SPDX-License-Identifier: Apache-2.0 */
/* Keys in [cloud] key's token that no credential needs any more: replaced, deleted, rolled back, or
 * made for a batch that then did not use them. They are told by their label and compared with what
 * the store names, so that a power cut between a batch and its sweep leaves nothing for ever. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/internal.h"
#include "base/log.h"
#include "credstore/staged.h"

struct sweep {
	struct keyring *ring; /* a reference */
	char *home;           /* owned */
	char prefix[sizeof(EXECUTE_LABEL_PREFIX) + UUID_TEXT_LEN];
	char **keep; /* owned, n of them */
	size_t n;
	int r;
	size_t n_destroyed;
};

static void sweep_free(void *p)
{
	struct sweep *s = p;

	keyring_free(s->ring);
	free(s->home);
	for (size_t i = 0; i < s->n; i++)
		free(s->keep[i]);
	free(s->keep);
	free(s);
}

static void sweep_freep(struct sweep **s)
{
	if (*s)
		sweep_free(*s);
}

static void run(void *p)
{
	struct sweep *s = p;

	s->r = key_sweep(s->ring, s->home, s->prefix, (const char *const *)s->keep, s->n,
			 &s->n_destroyed);
}

typedef int (*get_fn)(struct store *s, uint32_t tag, enum credential_type type, struct secret *ret);
typedef int (*list_fn)(struct store *s, struct credential_info **ret, size_t *ret_n);

static int add_uris(struct sweep *w, struct store *store, list_fn list, get_fn get)
{
	_cleanup_(freep) struct credential_info *infos = NULL;
	size_t n = 0;
	char **more;
	int r = list(store, &infos, &n);

	if (r != 0)
		return r;
	more = reallocarray(w->keep, w->n + n + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	w->keep = more;
	for (size_t i = 0; i < n; i++) {
		_cleanup_(secret_done) struct secret value = SECRET_INIT;

		if (infos[i].type != CREDENTIAL_PRIVATE_KEY)
			continue;
		r = get(store, infos[i].tag, infos[i].type, &value);
		if (r != 0)
			return r;
		if (!key_is_uri(value.data, value.len))
			continue;
		w->keep[w->n] = strndup((const char *)value.data, value.len);
		if (!w->keep[w->n])
			return -ENOMEM;
		w->n++;
	}
	return 0;
}

/* Programs use it until they are given another. */
static int add_shown(struct sweep *w, struct agent *a)
{
	size_t n = a->config->n_exports;
	char **more = reallocarray(w->keep, w->n + n + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	w->keep = more;
	for (size_t i = 0; i < n; i++) {
		int r = exports_shown_key(a->exports, i, &w->keep[w->n]);

		if (r == 0)
			w->n++;
		else if (r != -ENOENT)
			return r;
	}
	return 0;
}

static int prepare(struct agent *a, struct sweep **ret)
{
	_cleanup_(sweep_freep) struct sweep *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->ring = keyring_ref(a->ring);
	s->home = strdup(a->executor.key_home);
	if (!s->home)
		return -ENOMEM;
	snprintf(s->prefix, sizeof(s->prefix), EXECUTE_LABEL_PREFIX,
		 identity_uuid_text(a->identity));
	r = add_uris(s, a->store, store_credential_list, store_credential_get);
	if (r == 0)
		r = add_uris(s, a->store, staged_previous_list, staged_previous_get);
	if (r == 0)
		r = add_shown(s, a);
	if (r == 0)
		*ret = TAKE_PTR(s);
	return r;
}

static void on_swept(void *p, void *userdata)
{
	const struct sweep *s = p;
	struct agent *a = userdata;

	a->sweeper = NULL;
	if (s->n_destroyed > 0)
		log_info("token keys-destroyed=%zu", s->n_destroyed);
	/* Whoever needs the token next tells what is wrong with it. */
	if (s->r != 0)
		log_debug("token not swept: %s", key_strerror(s->r));
	if (a->execute_waits)
		agent_do_execute(a);
	else if (a->sweep_again)
		agent_sweep(a);
}

void agent_sweep(struct agent *a)
{
	struct sweep *s = NULL;
	int r;

	/* A store that was set aside is worth nothing without its keys. */
	if (!a->executor.key_home || a->stopped || store_has_aside(a->store))
		return;
	a->sweep_again = a->sweeper || a->executing;
	if (a->sweep_again)
		return;
	r = prepare(a, &s);
	if (r == 0)
		r = worker_start(a->event, run, on_swept, sweep_free, s, a, &a->sweeper);
	if (r == 0)
		return;
	if (s)
		sweep_free(s);
	log_warning("the token is not swept: %s, ignoring",
		    r > 0 ? "the store is damaged" : strerror(-r));
}
