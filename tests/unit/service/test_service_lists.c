/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <errno.h>

#include "service/crypto.h"

#define LISTED "11111111-1111-4111-8111-111111111111"

typedef unsigned int (*open_fn)(struct core *c, const struct core_owner *o, const char *csv,
				size_t len, struct core_rows **ret_rows, json_t **ret);

/* The whole of a list at once; *ret_steps turns of the loop. */
static unsigned int work(struct fixture *f, open_fn open, const struct core_owner *o,
			 const char *csv, json_t **ret, unsigned int *ret_steps)
{
	struct core_rows *rows = NULL;
	unsigned int status, n = 0;

	status = open(f->core, o, csv, strlen(csv), &rows, ret);
	if (status)
		return status;
	do
		n++;
	while ((status = core_rows_step(rows, ret)) == 0);
	core_rows_free(rows);
	if (ret_steps)
		*ret_steps = n;
	return status;
}

static void assert_failed(json_t *ret, size_t i, int row, int status, const char *part)
{
	json_t *item = json_array_get(json_object_get(ret, "failed"), i);
	const char *detail = json_string_value(json_object_get(item, "detail"));

	assert_int_equal(json_integer_value(json_object_get(item, "row")), row);
	assert_int_equal(json_integer_value(json_object_get(item, "status")), status);
	if (!detail || !strstr(detail, part))
		fail_msg("%s does not say %s", detail ? detail : "(none)", part);
}

static size_t count(json_t *ret, const char *member)
{
	return json_array_size(json_object_get(ret, member));
}

static void each_row_of_a_list_has_its_own_outcome(void **state)
{
	struct fixture *f = *state;
	char token[3][TOKEN_TEXT_MAX], csv[7 * TOKEN_TEXT_MAX];
	struct device d[3];
	unsigned int steps;
	json_t *ret = NULL;

	for (size_t i = 0; i < 3; i++) {
		device_init(&d[i]);
		if (i < 2)
			device_import(f, &d[i]);
		device_token(&d[i], COSE_FORM_RFC9052, token[i]);
	}
	assert_int_equal(token_claim(f, &f->other, token[1], NULL, &ret), 201);
	json_decref(ret);
	snprintf(csv, sizeof(csv),
		 "Claim Token,Tags\r\n\"%s\",\"a|b\"\n%s\n%s,x\n%s,a b\n%s,a,b\njunk\n%s\n",
		 token[0], token[1], token[2], token[0], token[0], token[0]);
	assert_int_equal(work(f, core_claim_rows, &f->editor, csv, &ret, &steps), 200);
	assert_int_equal(steps, 8); /* seven rows, and the end */
	assert_int_equal(count(ret, "claimedIds"), 1);
	assert_int_equal(count(ret, "failed"), 5);
	assert_failed(ret, 0, 3, 409, "another team");
	assert_failed(ret, 1, 4, 404, d[2].uuid);
	assert_failed(ret, 2, 5, 422, "tags");
	assert_failed(ret, 3, 6, 422, "two fields");
	assert_failed(ret, 4, 7, 422, "attestation token");
	json_decref(ret);
	for (size_t i = 0; i < 3; i++)
		device_done(&d[i]);
}

static void a_list_is_refused_before_any_of_it_is_done(void **state)
{
	struct fixture *f = *state;
	char token[TOKEN_TEXT_MAX], csv[TOKEN_TEXT_MAX + 16];
	_cleanup_(freep) char *many = malloc(3 * 1003);
	json_t *ret = NULL;
	struct device d;

	device_init(&d);
	device_import(f, &d);
	device_token(&d, COSE_FORM_RFC9052, token);
	snprintf(csv, sizeof(csv), "%s\n\"broken", token);
	assert_int_equal(work(f, core_claim_rows, &f->editor, csv, &ret, NULL), 422);
	json_decref(ret);
	assert_int_equal(core_claimed_get(f->core, &f->editor, d.uuid, &ret), 404);
	json_decref(ret);
	assert_int_equal(work(f, core_claim_rows, &f->editor, "", &ret, NULL), 422);
	json_decref(ret);
	assert_int_equal(work(f, core_claim_rows, &f->editor, "token\n", &ret, NULL), 422);
	json_decref(ret);
	many[0] = '\0';
	for (int i = 0; i < 1001; i++)
		strcpy(many + i * 2, "a\n");
	assert_int_equal(work(f, core_claim_rows, &f->editor, many, &ret, NULL), 422);
	json_decref(ret);
	many[2000] = '\0';
	assert_int_equal(work(f, core_claim_rows, &f->editor, many, &ret, NULL), 200);
	assert_int_equal(count(ret, "failed"), 1000);
	json_decref(ret);
	device_done(&d);
}

