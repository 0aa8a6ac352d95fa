/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <ctype.h>

#include "base/text.h"
#include "maker.h"

struct enroll {
	struct fixture *f;
	struct maker *maker;
};

static void reopen(struct fixture *f)
{
	core_free(f->core);
	service_store_free(f->store);
	fixture_open(f, &f->store, &f->core);
}

static void trust(struct fixture *f, X509 *cert)
{
	char *pem = cert_pem(cert);
	const char *why = NULL;

	if (!f->makers)
		assert_int_equal(crypto_makers_new(&f->makers), 0);
	assert_int_equal(crypto_makers_add(f->makers, pem, &why), 0);
	free(pem);
	reopen(f);
}

static int setup(void **state)
{
	struct enroll *e = calloc(1, sizeof(*e));

	fixture_setup((void **)&e->f);
	e->maker = maker_new("Maker Root");
	trust(e->f, e->maker->root);
	*state = e;
	return 0;
}

static int teardown(void **state)
{
	struct enroll *e = *state;

	maker_free(e->maker);
	fixture_teardown((void **)&e->f);
	free(e);
	return 0;
}

/* A new device of this maker and its certificates. */
static void make_device(struct device *d, const struct maker *m, struct x5chain *ret)
{
	device_init(d);
	maker_chain(m, d->key, d->uuid, ret);
}

static void assert_claim(struct fixture *f, const struct core_owner *o, const struct device *d,
			 const struct x5chain *chain, unsigned int status)
{
	char token[CLAIM_TEXT_MAX + 1];
	json_t *ret = NULL;

	device_token_with(d, chain, token);
	assert_int_equal(token_claim(f, o, token, NULL, &ret), status);
	if (status < 300)
		assert_string_equal(json_string_value(json_object_get(ret, "id")), d->uuid);
	json_decref(ret);
}

/* Refused with this status and these words, and nothing is known afterwards that was not before. */
static void assert_refused(struct fixture *f, const struct device *d, const struct x5chain *chain,
			   unsigned int status, const char *part)
{
	const size_t before = identity_count(f);
	char token[CLAIM_TEXT_MAX + 1];
	json_t *ret = NULL;
	const char *detail;

	device_token_with(d, chain, token);
	assert_int_equal(token_claim(f, &f->editor, token, NULL, &ret), status);
	detail = json_string_value(json_object_get(ret, "detail"));
	if (!strstr(detail, part))
		fail_msg("\"%s\" does not say \"%s\"", detail, part);
	json_decref(ret);
	assert_int_equal(identity_count(f), before);
	assert_int_equal(core_claimed_list(f->core, &f->editor, &(struct core_list){0}, &ret), 200);
	assert_int_equal(json_array_size(json_object_get(ret, "items")), 0);
	json_decref(ret);
}

static enum core_verdict authenticate(struct fixture *f, const struct device *d)
{
	char jwt[JWT_MAX], uuid[CORE_UUID_TEXT];

	device_jwt(d, jwt);
	return token_show(f->core, jwt, strlen(jwt), uuid);
}

static void a_device_of_a_trusted_maker_is_claimed_and_registered_at_once(void **state)
{
	struct enroll *e = *state;
	char token[CLAIM_TEXT_MAX + 1];
	struct x5chain chain;
	json_t *ret = NULL;
	struct device d;

	make_device(&d, e->maker, &chain);
	/* Nobody has heard of it, and it is told to show its token. */
	assert_int_equal(authenticate(e->f, &d), CORE_UNCLAIMED);
	assert_int_equal(identity_count(e->f), 0);
	assert_claim(e->f, &e->f->editor, &d, &chain, 201);
	assert_int_equal(identity_count(e->f), 1);
	assert_int_equal(authenticate(e->f, &d), CORE_OK);
	/* Again, with and without certificates, is a repeat like any other. */
	assert_claim(e->f, &e->f->editor, &d, &chain, 200);
	/* It stays known: over a restart, without any maker, and when it is given up. */
	crypto_makers_free(TAKE_PTR(e->f->makers));
	reopen(e->f);
	assert_int_equal(authenticate(e->f, &d), CORE_OK);
	assert_int_equal(core_unclaim(e->f->core, &e->f->editor, d.uuid, &ret), 204);
	assert_int_equal(authenticate(e->f, &d), CORE_UNCLAIMED);
	device_token(&d, COSE_FORM_MODEM, token);
	assert_int_equal(token_claim(e->f, &e->f->other, token, NULL, &ret), 201);
	json_decref(ret);
	device_done(&d);
}

static void an_unknown_device_is_refused_where_no_maker_is_trusted(void **state)
{
	struct enroll *e = *state;
	struct x5chain chain;
	struct device d;

	make_device(&d, e->maker, &chain);
	crypto_makers_free(TAKE_PTR(e->f->makers));
	reopen(e->f);
	assert_int_equal(authenticate(e->f, &d), CORE_REJECTED);
	assert_refused(e->f, &d, &chain, 404, "imported first");
	device_done(&d);
}

