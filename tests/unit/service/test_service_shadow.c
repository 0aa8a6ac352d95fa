/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

static void start(struct fixture *f, struct device *d)
{
	device_init(d);
	device_claim(f, d, NULL);
}

static enum core_verdict patch(struct fixture *f, const struct device *d, const char *section,
			       const char *json)
{
	json_t *value = json_loads(json, JSON_DECODE_ANY, NULL);
	enum core_verdict v;

	assert_non_null(value);
	v = core_state_patch(f->core, caller(d->uuid), section, value);
	json_decref(value);
	return v;
}

static void assert_state(struct fixture *f, const struct device *d, bool delta, const char *json)
{
	json_t *got = NULL;
	char *text;

	assert_int_equal(core_state_get(f->core, caller(d->uuid), delta, &got), CORE_OK);
	text = got ? json_dumps(got, JSON_COMPACT) : strdup("");
	assert_string_equal(text, json);
	free(text);
	json_decref(got);
}

/* RFC 7396 appendix A, the rows whose target and patch are objects. */
static void patches_merge_as_rfc_7396_says(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *original, *patch, *result;
	} rows[] = {
		{"{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
		{"{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}"},
		{"{\"a\":\"b\"}", "{\"a\":null}", ""},
		{"{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}"},
		{"{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
		{"{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}"},
		{"{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}",
		 "{\"a\":{\"b\":\"d\"}}"},
		{"{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}"},
		{"{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}"},
	};
	struct device d;

	start(f, &d);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(patch(f, &d, "desired", "null"), CORE_OK);
		assert_int_equal(patch(f, &d, "desired", rows[i].original), CORE_OK);
		assert_int_equal(patch(f, &d, "desired", rows[i].patch), CORE_OK);
		assert_state(f, &d, false, rows[i].result);
	}
	device_done(&d);
}

static void delta_is_what_reported_lacks_or_has_otherwise(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *desired, *reported, *delta;
	} rows[] = {
		{"{}", "{}", ""},
		{"{\"a\":1}", "{}", "{\"a\":1}"},
		{"{\"a\":1}", "{\"a\":1,\"b\":2}", ""},
		{"{\"a\":1}", "{\"a\":2}", "{\"a\":1}"},
		{"{\"a\":{\"b\":1,\"c\":2}}", "{\"a\":{\"b\":1,\"c\":3}}", "{\"a\":{\"c\":2}}"},
		{"{\"a\":{\"b\":1}}", "{\"a\":{\"b\":1}}", ""},
		{"{\"a\":{\"b\":1}}", "{\"a\":1}", "{\"a\":{\"b\":1}}"},
		{"{\"command\":[1,7]}", "{\"command\":[1,6]}", "{\"command\":[1,7]}"},
		{"{\"command\":[1,7]}", "{\"command\":[1,7]}", ""},
		{"{\"a\":{}}", "{\"a\":{\"b\":1}}", ""},
	};
	struct device d;

	start(f, &d);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(patch(f, &d, "desired", "null"), CORE_OK);
		assert_int_equal(patch(f, &d, "reported", "null"), CORE_OK);
		assert_int_equal(patch(f, &d, "desired", rows[i].desired), CORE_OK);
		assert_int_equal(patch(f, &d, "reported", rows[i].reported), CORE_OK);
		assert_state(f, &d, true, rows[i].delta);
	}
	device_done(&d);
}

static enum core_verdict patch_filler(struct fixture *f, const struct device *d, const char *item,
				      size_t n)
{
	json_t *list = json_array(), *body;
	enum core_verdict v;

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_loads(item, JSON_DECODE_ANY, NULL));
	body = json_pack("{s:o}", "k", list);
	v = core_state_patch(f->core, caller(d->uuid), "reported", body);
	json_decref(body);
	return v;
}

