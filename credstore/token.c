/* SPDX-License-Identifier: Apache-2.0 */
#include "credstore/token.h"

#include <errno.h>
#include <string.h>

#include "credstore/keyring.h"

#define SLOTS_MAX 64

/* What a failure leaves of a session. */
enum loss {
	LOSS_NONE,
	LOSS_SESSION, /* a new one will do */
	LOSS_DEVICE,  /* the module has to start anew: some keep a dead connection */
};

static enum loss loss_of(CK_RV rv)
{
	switch (rv) {
	case CKR_SESSION_HANDLE_INVALID:
	case CKR_SESSION_CLOSED:
	case CKR_USER_NOT_LOGGED_IN:
	case CKR_OPERATION_ACTIVE:
	case CKR_OPERATION_NOT_INITIALIZED:
	case CKR_OBJECT_HANDLE_INVALID:
	case CKR_KEY_HANDLE_INVALID:
		return LOSS_SESSION;
	case CKR_DEVICE_ERROR:
	case CKR_DEVICE_REMOVED:
	case CKR_TOKEN_NOT_PRESENT:
	case CKR_TOKEN_NOT_RECOGNIZED:
	case CKR_SLOT_ID_INVALID:
	case CKR_GENERAL_ERROR:
	case CKR_FUNCTION_FAILED:
	case CKR_CRYPTOKI_NOT_INITIALIZED:
		return LOSS_DEVICE;
	default:
		return LOSS_NONE;
	}
}

static int error_of(CK_RV rv)
{
	switch (rv) {
	case CKR_OK:
		return 0;
	case CKR_HOST_MEMORY:
		return -ENOMEM;
	case CKR_DEVICE_REMOVED:
	case CKR_TOKEN_NOT_PRESENT:
	case CKR_TOKEN_NOT_RECOGNIZED:
	case CKR_SLOT_ID_INVALID:
		return KEY_E_TOKEN_ABSENT;
	case CKR_PIN_INCORRECT:
	case CKR_PIN_INVALID:
	case CKR_PIN_LEN_RANGE:
	case CKR_PIN_EXPIRED:
		return KEY_E_PIN_WRONG;
	case CKR_USER_PIN_NOT_INITIALIZED:
		return KEY_E_PIN_MISSING;
	case CKR_PIN_LOCKED:
		return KEY_E_PIN_LOCKED;
	default:
		return KEY_E_TOKEN;
	}
}

int token_check(struct token_session *s, const char *function, CK_RV rv)
{
	const char *why;

	if (rv == CKR_OK)
		return 0;
	s->rv = rv;
	why = p11_kit_strerror(rv);
	keyring_set_detail(s->ring, "token \"%.*s\": %s: %s (0x%lx)",
			   (int)p11_kit_space_strlen(s->info.label, sizeof(s->info.label)),
			   (const char *)s->info.label, function, why ? why : "unknown answer", rv);
	return error_of(rv);
}

int token_refuse(struct token_session *s, int r, const char *what)
{
	keyring_set_detail(s->ring, "token \"%.*s\": %s",
			   (int)p11_kit_space_strlen(s->info.label, sizeof(s->info.label)),
			   (const char *)s->info.label, what);
	return r;
}

/* --- finding the token */

static bool is_same_token(const CK_TOKEN_INFO *a, const CK_TOKEN_INFO *b)
{
	return memcmp(a->label, b->label, sizeof(a->label)) == 0 &&
	       memcmp(a->serialNumber, b->serialNumber, sizeof(a->serialNumber)) == 0 &&
	       memcmp(a->model, b->model, sizeof(a->model)) == 0 &&
	       memcmp(a->manufacturerID, b->manufacturerID, sizeof(a->manufacturerID)) == 0;
}

