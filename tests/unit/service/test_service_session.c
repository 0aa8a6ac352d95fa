/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <errno.h>

#include "service/password.h"
#include "service/portal_session.h"
#include "service/users_admin.h"
#include "stores.h"

#define NOW 1800000000
#define LOG2_N 4

struct bench {
	struct fixture *f;
	struct store_user anna;
	char cookie[PORTAL_COOKIE_TEXT];
};

static void sign_in(struct bench *b, int64_t now, char ret[static PORTAL_COOKIE_TEXT])
{
	struct store_txn t = {NULL};

	assert_int_equal(store_txn_begin(&t, b->f->store, STORE_WRITE, ""), 0);
	assert_int_equal(portal_session_start(b->f->store, b->anna.id, now, ret), 0);
	assert_int_equal(store_txn_commit(&t), 0);
}

static int set_up(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	char hash[PASSWORD_TEXT];

	assert_int_equal(fixture_setup((void **)&b->f), 0);
	assert_int_equal(password_hash("correct horse", 13, LOG2_N, hash), 0);
	assert_int_equal(users_admin_create(b->f->core, "ours", "editor", "anna", hash), 0);
	assert_int_equal(b->f->store->ops->user_find(b->f->store, "anna", &b->anna), 0);
	sign_in(b, NOW, b->cookie);
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;

	store_user_done(&b->anna);
	fixture_teardown((void **)&b->f);
	free(b);
	return 0;
}

static enum core_verdict find(struct bench *b, const char *cookie, int64_t now)
{
	struct portal_session s = {.user = {.name = NULL}};
	enum core_verdict verdict = portal_session_find(b->f->store, cookie, now, &s);

	portal_session_done(&s);
	return verdict;
}

static void touch(struct bench *b, int64_t now)
{
	struct portal_session s;

	assert_int_equal(portal_session_find(b->f->store, b->cookie, now, &s), CORE_OK);
	assert_int_equal(portal_session_touch(b->f->store, &s, now), 0);
	portal_session_done(&s);
}

static void a_cookie_opens_its_users_session(void **state)
{
	struct bench *b = *state;
	struct portal_session s;

	assert_int_equal(portal_session_find(b->f->store, b->cookie, NOW, &s), CORE_OK);
	assert_string_equal(s.user.id, b->anna.id);
	assert_string_equal(s.user.team, b->f->editor.team);
	assert_string_equal(s.user.role, "editor");
	portal_session_done(&s);
}

static void every_other_cookie_opens_none(void **state)
{
	struct bench *b = *state;
	char other[PORTAL_COOKIE_TEXT + 8];

	for (size_t i = 0; i < strlen(b->cookie); i++) {
		snprintf(other, sizeof(other), "%s", b->cookie);
		other[i] = other[i] == 'A' ? 'B' : 'A';
		assert_int_equal(find(b, other, NOW), CORE_REJECTED);
		other[i] = '\0';
		assert_int_equal(find(b, other, NOW), CORE_REJECTED);
	}
	snprintf(other, sizeof(other), "%sA", b->cookie);
	assert_int_equal(find(b, other, NOW), CORE_REJECTED);
	memset(other, 'A', PORTAL_COOKIE_TEXT - 1);
	other[PORTAL_COOKIE_TEXT - 1] = '\0';
	assert_int_equal(find(b, other, NOW), CORE_REJECTED);
}

static void the_store_holds_no_cookie(void **state)
{
	static const char *const suffixes[] = {"", "-wal"};
	struct bench *b = *state;

	if (stores_is_postgres()) {
		assert_true(stores_hold("anna"));
		assert_false(stores_hold(b->cookie));
		assert_false(stores_hold("correct horse"));
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		static char data[4 << 20];
		char path[128];
		size_t len;
		FILE *file;

		snprintf(path, sizeof(path), "%s%s", b->f->db, suffixes[i]);
		file = fopen(path, "r");
		assert_non_null(file);
		len = fread(data, 1, sizeof(data), file);
		fclose(file);
		assert_true(len > 0);
		assert_null(memmem(data, len, b->cookie, strlen(b->cookie)));
		assert_null(memmem(data, len, "correct horse", 13));
	}
}

static void a_session_that_is_not_used_ends(void **state)
{
	struct bench *b = *state;

	assert_int_equal(find(b, b->cookie, NOW + PORTAL_SESSION_IDLE_S - 1), CORE_OK);
	assert_int_equal(find(b, b->cookie, NOW + PORTAL_SESSION_IDLE_S), CORE_REJECTED);
}

