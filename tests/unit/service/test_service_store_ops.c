/* SPDX-License-Identifier: Apache-2.0 */

/* Every operation of the store: what it does, what it says of rows that are not there, and of rows
 * that are there already. */

#include "fixture.h"

#include <errno.h>

#define UUID(n) n "0363154-3931-44f0-8022-121b6401627d"
#define NOBODY UUID("f")

struct names {
	char text[1024];
	size_t n;
};

static void names_push(struct names *names, const char *name)
{
	size_t len = strlen(names->text);

	snprintf(names->text + len, sizeof(names->text) - len, "%s%s", len ? " " : "", name);
	names->n++;
}

static char *text(const char *from)
{
	return (char *)(uintptr_t)from;
}

static void identity_make(struct fixture *f, const char *uuid)
{
	struct store_identity row = {.hardware = "nRF9160", .imported_at = 5};

	snprintf(row.uuid, sizeof(row.uuid), "%s", uuid);
	memset(row.spki, 7, sizeof(row.spki));
	assert_int_equal(f->store->ops->identity_add(f->store, &row), 0);
}

static void claim_make(struct fixture *f, const char *uuid, const char *tags, const char *name,
		       int64_t at)
{
	struct store_device row = {.claimed_at = at, .tags = text(tags), .name = text(name)};

	identity_make(f, uuid);
	snprintf(row.uuid, sizeof(row.uuid), "%s", uuid);
	snprintf(row.team, sizeof(row.team), "%s", f->editor.team);
	assert_int_equal(f->store->ops->device_add(f->store, &row), 0);
}

static int identity_push(void *userdata, const struct store_identity *row)
{
	names_push(userdata, row->uuid);
	return 0;
}