/* The keyring's record of a token that is there now. */
static int remember(struct keyring *r, struct token_module *m, CK_SLOT_ID slot,
		    const CK_TOKEN_INFO *info, struct token **ret)
{
	struct token *t;

	for (t = r->tokens; t; t = t->next)
		if (t->module == m && is_same_token(&t->info, info))
			break;
	if (!t) {
		t = calloc(1, sizeof(*t));
		if (!t)
			return -ENOMEM;
		t->module = m;
		t->slot = slot;
		t->next = r->tokens;
		r->tokens = t;
	}
	if (t->slot != slot)
		t->has_session = false;
	t->slot = slot;
	t->info = *info;
	*ret = t;
	return 0;
}

static int list_slots(CK_FUNCTION_LIST *p11, CK_SLOT_ID ret[static SLOTS_MAX], CK_ULONG *ret_n)
{
	CK_ULONG n = SLOTS_MAX;

	if (p11->C_GetSlotList(CK_TRUE, ret, &n) != CKR_OK || n > SLOTS_MAX)
		return KEY_E_TOKEN_ABSENT;
	*ret_n = n;
	return 0;
}

static bool is_slot_meant(CK_FUNCTION_LIST *p11, CK_SLOT_ID slot, const struct token_uri *uri,
			  CK_TOKEN_INFO *ret)
{
	CK_SLOT_INFO info;

	memset(&info, 0, sizeof(info));
	memset(ret, 0, sizeof(*ret));
	return p11->C_GetSlotInfo(slot, &info) == CKR_OK &&
	       token_uri_matches_slot(uri, slot, &info) &&
	       p11->C_GetTokenInfo(slot, ret) == CKR_OK && (ret->flags & CKF_TOKEN_INITIALIZED) &&
	       token_uri_matches_token(uri, ret);
}

/* Adds what the module has to *ret. KEY_E_AMBIGUOUS when that is a second token. */
static int search_module(struct keyring *r, struct token_module *m, const struct token_uri *uri,
			 struct token **ret)
{
	CK_SLOT_ID slots[SLOTS_MAX];
	CK_TOKEN_INFO token;
	CK_ULONG n = 0;
	CK_INFO info;
	int k;

	k = token_module_start(r, m);
	if (k != 0)
		return k;
	memset(&info, 0, sizeof(info));
	if (m->p11->C_GetInfo(&info) != CKR_OK || !token_uri_matches_module(uri, &info))
		return 0;
	k = list_slots(m->p11, slots, &n);
	for (CK_ULONG i = 0; k == 0 && i < n; i++) {
		if (!is_slot_meant(m->p11, slots[i], uri, &token))
			continue;
		if (*ret) {
			keyring_set_detail(r, "the URI matches more than one token");
			return KEY_E_AMBIGUOUS;
		}
		k = remember(r, m, slots[i], &token, ret);
	}
	return k;
}

static int find_token(struct keyring *r, const char *path, const struct token_uri *uri,
		      struct token **ret)
{
	struct token *t = NULL;
	int k, failed = 0;

	k = token_module_load(r, path);
	if (k != 0)
		return k;
	for (struct token_module *m = r->modules; m; m = m->next) {
		if (!token_module_is_meant(m, path))
			continue;
		k = search_module(r, m, uri, &t);
		if (k < 0 || k == KEY_E_AMBIGUOUS)
			return k;
		failed = k != 0 ? k : failed;
	}
	if (!t && failed == 0)
		keyring_set_detail(r, "no token matches the URI");
	if (!t)
		return KEY_E_TOKEN_ABSENT;
	*ret = t;
	return 0;
}

/* --- the session */

/* Whether a wrong PIN would do harm. */
static int check_pin_flags(struct token_session *s)
{
	if (s->info.flags & CKF_USER_PIN_LOCKED)
		return token_refuse(s, KEY_E_PIN_LOCKED, "the PIN is locked");
	if (s->info.flags & CKF_USER_PIN_FINAL_TRY)
		return token_refuse(s, KEY_E_PIN_LOCKED,
				    "one more wrong PIN locks it, so none is tried");
	return 0;
}