static void a_list_that_is_left_keeps_what_was_done(void **state)
{
	struct fixture *f = *state;
	char token[TOKEN_TEXT_MAX], csv[TOKEN_TEXT_MAX + 16];
	struct core_rows *rows = NULL;
	json_t *ret = NULL;
	struct device d;

	device_init(&d);
	device_import(f, &d);
	device_token(&d, COSE_FORM_RFC9052, token);
	snprintf(csv, sizeof(csv), "%s\nb\nc\n", token);
	assert_int_equal(core_claim_rows(f->core, &f->editor, csv, strlen(csv), &rows, &ret), 0);
	assert_int_equal(core_rows_step(rows, &ret), 0);
	core_rows_free(rows);
	assert_int_equal(core_claimed_get(f->core, &f->editor, d.uuid, &ret), 200);
	json_decref(ret);
	device_done(&d);
}

/* ---- public keys ---- */

static void pem_of(const struct device *d, char *ret, size_t size)
{
	_cleanup_(freep) char *pem = NULL;

	assert_int_equal(crypto_key_pem(d->spki, &pem), 0);
	snprintf(ret, size, "%s", pem);
}

static void onboard(struct fixture *f, const struct core_owner *o, const char *id, const char *pem,
		    json_t **ret)
{
	char csv[2048];

	snprintf(csv, sizeof(csv), "%s,thing,a|b,\"APP|MODEM\",\"%s\"\n", id, pem);
	assert_int_equal(work(f, core_onboard_rows, o, csv, ret, NULL), 202);
}

static void a_listed_device_is_claimed_and_may_log_in(void **state)
{
	struct fixture *f = *state;
	struct core_owner admin = f->editor;
	char pem[512];
	json_t *ret = NULL;
	struct device d;

	strcpy(admin.role, "admin");
	device_init(&d);
	pem_of(&d, pem, sizeof(pem));
	onboard(f, &admin, LISTED, pem, &ret);
	assert_int_equal(count(ret, "onboardedIds"), 1);
	json_decref(ret);
	assert_int_equal(core_device_get(f->core, &admin, LISTED, &ret), 200);
	assert_string_equal(json_string_value(json_object_get(ret, "subType")), "thing");
	assert_true(json_is_object(json_object_get(ret, "cloudAccess")));
	json_decref(ret);
	/* again: no error, and nothing twice */
	onboard(f, &admin, LISTED, pem, &ret);
	assert_int_equal(count(ret, "onboardedIds"), 1);
	json_decref(ret);
	/* unclaimed, and back with the same key */
	assert_int_equal(core_unclaim(f->core, &admin, LISTED, &ret), 204);
	onboard(f, &admin, LISTED, pem, &ret);
	assert_int_equal(count(ret, "onboardedIds"), 1);
	json_decref(ret);
	device_done(&d);
}

static void a_list_takes_nobodys_device_and_replaces_no_key(void **state)
{
	struct fixture *f = *state;
	struct core_owner admin = f->editor;
	char pem[512], wrong[512];
	struct device factory, stranger;
	json_t *ret = NULL;

	strcpy(admin.role, "admin");
	device_init(&factory);
	device_init(&stranger);
	device_import(f, &factory);
	pem_of(&factory, pem, sizeof(pem));
	pem_of(&stranger, wrong, sizeof(wrong));
	/* known from its factory, with its own public key: which is no secret */
	onboard(f, &admin, factory.uuid, pem, &ret);
	assert_failed(ret, 0, 1, 409, "claim token");
	json_decref(ret);
	/* claimed by us, but with another cloud key or none */
	device_claim(f, &factory, NULL);
	onboard(f, &admin, factory.uuid, wrong, &ret);
	assert_failed(ret, 0, 1, 409, "claimed already");
	json_decref(ret);
	/* listed by others */
	onboard(f, &f->other, LISTED, pem, &ret);
	json_decref(ret);
	onboard(f, &admin, LISTED, pem, &ret);
	assert_failed(ret, 0, 1, 409, "claimed already");
	json_decref(ret);
	/* given up by them, but known with their key */
	assert_int_equal(core_unclaim(f->core, &f->other, LISTED, &ret), 204);
	onboard(f, &admin, LISTED, wrong, &ret);
	assert_failed(ret, 0, 1, 409, "another key");
	json_decref(ret);
	device_done(&factory);
	device_done(&stranger);
}

static void rows_that_cannot_be_are_told_why(void **state)
{
	static const struct {
		const char *row, *part;
	} rows[] = {
		{"x,t,a,APP,pem", "UUID"},
		{LISTED ",t,a,APP", "five fields"},
		{LISTED ",t,a,APP,pem,more", "five fields"},
		{LISTED ",t<,a,APP,pem", "subType"},
		{LISTED ",t,a b,APP,pem", "tags"},
		{LISTED ",t,a,app;,pem", "firmware types"},
		{LISTED ",t,a,APP,pem", "PEM"},
		{LISTED ",t,a,APP,\"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\"",
		 "PEM"},
	};
	struct fixture *f = *state;
	struct core_owner admin = f->editor;

	strcpy(admin.role, "admin");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		json_t *ret = NULL;

		assert_int_equal(work(f, core_onboard_rows, &admin, rows[i].row, &ret, NULL), 202);
		assert_failed(ret, 0, 1, 422, rows[i].part);
		json_decref(ret);
	}
	assert_int_equal(identity_count(f), 0);
}

