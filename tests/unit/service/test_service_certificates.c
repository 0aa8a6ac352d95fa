/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"
#include "service/ca.h"
#include "service/crypto.h"

#define CSR_REQUEST "{\"certificateSigningRequest\":{\"secTag\":16842753}}"
#define CRL_URL "http://crl.example.com/v1/ca/crl"

static struct core_owner admin_of(const struct fixture *f)
{
	struct core_owner o = f->editor;

	strcpy(o.role, "admin");
	return o;
}

/* The device generates a key in answer to a request for a CSR: the certificate that its owner
 * gets. */
static char *certificate_get(struct fixture *f, const struct device *d)
{
	struct keygen_spec spec = {.key = key_make(), .tag = TAG, .type = KEYGEN_CSR};
	char text[AT_ANSWER_MAX], id[CORRELATION_MAX + 1], *pem;
	struct command_list list;
	json_t *command;

	snprintf(id, sizeof(id), "%s", command_add(f, d, CSR_REQUEST));
	list = device_fetch(f, d, "");
	command_list_done(&list);
	device_keygen(d, &spec, text);
	assert_int_equal(device_answer(f, d, id, 100, 0, text), CORE_OK);
	assert_command(f, d, id, "SUCCEEDED", NULL);
	command = command_read(f, d, id);
	pem = strdup(json_string_value(json_object_get(
		json_object_get(json_object_get(command, "response"), "certificateSigningRequest"),
		"certificate")));
	json_decref(command);
	EVP_PKEY_free(spec.key);
	return pem;
}

static json_t *list_get(struct fixture *f, const struct device *d)
{
	json_t *ret = NULL;

	assert_int_equal(core_certificate_list(f->core, &f->viewer, d->uuid, &ret), 200);
	return ret;
}

static const char *item_text(json_t *list, size_t i, const char *name)
{
	return json_string_value(
		json_object_get(json_array_get(json_object_get(list, "items"), i), name));
}

static char *path_in(const struct fixture *f, const char *name)
{
	char *path;

	assert_true(asprintf(&path, "%s/%s", f->dir, name) > 0);
	return path;
}

static void file_put(const struct fixture *f, const char *name, const void *data, size_t len)
{
	char *path = path_in(f, name);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
	free(path);
}

/* openssl(1) in the folder of the fixture: its exit status. */
static int openssl(const struct fixture *f, const char *arguments)
{
	char *line;
	int r;

	assert_true(asprintf(&line, "cd %s && openssl %s >out.txt 2>&1", f->dir, arguments) > 0);
	r = system(line); /* NOLINT(cert-env33-c): arguments are ours */
	free(line);
	return r;
}

/* What openssl(1) printed last. */
static bool printed(const struct fixture *f, const char *part)
{
	char *path = path_in(f, "out.txt"), text[8192];
	FILE *file = fopen(path, "r");
	size_t n = fread(text, 1, sizeof(text) - 1, file);

	text[n] = '\0';
	fclose(file);
	free(path);
	return strstr(text, part) != NULL;
}

/* The CA's certificate and list as everybody gets them. */
static void publish(struct fixture *f)
{
	const uint8_t *crl;
	const char *pem;
	size_t len;

	assert_int_equal(core_ca_certificate(f->core, &pem), 0);
	file_put(f, "root.pem", pem, strlen(pem));
	assert_int_equal(core_ca_crl(f->core, &crl, &len), 0);
	file_put(f, "list.der", crl, len);
	assert_int_equal(openssl(f, "crl -inform DER -in list.der -CAfile root.pem -out list.pem"),
			 0);
}

#define VERIFY "verify -CAfile root.pem -CRLfile list.pem -crl_check -purpose sslclient "

