/* SPDX-License-Identifier: Apache-2.0 */

/* The store's operations for teams and their people, what they did, and what happened. */

#include "fixture.h"

#include <errno.h>

#define UUID(n) n "0363154-3931-44f0-8022-121b6401627d"

struct names {
	char text[1024];
};

static void names_push(struct names *names, const char *name)
{
	size_t len = strlen(names->text);

	snprintf(names->text + len, sizeof(names->text) - len, "%s%s", len ? " " : "", name);
}

static char *text(const char *from)
{
	return (char *)(uintptr_t)from;
}

static int team_push(void *userdata, const struct store_team *row)
{
	names_push(userdata, row->name);
	return 0;
}

static void teams(void **state)
{
	struct fixture *f = *state;
	struct service_store *s = f->store;
	struct store_team row = {.id = UUID("1"), .name = text("ours")}, got;
	struct names names = {""};

	assert_int_equal(s->ops->team_add(s, &row), STORE_E_EXISTS);
	row.name = text("new");
	assert_int_equal(s->ops->team_add(s, &row), 0);
	assert_int_equal(s->ops->team_add(s, &row), STORE_E_EXISTS);
	assert_int_equal(s->ops->team_get(s, UUID("1"), &got), 0);
	assert_string_equal(got.name, "new");
	store_team_done(&got);
	assert_int_equal(s->ops->team_get(s, UUID("2"), &got), STORE_E_NOT_FOUND);
	assert_int_equal(s->ops->team_find(s, "New", &got), STORE_E_NOT_FOUND);
	assert_int_equal(s->ops->team_find(s, "new", &got), 0);
	store_team_done(&got);
	assert_int_equal(s->ops->team_each(s, team_push, &names), 0);
	assert_string_equal(names.text, "new ours theirs");
}

static int apikey_push(void *userdata, const struct store_apikey *row)
{
	names_push(userdata, row->role);
	return 0;
}

static void apikeys(void **state)
{
	struct fixture *f = *state;
	struct service_store *s = f->store;
	struct store_apikey row = {.id = UUID("1"),
				   .role = "admin",
				   .name = text("k"),
				   .hash = {9},
				   .created_at = 1},
			    got;
	struct names names = {""};

	snprintf(row.team, sizeof(row.team), "%s", f->editor.team);
	assert_int_equal(s->ops->apikey_add(s, &row), 0);
	assert_int_equal(s->ops->apikey_add(s, &row), STORE_E_EXISTS);
	assert_int_equal(s->ops->apikey_find(s, row.hash, &got), 0);
	assert_string_equal(got.id, UUID("1"));
	store_apikey_done(&got);
	assert_int_equal(s->ops->apikey_each(s, f->editor.team, apikey_push, &names), 0);
	assert_memory_equal(names.text, "admin ", 6);
	assert_int_equal(strlen(names.text), strlen("admin editor viewer"));
	assert_int_equal(s->ops->apikey_delete(s, f->other.team, UUID("1")), STORE_E_NOT_FOUND);
	assert_int_equal(s->ops->apikey_delete(s, f->editor.team, UUID("1")), 0);
	assert_int_equal(s->ops->apikey_find(s, row.hash, &got), STORE_E_NOT_FOUND);
}

static int user_push(void *userdata, const struct store_user *row)
{
	names_push(userdata, row->name);
	return 0;
}

static void user_put(struct fixture *f, const char *id, const char *name, int64_t at)
{
	struct store_user row = {
		.role = "viewer", .name = text(name), .password = "p", .created_at = at};

	snprintf(row.id, sizeof(row.id), "%s", id);
	snprintf(row.team, sizeof(row.team), "%s", f->editor.team);
	assert_int_equal(f->store->ops->user_add(f->store, &row), 0);
	assert_int_equal(f->store->ops->user_add(f->store, &row), STORE_E_EXISTS);
}

static void users(void **state)
{
	struct fixture *f = *state;
	struct service_store *s = f->store;
	struct store_user row = {.id = UUID("2"), .role = "admin", .password = "q"}, got;
	struct names names = {""};

	user_put(f, UUID("2"), "ada", 1);
	user_put(f, UUID("1"), "grace", 2);
	assert_int_equal(s->ops->user_find(s, "ada", &got), 0);
	assert_string_equal(got.id, UUID("2"));
	store_user_done(&got);
	assert_int_equal(s->ops->user_find(s, "Ada", &got), STORE_E_NOT_FOUND);
	assert_int_equal(s->ops->user_each(s, f->editor.team, user_push, &names), 0);
	assert_string_equal(names.text, "ada grace");
	assert_int_equal(s->ops->user_update(s, &row), 0);
	assert_int_equal(s->ops->user_get(s, UUID("2"), &got), 0);
	assert_string_equal(got.role, "admin");
	assert_string_equal(got.password, "q");
	assert_string_equal(got.name, "ada");
	store_user_done(&got);
	assert_int_equal(s->ops->user_delete(s, f->other.team, UUID("2")), STORE_E_NOT_FOUND);
	assert_int_equal(s->ops->user_delete(s, f->editor.team, UUID("2")), 0);
	assert_int_equal(s->ops->user_get(s, UUID("2"), &got), STORE_E_NOT_FOUND);
	assert_int_equal(s->ops->user_update(s, &row), STORE_E_NOT_FOUND);
}

