/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What libcoap leaves to do for whoever has many handshakes. */

#include <coap3/coap.h>

/* For coap_dtls_pki_t's additional_tls_setup_call_back. libcoap-openssl parses certificate and key
 * anew in each handshake, which is two thirds of what one costs; from the second one on those of
 * the first serve. Other builds are left alone. 1: go on. */
int coap_dtls_keep_key(void *tls_session, coap_dtls_pki_t *pki);