static void a_certificate_is_good_until_it_is_revoked(void **state)
{
	struct fixture *f = *state;
	struct core_owner admin = admin_of(f);
	char *first, *second, serial[CRYPTO_SERIAL_TEXT];
	json_t *list, *ret = NULL, *body = json_pack("{s:s}", "reason", "keyCompromise");
	struct device d;

	device_init(&d);
	device_claim(f, &d, NULL);
	first = certificate_get(f, &d);
	second = certificate_get(f, &d);
	file_put(f, "first.pem", first, strlen(first));
	file_put(f, "second.pem", second, strlen(second));
	publish(f);
	assert_int_equal(openssl(f, VERIFY "first.pem"), 0);
	assert_int_equal(openssl(f, VERIFY "second.pem"), 0);

	list = list_get(f, &d);
	assert_int_equal(json_array_size(json_object_get(list, "items")), 2);
	assert_string_equal(item_text(list, 1, "status"), "valid");
	snprintf(serial, sizeof(serial), "%s", item_text(list, 1, "serial"));
	json_decref(list);

	assert_int_equal(core_certificate_revoke(f->core, &admin, d.uuid, serial, body, &ret), 200);
	assert_string_equal(json_string_value(json_object_get(ret, "status")), "revoked");
	assert_string_equal(json_string_value(json_object_get(ret, "reason")), "keyCompromise");
	json_decref(ret);
	publish(f);
	assert_int_equal(openssl(f, "crl -in list.pem -noout -text"), 0);
	assert_true(printed(f, "Key Compromise"));
	assert_true(printed(f, "X509v3 CRL Number"));
	assert_true(printed(f, "X509v3 Authority Key Identifier"));
	assert_true(printed(f, "Next Update"));
	/* newest first: the one at 1 is the first */
	assert_int_not_equal(openssl(f, VERIFY "first.pem"), 0);
	assert_true(printed(f, "certificate revoked"));
	assert_int_equal(openssl(f, VERIFY "second.pem"), 0);

	/* Once is enough: a repeat changes nothing. */
	json_object_set_new(body, "reason", json_string("superseded"));
	assert_int_equal(core_certificate_revoke(f->core, &admin, d.uuid, serial, body, &ret), 200);
	assert_string_equal(json_string_value(json_object_get(ret, "reason")), "keyCompromise");
	json_decref(ret);
	json_decref(body);
	free(first);
	free(second);
	device_done(&d);
}

static void a_certificate_has_the_profile_of_a_client(void **state)
{
	struct fixture *f = *state;
	char *pem, subject[128];
	struct device d;

	device_init(&d);
	device_claim(f, &d, NULL);
	pem = certificate_get(f, &d);
	file_put(f, "leaf.pem", pem, strlen(pem));
	assert_int_equal(openssl(f, "x509 -in leaf.pem -noout -text -nameopt oneline"), 0);
	snprintf(subject, sizeof(subject), "Subject: CN = %s", d.uuid);
	assert_true(printed(f, subject));
	assert_true(printed(f, "CA:FALSE"));
	assert_true(printed(f, "TLS Web Client Authentication"));
	assert_false(printed(f, "TLS Web Server Authentication"));
	assert_true(printed(f, "X509v3 Subject Key Identifier"));
	assert_true(printed(f, "X509v3 Authority Key Identifier"));
	assert_true(printed(f, "Digital Signature, Key Agreement"));
	assert_false(printed(f, "CRL Distribution Points"));
	free(pem);
	device_done(&d);
}

static void certificates_name_the_list_when_told_where_it_is(void **state)
{
	static const char *const wrong[] = {"ftp://x/crl", "http://x/crl,URI:http://y",
					    "http://x/a b", "http://x/;y", ""};
	struct fixture *f = *state;
	struct crypto_issued issued;
	uint8_t spki[91];
	EVP_PKEY *key = key_make();
	char *detail;
	struct ca *ca;

	key_spki(key, spki);
	assert_int_equal(ca_open(f->ca, &ca, &detail), 0);
	assert_int_equal(
		ca_issue(ca, spki, "50363154-3931-44f0-8022-121b6401627d", CRL_URL, &issued), 0);
	file_put(f, "leaf.pem", issued.pem, strlen(issued.pem));
	free(issued.pem);
	assert_int_equal(openssl(f, "x509 -in leaf.pem -noout -text"), 0);
	assert_true(printed(f, "URI:" CRL_URL));
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(ca_issue(ca, spki, "50363154-3931-44f0-8022-121b6401627d",
					  wrong[i], &issued),
				 -EINVAL);
	ca_free(ca);
	EVP_PKEY_free(key);
}

static void a_url_that_would_not_do_is_refused_at_the_start(void **state)
{
	struct fixture *f = *state;
	struct core_config config = {.store = f->store, .ca_dir = f->ca, .crl_url = "crl.example"};
	_cleanup_(core_freep) struct core *c = NULL;
	_cleanup_(freep) char *detail = NULL;

	assert_int_equal(core_new(&config, &c, &detail), -EINVAL);
	assert_non_null(strstr(detail, "crl.example"));
	config.crl_url = CRL_URL;
	free(TAKE_PTR(detail));
	assert_int_equal(core_new(&config, &c, &detail), 0);
}

