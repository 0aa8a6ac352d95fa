/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What can be wrong with a server's certificate, as bits. */

enum certificate_fault {
	CERTIFICATE_UNTRUSTED = 1, /* no trust anchor is above it */
	CERTIFICATE_NAME = 2,      /* it is another name's */
	CERTIFICATE_EXPIRED = 4,
	CERTIFICATE_FUTURE = 8,
	CERTIFICATE_OTHER = 16,
};
