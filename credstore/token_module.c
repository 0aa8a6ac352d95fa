/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "credstore/keyring.h"

static int add_module(struct keyring *r, const char *path, CK_FUNCTION_LIST *p11)
{
	struct token_module *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->path = path ? strdup(path) : NULL;
	if (path && !m->path) {
		free(m);
		return -ENOMEM;
	}
	m->p11 = p11;
	m->next = r->modules;
	r->modules = m;
	return 0;
}

static int load_registered(struct keyring *r)
{
	CK_FUNCTION_LIST **list;
	int n = 0;

	if (r->has_registered)
		return 0;
	list = p11_kit_modules_load(NULL, 0);
	if (!list || !list[0]) {
		keyring_set_detail(r, "p11-kit has no PKCS#11 module registered");
		free(list);
		return KEY_E_TOKEN_ABSENT;
	}
	for (size_t i = 0; list[i]; i++) {
		n = n == 0 ? add_module(r, NULL, list[i]) : n;
		if (n < 0)
			p11_kit_module_release(list[i]);
	}
	free(list);
	r->has_registered = n == 0;
	return n;
}

int token_module_load(struct keyring *r, const char *path)
{
	CK_FUNCTION_LIST *p11;
	const char *why;
	int n;

	if (!path)
		return load_registered(r);
	for (struct token_module *m = r->modules; m; m = m->next)
		if (m->path && strcmp(m->path, path) == 0)
			return 0;
	p11 = p11_kit_module_load(path, 0);
	if (!p11) {
		why = p11_kit_message();
		keyring_set_detail(r, "the PKCS#11 module %s cannot be loaded: %s", path,
				   why ? why : "no reason given");
		return KEY_E_TOKEN_ABSENT;
	}
	n = add_module(r, path, p11);
	if (n < 0)
		p11_kit_module_release(p11);
	return n;
}

bool token_module_is_meant(const struct token_module *m, const char *path)
{
	return path ? m->path && strcmp(m->path, path) == 0 : !m->path;
}

int token_module_start(struct keyring *r, struct token_module *m)
{
	CK_RV rv;

	if (m->is_initialized)
		return 0;
	/* A managed module of p11-kit asks for CKF_OS_LOCKING_OK by itself. */
	rv = p11_kit_module_initialize(m->p11);
	if (rv != CKR_OK) {
		keyring_set_detail(r, "the PKCS#11 module %s does not start: %s",
				   m->path ? m->path : "registered with p11-kit",
				   p11_kit_strerror(rv));
		return rv == CKR_HOST_MEMORY ? -ENOMEM : KEY_E_TOKEN_ABSENT;
	}
	m->is_initialized = true;
	m->is_fresh = true;
	return 0;
}

void token_module_stop(struct keyring *r, struct token_module *m)
{
	for (struct token *t = r->tokens; t; t = t->next)
		if (t->module == m)
			t->has_session = false;
	if (m->is_initialized)
		(void)p11_kit_module_finalize(m->p11);
	m->is_initialized = false;
}

void token_module_free_all(struct keyring *r)
{
	while (r->modules) {
		struct token_module *m = r->modules;

		r->modules = m->next;
		token_module_stop(r, m);
		p11_kit_module_release(m->p11);
		free(m->path);
		free(m);
	}
	while (r->tokens) {
		struct token *t = r->tokens;

		r->tokens = t->next;
		free(t);
	}
}
