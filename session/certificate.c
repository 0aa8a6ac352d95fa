/* SPDX-License-Identifier: Apache-2.0 */
#include "session/certificate.h"

#include <stdio.h>
#include <string.h>

#include "base/macros.h"

#define SAN_DNS_NAME (MBEDTLS_ASN1_CONTEXT_SPECIFIC | 2)

/* The text comes from a peer: anything but printable ASCII becomes '?'. */
static void copy_printable(const unsigned char *from, size_t len, char *ret, size_t size)
{
	size_t n = MIN(len, size - 1);

	for (size_t i = 0; i < n; i++)
		ret[i] = from[i] >= 0x20 && from[i] < 0x7f ? (char)from[i] : '?';
	ret[n] = '\0';
}

static void leaf_name(const mbedtls_x509_crt *crt, char *ret, size_t size)
{
	char dn[256];
	int n;

	for (const mbedtls_x509_sequence *san = &crt->subject_alt_names; san; san = san->next) {
		if (san->buf.p && (san->buf.tag & 0xdf) == SAN_DNS_NAME) {
			copy_printable(san->buf.p, san->buf.len, ret, size);
			return;
		}
	}
	n = mbedtls_x509_dn_gets(dn, sizeof(dn), &crt->subject);
	if (n > 0)
		copy_printable((const unsigned char *)dn, (size_t)n, ret, size);
}

static void date_text(const mbedtls_x509_time *t, char *ret)
{
	snprintf(ret, CERTIFICATE_DATE_MAX, "%04d-%02d-%02d %02d:%02d UTC", t->year % 10000,
		 t->mon % 100, t->day % 100, t->hour % 100, t->min % 100);
}

int certificate_note(void *p, mbedtls_x509_crt *crt, int depth, uint32_t *flags)
{
	struct certificate_check *check = p;

	check->seen = true;
	check->flags |= *flags;
	if (depth == 0)
		leaf_name(crt, check->name, sizeof(check->name));
	if (*flags & MBEDTLS_X509_BADCERT_EXPIRED)
		date_text(&crt->valid_to, check->not_after);
	if (*flags & MBEDTLS_X509_BADCERT_FUTURE)
		date_text(&crt->valid_from, check->not_before);
	return 0;
}

struct text {
	char *at;
	size_t size, len;
};

static void say(struct text *t, const char *a, const char *b, const char *c)
{
	int n = snprintf(t->at + t->len, t->size - t->len, "%s%s%s%s", t->len > 0 ? "; " : "", a, b,
			 c);

	if (n > 0)
		t->len += MIN((size_t)n, t->size - t->len - 1);
}

void certificate_describe(const struct certificate_check *check, uint32_t flags, const char *server,
			  char *ret, size_t size)
{
	struct text t = {ret, size, 0};
	const uint32_t told = MBEDTLS_X509_BADCERT_NOT_TRUSTED | MBEDTLS_X509_BADCERT_EXPIRED |
			      MBEDTLS_X509_BADCERT_FUTURE | MBEDTLS_X509_BADCERT_CN_MISMATCH;
	char other[160];

	ret[0] = '\0';
	if (flags & MBEDTLS_X509_BADCERT_CN_MISMATCH)
		say(&t, "certificate is for ", check->name, ", not ");
	if (flags & MBEDTLS_X509_BADCERT_CN_MISMATCH && t.len + strlen(server) < size) {
		memcpy(ret + t.len, server, strlen(server) + 1);
		t.len += strlen(server);
	}
	if (flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED)
		say(&t, "certificate of ", check->name, " is not signed by the configured root CA");
	if (flags & MBEDTLS_X509_BADCERT_EXPIRED)
		say(&t, "certificate expired on ", check->not_after, "");
	if (flags & MBEDTLS_X509_BADCERT_FUTURE)
		say(&t, "certificate is not valid before ", check->not_before,
		    " (is this device's clock right?)");
	if (flags & ~told || t.len == 0) {
		int n = mbedtls_x509_crt_verify_info(other, sizeof(other), "", flags & ~told);

		if (n <= 0)
			snprintf(other, sizeof(other), "certificate cannot be used");
		other[strcspn(other, "\n")] = '\0';
		say(&t, other, "", "");
	}
}

unsigned int certificate_faults(uint32_t flags)
{
	static const struct {
		uint32_t flag;
		unsigned int fault;
	} rows[] = {
		{MBEDTLS_X509_BADCERT_NOT_TRUSTED, CERTIFICATE_UNTRUSTED},
		{MBEDTLS_X509_BADCERT_CN_MISMATCH, CERTIFICATE_NAME},
		{MBEDTLS_X509_BADCERT_EXPIRED, CERTIFICATE_EXPIRED},
		{MBEDTLS_X509_BADCERT_FUTURE, CERTIFICATE_FUTURE},
	};
	unsigned int faults = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (flags & rows[i].flag)
			faults |= rows[i].fault;
		flags &= ~rows[i].flag;
	}
	return flags != 0 ? faults | CERTIFICATE_OTHER : faults;
}