static void session_put(struct fixture *f, uint8_t first, const char *user, int64_t until)
{
	struct store_session row = {.hash = {first}, .created_at = 1, .seen_at = 1, .until = until};

	snprintf(row.user, sizeof(row.user), "%s", user);
	assert_int_equal(f->store->ops->session_add(f->store, &row), 0);
	assert_int_equal(f->store->ops->session_add(f->store, &row), STORE_E_EXISTS);
}

static int session_find(struct fixture *f, uint8_t first)
{
	uint8_t hash[32] = {first};
	struct store_session got;

	return f->store->ops->session_find(f->store, hash, &got);
}

static void sessions(void **state)
{
	struct fixture *f = *state;
	struct service_store *s = f->store;
	struct store_session row = {.hash = {1}, .seen_at = 5, .until = 60}, got;

	user_put(f, UUID("1"), "ada", 1);
	user_put(f, UUID("2"), "grace", 2);
	session_put(f, 1, UUID("1"), 50);
	session_put(f, 2, UUID("1"), 10);
	session_put(f, 3, UUID("2"), 50);
	assert_int_equal(s->ops->session_update(s, &row), 0);
	assert_int_equal(s->ops->session_find(s, row.hash, &got), 0);
	assert_string_equal(got.user, UUID("1"));
	assert_true(got.seen_at == 5 && got.until == 60 && got.created_at == 1);
	assert_int_equal(s->ops->session_prune(s, 20, NULL), 0);
	assert_int_equal(session_find(f, 2), STORE_E_NOT_FOUND);
	assert_int_equal(session_find(f, 1), 0);
	assert_int_equal(s->ops->session_prune(s, 20, UUID("1")), 0);
	assert_int_equal(session_find(f, 1), STORE_E_NOT_FOUND);
	assert_int_equal(session_find(f, 3), 0);
	assert_int_equal(s->ops->session_delete(s, row.hash), STORE_E_NOT_FOUND);
	assert_int_equal(s->ops->session_update(s, &row), STORE_E_NOT_FOUND);
	assert_int_equal(s->ops->user_delete(s, f->editor.team, UUID("2")), 0);
	assert_int_equal(session_find(f, 3), STORE_E_NOT_FOUND);
}

static int tag_push(void *userdata, const struct store_tag *row)
{
	names_push(userdata, row->tag);
	names_push(userdata, row->description);
	return 0;
}

static void tags(void **state)
{
	struct fixture *f = *state;
	struct service_store *s = f->store;
	struct store_tag row = {.tag = text("lab"), .description = text("old")};
	struct names names = {""};

	snprintf(row.team, sizeof(row.team), "%s", f->editor.team);
	assert_int_equal(s->ops->tag_put(s, &row), 0);
	row.description = text("new");
	assert_int_equal(s->ops->tag_put(s, &row), 0);
	row.tag = text("all");
	assert_int_equal(s->ops->tag_put(s, &row), 0);
	assert_int_equal(s->ops->tag_each(s, row.team, tag_push, &names), 0);
	assert_string_equal(names.text, "all new lab new");
	assert_int_equal(s->ops->tag_delete(s, f->other.team, "lab"), STORE_E_NOT_FOUND);
	assert_int_equal(s->ops->tag_delete(s, row.team, "lab"), 0);
	assert_int_equal(s->ops->tag_delete(s, row.team, "lab"), STORE_E_NOT_FOUND);
}

static void audit_put_at(struct fixture *f, const char *action, const char *detail, int64_t at)
{
	struct store_audit row = {.actor = "key:1", .object = "o", .address = "::1", .at = at};

	snprintf(row.team, sizeof(row.team), "%s", f->editor.team);
	snprintf(row.action, sizeof(row.action), "%s", action);
	row.detail = text(detail);
	assert_int_equal(f->store->ops->audit_add(f->store, &row), 0);
}

static void audit_put(struct fixture *f, const char *action, const char *detail)
{
	audit_put_at(f, action, detail, 4);
}

struct audit_seen {
	struct names names;
	int64_t last;
};

static int audit_push(void *userdata, const struct store_audit *row)
{
	struct audit_seen *seen = userdata;

	assert_string_equal(row->actor, "key:1");
	assert_string_equal(row->address, "::1");
	names_push(&seen->names, row->action);
	seen->last = row->seq;
	return 0;
}

