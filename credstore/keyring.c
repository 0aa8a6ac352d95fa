/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "credstore/key.h"

struct keyring {
	atomic_uint refs;
	char *module, *pin_file; /* owned; NULL: the default */
};

static void keyring_destroy(struct keyring *r)
{
	free(r->module);
	free(r->pin_file);
	free(r);
}

int keyring_new(const struct keyring_config *c, struct keyring **ret)
{
	struct keyring *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	atomic_init(&r->refs, 1);
	r->module = c->module ? strdup(c->module) : NULL;
	r->pin_file = c->pin_file ? strdup(c->pin_file) : NULL;
	if ((c->module && !r->module) || (c->pin_file && !r->pin_file)) {
		keyring_destroy(r);
		return -ENOMEM;
	}
	*ret = r;
	return 0;
}

struct keyring *keyring_ref(struct keyring *r)
{
	atomic_fetch_add(&r->refs, 1);
	return r;
}

struct keyring *keyring_free(struct keyring *r)
{
	if (r && atomic_fetch_sub(&r->refs, 1) == 1)
		keyring_destroy(r);
	return NULL;
}