static void a_known_device_still_has_to_prove_itself_where_makers_are_trusted(void **state)
{
	struct enroll *e = *state;
	struct device d, thief;

	device_init(&d);
	device_init(&thief);
	memcpy(thief.uuid, d.uuid, sizeof(d.uuid));
	device_import(e->f, &d);
	assert_int_equal(authenticate(e->f, &d), CORE_UNCLAIMED);
	assert_int_equal(authenticate(e->f, &thief), CORE_REJECTED);
	device_done(&d);
	device_done(&thief);
}

static void a_token_without_certificates_is_404_and_says_so(void **state)
{
	struct enroll *e = *state;
	struct device d;

	device_init(&d);
	assert_refused(e->f, &d, NULL, 404, "carries no manufacturer's certificate");
	device_done(&d);
}

static void a_chain_of_somebody_elses_devices_is_422(void **state)
{
	struct enroll *e = *state;
	struct maker *stranger = maker_new("Stranger"), *namesake = maker_new("Maker Root");
	struct x5chain chain;
	struct device d, other;
	X509 *leaf;

	device_init(&d);
	device_init(&other);
	maker_chain(stranger, d.key, d.uuid, &chain);
	assert_refused(e->f, &d, &chain, 422, "does not end in a manufacturer CA");
	maker_chain(namesake, d.key, d.uuid, &chain);
	assert_refused(e->f, &d, &chain, 422, "not signed by the CA that it names");
	/* Its own leaf, self-signed. */
	leaf = cert_make(&(struct cert_spec){.cn = d.uuid, .key = d.key, .not_before = -60});
	chain_make(&leaf, 1, &chain);
	assert_refused(e->f, &d, &chain, 422, "does not end in a manufacturer CA");
	X509_free(leaf);
	/* The intermediate left out. */
	maker_chain(e->maker, d.key, d.uuid, &chain);
	chain.n = 1;
	assert_refused(e->f, &d, &chain, 422, "issued by CN=Maker Line 1");
	/* The chain of another device, with its own UUID and with that of the other. */
	maker_chain(e->maker, other.key, other.uuid, &chain);
	assert_refused(e->f, &d, &chain, 422, "names another device");
	memcpy(d.uuid, other.uuid, sizeof(d.uuid));
	assert_refused(e->f, &d, &chain, 422, "not signed by the key of the certificate");
	maker_free(stranger);
	maker_free(namesake);
	device_done(&d);
	device_done(&other);
}

static void the_subject_names_the_device_in_either_case_and_in_one_of_two_places(void **state)
{
	struct enroll *e = *state;
	const struct maker *m = e->maker;

	for (int i = 0; i < 4; i++) {
		char name[CORE_UUID_TEXT];
		struct x5chain chain;
		struct device d;
		X509 *leaf;

		device_init(&d);
		for (size_t k = 0; k < sizeof(name); k++)
			name[k] = (char)(i & 1 ? toupper(d.uuid[k]) : d.uuid[k]);
		leaf = cert_make(&(struct cert_spec){.cn = i & 2 ? name : "sensor",
						     .serial = i & 2 ? "4711" : name,
						     .key = d.key,
						     .issuer = m->line,
						     .signer = m->line_key,
						     .not_before = -60});
		chain_make((X509 *const[]){leaf, m->line}, 2, &chain);
		assert_claim(e->f, &e->f->editor, &d, &chain, 201);
		X509_free(leaf);
		device_done(&d);
	}
}

