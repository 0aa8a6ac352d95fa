/* SPDX-License-Identifier: Apache-2.0 */

/* API keys: 256 random bits, of which only the SHA-256 is kept. Nothing slower is needed, since
 * there is nothing to guess. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/secret.h"
#include "base/text.h"
#include "service/apikey.h"
#include "service/core_private.h"
#include "service/crypto.h"

#define KEY_PREFIX "onboard_" /* what secret scanners look for */
#define KEY_BYTES 32
#define KEY_LEN (sizeof(KEY_PREFIX) - 1 + BASE64URL_LEN(KEY_BYTES))

enum core_verdict core_owner_of_key(struct core *c, const char *api_key, struct core_owner *ret)
{
	_cleanup_(store_apikey_done) struct store_apikey row = {.name = NULL};
	uint8_t hash[32];
	size_t len = strlen(api_key);
	int r;

	if (len != KEY_LEN)
		return CORE_REJECTED;
	/* The index is searched by hash: its timing says nothing that helps to find the key. */
	crypto_sha256(api_key, len, hash);
	r = c->store->ops->apikey_find(c->store, hash, &row);
	if (r < 0)
		return core_fail(r, "cannot look up an API key", "-");
	if (r == STORE_E_NOT_FOUND || !secret_equal(hash, sizeof(hash), row.hash, sizeof(row.hash)))
		return CORE_REJECTED;
	snprintf(ret->team, sizeof(ret->team), "%s", row.team);
	snprintf(ret->role, sizeof(ret->role), "%s", row.role);
	snprintf(ret->key_id, sizeof(ret->key_id), "%s", row.id);
	snprintf(ret->actor, sizeof(ret->actor), "key:%s", row.id);
	snprintf(ret->name, sizeof(ret->name), "%s", row.name);
	return CORE_OK;
}

bool apikey_role_is_valid(const char *role)
{
	static const char *const roles[] = {"viewer", "editor", "admin"};

	for (size_t i = 0; i < ARRAY_SIZE(roles); i++)
		if (strcmp(role, roles[i]) == 0)
			return true;
	return false;
}

bool apikey_name_is_valid(const char *name)
{
	json_auto_t *text = json_string(name);

	return text && name[0] && strlen(name) <= CORE_NAME_MAX;
}

int apikey_team_get(struct core *c, const char *name, char ret[static CORE_UUID_TEXT])
{
	_cleanup_(store_team_done) struct store_team team = {.name = NULL};
	int r;

	r = c->store->ops->team_find(c->store, name, &team);
	if (r == STORE_E_NOT_FOUND) {
		core_uuid(team.id);
		team.name = strdup(name);
		if (!team.name)
			return -ENOMEM;
		r = c->store->ops->team_add(c->store, &team);
	}
	if (r != 0)
		return r < 0 ? r : -EEXIST;
	memcpy(ret, team.id, CORE_UUID_TEXT);
	return 0;
}

int apikey_make(const char *team, const char *role, const char *name, struct store_apikey *ret_row,
		char ret_key[static APIKEY_TEXT])
{
	struct store_apikey row = {.created_at = clock_wall_s(), .name = strdup(name)};
	uint8_t bytes[KEY_BYTES];

	if (!row.name)
		return -ENOMEM;
	random_fill(bytes, sizeof(bytes));
	memset(ret_key, 0, APIKEY_TEXT);
	memcpy(ret_key, KEY_PREFIX, sizeof(KEY_PREFIX));
	base64url_encode(bytes, sizeof(bytes), ret_key + sizeof(KEY_PREFIX) - 1);
	secret_wipe(bytes, sizeof(bytes));
	crypto_sha256(ret_key, strlen(ret_key), row.hash);
	core_uuid(row.id);
	snprintf(row.team, sizeof(row.team), "%s", team);
	snprintf(row.role, sizeof(row.role), "%s", role);
	*ret_row = row;
	return 0;
}

int core_apikey_create(struct core *c, const char *team, const char *role, const char *name,
		       char ret_key[static APIKEY_TEXT])
{
	_cleanup_(store_apikey_done) struct store_apikey row = {.name = NULL};
	_cleanup_(store_txn_rollback) struct store_txn t = {NULL};
	int r;

	if (!apikey_role_is_valid(role) || !apikey_name_is_valid(team) ||
	    !apikey_name_is_valid(name))
		return -EINVAL;
	r = apikey_make("", role, name, &row, ret_key);
	if (r == 0)
		r = store_txn_begin(&t, c->store, STORE_WRITE, "");
	if (r == 0)
		r = apikey_team_get(c, team, row.team);
	if (r == 0)
		r = c->store->ops->apikey_add(c->store, &row);
	if (r == 0)
		r = store_txn_commit(&t);
	/* A key that opens nothing is no key, and yet nobody's to find. */
	if (r != 0)
		secret_wipe(ret_key, APIKEY_TEXT);
	return r > 0 ? -EEXIST : r;
}