static int log_in(struct token_session *s, const struct token_uri *uri)
{
	_cleanup_(secret_done) struct secret pin = SECRET_INIT;
	CK_RV rv;
	int r;

	if (!(s->info.flags & CKF_LOGIN_REQUIRED))
		return 0;
	r = check_pin_flags(s);
	if (r != 0)
		return r;
	r = keyring_read_pin(s->ring, token_uri_pin_file(uri), &pin);
	if (r != 0)
		return r == KEY_E_PIN_MISSING ? token_refuse(s, r, "there is no PIN for it") : r;
	if (keyring_is_refused(s->ring, &s->info, &pin))
		return token_refuse(s, KEY_E_PIN_WRONG, "it refused this PIN before");
	rv = s->p11->C_Login(s->handle, CKU_USER, pin.data, pin.len);
	if (rv == CKR_USER_ALREADY_LOGGED_IN)
		return 0;
	r = token_check(s, "C_Login", rv);
	if (r == KEY_E_PIN_WRONG)
		keyring_refuse(s->ring, &s->info, &pin);
	return r;
}

static int open_session(struct token_session *s, struct token *t, const struct token_uri *uri)
{
	CK_RV rv;
	int r;

	s->p11 = t->module->p11;
	s->info = t->info;
	if (t->has_session) {
		s->handle = t->session;
		return 0;
	}
	rv = s->p11->C_OpenSession(t->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL,
				   &s->handle);
	if (rv == CKR_TOKEN_WRITE_PROTECTED)
		rv = s->p11->C_OpenSession(t->slot, CKF_SERIAL_SESSION, NULL, NULL, &s->handle);
	r = token_check(s, "C_OpenSession", rv);
	if (r != 0)
		return r;
	r = log_in(s, uri);
	if (r != 0) {
		(void)s->p11->C_CloseSession(s->handle);
		return r;
	}
	t->session = s->handle;
	t->has_session = true;
	return 0;
}

/* Drops what was lost; whether a second attempt makes sense. */
static bool clear_loss(struct keyring *r, const char *path, struct token *t, int result, CK_RV rv)
{
	bool is_worth_it = false;

	switch (loss_of(rv)) {
	case LOSS_SESSION:
		if (t && t->has_session)
			(void)t->module->p11->C_CloseSession(t->session);
		if (t)
			t->has_session = false;
		return true;
	case LOSS_DEVICE:
		if (t)
			token_module_stop(r, t->module);
		return t != NULL;
	case LOSS_NONE:
		break;
	}
	if (result != KEY_E_TOKEN_ABSENT)
		return false;
	/* Some modules look for tokens only when they start. */
	for (struct token_module *m = r->modules; m; m = m->next) {
		if (!token_module_is_meant(m, path) || !m->is_initialized || m->is_fresh)
			continue;
		token_module_stop(r, m);
		is_worth_it = true;
	}
	return is_worth_it;
}

static int attempt(struct keyring *ring, const char *path, const struct token_uri *uri, token_fn fn,
		   void *userdata, bool *ret_again)
{
	struct token_session s = {.ring = ring, .rv = CKR_OK};
	struct token *t = NULL;
	int r;

	for (struct token_module *m = ring->modules; m; m = m->next)
		m->is_fresh = false;
	r = find_token(ring, path, uri, &t);
	if (r == 0)
		r = open_session(&s, t, uri);
	if (r == 0)
		r = fn(&s, userdata);
	*ret_again = r != 0 && clear_loss(ring, path, t, r, s.rv);
	return r;
}

int token_use(struct keyring *ring, const struct token_uri *uri, token_fn fn, void *userdata)
{
	const char *path = token_uri_module(uri) ? token_uri_module(uri) : ring->module;
	bool again;
	int r;

	pthread_mutex_lock(&ring->lock);
	r = attempt(ring, path, uri, fn, userdata, &again);
	if (r != 0 && again)
		r = attempt(ring, path, uri, fn, userdata, &again);
	pthread_mutex_unlock(&ring->lock);
	return r;
}
