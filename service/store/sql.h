/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The store in SQL, over whichever driver: the operations of store.h, a file for each kind of row.
 */

#include "service/store.h"
#include "service/store/db.h"

struct sql_store {
	struct service_store base; /* first */
	struct db *db;             /* owned */
};

static inline struct db *db_of(struct service_store *s)
{
	return ((struct sql_store *)s)->db;
}

/* Takes the connection over, also when it fails, and brings the schema up to date. */
int sql_store_new(struct db *db, struct service_store **ret, char **ret_detail) _must_check_;

int sql_identity_add(struct service_store *s, const struct store_identity *row);
int sql_identity_get(struct service_store *s, const char *uuid, struct store_identity *ret);
int sql_identity_each(struct service_store *s, store_identity_fn fn, void *userdata);
int sql_identity_delete(struct service_store *s, const char *uuid);
int sql_identity_count(struct service_store *s, const char *uuid, size_t n, int64_t *ret);

int sql_device_add(struct service_store *s, const struct store_device *row);
int sql_device_get(struct service_store *s, const char *uuid, struct store_device *ret);
int sql_device_update(struct service_store *s, const struct store_device *row);
int sql_device_delete(struct service_store *s, const char *uuid);
int sql_device_each(struct service_store *s, const char *team, store_device_fn fn, void *userdata);
int sql_device_page(struct service_store *s, const struct store_device_filter *filter,
		    store_device_fn fn, void *userdata);
int sql_device_count(struct service_store *s, const struct store_device_filter *filter,
		     int64_t *ret);

int sql_shadow_get(struct service_store *s, const char *device, struct store_shadow *ret);
int sql_shadow_put(struct service_store *s, const char *device, const struct store_shadow *row);

int sql_command_add(struct service_store *s, const struct store_command *row, int64_t *ret_seq);
int sql_command_get(struct service_store *s, const char *device, const char *id,
		    struct store_command *ret);
int sql_command_update(struct service_store *s, const struct store_command *row);
int sql_command_each(struct service_store *s, const char *device, bool open, store_command_fn fn,
		     void *userdata);
int sql_command_count_open(struct service_store *s, const char *device, size_t *ret);
int sql_command_delete(struct service_store *s, const char *device, const char *id);
int sql_command_prune(struct service_store *s, const char *device, size_t keep);

int sql_rule_add(struct service_store *s, const struct store_rule *row);
int sql_rule_each(struct service_store *s, const char *team, store_rule_fn fn, void *userdata);
int sql_rule_is_applied(struct service_store *s, const char *device, const char *rule, bool *ret);
int sql_rule_set_applied(struct service_store *s, const char *device, const char *rule);
int sql_rule_clear_applied(struct service_store *s, const char *device);
int sql_rule_get(struct service_store *s, const char *team, const char *id, struct store_rule *ret);
int sql_rule_update(struct service_store *s, const struct store_rule *row);
int sql_rule_delete(struct service_store *s, const char *team, const char *id);

int sql_team_add(struct service_store *s, const struct store_team *row);
int sql_team_get(struct service_store *s, const char *id, struct store_team *ret);
int sql_team_find(struct service_store *s, const char *name, struct store_team *ret);

int sql_apikey_add(struct service_store *s, const struct store_apikey *row);
int sql_apikey_find(struct service_store *s, const uint8_t hash[static 32],
		    struct store_apikey *ret);
int sql_apikey_each(struct service_store *s, const char *team, store_apikey_fn fn, void *userdata);
int sql_apikey_delete(struct service_store *s, const char *team, const char *id);

int sql_team_each(struct service_store *s, store_team_fn fn, void *userdata);

int sql_user_add(struct service_store *s, const struct store_user *row);
int sql_user_get(struct service_store *s, const char *id, struct store_user *ret);
int sql_user_find(struct service_store *s, const char *name, struct store_user *ret);
int sql_user_each(struct service_store *s, const char *team, store_user_fn fn, void *userdata);
int sql_user_update(struct service_store *s, const struct store_user *row);
int sql_user_delete(struct service_store *s, const char *team, const char *id);

int sql_session_add(struct service_store *s, const struct store_session *row);
int sql_session_find(struct service_store *s, const uint8_t hash[static 32],
		     struct store_session *ret);
int sql_session_update(struct service_store *s, const struct store_session *row);
int sql_session_delete(struct service_store *s, const uint8_t hash[static 32]);
int sql_session_prune(struct service_store *s, int64_t now, const char *user);

int sql_tag_put(struct service_store *s, const struct store_tag *row);
int sql_tag_each(struct service_store *s, const char *team, store_tag_fn fn, void *userdata);
int sql_tag_delete(struct service_store *s, const char *team, const char *tag);

int sql_certificate_add(struct service_store *s, const struct store_certificate *row);
int sql_certificate_each(struct service_store *s, const char *device, store_certificate_fn fn,
			 void *userdata);
int sql_certificate_update(struct service_store *s, const struct store_certificate *row);

int sql_event_add(struct service_store *s, const struct store_event *row);
int sql_event_after(struct service_store *s, const char *team, const char *device,
		    const struct store_position *after, size_t limit, store_event_fn fn,
		    void *userdata);
int sql_event_before(struct service_store *s, const char *device,
		     const struct store_position *before, size_t limit, store_event_fn fn,
		     void *userdata);
int sql_event_last(struct service_store *s, const char *team, struct store_position *ret);
int sql_event_prune(struct service_store *s, const char *device, size_t keep);

int sql_audit_add(struct service_store *s, const struct store_audit *row);
int sql_audit_page(struct service_store *s, const char *team, int64_t before, size_t limit,
		   store_audit_fn fn, void *userdata);

int sql_token_note(struct service_store *s, const uint8_t digest[static 32], int64_t until,
		   const char *address, char ret_address[static STORE_ADDRESS_TEXT]);
int sql_audit_prune(struct service_store *s, int64_t keep_s);
int sql_token_prune(struct service_store *s, int64_t now);

int sql_meta_get(struct service_store *s, const char *name, char **ret);
int sql_meta_add(struct service_store *s, const char *name, const char *value);
