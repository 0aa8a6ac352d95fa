/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the check of the server's certificate found, as a sentence for people. For dtls.c only: it
 * speaks mbedTLS. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "session/certificate_fault.h"
#include "session/mbedtls_compat.h"

#define CERTIFICATE_NAME_MAX 128
#define CERTIFICATE_DATE_MAX 32

struct certificate_check {
	bool seen;      /* the server sent a certificate: so the handshake is a full one */
	uint32_t flags; /* MBEDTLS_X509_BADCERT_* of the whole chain */
	char name[CERTIFICATE_NAME_MAX]; /* what the leaf is for */
	char not_before[CERTIFICATE_DATE_MAX], not_after[CERTIFICATE_DATE_MAX]; /* of the culprit */
};

/* An mbedTLS verify callback that notes and never changes the verdict; p is a certificate_check. */
int certificate_note(void *p, mbedtls_x509_crt *crt, int depth, uint32_t *flags);
/* flags may hold more than the callback saw. */
void certificate_describe(const struct certificate_check *check, uint32_t flags, const char *server,
			  char *ret, size_t size);
/* The same as bits of enum certificate_fault. */
unsigned int certificate_faults(uint32_t flags);