static void a_section_is_limited_and_what_is_refused_changes_nothing(void **state)
{
	struct fixture *f = *state;
	json_t *body, *got = NULL;
	char text[8200];
	struct device d;

	start(f, &d);
	/* {"k":"..."} of 8,192 characters, and of one more */
	memset(text, 'x', sizeof(text));
	text[8192 - 8] = '\0';
	body = json_pack("{s:s}", "k", text);
	assert_int_equal(core_state_patch(f->core, caller(d.uuid), "desired", body), CORE_OK);
	json_decref(body);
	text[8192 - 8] = 'x';
	text[8192 - 7] = '\0';
	body = json_pack("{s:s}", "k", text);
	assert_int_equal(core_state_patch(f->core, caller(d.uuid), "desired", body), CORE_INVALID);
	json_decref(body);
	assert_int_equal(patch(f, &d, "desired", "{\"j\":1}"), CORE_INVALID);
	assert_int_equal(core_state_get(f->core, caller(d.uuid), false, &got), CORE_OK);
	assert_int_equal(json_string_length(json_object_get(got, "k")), 8184);
	json_decref(got);

	/* Numbers that are short as JSON and long as CBOR: what the device gets has to fit. */
	assert_int_equal(patch_filler(f, &d, "0.5", 1800), CORE_OK);
	assert_int_equal(patch_filler(f, &d, "0.5", 2000), CORE_INVALID);
	device_done(&d);
}

static void nesting_is_limited(void **state)
{
	struct fixture *f = *state;
	char text[64];
	struct device d;

	start(f, &d);
	for (int depth = 16; depth <= 17; depth++) {
		size_t n = 0;

		n += (size_t)snprintf(text, sizeof(text), "{\"a\":");
		for (int i = 1; i < depth; i++)
			text[n++] = '[';
		for (int i = 1; i < depth; i++)
			text[n++] = ']';
		text[n++] = '}';
		text[n] = '\0';
		assert_int_equal(patch(f, &d, "desired", text),
				 depth == 16 ? CORE_OK : CORE_INVALID);
	}
	device_done(&d);
}

static void what_is_no_section_or_no_object_is_invalid(void **state)
{
	struct fixture *f = *state;
	struct device d, stranger;

	start(f, &d);
	device_init(&stranger);
	assert_int_equal(patch(f, &d, "delta", "{}"), CORE_INVALID);
	assert_int_equal(patch(f, &d, "desired", "[]"), CORE_INVALID);
	assert_int_equal(patch(f, &d, "desired", "1"), CORE_INVALID);
	assert_int_equal(patch(f, &stranger, "desired", "{}"), CORE_UNCLAIMED);
	assert_int_equal(core_state_get(f->core, caller(stranger.uuid), true, &(json_t *){NULL}),
			 CORE_UNCLAIMED);
	device_done(&d);
	device_done(&stranger);
}

static void the_owner_patches_both_sections_or_none(void **state)
{
	struct fixture *f = *state;
	static const char *const bad[] = {"{}", "[]", "{\"desired\":1}", "{\"wanted\":{}}",
					  "{\"desired\":{\"a\":2},\"reported\":[]}"};
	json_t *body, *ret = NULL;
	struct device d;

	start(f, &d);
	body = json_loads("{\"desired\":{\"a\":1},\"reported\":{\"b\":2}}", 0, NULL);
	assert_int_equal(core_device_state_patch(f->core, &f->editor, d.uuid, body, &ret), 200);
	json_decref(body);
	json_decref(ret);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		body = json_loads(bad[i], 0, NULL);
		assert_int_equal(core_device_state_patch(f->core, &f->editor, d.uuid, body, &ret),
				 422);
		json_decref(body);
		json_decref(ret);
	}
	assert_int_equal(core_device_get(f->core, &f->viewer, d.uuid, &ret), 200);
	body = json_loads("{\"desired\":{\"a\":1},\"reported\":{\"b\":2},\"version\":1}", 0, NULL);
	assert_true(json_equal(json_object_get(ret, "state"), body));
	json_decref(body);
	json_decref(ret);
	assert_state(f, &d, true, "{\"a\":1}");
	device_done(&d);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(patches_merge_as_rfc_7396_says),
		T(delta_is_what_reported_lacks_or_has_otherwise),
		T(a_section_is_limited_and_what_is_refused_changes_nothing),
		T(nesting_is_limited),
		T(what_is_no_section_or_no_object_is_invalid),
		T(the_owner_patches_both_sections_or_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
