/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "credstore/der.h"
#include "credstore/key.h"
#include "credstore/subject.h"

/* Certification requests (PKCS#10, RFC 2986) written here and not with mbedTLS's writer: 2.28 puts
 * a NULL beside ecdsa-with-SHA256, which RFC 5758 §3.2 forbids and some parsers refuse. */

#define KEY_USAGE_DEFAULT "111010000"
#define KEY_USAGE_BITS_MAX 9

static const uint8_t oid_ecdsa_sha256[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
static const uint8_t oid_extension_request[] = {0x2a, 0x86, 0x48, 0x86, 0xf7,
						0x0d, 0x01, 0x09, 0x0e};
static const uint8_t oid_key_usage[] = {0x55, 0x1d, 0x0f};

struct key_usage {
	uint8_t bits[3]; /* content of the BIT STRING: unused bits, then the bits */
	size_t len;
};

static int parse_key_usage(const char *text, struct key_usage *ret)
{
	struct key_usage usage = {.bits = {0}};
	size_t n = strlen(text), last = 0;

	if (n == 0 || n > KEY_USAGE_BITS_MAX)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		if (text[i] != '0' && text[i] != '1')
			return -EINVAL;
		if (text[i] == '0')
			continue;
		usage.bits[1 + i / 8] |= (uint8_t)(0x80 >> i % 8);
		last = i + 1;
	}
	/* "At least one of the bits MUST be set to 1", RFC 5280 §4.2.1.3. */
	if (last == 0)
		return -EINVAL;
	/* Named bits end with the last one that is set, X.690 §11.2.2. */
	usage.len = 1 + (last + 7) / 8;
	usage.bits[0] = (uint8_t)((8 - last % 8) % 8);
	*ret = usage;
	return 0;
}

/* [0] { extensionRequest { SET { Extensions { keyUsage critical } } } } */
static void write_attributes(struct der *d, const struct key_usage *usage)
{
	static const uint8_t is_critical = 0xff;
	size_t whole = d->len, octets;

	octets = d->len;
	der_value(d, DER_BIT_STRING, usage->bits, usage->len);
	der_wrap(d, DER_OCTET_STRING, octets);
	der_value(d, DER_BOOLEAN, &is_critical, 1);
	der_value(d, DER_OID, oid_key_usage, sizeof(oid_key_usage));
	der_wrap(d, DER_SEQUENCE, whole); /* Extension */
	der_wrap(d, DER_SEQUENCE, whole); /* Extensions */
	der_wrap(d, DER_SET, whole);
	der_value(d, DER_OID, oid_extension_request, sizeof(oid_extension_request));
	der_wrap(d, DER_SEQUENCE, whole); /* Attribute */
	der_wrap(d, DER_CONTEXT_0, whole);
}

static int write_request_info(struct der *d, struct key *k, const struct subject *subject,
			      const struct key_usage *usage)
{
	static const uint8_t version = 0;
	uint8_t spki[KEY_SPKI_MAX];
	size_t spki_len;
	int r;

	r = key_spki(k, spki, &spki_len);
	if (r != 0)
		return r;
	write_attributes(d, usage);
	der_bytes(d, spki, spki_len);
	subject_write(d, subject);
	der_value(d, DER_INTEGER, &version, 1);
	der_wrap(d, DER_SEQUENCE, 0);
	return 0;
}

static void write_positive(struct der *d, const uint8_t number[static 32])
{
	size_t mark = d->len, skip = 0;

	while (skip < 31 && number[skip] == 0)
		skip++;
	der_bytes(d, number + skip, 32 - skip);
	if (number[skip] & 0x80)
		der_bytes(d, "", 1);
	der_wrap(d, DER_INTEGER, mark);
}

/* Ecdsa-Sig-Value of RFC 3279 §2.2.3 in its BIT STRING, and the algorithm before it. */
static void write_signature(struct der *d, const uint8_t signature[static 64])
{
	size_t algorithm;

	write_positive(d, signature + 32);
	write_positive(d, signature);
	der_wrap(d, DER_SEQUENCE, 0);
	der_bytes(d, "", 1); /* no unused bits */
	der_wrap(d, DER_BIT_STRING, 0);
	algorithm = d->len;
	der_value(d, DER_OID, oid_ecdsa_sha256, sizeof(oid_ecdsa_sha256));
	der_wrap(d, DER_SEQUENCE, algorithm);
}

int key_csr(struct key *k, const char *default_cn, const char *attributes, const char *key_usage,
	    uint8_t ret[static KEY_CSR_MAX], size_t *ret_len)
{
	uint8_t info_buffer[KEY_CSR_MAX], csr_buffer[KEY_CSR_MAX], signature[64];
	struct subject subject;
	struct key_usage usage;
	struct der info, csr;
	const uint8_t *der;
	int r;

	r = attributes ? subject_parse(attributes, &subject) : subject_of_cn(default_cn, &subject);
	if (r < 0)
		return r;
	r = parse_key_usage(key_usage ? key_usage : KEY_USAGE_DEFAULT, &usage);
	if (r < 0)
		return r;
	der_init(&info, info_buffer, sizeof(info_buffer));
	r = write_request_info(&info, k, &subject, &usage);
	if (r != 0)
		return r;
	der = der_done(&info);
	if (!der)
		return -EINVAL; /* a subject as long as that is not one we can serve */
	r = key_sign(k, der, info.len, signature);
	if (r != 0)
		return r;
	der_init(&csr, csr_buffer, sizeof(csr_buffer));
	write_signature(&csr, signature);
	der_bytes(&csr, der, info.len);
	der_wrap(&csr, DER_SEQUENCE, 0);
	der = der_done(&csr);
	if (!der)
		return -EINVAL;
	memcpy(ret, der, csr.len);
	*ret_len = csr.len;
	return 0;
}
