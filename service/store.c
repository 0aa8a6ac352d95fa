/* SPDX-License-Identifier: Apache-2.0 */
#include "service/store.h"

#include <string.h>

#include "base/secret.h"
#include "service/metrics.h"

struct service_store *service_store_free(struct service_store *s)
{
	if (s)
		s->ops->close(s);
	return NULL;
}

void store_device_done(struct store_device *row)
{
	free(TAKE_PTR(row->tags));
	free(TAKE_PTR(row->name));
	free(TAKE_PTR(row->sub_type));
}

void store_command_done(struct store_command *row)
{
	if (row->wire)
		secret_wipe(row->wire, row->wire_len);
	free(TAKE_PTR(row->wire));
	free(TAKE_PTR(row->description));
	free(TAKE_PTR(row->request));
	free(TAKE_PTR(row->error));
	free(TAKE_PTR(row->response));
}

void store_rule_done(struct store_rule *row)
{
	free(TAKE_PTR(row->name));
	free(TAKE_PTR(row->description));
	free(TAKE_PTR(row->commands));
	free(TAKE_PTR(row->tags));
}

void store_team_done(struct store_team *row)
{
	free(TAKE_PTR(row->name));
}

void store_apikey_done(struct store_apikey *row)
{
	free(TAKE_PTR(row->name));
}

void store_shadow_done(struct store_shadow *row)
{
	free(TAKE_PTR(row->desired));
	free(TAKE_PTR(row->reported));
}

void store_user_done(struct store_user *row)
{
	secret_wipe(row->password, sizeof(row->password));
	free(TAKE_PTR(row->name));
}

void store_tag_done(struct store_tag *row)
{
	free(TAKE_PTR(row->tag));
	free(TAKE_PTR(row->description));
}

void store_event_done(struct store_event *row)
{
	free(TAKE_PTR(row->detail));
}

void store_audit_done(struct store_audit *row)
{
	free(TAKE_PTR(row->detail));
}

int store_txn_begin(struct store_txn *t, struct service_store *s, enum store_txn_mode mode,
		    const char *scope)
{
	uint64_t since_us = s->metrics ? metrics_now_us() : 0;
	int r;

	r = s->ops->begin(s, mode, scope);
	if (r < 0)
		return r;
	*t = (struct store_txn){s, mode, since_us};
	return 0;
}

static void take_time(const struct store_txn *t)
{
	static const enum metrics_time times[] = {
		[STORE_READ] = METRICS_STORE_READ,
		[STORE_WRITE_RELAXED] = METRICS_STORE_RELAXED,
		[STORE_WRITE] = METRICS_STORE_WRITE,
	};

	if (t->store->metrics)
		metrics_take(t->store->metrics, times[t->mode], metrics_now_us() - t->since_us);
}

int store_txn_commit(struct store_txn *t)
{
	int r;

	r = t->store->ops->commit(t->store);
	if (r < 0)
		return r;
	take_time(t);
	t->store = NULL;
	return 0;
}

void store_txn_rollback(struct store_txn *t)
{
	if (!t->store)
		return;
	t->store->ops->rollback(t->store);
	take_time(t);
	t->store = NULL;
}
