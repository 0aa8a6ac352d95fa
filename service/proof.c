/* SPDX-License-Identifier: Apache-2.0 */
#include "service/proof.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "proto/cose.h"

/* docs/protocol.md §2.3: what modems sign is not certain, so the standard's form first and then the
 * one that application code hashes. */
static int cose_verify(const uint8_t *payload, size_t len, const uint8_t signature[static 64],
		       const uint8_t identity[static CRYPTO_SPKI_LEN])
{
	static const enum cose_form forms[] = {COSE_FORM_RFC9052, COSE_FORM_MODEM};
	uint8_t tbs[COSE_PAYLOAD_MAX];
	size_t tbs_len;
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		r = cose_tbs(forms[i], payload, len, tbs, sizeof(tbs), &tbs_len);
		if (r < 0)
			return r;
		r = crypto_verify(identity, tbs, tbs_len, signature);
		if (r <= 0)
			return r;
	}
	return PROOF_E_SIGNATURE;
}

int proof_attest(const struct attest *a, const uint8_t identity[static CRYPTO_SPKI_LEN])
{
	return cose_verify(a->message, a->message_len, a->signature, identity);
}

static int refuse(int code, const char **ret_detail, const char *why)
{
	*ret_detail = why;
	return code;
}

static int key_take(const struct keygen *k, struct proof_key *ret, const char **ret_detail)
{
	int r = -EINVAL;

	switch (k->message_type) {
	case KEYGEN_PUBLIC_KEY_V1:
	case KEYGEN_PUBLIC_KEY:
		ret->is_request = false;
		r = crypto_key_check(k->der, k->der_len);
		if (r == 0)
			memcpy(ret->spki, k->der, CRYPTO_SPKI_LEN);
		break;
	case KEYGEN_CSR_V1:
	case KEYGEN_CSR:
		ret->is_request = true;
		r = crypto_csr_check(k->der, k->der_len, ret->spki);
		break;
	}
	if (r == CRYPTO_E_SIGNATURE)
		return refuse(PROOF_E_SIGNATURE, ret_detail,
			      "the certificate request is not signed by its own key");
	if (r == CRYPTO_E_CSR)
		return refuse(PROOF_E_SYNTAX, ret_detail,
			      "the answer holds no certificate request that can be read");
	if (r > 0)
		return refuse(PROOF_E_SYNTAX, ret_detail,
			      "the answer holds no P-256 public key that can be read");
	return r;
}

int proof_keygen(const char *text, size_t len, const char *device, uint32_t tag,
		 const uint8_t identity[static CRYPTO_SPKI_LEN], struct proof_key *ret,
		 const char **ret_detail)
{
	uint8_t digest[32], uuid[UUID_LEN];
	struct proof_key key;
	struct keygen k;
	int r;

	r = keygen_parse(text, len, &k);
	if (r < 0)
		return r;
	if (r > 0)
		return refuse(PROOF_E_SYNTAX, ret_detail,
			      "the answer is not a key generation output");
	r = cose_verify(k.proof, k.proof_len, k.signature, identity);
	if (r == PROOF_E_SIGNATURE)
		return refuse(r, ret_detail,
			      "the answer is not signed by the identity key of the device");
	if (r < 0)
		return r;
	/* Signed by the device, but is it about this key, this device and this tag? */
	r = uuid_parse(device, strlen(device), uuid);
	if (r < 0)
		return r;
	if (memcmp(uuid, k.uuid, sizeof(uuid)) != 0)
		return refuse(PROOF_E_MISMATCH, ret_detail, "the answer names another device");
	if (k.sec_tag != tag)
		return refuse(PROOF_E_MISMATCH, ret_detail, "the answer names another secTag");
	crypto_sha256(k.der, k.der_len, digest);
	if (memcmp(digest, k.digest, sizeof(digest)) != 0)
		return refuse(PROOF_E_MISMATCH, ret_detail,
			      "the signed digest is that of another key");
	r = key_take(&k, &key, ret_detail);
	if (r != 0)
		return r;
	*ret = key;
	return 0;
}
