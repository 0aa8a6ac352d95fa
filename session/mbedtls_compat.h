/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Where mbedTLS 2.28 (Debian 12) and 3.6 (Debian 13) differ: one inline function a difference, so
 * that no other file of the tree asks for a version. For dtls.c and certificate.c only. */

#include <mbedtls/error.h>
#include <mbedtls/md.h>
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ciphersuites.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crt.h>
#include <stdbool.h>

#if MBEDTLS_VERSION_NUMBER >= 0x03000000

#include <psa/crypto.h>

static inline int compat_init(void)
{
	return psa_crypto_init() == PSA_SUCCESS ? 0 : MBEDTLS_ERR_SSL_HW_ACCEL_FAILED;
}

static inline void compat_conf_profile(mbedtls_ssl_config *conf)
{
	static const uint16_t groups[] = {MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1,
					  MBEDTLS_SSL_IANA_TLS_GROUP_NONE};

	mbedtls_ssl_conf_groups(conf, groups);
	mbedtls_ssl_conf_min_tls_version(conf, MBEDTLS_SSL_VERSION_TLS1_2);
	mbedtls_ssl_conf_max_tls_version(conf, MBEDTLS_SSL_VERSION_TLS1_2);
}

static inline size_t compat_session_handle_len(const mbedtls_ssl_session *session)
{
	size_t len = mbedtls_ssl_session_get_id_len(session);

#if defined(MBEDTLS_SSL_SESSION_TICKETS)
	len += session->MBEDTLS_PRIVATE(ticket_len);
#endif
	return len;
}

#else

static inline int compat_init(void)
{
	return 0;
}

static inline void compat_conf_profile(mbedtls_ssl_config *conf)
{
	static const mbedtls_ecp_group_id groups[] = {MBEDTLS_ECP_DP_SECP256R1,
						      MBEDTLS_ECP_DP_NONE};

	mbedtls_ssl_conf_curves(conf, groups);
	/* DTLS 1.2 is "minor version 3". */
	mbedtls_ssl_conf_min_version(conf, MBEDTLS_SSL_MAJOR_VERSION_3,
				     MBEDTLS_SSL_MINOR_VERSION_3);
	mbedtls_ssl_conf_max_version(conf, MBEDTLS_SSL_MAJOR_VERSION_3,
				     MBEDTLS_SSL_MINOR_VERSION_3);
}

static inline size_t compat_session_handle_len(const mbedtls_ssl_session *session)
{
	size_t len = session->id_len;

#if defined(MBEDTLS_SSL_SESSION_TICKETS)
	len += session->ticket_len;
#endif
	return len;
}

#endif

/* RFC 9146 came with 3.x; 2.28 has an early draft, compiled out by Debian and of no use. */
#if MBEDTLS_VERSION_NUMBER >= 0x03000000 && defined(MBEDTLS_SSL_DTLS_CONNECTION_ID)

static inline int compat_conf_cid(mbedtls_ssl_config *conf)
{
	return mbedtls_ssl_conf_cid(conf, 0, MBEDTLS_SSL_UNEXPECTED_CID_IGNORE);
}

/* Zero bytes of our own: the server's id goes up with our records, nothing comes down. */
static inline int compat_offer_cid(mbedtls_ssl_context *ssl)
{
	return mbedtls_ssl_set_cid(ssl, MBEDTLS_SSL_CID_ENABLED, NULL, 0);
}

/* Whether the handshake gave us one of the server's. */
static inline bool compat_has_cid(mbedtls_ssl_context *ssl)
{
	unsigned char cid[MBEDTLS_SSL_CID_OUT_LEN_MAX];
	size_t len = 0;
	int enabled;

	return mbedtls_ssl_get_peer_cid(ssl, &enabled, cid, &len) == 0 &&
	       enabled == MBEDTLS_SSL_CID_ENABLED && len > 0;
}

#else

static inline int compat_conf_cid(mbedtls_ssl_config *conf)
{
	(void)conf;
	return 0;
}

static inline int compat_offer_cid(mbedtls_ssl_context *ssl)
{
	(void)ssl;
	return 0;
}

static inline bool compat_has_cid(mbedtls_ssl_context *ssl)
{
	(void)ssl;
	return false;
}

#endif

static inline void compat_conf_tickets(mbedtls_ssl_config *conf, bool wanted)
{
#if defined(MBEDTLS_SSL_SESSION_TICKETS)
	mbedtls_ssl_conf_session_tickets(conf, wanted ? MBEDTLS_SSL_SESSION_TICKETS_ENABLED
						      : MBEDTLS_SSL_SESSION_TICKETS_DISABLED);
#else
	(void)conf;
	(void)wanted;
#endif
}

static inline void compat_conf_small_hello(mbedtls_ssl_config *conf)
{
#if defined(MBEDTLS_SSL_ENCRYPT_THEN_MAC)
	/* Of use for CBC only, which we do not offer. */
	mbedtls_ssl_conf_encrypt_then_mac(conf, MBEDTLS_SSL_ETM_DISABLED);
#else
	(void)conf;
#endif
}