static void every_fault_of_a_certificate_has_its_own_words(void **state)
{
	struct enroll *e = *state;
	const struct maker *m = e->maker;
	EVP_PKEY *p384 = EVP_EC_gen("P-384");
	struct device d;

	device_init(&d);
	const struct {
		struct cert_spec leaf, line;
		const char *part;
	} rows[] = {
		{{.not_after = -10}, {0}, "certificate 1 (serialNumber="},
		{{.not_after = -10}, {0}, "expired at 20"},
		{{.not_before = 3600}, {0}, "is not valid before 20"},
		{{0}, {.not_after = -10}, "certificate 2 (CN=line) expired at"},
		{{0}, {.not_before = 3600}, "certificate 2 (CN=line) is not valid before"},
		{{0}, {.constraints = "CA:FALSE"}, "invalid CA certificate"},
		{{0}, {.constraints = ""}, "certificate 2 (CN=line)"},
		{{0}, {.usage = "digitalSignature"}, "certificate 2 (CN=line)"},
		{{0}, {.signer = m->line_key}, "not signed by the CA that it names"},
		{{.signer = m->root_key}, {0}, "not signed by the CA that it names"},
		{{.digest = EVP_sha1()}, {0}, "signature digest algorithm too weak"},
		{{.key = p384}, {0}, "not for a P-256 key"},
		{{.constraints = "critical,CA:TRUE"}, {0}, "is one of a CA"},
		{{.usage = "keyAgreement"}, {0}, "does not let its key sign"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct cert_spec leaf = rows[i].leaf, line = rows[i].line;
		EVP_PKEY *line_key = key_make();
		struct x5chain chain;
		X509 *certs[2];

		line.cn = "line";
		line.key = line_key;
		line.issuer = m->root;
		if (!line.signer)
			line.signer = m->root_key;
		if (!line.constraints)
			line.constraints = "critical,CA:TRUE";
		else if (!*line.constraints)
			line.constraints = NULL;
		line.not_before = line.not_before ? line.not_before : -7200;
		certs[1] = cert_make(&line);
		leaf.serial = d.uuid;
		leaf.key = leaf.key ? leaf.key : d.key;
		leaf.issuer = certs[1];
		leaf.signer = leaf.signer ? leaf.signer : line_key;
		leaf.not_before = leaf.not_before ? leaf.not_before : -7200;
		certs[0] = cert_make(&leaf);
		chain_make(certs, 2, &chain);
		assert_refused(e->f, &d, &chain, 422, rows[i].part);
		X509_free(certs[0]);
		X509_free(certs[1]);
		EVP_PKEY_free(line_key);
	}
	EVP_PKEY_free(p384);
	device_done(&d);
}

/* The line's path length is 0: no CA below it. */
static void a_chain_longer_than_its_ca_allows_is_refused(void **state)
{
	struct enroll *e = *state;
	const struct maker *m = e->maker;
	EVP_PKEY *key = key_make();
	struct x5chain chain;
	struct device d;
	X509 *certs[3] = {NULL, NULL, m->line};

	device_init(&d);
	certs[1] = cert_make(&(struct cert_spec){.cn = "too deep",
						 .key = key,
						 .issuer = m->line,
						 .signer = m->line_key,
						 .constraints = "critical,CA:TRUE",
						 .not_before = -60});
	certs[0] = cert_make(&(struct cert_spec){
		.cn = d.uuid, .key = d.key, .issuer = certs[1], .signer = key, .not_before = -60});
	chain_make(certs, 3, &chain);
	assert_refused(e->f, &d, &chain, 422, "path length constraint exceeded");
	X509_free(certs[0]);
	X509_free(certs[1]);
	EVP_PKEY_free(key);
	device_done(&d);
}

static void a_ca_below_the_root_may_be_the_one_that_is_trusted(void **state)
{
	struct enroll *e = *state;
	struct maker *other = maker_new("Other Root");
	struct x5chain chain;
	struct device d;

	make_device(&d, other, &chain);
	chain.n = 1;
	assert_refused(e->f, &d, &chain, 422, "does not end in");
	trust(e->f, other->line);
	assert_claim(e->f, &e->f->editor, &d, &chain, 201);
	maker_free(other);
	device_done(&d);
}

static void what_is_no_certificate_is_refused_by_its_number(void **state)
{
	struct enroll *e = *state;
	struct x5chain chain;
	struct device d;

	make_device(&d, e->maker, &chain);
	chain.der[chain.lens[0]] ^= 1;
	assert_refused(e->f, &d, &chain, 422, "certificate 2 cannot be read");
	maker_chain(e->maker, d.key, d.uuid, &chain);
	chain.lens[0]--;
	assert_refused(e->f, &d, &chain, 422, "certificate 1 cannot be read");
	device_done(&d);
}

static void an_imported_key_is_never_replaced_by_a_certified_one(void **state)
{
	struct enroll *e = *state;
	struct x5chain chain;
	struct device d, twin;

	device_init(&d);
	device_init(&twin);
	memcpy(twin.uuid, d.uuid, sizeof(d.uuid));
	device_import(e->f, &d);
	maker_chain(e->maker, twin.key, twin.uuid, &chain);
	assert_refused(e->f, &twin, &chain, 409, "never replaced");
	assert_int_equal(authenticate(e->f, &twin), CORE_REJECTED);
	/* The imported one is believed whatever certificates it shows. */
	assert_claim(e->f, &e->f->editor, &d, &chain, 201);
	assert_int_equal(authenticate(e->f, &d), CORE_OK);
	device_done(&d);
	device_done(&twin);
}

/* Whoever may only read may not make devices known either. */
static void a_viewer_registers_nothing(void **state)
{
	struct enroll *e = *state;
	struct x5chain chain;
	struct device d;

	make_device(&d, e->maker, &chain);
	assert_claim(e->f, &e->f->viewer, &d, &chain, 403);
	assert_int_equal(identity_count(e->f), 0);
	device_done(&d);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_device_of_a_trusted_maker_is_claimed_and_registered_at_once),
		T(an_unknown_device_is_refused_where_no_maker_is_trusted),
		T(a_known_device_still_has_to_prove_itself_where_makers_are_trusted),
		T(a_token_without_certificates_is_404_and_says_so),
		T(a_chain_of_somebody_elses_devices_is_422),
		T(the_subject_names_the_device_in_either_case_and_in_one_of_two_places),
		T(every_fault_of_a_certificate_has_its_own_words),
		T(a_chain_longer_than_its_ca_allows_is_refused),
		T(a_ca_below_the_root_may_be_the_one_that_is_trusted),
		T(what_is_no_certificate_is_refused_by_its_number),
		T(an_imported_key_is_never_replaced_by_a_certified_one),
		T(a_viewer_registers_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
