/* SPDX-License-Identifier: Apache-2.0 */
#include "service/coap_dtls.h"

#include <openssl/ssl.h>

#include "base/macros.h"

/* Of a handshake's datagrams, UDP payload: what a path of 576 bytes carries in one piece (RFC 791
 * §3.1), whoever is behind it. OpenSSL cuts larger messages, as a certificate, itself (RFC 6347
 * §4.2.3); it would take libcoap's 1152, which is for application data. */
#define HANDSHAKE_DATAGRAM 548

/* Instead of libcoap's, which chooses between keys and certificates that we do not have: there is
 * one certificate, and devices are asked for none. */
static int on_hello(SSL *ssl, int *alert, void *userdata)
{
	SSL_CTX *ctx = SSL_get_SSL_CTX(ssl);

	(void)userdata;
	SSL_set_mtu(ssl, HANDSHAKE_DATAGRAM);
	SSL_set_verify(ssl, SSL_VERIFY_NONE, NULL);
	/* One that libcoap had made before the context had them. */
	if (!SSL_get_certificate(ssl) &&
	    (SSL_use_certificate(ssl, SSL_CTX_get0_certificate(ctx)) != 1 ||
	     SSL_use_PrivateKey(ssl, SSL_CTX_get0_privatekey(ctx)) != 1)) {
		*alert = SSL_AD_INTERNAL_ERROR;
		return SSL_CLIENT_HELLO_ERROR;
	}
	return SSL_CLIENT_HELLO_SUCCESS;
}

int coap_dtls_keep_key(void *tls_session, coap_dtls_pki_t *pki)
{
	SSL *ssl = tls_session;
	SSL_CTX *ctx;
	X509 *cert;
	EVP_PKEY *key;

	if (coap_get_tls_library_version()->type != COAP_TLS_LIBRARY_OPENSSL)
		return 1;
	SSL_set_mtu(ssl, HANDSHAKE_DATAGRAM);
	if (pki->verify_peer_cert)
		return 1;
	ctx = SSL_get_SSL_CTX(ssl);
	cert = SSL_get_certificate(ssl);
	key = SSL_get_privatekey(ssl);
	if (cert && key && SSL_CTX_use_certificate(ctx, cert) == 1 &&
	    SSL_CTX_use_PrivateKey(ctx, key) == 1)
		SSL_CTX_set_client_hello_cb(ctx, on_hello, NULL);
	return 1;
}