static void the_result_of_a_list_is_found_again_by_its_team(void **state)
{
	struct fixture *f = *state;
	struct core_owner admin = f->editor;
	json_t *made = NULL, *ret = NULL;
	const char *request, *url;

	strcpy(admin.role, "admin");
	assert_int_equal(work(f, core_onboard_rows, &admin, "x\n", &made, NULL), 202);
	request = json_string_value(json_object_get(made, "bulkOpsRequestId"));
	assert_int_equal(core_onboard_result(f->core, &admin, request, "https://h", &ret), 200);
	assert_string_equal(json_string_value(json_object_get(ret, "status")), "FAILED");
	url = json_string_value(json_object_get(ret, "errorSummaryUrl"));
	assert_int_equal(strncmp(url, "https://h/v1/bulk-ops-requests/", 31), 0);
	json_decref(ret);
	assert_int_equal(core_onboard_result(f->core, &f->other, request, "https://h", &ret), 404);
	json_decref(ret);
	assert_int_equal(core_onboard_errors(f->core, admin.team, request, &ret), 200);
	assert_int_equal(count(ret, "errors"), 1);
	json_decref(ret);
	assert_int_equal(core_onboard_errors(f->core, f->other.team, request, &ret), 404);
	json_decref(ret);
	json_decref(made);
}

/* ---- roles, below the front ---- */

static void core_asks_for_the_role_itself(void **state)
{
	static const char *const roles[] = {"", "owner", "viewer", "editor", "admin"};
	struct fixture *f = *state;
	json_auto_t *body = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(roles); i++) {
		struct core_owner o = f->editor;
		const struct core_list all = {NULL};
		unsigned int at = 0;
		json_t *ret = NULL;

		strcpy(o.role, roles[i]);
#define NEED(rank, call)                                                                           \
	do {                                                                                       \
		unsigned int status;                                                               \
		ret = NULL;                                                                        \
		status = (call);                                                                   \
		at++;                                                                              \
		if ((status == 403) != (i < (rank)))                                               \
			fail_msg("call %u as \"%s\": %u", at, roles[i], status);                   \
		json_decref(ret);                                                                  \
	} while (0)
		/* rank: the first of roles[] that may */
		NEED(2, core_claimed_list(f->core, &o, &all, &ret));
		NEED(2, core_claimed_get(f->core, &o, LISTED, &ret));
		NEED(2, core_timeline(f->core, &o, LISTED, &all, &ret));
		NEED(2, core_device_list(f->core, &o, &all, &ret));
		NEED(2, core_device_state_get(f->core, &o, LISTED, &ret));
		NEED(2, core_rule_get(f->core, &o, LISTED, &ret));
		NEED(2, core_tag_list(f->core, &o, &ret));
		NEED(3, core_device_change(f->core, &o, LISTED, body, &ret));
		NEED(3, core_device_block(f->core, &o, LISTED, true, &ret));
		NEED(3, core_device_reset(f->core, &o, LISTED, &ret));
		NEED(3, core_command_delete(f->core, &o, LISTED, "x", &ret));
		NEED(3, core_rule_put(f->core, &o, LISTED, body, &ret));
		NEED(3, core_rule_delete(f->core, &o, LISTED, &ret));
		NEED(3, core_tag_add(f->core, &o, body, &ret));
		NEED(3, core_tag_delete(f->core, &o, "x", &ret));
		NEED(3, work(f, core_claim_rows, &o, "", &ret, NULL));
		NEED(4, core_transfer(f->core, &o, LISTED, body, &ret));
		NEED(4, work(f, core_onboard_rows, &o, "", &ret, NULL));
		NEED(4, core_onboard_result(f->core, &o, LISTED, "", &ret));
		NEED(4, core_apikey_list(f->core, &o, &ret));
		NEED(4, core_apikey_add(f->core, &o, body, &ret));
		NEED(4, core_apikey_delete(f->core, &o, LISTED, &ret));
		NEED(4, core_user_list(f->core, &o, &ret));
		NEED(4, core_user_add(f->core, &o, body, "hash", &ret));
		NEED(4, core_user_change(f->core, &o, LISTED, body, NULL, &ret));
		NEED(4, core_user_delete(f->core, &o, LISTED, &ret));
		NEED(4, core_audit_list(f->core, &o, &all, &ret));
#undef NEED
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(each_row_of_a_list_has_its_own_outcome),
		T(a_list_is_refused_before_any_of_it_is_done),
		T(a_list_that_is_left_keeps_what_was_done),
		T(a_listed_device_is_claimed_and_may_log_in),
		T(a_list_takes_nobodys_device_and_replaces_no_key),
		T(rows_that_cannot_be_are_told_why),
		T(the_result_of_a_list_is_found_again_by_its_team),
		T(core_asks_for_the_role_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
