/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "base/clock.h"
#include "base/text.h"
#include "service/crypto.h"
#include "service/expand.h"

static int expand(const char *request, const char *id, struct expansion *ret, char **detail)
{
	json_error_t error;
	json_t *value = json_loads(request, 0, &error);
	int r;

	if (!value)
		fail_msg("%s: %s", error.text, request);
	*detail = NULL;
	r = expand_request(value, id, ret, detail);
	json_decref(value);
	return r;
}

/* docs/protocol.md §4.5 */
static void requests_become_the_bytes_of_the_vectors(void **state)
{
	static const struct {
		const char *name, *request, *id, *hex;
	} rows[] = {
		{"C1", "{\"finished\":{}}", "9685ef84-8cac-4257-b5cc-94bc416a1c1d.d",
		 "8182782639363835656638342d386361632d343235372d623563632d3934626334313661316331642"
		 "e6402"},
		{"C2", "{\"clientPrivateKeyGeneration\":{\"secTag\":16842753}}",
		 "89ed369b-0fed-4194-a703-aabb7fe8130b.e",
		 "8285782838396564333639622d306665642d343139342d613730332d6161626237666538313330622"
		 "e652e73006525434d4e476c332c31363834323735332c328119020185782638396564333639622d30"
		 "6665642d343139342d613730332d6161626237666538313330622e650067254b455947454e6c31363"
		 "834323735332c322c3180"},
		{"C2", "{\"cloudAccessKeyGeneration\":{\"secTag\":16842753}}",
		 "89ed369b-0fed-4194-a703-aabb7fe8130b.e",
		 "8285782838396564333639622d306665642d343139342d613730332d6161626237666538313330622"
		 "e652e73006525434d4e476c332c31363834323735332c328119020185782638396564333639622d30"
		 "6665642d343139342d613730332d6161626237666538313330622e650067254b455947454e6c31363"
		 "834323735332c322c3180"},
		{"C3", "{\"endorsementKeyGeneration\":{\"secTag\":16842753}}",
		 "80b8095e-2714-459e-bd8b-3745d8410a18.f",
		 "8185782638306238303935652d323731342d343539652d626438622d3337343564383431306131382"
		 "e660067254b455947454e6c31363834323735332c382c3180"},
		{"C4", "{\"config\":{\"provisioning/interval-sec\":\"99\"}}",
		 "e5256918-aba9-4d12-8b87-f2c07affec5d.14",
		 "8183782765353235363931382d616261392d346431322d386238372d6632633037616666656335642"
		 "e313401a1781970726f766973696f6e696e672f696e74657276616c2d736563623939"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct expansion e;
		uint8_t got[512];
		char hex[1025], *detail;
		size_t len;

		assert_int_equal(expand(rows[i].request, rows[i].id, &e, &detail), 0);
		assert_int_equal(command_list_encode(e.steps, e.n, got, sizeof(got), &len), 0);
		hex_encode(got, len, hex);
		assert_string_equal(hex, rows[i].hex);
		expansion_done(&e);
	}
}

static void each_type_becomes_its_at_commands(void **state)
{
	static const struct {
		const char *request, *delete, *verb, *parameters;
	} rows[] = {
		{"{\"certificateSigningRequest\":{\"secTag\":17}}", "3,17,2", "%KEYGEN", "17,2,0"},
		{"{\"certificateSigningRequest\":{\"secTag\":17,\"attributes\":\"O=x,CN=y\"}}",
		 "3,17,2", "%KEYGEN", "17,2,0,\"O=x,CN=y\""},
		{"{\"certificateSigningRequest\":{\"secTag\":17,\"attributes\":\"O=x\","
		 "\"keyUsage\":\"101010000\"}}",
		 "3,17,2", "%KEYGEN", "17,2,0,\"O=x\",\"101010000\""},
		{"{\"clientPrivateKey\":{\"secTag\":0,\"content\":\"-----BEGIN PRIVATE "
		 "KEY-----\\r\\nx\\r\\n\"}}",
		 "3,0,2", "%CMNG", "0,0,2,\"-----BEGIN PRIVATE KEY-----\nx\n\""},
		{"{\"clientPrivateKey\":{\"secTag\":0,\"content\":\"-----BEGIN ENCRYPTED PRIVATE "
		 "KEY-----\",\"password\":\"pw\"}}",
		 "3,0,2", "%CMNG", "0,0,2,\"-----BEGIN ENCRYPTED PRIVATE KEY-----\",\"pw\""},
		{"{\"preSharedKey\":{\"secTag\":2147483647,\"content\":\"00fF\"}}",
		 "3,2147483647,3", "%CMNG", "0,2147483647,3,\"00fF\""},
		{"{\"pskIdentity\":{\"secTag\":5,\"content\":\"me\"}}", "3,5,4", "%CMNG",
		 "0,5,4,\"me\""},
		{"{\"atCommand\":{\"setCommand\":\"%ATTESTTOKEN\"}}", NULL, "%ATTESTTOKEN", ""},
		{"{\"atCommand\":{\"setCommand\":\"%CMNG\",\"parameters\":\"1\"}}", NULL, "%CMNG",
		 "1"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct command *main_step;
		struct expansion e;
		char *detail;

		if (expand(rows[i].request, "id.1", &e, &detail) != 0)
			fail_msg("row %zu: %s", i, detail);
		assert_int_equal(e.n, rows[i].delete ? 2 : 1);
		if (rows[i].delete) {
			assert_string_equal(e.steps[0].correlation, "id.1.s");
			assert_string_equal(e.steps[0].verb, "%CMNG");
			assert_string_equal(e.steps[0].parameters, rows[i].delete);
			assert_int_equal(e.steps[0].n_ignore_cme, 1);
			assert_int_equal(e.steps[0].ignore_cme[0], 513);
		}
		main_step = &e.steps[e.n - 1];
		assert_string_equal(main_step->correlation, "id.1");
		assert_string_equal(main_step->verb, rows[i].verb);
		assert_string_equal(main_step->parameters, rows[i].parameters);
		assert_int_equal(main_step->n_ignore_cme, 0);
		expansion_done(&e);
	}
}

static void certificates_lose_their_cr_and_are_read_before_they_are_sent(void **state)
{
	_cleanup_(secret_done) struct secret key = SECRET_INIT;
	char *pem, *crlf, *to, *detail;
	json_t *request;
	struct expansion e;

	(void)state;
	assert_int_equal(crypto_ca_make("x", clock_wall_s(), &key, &pem), 0);
	to = crlf = malloc(strlen(pem) * 2);
	for (const char *p = pem; *p; p++) {
		if (*p == '\n')
			*to++ = '\r';
		*to++ = *p;
	}
	*to = '\0';
	request = json_pack("{s:{s:i, s:s}}", "serverCertificate", "secTag", 7, "content", crlf);
	assert_int_equal(expand_request(request, "i", &e, &detail), 0);
	assert_string_equal(e.steps[0].parameters, "3,7,0");
	assert_memory_equal(e.steps[1].parameters, "0,7,0,\"", 7);
	assert_memory_equal(e.steps[1].parameters + 7, pem, strlen(pem));
	assert_null(strchr(e.steps[1].parameters, '\r'));
	expansion_done(&e);
	json_decref(request);

	pem[100] = '!';
	request = json_pack("{s:{s:i, s:s}}", "clientCertificate", "secTag", 7, "content", pem);
	assert_int_equal(expand_request(request, "i", &e, &detail), EXPAND_E_REFUSED);
	assert_non_null(strstr(detail, "clientCertificate: content"));
	free(detail);
	json_decref(request);
	free(pem);
	free(crlf);
}

static void what_no_device_could_do_is_refused_with_the_field(void **state)
{
	static const struct {
		const char *request, *part;
	} rows[] = {
		{"{}", "exactly one"},
		{"[]", "exactly one"},
		{"{\"finished\":{},\"config\":{\"a\":\"b\"}}", "exactly one"},
		{"{\"selfDestruct\":{}}", "unknown type selfDestruct"},
		{"{\"finished\":{\"now\":true}}", "unknown field now"},
		{"{\"finished\":[]}", "object"},
		{"{\"cloudAccessKeyGeneration\":{}}", "secTag"},
		{"{\"cloudAccessKeyGeneration\":{\"secTag\":-1}}", "secTag"},
		{"{\"cloudAccessKeyGeneration\":{\"secTag\":2147483648}}", "secTag"},
		{"{\"cloudAccessKeyGeneration\":{\"secTag\":\"1\"}}", "secTag"},
		{"{\"cloudAccessKeyGeneration\":{\"secTag\":1.0}}", "secTag"},
		{"{\"certificateSigningRequest\":{\"secTag\":1,\"attributes\":\"O=\\\"\"}}",
		 "quotes"},
		{"{\"certificateSigningRequest\":{\"secTag\":1,\"attributes\":\"O=\\n\"}}",
		 "printable"},
		{"{\"certificateSigningRequest\":{\"secTag\":1,\"attributes\":\"O=\\u00fc\"}}",
		 "printable"},
		{"{\"certificateSigningRequest\":{\"secTag\":1,\"attributes\":\"O\","
		 "\"keyUsage\":\"10101000\"}}",
		 "nine"},
		{"{\"certificateSigningRequest\":{\"secTag\":1,\"attributes\":\"O\","
		 "\"keyUsage\":\"101010002\"}}",
		 "nine"},
		{"{\"certificateSigningRequest\":{\"secTag\":1,\"keyUsage\":\"101010000\"}}",
		 "needs attributes"},
		{"{\"serverCertificate\":{\"secTag\":1}}", "content"},
		{"{\"serverCertificate\":{\"secTag\":1,\"content\":\"hello\"}}", "no PEM"},
		{"{\"clientPrivateKey\":{\"secTag\":1,\"content\":\"hello\"}}", "no PEM"},
		{"{\"preSharedKey\":{\"secTag\":1,\"content\":\"abc\"}}", "hexadecimal"},
		{"{\"preSharedKey\":{\"secTag\":1,\"content\":\"xy\"}}", "hexadecimal"},
		{"{\"pskIdentity\":{\"secTag\":1,\"content\":\"\"}}", "content"},
		{"{\"config\":{}}", "1 to 10"},
		{"{\"config\":{\"a\":1}}", "text"},
		{"{\"config\":{\"\":\"1\"}}", "key"},
		{"{\"config\":{\"1\":\"\",\"2\":\"\",\"3\":\"\",\"4\":\"\",\"5\":\"\",\"6\":\"\","
		 "\"7\":\"\",\"8\":\"\",\"9\":\"\",\"10\":\"\",\"11\":\"\"}}",
		 "1 to 10"},
		{"{\"atCommand\":{\"setCommand\":\"%XFACTORYRESET\"}}", "setCommand"},
		{"{\"atCommand\":{\"setCommand\":\"%KEYINJECT\"}}", "setCommand"},
		{"{\"atCommand\":{\"setCommand\":\"%CMNG\",\"parameters\":\"1;+CFUN=0\"}}",
		 "parameters"},
		{"{\"atCommand\":{\"setCommand\":\"%CMNG\",\"parameters\":\"1\","
		 "\"ignoreCmeErrors\":[1,2,3,4,5,6,7]}}",
		 "ignoreCmeErrors"},
		{"{\"atCommand\":{\"setCommand\":\"%CMNG\",\"parameters\":\"1\","
		 "\"ignoreCmeErrors\":[65536]}}",
		 "ignoreCmeErrors[0]"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct expansion e;
		char *detail;

		assert_int_equal(expand(rows[i].request, "i", &e, &detail), EXPAND_E_REFUSED);
		if (!strstr(detail, rows[i].part))
			fail_msg("%s: %s", rows[i].request, detail);
		free(detail);
	}
}

static void field_try(const char *type, const char *field, size_t len, char c, int expected)
{
	char *text = malloc(len + 1), *detail = NULL;
	struct expansion e;
	json_t *request;
	int r;

	memset(text, c, len);
	text[len] = '\0';
	request = json_pack("{s:{s:i, s:s}}", type, "secTag", 1, field, text);
	r = expand_request(request, "i", &e, &detail);
	assert_int_equal(r, expected);
	if (r == 0)
		expansion_done(&e);
	free(detail);
	free(text);
	json_decref(request);
}

static void lengths_are_taken_at_the_limit_and_refused_one_above(void **state)
{
	char key[80];
	struct expansion e;
	json_t *request;
	char *detail;

	(void)state;
	field_try("certificateSigningRequest", "attributes", 256, 'a', 0);
	field_try("certificateSigningRequest", "attributes", 257, 'a', EXPAND_E_REFUSED);
	field_try("preSharedKey", "content", 128, 'a', 0);
	field_try("preSharedKey", "content", 130, 'a', EXPAND_E_REFUSED);
	field_try("pskIdentity", "content", 128, 'a', 0);
	field_try("pskIdentity", "content", 129, 'a', EXPAND_E_REFUSED);
	for (size_t len = CONFIG_KEY_MAX; len <= CONFIG_KEY_MAX + 1; len++) {
		memset(key, 'k', len);
		key[len] = '\0';
		request = json_pack("{s:{s:s}}", "config", key, "v");
		if (len == CONFIG_KEY_MAX) {
			assert_int_equal(expand_request(request, "i", &e, &detail), 0);
			expansion_done(&e);
		} else {
			assert_int_equal(expand_request(request, "i", &e, &detail),
					 EXPAND_E_REFUSED);
			free(detail);
		}
		json_decref(request);
	}
}

static void secrets_are_not_shown(void **state)
{
	static const struct {
		const char *request, *shown;
	} rows[] = {
		{"{\"clientPrivateKey\":{\"secTag\":1,\"content\":\"-----BEGIN PRIVATE KEY-----\","
		 "\"password\":\"p\"}}",
		 "{\"clientPrivateKey\":{\"secTag\":1}}"},
		{"{\"preSharedKey\":{\"secTag\":1,\"content\":\"00\"}}",
		 "{\"preSharedKey\":{\"secTag\":1}}"},
		{"{\"atCommand\":{\"setCommand\":\"%CMNG\",\"parameters\":\"0,1,3,\\\"00\\\"\"}}",
		 "{\"atCommand\":{\"setCommand\":\"%CMNG\",\"parameters\":\"0,1,3,...\"}}"},
		{"{\"pskIdentity\":{\"secTag\":1,\"content\":\"me\"}}",
		 "{\"pskIdentity\":{\"secTag\":1,\"content\":\"me\"}}"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct expansion e;
		char *detail, *text;

		assert_int_equal(expand(rows[i].request, "i", &e, &detail), 0);
		text = json_dumps(e.shown, JSON_COMPACT);
		assert_string_equal(text, rows[i].shown);
		free(text);
		expansion_done(&e);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_become_the_bytes_of_the_vectors),
		cmocka_unit_test(each_type_becomes_its_at_commands),
		cmocka_unit_test(certificates_lose_their_cr_and_are_read_before_they_are_sent),
		cmocka_unit_test(what_no_device_could_do_is_refused_with_the_field),
		cmocka_unit_test(lengths_are_taken_at_the_limit_and_refused_one_above),
		cmocka_unit_test(secrets_are_not_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
