/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "base/text.h"
#include "service/proof.h"

#define TEXT_MAX 2048

/* What a device answered, as its two parts. */
struct output {
	uint8_t der[1024], cose[512];
	size_t der_len, cose_len;
};

static void output_of(const char *answer, struct output *ret)
{
	const char *text, *dot;
	size_t len;

	assert_int_equal(keygen_find(answer, &text, &len), 0);
	dot = memchr(text, '.', len);
	assert_non_null(dot);
	assert_int_equal(base64url_decode(text, (size_t)(dot - text), ret->der, &ret->der_len), 0);
	assert_int_equal(base64url_decode(dot + 1, len - (size_t)(dot - text) - 1, ret->cose,
					  &ret->cose_len),
			 0);
}

static int prove(const struct device *d, const struct output *o, struct proof_key *ret)
{
	char text[TEXT_MAX];
	const char *why;

	base64url_encode(o->der, o->der_len, text);
	strcat(text, ".");
	base64url_encode(o->cose, o->cose_len, text + strlen(text));
	return proof_keygen(text, strlen(text), d->uuid, TAG, d->spki, ret, &why);
}

/* No bit of what the device signed, nor of the key or request that it is about, can be another.
 * That takes every field with it: type, device, tag, digest, nonce, and both signatures. */
static void no_bit_of_a_proof_can_be_changed(void **state)
{
	static const enum keygen_message types[] = {KEYGEN_PUBLIC_KEY, KEYGEN_CSR,
						    KEYGEN_PUBLIC_KEY_V1, KEYGEN_CSR_V1};
	static const enum cose_form forms[] = {COSE_FORM_RFC9052, COSE_FORM_MODEM};
	struct device d;

	(void)state;
	device_init(&d);
	for (size_t i = 0; i < ARRAY_SIZE(types) * ARRAY_SIZE(forms); i++) {
		struct keygen_spec spec = {
			.key = key_make(), .tag = TAG, .type = types[i / 2], .form = forms[i % 2]};
		char answer[AT_ANSWER_MAX];
		struct proof_key key;
		struct output o;
		uint8_t spki[91];

		device_keygen(&d, &spec, answer);
		output_of(answer, &o);
		assert_int_equal(prove(&d, &o, &key), 0);
		key_spki(spec.key, spki);
		assert_memory_equal(key.spki, spki, sizeof(spki));
		for (size_t at = 0; at < o.cose_len; at++) {
			o.cose[at] ^= (uint8_t)(1U << at % 8);
			if (prove(&d, &o, &key) <= 0)
				fail_msg("case %zu, byte %zu of the proof", i, at);
			o.cose[at] ^= (uint8_t)(1U << at % 8);
		}
		for (size_t at = 0; at < o.der_len; at++) {
			o.der[at] ^= (uint8_t)(1U << at % 8);
			if (prove(&d, &o, &key) <= 0)
				fail_msg("case %zu, byte %zu of the key", i, at);
			o.der[at] ^= (uint8_t)(1U << at % 8);
		}
		for (size_t len = 0; len < o.cose_len; len++) {
			struct output cut = o;

			cut.cose_len = len;
			assert_true(prove(&d, &cut, &key) > 0);
		}
		EVP_PKEY_free(spec.key);
	}
	device_done(&d);
}

/* The proof of one key does not do for another, nor that of one device. */
static void parts_of_two_outputs_do_not_fit_together(void **state)
{
	struct keygen_spec a = {.key = key_make(), .tag = TAG, .type = KEYGEN_CSR},
			   b = {.key = key_make(), .tag = TAG, .type = KEYGEN_CSR};
	char answer[AT_ANSWER_MAX];
	struct output one, other, mixed;
	struct proof_key key;
	struct device d, e;

	(void)state;
	device_init(&d);
	device_init(&e);
	device_keygen(&d, &a, answer);
	output_of(answer, &one);
	device_keygen(&d, &b, answer);
	output_of(answer, &other);
	mixed = one;
	memcpy(mixed.der, other.der, sizeof(mixed.der));
	mixed.der_len = other.der_len;
	assert_int_equal(prove(&d, &mixed, &key), PROOF_E_MISMATCH);
	assert_int_equal(prove(&e, &one, &key), PROOF_E_SIGNATURE);
	EVP_PKEY_free(a.key);
	EVP_PKEY_free(b.key);
	device_done(&d);
	device_done(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_bit_of_a_proof_can_be_changed),
		cmocka_unit_test(parts_of_two_outputs_do_not_fit_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