static void a_session_that_is_used_ends_too(void **state)
{
	struct bench *b = *state;
	int64_t now = NOW;

	while (now < NOW + PORTAL_SESSION_LIFE_S - PORTAL_SESSION_IDLE_S / 2) {
		now += PORTAL_SESSION_IDLE_S / 2;
		touch(b, now);
	}
	assert_int_equal(find(b, b->cookie, NOW + PORTAL_SESSION_LIFE_S - 1), CORE_OK);
	assert_int_equal(find(b, b->cookie, NOW + PORTAL_SESSION_LIFE_S), CORE_REJECTED);
}

static void use_is_written_down_once_a_minute(void **state)
{
	struct bench *b = *state;
	struct portal_session s;

	touch(b, NOW + PORTAL_SESSION_TOUCH_S - 1);
	assert_int_equal(portal_session_find(b->f->store, b->cookie, NOW, &s), CORE_OK);
	assert_int_equal(s.row.seen_at, NOW);
	portal_session_done(&s);
	touch(b, NOW + PORTAL_SESSION_TOUCH_S);
	assert_int_equal(portal_session_find(b->f->store, b->cookie, NOW, &s), CORE_OK);
	assert_int_equal(s.row.seen_at, NOW + PORTAL_SESSION_TOUCH_S);
	portal_session_done(&s);
}

static void signing_out_ends_one_session(void **state)
{
	struct bench *b = *state;
	char second[PORTAL_COOKIE_TEXT];
	struct portal_session s;

	sign_in(b, NOW, second);
	assert_string_not_equal(second, b->cookie);
	assert_int_equal(portal_session_find(b->f->store, b->cookie, NOW, &s), CORE_OK);
	assert_int_equal(portal_session_end(b->f->store, b->cookie), 0);
	assert_int_equal(find(b, b->cookie, NOW), CORE_REJECTED);
	assert_int_equal(find(b, second, NOW), CORE_OK);
	assert_int_equal(portal_session_end(b->f->store, b->cookie), 0);
	/* A request that was under way brings nothing back. */
	assert_int_equal(portal_session_touch(b->f->store, &s, NOW + 3000), 0);
	assert_int_equal(find(b, b->cookie, NOW), CORE_REJECTED);
	portal_session_done(&s);
}

static void another_password_ends_all_sessions(void **state)
{
	struct bench *b = *state;
	char second[PORTAL_COOKIE_TEXT], hash[PASSWORD_TEXT];

	sign_in(b, NOW, second);
	assert_int_equal(password_hash("battery staple", 14, LOG2_N, hash), 0);
	assert_int_equal(users_admin_passwd(b->f->core, "anna", hash), 0);
	assert_int_equal(find(b, b->cookie, NOW), CORE_REJECTED);
	assert_int_equal(find(b, second, NOW), CORE_REJECTED);
}

static void a_removed_user_has_no_session(void **state)
{
	struct bench *b = *state;

	assert_int_equal(users_admin_remove(b->f->core, "anna"), 0);
	assert_int_equal(find(b, b->cookie, NOW), CORE_REJECTED);
	assert_int_equal(users_admin_remove(b->f->core, "anna"), USERS_ADMIN_E_NOT_FOUND);
}

static void a_role_counts_as_it_is_now(void **state)
{
	struct bench *b = *state;
	struct portal_session s;

	strcpy(b->anna.role, "viewer");
	assert_int_equal(b->f->store->ops->user_update(b->f->store, &b->anna), 0);
	assert_int_equal(portal_session_find(b->f->store, b->cookie, NOW, &s), CORE_OK);
	assert_string_equal(s.user.role, "viewer");
	portal_session_done(&s);
}

static void ended_sessions_are_forgotten(void **state)
{
	struct bench *b = *state;
	struct store_session row;
	struct portal_session s;
	char later[PORTAL_COOKIE_TEXT];

	assert_int_equal(portal_session_find(b->f->store, b->cookie, NOW, &s), CORE_OK);
	portal_session_done(&s);
	sign_in(b, NOW + PORTAL_SESSION_IDLE_S + 1, later);
	assert_int_equal(b->f->store->ops->session_find(b->f->store, s.row.hash, &row),
			 STORE_E_NOT_FOUND);
}