static void only_admins_of_the_team_revoke(void **state)
{
	struct fixture *f = *state;
	struct core_owner admin = admin_of(f);
	char serial[CRYPTO_SERIAL_TEXT];
	json_t *list, *ret = NULL, *body = json_pack("{s:s}", "reason", "because");
	struct device d, other;

	device_init(&d);
	device_init(&other);
	device_claim(f, &d, NULL);
	device_claim(f, &other, NULL);
	free(certificate_get(f, &d));
	list = list_get(f, &d);
	snprintf(serial, sizeof(serial), "%s", item_text(list, 0, "serial"));
	json_decref(list);

	const struct {
		const struct core_owner *owner;
		const char *device, *serial;
		const json_t *body;
		unsigned int status;
	} rows[] = {
		{&f->viewer, d.uuid, serial, NULL, 403},   {&f->editor, d.uuid, serial, NULL, 403},
		{&f->other, d.uuid, serial, NULL, 404},    {&admin, other.uuid, serial, NULL, 404},
		{&admin, d.uuid, "00", NULL, 404},         {&admin, d.uuid, serial, body, 422},
		{&admin, "not-a-uuid", serial, NULL, 404},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unsigned int status = core_certificate_revoke(
			f->core, rows[i].owner, rows[i].device, rows[i].serial, rows[i].body, &ret);

		if (status != rows[i].status)
			fail_msg("row %zu: %u", i, status);
		json_decref(ret);
		ret = NULL;
	}
	assert_int_equal(core_certificate_list(f->core, &f->other, d.uuid, &ret), 404);
	json_decref(ret);
	list = list_get(f, &d);
	assert_string_equal(item_text(list, 0, "status"), "valid");
	json_decref(list);
	json_decref(body);
	device_done(&d);
	device_done(&other);
}

/* Whoever gets the device next does not get its old certificates with it. */
static void unclaiming_revokes_what_the_device_holds(void **state)
{
	struct fixture *f = *state;
	json_t *ret = NULL, *list;
	char *pem, token[TOKEN_TEXT_MAX];
	struct device d;

	device_init(&d);
	device_claim(f, &d, NULL);
	pem = certificate_get(f, &d);
	file_put(f, "leaf.pem", pem, strlen(pem));
	publish(f);
	assert_int_equal(openssl(f, VERIFY "leaf.pem"), 0);
	assert_int_equal(core_unclaim(f->core, &f->editor, d.uuid, &ret), 204);
	publish(f);
	assert_int_not_equal(openssl(f, VERIFY "leaf.pem"), 0);
	assert_int_equal(openssl(f, "crl -in list.pem -noout -text"), 0);
	assert_true(printed(f, "Cessation Of Operation"));

	/* The next team does not see them. */
	device_token(&d, COSE_FORM_RFC9052, token);
	assert_int_equal(token_claim(f, &f->other, token, NULL, &ret), 201);
	json_decref(ret);
	assert_int_equal(core_certificate_list(f->core, &f->other, d.uuid, &list), 200);
	assert_int_equal(json_array_size(json_object_get(list, "items")), 0);
	json_decref(list);
	free(pem);
	device_done(&d);
}

/* Two processes over one store: a list is a minute old at most, and at once new here. */
static void a_list_is_kept_for_a_while_and_renewed_by_a_revocation(void **state)
{
	struct fixture *f = *state;
	struct core_owner admin = admin_of(f);
	const uint8_t *a, *b;
	size_t a_len, b_len;
	json_t *list, *ret = NULL;
	struct device d;

	device_init(&d);
	device_claim(f, &d, NULL);
	free(certificate_get(f, &d));
	assert_int_equal(core_ca_crl(f->core, &a, &a_len), 0);
	assert_int_equal(core_ca_crl(f->core, &b, &b_len), 0);
	assert_ptr_equal(a, b);
	list = list_get(f, &d);
	assert_int_equal(core_certificate_revoke(f->core, &admin, d.uuid,
						 item_text(list, 0, "serial"), NULL, &ret),
			 200);
	assert_int_equal(core_ca_crl(f->core, &b, &b_len), 0);
	assert_true(b_len > a_len);
	json_decref(ret);
	json_decref(list);
	device_done(&d);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_certificate_is_good_until_it_is_revoked),
		T(a_certificate_has_the_profile_of_a_client),
		T(certificates_name_the_list_when_told_where_it_is),
		T(a_url_that_would_not_do_is_refused_at_the_start),
		T(only_admins_of_the_team_revoke),
		T(unclaiming_revokes_what_the_device_holds),
		T(a_list_is_kept_for_a_while_and_renewed_by_a_revocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