static void audit_is_read_backwards_in_pages(void **state)
{
	struct fixture *f = *state;
	struct service_store *s = f->store;
	struct audit_seen first = {.last = 0}, second = {.last = 0}, theirs = {.last = 0};

	audit_put(f, "a", NULL);
	audit_put(f, "b", "{}");
	audit_put(f, "c", NULL);
	assert_int_equal(s->ops->audit_page(s, f->editor.team, 0, 2, audit_push, &first), 0);
	assert_string_equal(first.names.text, "c b");
	assert_int_equal(s->ops->audit_page(s, f->editor.team, first.last, 2, audit_push, &second),
			 0);
	assert_memory_equal(second.names.text, "a", 1);
	assert_int_equal(s->ops->audit_page(s, f->other.team, 0, 2, audit_push, &theirs), 0);
}

static void audit_rows_are_forgotten_that_are_much_older_than_the_newest(void **state)
{
	struct fixture *f = *state;
	struct service_store *s = f->store;
	struct audit_seen all = {.last = 0}, left = {.last = 0};

	assert_int_equal(s->ops->audit_prune(s, 100), 0);
	audit_put_at(f, "a", NULL, 10);
	audit_put_at(f, "b", NULL, 50);
	audit_put_at(f, "c", NULL,
		     20); /* the clock was set back: what follows a row that stays, stays */
	audit_put_at(f, "d", NULL, 150);
	assert_int_equal(s->ops->audit_prune(s, 140), 0);
	assert_int_equal(s->ops->audit_page(s, f->editor.team, 0, 9, audit_push, &all), 0);
	assert_string_equal(all.names.text, "d c b a");
	assert_int_equal(s->ops->audit_prune(s, 100), 0);
	assert_int_equal(s->ops->audit_prune(s, 100), 0);
	assert_int_equal(s->ops->audit_page(s, f->editor.team, 0, 9, audit_push, &left), 0);
	assert_string_equal(left.names.text, "d c b");
}

static void event_put(struct fixture *f, const char *device, const char *kind)
{
	struct store_event row = {.at_ms = 1764500000123, .trace = "0123456789abcdef"};

	snprintf(row.team, sizeof(row.team), "%s", f->editor.team);
	snprintf(row.device, sizeof(row.device), "%s", device);
	snprintf(row.kind, sizeof(row.kind), "%s", kind);
	row.detail = text("{}");
	assert_int_equal(f->store->ops->event_add(f->store, &row), 0);
}

struct events_seen {
	struct names names;
	struct store_position last;
};

static int event_push(void *userdata, const struct store_event *row)
{
	struct events_seen *seen = userdata;

	assert_int_equal(row->at_ms, 1764500000123);
	assert_string_equal(row->detail, "{}");
	names_push(&seen->names, row->kind);
	seen->last = row->position;
	return 0;
}

static struct events_seen events_after(struct fixture *f, const char *device,
				       struct store_position after, size_t limit)
{
	struct events_seen seen = {.last = after};

	assert_int_equal(f->store->ops->event_after(f->store, f->editor.team, device, &after, limit,
						    event_push, &seen),
			 0);
	return seen;
}

static struct events_seen events_before(struct fixture *f, const char *device,
					struct store_position before, size_t limit)
{
	struct events_seen seen = {.last = before};

	assert_int_equal(
		f->store->ops->event_before(f->store, device, &before, limit, event_push, &seen),
		0);
	return seen;
}

static void events(void **state)
{
	struct fixture *f = *state;
	struct service_store *s = f->store;
	struct store_position start, theirs;
	struct events_seen seen;

	assert_int_equal(s->ops->event_last(s, f->other.team, &theirs), 0);
	assert_true(theirs.commit == 0 && theirs.seq == 0);
	event_put(f, UUID("1"), "a");
	assert_int_equal(s->ops->event_last(s, f->editor.team, &start), 0);
	event_put(f, UUID("2"), "b");
	event_put(f, UUID("1"), "c");
	event_put(f, UUID("1"), "d");
	assert_string_equal(events_after(f, NULL, start, 9).names.text, "b c d");
	assert_string_equal(events_after(f, UUID("1"), start, 9).names.text, "c d");
	seen = events_after(f, NULL, (struct store_position){0, 0}, 2);
	assert_string_equal(seen.names.text, "a b");
	seen = events_after(f, NULL, seen.last, 2);
	assert_string_equal(seen.names.text, "c d");
	assert_string_equal(events_after(f, NULL, seen.last, 2).names.text, "");
	seen = events_before(f, UUID("1"), (struct store_position){0, 0}, 2);
	assert_string_equal(seen.names.text, "d c");
	assert_string_equal(events_before(f, UUID("1"), seen.last, 2).names.text, "a");
	assert_int_equal(s->ops->event_prune(s, UUID("1"), 2), 0);
	assert_string_equal(events_after(f, NULL, (struct store_position){0, 0}, 9).names.text,
			    "b c d");
	assert_int_equal(s->ops->event_prune(s, UUID("1"), 0), 0);
	assert_string_equal(events_after(f, NULL, (struct store_position){0, 0}, 9).names.text,
			    "b");
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(teams),
		T(apikeys),
		T(users),
		T(sessions),
		T(tags),
		T(audit_is_read_backwards_in_pages),
		T(audit_rows_are_forgotten_that_are_much_older_than_the_newest),
		T(events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