static void identities(void **state)
{
	struct fixture *f = *state;
	struct service_store *s = f->store;
	struct store_identity row;
	struct names names = {.n = 0};
	struct store_device device;
	int64_t n;

	claim_make(f, UUID("1"), "[]", NULL, 1);
	identity_make(f, UUID("2"));
	assert_int_equal(s->ops->identity_get(s, UUID("2"), &row), 0);
	assert_string_equal(row.hardware, "nRF9160");
	assert_int_equal(row.spki[90], 7);
	assert_int_equal(row.imported_at, 5);
	assert_int_equal(s->ops->identity_add(s, &row), STORE_E_EXISTS);
	assert_int_equal(s->ops->identity_get(s, NOBODY, &row), STORE_E_NOT_FOUND);
	assert_int_equal(s->ops->identity_count(s, UUID("1"), 3, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(s->ops->identity_count(s, UUID("1"), 2, &n), 0);
	assert_int_equal(n, 4);
	assert_int_equal(s->ops->identity_count(s, NOBODY, 1, &n), STORE_E_NOT_FOUND);
	assert_int_equal(s->ops->identity_each(s, identity_push, &names), 0);
	assert_string_equal(names.text, UUID("1") " " UUID("2"));
	assert_int_equal(s->ops->identity_delete(s, UUID("1")), 0);
	assert_int_equal(s->ops->device_get(s, UUID("1"), &device), STORE_E_NOT_FOUND);
	assert_int_equal(s->ops->identity_delete(s, UUID("1")), STORE_E_NOT_FOUND);
}

static int identity_number(void *userdata, const struct store_identity *row)
{
	char uuid[STORE_UUID_TEXT];
	size_t *n = userdata;

	snprintf(uuid, sizeof(uuid), "%08zx-0000-4000-8000-000000000000", *n);
	assert_string_equal(row->uuid, uuid);
	++*n;
	return 0;
}

static int device_number(void *userdata, const struct store_device *row)
{
	size_t *n = userdata;

	assert_int_equal(row->claimed_at, (int64_t)(*n / 2));
	++*n;
	return 0;
}

static void walks_through_everything_miss_nothing_and_repeat_nothing(void **state)
{
	_cleanup_(store_txn_rollback) struct store_txn t = {NULL};
	struct fixture *f = *state;
	char uuid[STORE_UUID_TEXT];
	size_t n = 0;

	assert_int_equal(store_txn_begin(&t, f->store, STORE_WRITE, ""), 0);
	for (size_t i = 0; i < 2000; i++) {
		snprintf(uuid, sizeof(uuid), "%08zx-0000-4000-8000-000000000000", i);
		claim_make(f, uuid, "[]", NULL, (int64_t)i / 2);
	}
	assert_int_equal(store_txn_commit(&t), 0);
	assert_int_equal(f->store->ops->identity_each(f->store, identity_number, &n), 0);
	assert_int_equal(n, 2000);
	n = 0;
	assert_int_equal(f->store->ops->device_each(f->store, NULL, device_number, &n), 0);
	assert_int_equal(n, 2000);
	n = 0;
	assert_int_equal(f->store->ops->device_each(f->store, f->editor.team, device_number, &n),
			 0);
	assert_int_equal(n, 2000);
	n = 0;
	assert_int_equal(f->store->ops->device_each(f->store, f->other.team, device_number, &n), 0);
	assert_int_equal(n, 0);
}

static void devices(void **state)
{
	_cleanup_(store_device_done) struct store_device got = {.tags = NULL};
	struct fixture *f = *state;
	struct service_store *s = f->store;
	struct store_device row = {.device_type = 3,
				   .claimed_at = 4,
				   .seen_at = 5,
				   .blocked_at = 6,
				   .trace = "0123456789abcdef",
				   .cloud_key_tag = 0xffffffff,
				   .cloud_key_at = 7,
				   .cloud_seen_at = 8,
				   .batch_query = "q",
				   .batch_seq = 9,
				   .batch_step = 1,
				   .has_cloud_key = true,
				   .tags = text("[\"a\"]"),
				   .name = text("K\xc3\xbc"
						"che"),
				   .sub_type = text("router")};

	snprintf(row.uuid, sizeof(row.uuid), "%s", UUID("1"));
	snprintf(row.team, sizeof(row.team), "%s", f->editor.team);
	memset(row.cloud_key, 9, sizeof(row.cloud_key));
	/* A device without identity: the schema itself refuses. */
	assert_int_equal(s->ops->device_add(s, &row), -EINVAL);
	identity_make(f, UUID("1"));
	assert_int_equal(s->ops->device_update(s, &row), STORE_E_NOT_FOUND);
	assert_int_equal(s->ops->device_add(s, &row), 0);
	assert_int_equal(s->ops->device_add(s, &row), STORE_E_EXISTS);
	assert_int_equal(s->ops->device_get(s, UUID("1"), &got), 0);
	assert_string_equal(got.name, row.name);
	assert_string_equal(got.sub_type, "router");
	assert_string_equal(got.trace, "0123456789abcdef");
	assert_int_equal(got.blocked_at, 6);
	assert_int_equal(got.cloud_key_tag, 0xffffffff);
	assert_true(got.has_cloud_key && !got.has_cloud_key_before);
	assert_memory_equal(got.cloud_key, row.cloud_key, sizeof(row.cloud_key));
	store_device_done(&got);

	row.has_cloud_key = false;
	row.has_cloud_key_before = true;
	row.seen_at = 50;
	row.name = NULL;
	assert_int_equal(s->ops->device_update(s, &row), 0);
	assert_int_equal(s->ops->device_get(s, UUID("1"), &got), 0);
	assert_true(!got.has_cloud_key && got.has_cloud_key_before && !got.name);
	assert_int_equal(got.seen_at, 50);
	store_device_done(&got);

	/* To another team, as if claimed there. */
	snprintf(row.team, sizeof(row.team), "%s", f->other.team);
	row.claimed_at = 400;
	assert_int_equal(s->ops->device_update(s, &row), 0);
	assert_int_equal(s->ops->device_get(s, UUID("1"), &got), 0);
	assert_string_equal(got.team, f->other.team);
	assert_int_equal(got.claimed_at, 400);
	assert_int_equal(s->ops->device_delete(s, UUID("1")), 0);
	assert_int_equal(s->ops->device_delete(s, UUID("1")), STORE_E_NOT_FOUND);
}

static int device_push(void *userdata, const struct store_device *row)
{
	char name[2] = {row->uuid[0], 0};

	names_push(userdata, name);
	return 0;
}

static void assert_page(struct fixture *f, struct store_device_filter filter, const char *names,
			int64_t total)
{
	struct names got = {.n = 0};
	int64_t n;

	filter.team = filter.team ? filter.team : f->editor.team;
	filter.limit = filter.limit ? filter.limit : 100;
	assert_int_equal(f->store->ops->device_page(f->store, &filter, device_push, &got), 0);
	assert_string_equal(got.text, names);
	assert_int_equal(f->store->ops->device_count(f->store, &filter, &n), 0);
	assert_int_equal(n, total);
}

static void devices_are_found_by_name_tag_and_state(void **state)
{
	struct fixture *f = *state;
	struct service_store *s = f->store;
	struct store_device row;

	claim_make(f, UUID("3"), "[\"lab\",\"west\"]", "Pump 100%", 10);
	claim_make(f, UUID("1"), "[\"lab-2\"]", "pump_7", 20);
	claim_make(f, UUID("2"), "[\"Lab\"]", NULL, 20);
	claim_make(f, UUID("a"), "[]", "door", 30);
	assert_int_equal(s->ops->device_get(s, UUID("1"), &row), 0);
	row.cloud_seen_at = 25;
	assert_int_equal(s->ops->device_update(s, &row), 0);
	store_device_done(&row);
	assert_int_equal(s->ops->device_get(s, UUID("2"), &row), 0);
	row.cloud_seen_at = 25;
	row.blocked_at = 26;
	assert_int_equal(s->ops->device_update(s, &row), 0);
	store_device_done(&row);

	assert_page(f, (struct store_device_filter){.team = NULL}, "3 1 2 a", 4);
	assert_page(f, (struct store_device_filter){.limit = 2}, "3 1", 4);
	assert_page(f,
		    (struct store_device_filter){
			    .limit = 2, .after_claimed_at = 20, .after_uuid = UUID("1")},
		    "2 a", 4);
	assert_page(f, (struct store_device_filter){.team = f->other.team}, "", 0);
	assert_page(f, (struct store_device_filter){.search = "PUMP"}, "3 1", 2);
	assert_page(f, (struct store_device_filter){.search = "0%"}, "3", 1);
	assert_page(f, (struct store_device_filter){.search = "p_7"}, "1", 1);
	assert_page(f, (struct store_device_filter){.search = "!"}, "", 0);
	assert_page(f, (struct store_device_filter){.search = "A0363154"}, "a", 1);
	assert_page(f, (struct store_device_filter){.search = "44f0"}, "3 1 2 a", 4);
	assert_page(f, (struct store_device_filter){.tag = "lab"}, "3", 1);
	assert_page(f, (struct store_device_filter){.tag = "west"}, "3", 1);
	assert_page(f, (struct store_device_filter){.tag = "nowhere"}, "", 0);
	assert_page(f, (struct store_device_filter){.state = STORE_DEVICE_WAITING}, "3 a", 2);
	assert_page(f, (struct store_device_filter){.state = STORE_DEVICE_VALIDATED}, "1", 1);
	assert_page(f, (struct store_device_filter){.state = STORE_DEVICE_BLOCKED}, "2", 1);
	assert_page(f, (struct store_device_filter){.state = STORE_DEVICE_WAITING, .tag = "lab"},
		    "3", 1);
}

static void shadows(void **state)
{
	struct fixture *f = *state;
	struct service_store *s = f->store;
	struct store_shadow row = {text("{}"), text("{\"a\":1}"), 1}, got;

	claim_make(f, UUID("1"), "[]", NULL, 1);
	assert_int_equal(s->ops->shadow_get(s, UUID("1"), &got), STORE_E_NOT_FOUND);
	assert_int_equal(s->ops->shadow_put(s, UUID("1"), &row), 0);
	row.version = 2;
	assert_int_equal(s->ops->shadow_put(s, UUID("1"), &row), 0);
	assert_int_equal(s->ops->shadow_get(s, UUID("1"), &got), 0);
	assert_string_equal(got.reported, "{\"a\":1}");
	assert_int_equal(got.version, 2);
	store_shadow_done(&got);
	assert_int_equal(s->ops->device_delete(s, UUID("1")), 0);
	assert_int_equal(s->ops->shadow_get(s, UUID("1"), &got), STORE_E_NOT_FOUND);
}

static int64_t command_put(struct fixture *f, const char *id, enum store_status status)
{
	static uint8_t wire[] = {1, 0, 2};
	struct store_command row = {.status = status,
				    .device = UUID("1"),
				    .wire = wire,
				    .wire_len = sizeof(wire),
				    .request = text("{}"),
				    .created_at = 3};
	int64_t seq = 0;

	snprintf(row.id, sizeof(row.id), "%s", id);
	assert_int_equal(f->store->ops->command_add(f->store, &row, &seq), 0);
	assert_int_equal(f->store->ops->command_add(f->store, &row, &seq), STORE_E_EXISTS);
	return seq;
}

static int command_push(void *userdata, struct store_command *row)
{
	names_push(userdata, row->id);
	return 0;
}

static void assert_queue(struct fixture *f, bool open, const char *ids)
{
	struct names names = {.n = 0};

	assert_int_equal(
		f->store->ops->command_each(f->store, UUID("1"), open, command_push, &names), 0);
	assert_string_equal(names.text, ids);
}

static void commands(void **state)
{
	struct fixture *f = *state;
	struct service_store *s = f->store;
	struct store_command row, missing = {.seq = 999};
	int64_t a, b;
	size_t n;

	claim_make(f, UUID("1"), "[]", NULL, 1);
	a = command_put(f, "a", STORE_PENDING);
	b = command_put(f, "b", STORE_PENDING);
	assert_true(b > a);
	assert_int_equal(s->ops->command_get(s, UUID("1"), "c", &row), STORE_E_NOT_FOUND);
	assert_int_equal(s->ops->command_get(s, UUID("1"), "a", &row), 0);
	assert_int_equal(row.seq, a);
	assert_int_equal(row.wire_len, 3);
	assert_memory_equal(row.wire, "\1\0\2", 3);
	assert_null(row.description);
	free(TAKE_PTR(row.wire));
	row.wire_len = 0;
	row.status = STORE_SUCCEEDED;
	row.prepared = true;
	row.handed_at = 12;
	row.updated_at = 13;
	row.error = strdup("why\xff not");
	assert_int_equal(s->ops->command_update(s, &row), 0);
	store_command_done(&row);
	assert_int_equal(s->ops->command_update(s, &missing), STORE_E_NOT_FOUND);
	assert_int_equal(s->ops->command_get(s, UUID("1"), "a", &row), 0);
	assert_true(row.prepared && !row.wire && row.handed_at == 12 && row.updated_at == 13);
	assert_int_equal(row.created_at, 3);
	assert_non_null(strstr(row.error, " not"));
	store_command_done(&row);
	assert_queue(f, true, "b");
	assert_queue(f, false, "a b");
	assert_int_equal(s->ops->command_count_open(s, UUID("1"), &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(s->ops->command_delete(s, UUID("1"), "b"), 0);
	assert_int_equal(s->ops->command_delete(s, UUID("1"), "b"), STORE_E_NOT_FOUND);
	command_put(f, "d", STORE_FAILED);
	command_put(f, "e", STORE_PENDING);
	command_put(f, "f", STORE_FAILED);
	assert_int_equal(s->ops->command_prune(s, UUID("1"), 3), 0);
	assert_queue(f, false, "a d e f");
	assert_int_equal(s->ops->command_prune(s, UUID("1"), 1), 0);
	assert_queue(f, false, "e f");
}

static int rule_push(void *userdata, struct store_rule *row)
{
	names_push(userdata, row->name);
	return 0;
}

static void rules(void **state)
{
	struct fixture *f = *state;
	struct service_store *s = f->store;
	struct store_rule row = {.id = UUID("c"),
				 .name = text("first"),
				 .description = text(""),
				 .commands = text("[]"),
				 .tags = text("[\"x\"]")},
			  got;
	struct names names = {.n = 0};
	bool is;

	snprintf(row.team, sizeof(row.team), "%s", f->editor.team);
	assert_int_equal(s->ops->rule_add(s, &row), 0);
	assert_int_equal(s->ops->rule_add(s, &row), STORE_E_EXISTS);
	snprintf(row.id, sizeof(row.id), "%s", UUID("b"));
	row.name = text("second");
	assert_int_equal(s->ops->rule_add(s, &row), 0);
	assert_int_equal(s->ops->rule_each(s, row.team, rule_push, &names), 0);
	assert_string_equal(names.text, "first second");
	row.active = true;
	row.description = text("changed");
	assert_int_equal(s->ops->rule_update(s, &row), 0);
	assert_int_equal(s->ops->rule_get(s, row.team, UUID("b"), &got), 0);
	assert_true(got.active);
	assert_string_equal(got.description, "changed");
	store_rule_done(&got);
	assert_int_equal(s->ops->rule_get(s, f->other.team, UUID("b"), &got), STORE_E_NOT_FOUND);
	assert_int_equal(s->ops->rule_delete(s, f->other.team, UUID("b")), STORE_E_NOT_FOUND);
	assert_int_equal(s->ops->rule_delete(s, row.team, UUID("b")), 0);
	assert_int_equal(s->ops->rule_update(s, &row), STORE_E_NOT_FOUND);

	claim_make(f, UUID("1"), "[]", NULL, 1);
	assert_int_equal(s->ops->rule_is_applied(s, UUID("1"), UUID("c"), &is), 0);
	assert_false(is);
	assert_int_equal(s->ops->rule_set_applied(s, UUID("1"), UUID("c")), 0);
	assert_int_equal(s->ops->rule_set_applied(s, UUID("1"), UUID("c")), 0);
	assert_int_equal(s->ops->rule_is_applied(s, UUID("1"), UUID("c"), &is), 0);
	assert_true(is);
	assert_int_equal(s->ops->rule_clear_applied(s, UUID("1")), 0);
	assert_int_equal(s->ops->rule_is_applied(s, UUID("1"), UUID("c"), &is), 0);
	assert_false(is);
}

static void certificate_put(struct fixture *f, const char *serial)
{
	struct store_certificate row = {
		.device = UUID("1"), .sec_tag = 7, .not_before = 1, .not_after = INT64_MAX};

	snprintf(row.serial, sizeof(row.serial), "%s", serial);
	snprintf(row.team, sizeof(row.team), "%s", f->editor.team);
	assert_int_equal(f->store->ops->certificate_add(f->store, &row), 0);
	assert_int_equal(f->store->ops->certificate_add(f->store, &row), STORE_E_EXISTS);
}

static int certificate_push(void *userdata, const struct store_certificate *row)
{
	assert_int_equal(row->not_after, INT64_MAX);
	names_push(userdata, row->serial);
	return 0;
}

static void certificates(void **state)
{
	struct fixture *f = *state;
	struct service_store *s = f->store;
	struct store_certificate row = {.serial = "0b", .revoked_at = 5, .reason = 4};
	struct names all = {.n = 0}, revoked = {.n = 0};

	certificate_put(f, "0a");
	certificate_put(f, "0b");
	assert_int_equal(s->ops->certificate_each(s, UUID("1"), certificate_push, &all), 0);
	assert_string_equal(all.text, "0b 0a");
	assert_int_equal(s->ops->certificate_update(s, &row), 0);
	assert_int_equal(s->ops->certificate_each(s, NULL, certificate_push, &revoked), 0);
	assert_string_equal(revoked.text, "0b");
	snprintf(row.serial, sizeof(row.serial), "0c");
	assert_int_equal(s->ops->certificate_update(s, &row), STORE_E_NOT_FOUND);
}

static void tokens_are_known_until_they_end(void **state)
{
	struct fixture *f = *state;
	struct service_store *s = f->store;
	uint8_t digest[32] = {1}, other[32] = {2};
	char address[STORE_ADDRESS_TEXT] = "unset";

	assert_int_equal(s->ops->token_note(s, digest, 10, "192.0.2.1", address), 0);
	assert_string_equal(address, "unset");
	assert_int_equal(s->ops->token_note(s, digest, 10, "192.0.2.2", address), STORE_E_EXISTS);
	assert_string_equal(address, "192.0.2.1");
	assert_int_equal(s->ops->token_note(s, other, 20, NULL, address), 0);
	assert_int_equal(s->ops->token_note(s, other, 20, "x", address), STORE_E_EXISTS);
	assert_string_equal(address, "");
	assert_int_equal(s->ops->token_prune(s, 11), 0);
	assert_int_equal(s->ops->token_note(s, digest, 10, "", address), 0);
	assert_int_equal(s->ops->token_note(s, other, 20, "", address), STORE_E_EXISTS);
}

static void what_processes_agree_on_is_set_once(void **state)
{
	struct fixture *f = *state;
	struct service_store *s = f->store;
	char *value = NULL;

	assert_int_equal(s->ops->meta_get(s, "x", &value), STORE_E_NOT_FOUND);
	assert_int_equal(s->ops->meta_add(s, "x", "1"), 0);
	assert_int_equal(s->ops->meta_add(s, "x", "2"), STORE_E_EXISTS);
	assert_int_equal(s->ops->meta_get(s, "x", &value), 0);
	assert_string_equal(value, "1");
	free(value);
	assert_int_equal(s->ops->ping(s), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(identities),
		T(walks_through_everything_miss_nothing_and_repeat_nothing),
		T(devices),
		T(devices_are_found_by_name_tag_and_state),
		T(shadows),
		T(commands),
		T(rules),
		T(certificates),
		T(tokens_are_known_until_they_end),
		T(what_processes_agree_on_is_set_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