static void users_are_made_once_with_a_name_and_a_role(void **state)
{
	static const char *const names[] = {"", "\xff", "a\xc3"};
	struct bench *b = *state;
	char hash[PASSWORD_TEXT], longest[CORE_NAME_MAX + 2];
	json_t *list = NULL;

	assert_int_equal(password_hash("correct horse", 13, LOG2_N, hash), 0);
	assert_int_equal(users_admin_create(b->f->core, "theirs", "viewer", "anna", hash),
			 USERS_ADMIN_E_EXISTS);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_int_equal(users_admin_create(b->f->core, "ours", "viewer", names[i], hash),
				 -EINVAL);
	memset(longest, 'x', sizeof(longest));
	longest[CORE_NAME_MAX + 1] = '\0';
	assert_int_equal(users_admin_create(b->f->core, "ours", "viewer", longest, hash), -EINVAL);
	longest[CORE_NAME_MAX] = '\0';
	assert_int_equal(users_admin_create(b->f->core, "ours", "root", longest, hash), -EINVAL);
	assert_int_equal(users_admin_create(b->f->core, "", "viewer", longest, hash), -EINVAL);
	assert_int_equal(users_admin_create(b->f->core, "new team", "viewer", longest, hash), 0);
	assert_int_equal(users_admin_passwd(b->f->core, "bert", hash), USERS_ADMIN_E_NOT_FOUND);
	assert_int_equal(users_admin_list(b->f->core, &list), 0);
	assert_int_equal(json_array_size(list), 2);
	json_decref(list);
}

/* ---- the cookie header, the token ---- */

static void one_cookie_of_our_name_is_found(void **state)
{
	static const char c[] = "GOE33WJ0tUBQnaXKT8eDzQJhIJ_Ibbci_BEJpTEmRpI";
	char text[256], found[PORTAL_COOKIE_TEXT];
	static const char *const good[] = {"onboard_session=%s", "a=b; onboard_session=%s; c=d",
					   "onboard_session=%s;",
					   "xonboard_session=q; "
					   "onboard_session=%s",
					   ";; onboard_session=%s ;"};
	static const char *const bad[] = {"",
					  "onboard_session",
					  "onboard_session=",
					  "a=onboard_session=%s",
					  "onboard_session=%sA",
					  "onboard_session=A%s",
					  "xonboard_session=%s",
					  "onboard_sessionx=%s",
					  "onboard_session=\"%s\"",
					  "Onboard_session=%s",
					  "onboard_session=x; onboard_session=%s",
					  "onboard_session=%s; onboard_session=%s"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		size_t n = (size_t)(strstr(good[i], "%s") - good[i]);

		snprintf(text, sizeof(text), "%.*s%s%s", (int)n, good[i], c, good[i] + n + 2);
		assert_int_equal(portal_cookie_find(text, found), CORE_OK);
		assert_string_equal(found, c);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		const char *p = bad[i], *at;
		size_t len = 0;

		while ((at = strstr(p, "%s"))) {
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%.*s%s",
						(int)(at - p), p, c);
			p = at + 2;
		}
		snprintf(text + len, sizeof(text) - len, "%s", p);
		assert_int_equal(portal_cookie_find(text, found), CORE_REJECTED);
	}
}

static void a_token_is_of_one_session(void **state)
{
	struct bench *b = *state;
	char second[PORTAL_COOKIE_TEXT], token[PORTAL_CSRF_TEXT], again[PORTAL_CSRF_TEXT];

	sign_in(b, NOW, second);
	portal_csrf_make(b->cookie, token);
	portal_csrf_make(b->cookie, again);
	assert_string_equal(token, again);
	assert_string_not_equal(token, b->cookie);
	assert_true(portal_csrf_is_right(b->cookie, token));
	assert_false(portal_csrf_is_right(second, token));
	assert_false(portal_csrf_is_right(b->cookie, NULL));
	assert_false(portal_csrf_is_right(b->cookie, ""));
	assert_false(portal_csrf_is_right(b->cookie, b->cookie));
	assert_false(portal_csrf_is_right("nonsense", token));
	for (size_t i = 0; i < strlen(token); i++) {
		snprintf(again, sizeof(again), "%s", token);
		again[i] ^= 1;
		assert_false(portal_csrf_is_right(b->cookie, again));
		again[i] = '\0';
		assert_false(portal_csrf_is_right(b->cookie, again));
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_cookie_opens_its_users_session),
		TEST(every_other_cookie_opens_none),
		TEST(the_store_holds_no_cookie),
		TEST(a_session_that_is_not_used_ends),
		TEST(a_session_that_is_used_ends_too),
		TEST(use_is_written_down_once_a_minute),
		TEST(signing_out_ends_one_session),
		TEST(another_password_ends_all_sessions),
		TEST(a_removed_user_has_no_session),
		TEST(a_role_counts_as_it_is_now),
		TEST(ended_sessions_are_forgotten),
		TEST(users_are_made_once_with_a_name_and_a_role),
		cmocka_unit_test(one_cookie_of_our_name_is_found),
		TEST(a_token_is_of_one_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
