/* SPDX-License-Identifier: Apache-2.0 */
#include "service/store/sql.h"

#include <errno.h>

#include "service/store/schema.h"

static void store_close(struct service_store *s)
{
	struct db *db = db_of(s);

	db->ops->close(db);
	free(s);
}

static int store_begin(struct service_store *s, enum store_txn_mode mode, const char *scope)
{
	struct db *db = db_of(s);

	db->adds_events = false;
	return db->ops->begin(db, mode, scope);
}

static int store_commit(struct service_store *s)
{
	return db_commit(db_of(s));
}

static void store_rollback(struct service_store *s)
{
	struct db *db = db_of(s);

	db->ops->rollback(db);
	db->adds_events = false;
}

static int store_watch_fd(struct service_store *s)
{
	return db_of(s)->ops->watch_fd(db_of(s));
}

static int store_watch_take(struct service_store *s, bool *ret)
{
	return db_of(s)->ops->watch_take(db_of(s), ret);
}

static int store_ping(struct service_store *s)
{
	int64_t version;

	return db_of(s)->ops->schema_version(db_of(s), &version);
}

static const struct service_store_ops sql_ops = {
	.close = store_close,
	.begin = store_begin,
	.commit = store_commit,
	.rollback = store_rollback,
	.identity_add = sql_identity_add,
	.identity_get = sql_identity_get,
	.identity_each = sql_identity_each,
	.identity_delete = sql_identity_delete,
	.identity_count = sql_identity_count,
	.device_add = sql_device_add,
	.device_get = sql_device_get,
	.device_update = sql_device_update,
	.device_delete = sql_device_delete,
	.device_each = sql_device_each,
	.device_page = sql_device_page,
	.device_count = sql_device_count,
	.shadow_get = sql_shadow_get,
	.shadow_put = sql_shadow_put,
	.command_add = sql_command_add,
	.command_get = sql_command_get,
	.command_update = sql_command_update,
	.command_each = sql_command_each,
	.command_count_open = sql_command_count_open,
	.command_delete = sql_command_delete,
	.command_prune = sql_command_prune,
	.rule_add = sql_rule_add,
	.rule_each = sql_rule_each,
	.rule_is_applied = sql_rule_is_applied,
	.rule_set_applied = sql_rule_set_applied,
	.rule_clear_applied = sql_rule_clear_applied,
	.rule_get = sql_rule_get,
	.rule_update = sql_rule_update,
	.rule_delete = sql_rule_delete,
	.team_add = sql_team_add,
	.team_get = sql_team_get,
	.team_find = sql_team_find,
	.apikey_add = sql_apikey_add,
	.apikey_find = sql_apikey_find,
	.apikey_each = sql_apikey_each,
	.apikey_delete = sql_apikey_delete,
	.team_each = sql_team_each,
	.user_add = sql_user_add,
	.user_get = sql_user_get,
	.user_find = sql_user_find,
	.user_each = sql_user_each,
	.user_update = sql_user_update,
	.user_delete = sql_user_delete,
	.session_add = sql_session_add,
	.session_find = sql_session_find,
	.session_update = sql_session_update,
	.session_delete = sql_session_delete,
	.session_prune = sql_session_prune,
	.tag_put = sql_tag_put,
	.tag_each = sql_tag_each,
	.tag_delete = sql_tag_delete,
	.certificate_add = sql_certificate_add,
	.certificate_each = sql_certificate_each,
	.certificate_update = sql_certificate_update,
	.event_add = sql_event_add,
	.event_after = sql_event_after,
	.event_before = sql_event_before,
	.event_last = sql_event_last,
	.event_prune = sql_event_prune,
	.audit_add = sql_audit_add,
	.audit_page = sql_audit_page,
	.token_note = sql_token_note,
	.audit_prune = sql_audit_prune,
	.token_prune = sql_token_prune,
	.meta_get = sql_meta_get,
	.meta_add = sql_meta_add,
	.watch_fd = store_watch_fd,
	.watch_take = store_watch_take,
	.ping = store_ping,
};

int sql_store_new(struct db *db, struct service_store **ret, char **ret_detail)
{
	struct sql_store *s;
	int r;

	s = calloc(1, sizeof(*s));
	r = s ? schema_upgrade(db, ret_detail) : -ENOMEM;
	if (r < 0) {
		db->ops->close(db);
		free(s);
		return r;
	}
	s->base.ops = &sql_ops;
	s->db = db;
	*ret = &s->base;
	return 0;
}
