/* SPDX-License-Identifier: Apache-2.0 */
#include "session/dtls.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "session/certificate.h"
#include "session/dtls_bio.h"
#include "session/mbedtls_compat.h"
#include "session/pathmtu.h"

#define DATAGRAM_MAX                                                                               \
	1152 /* of application data; who sends it keeps below what the path carries                \
	      */

struct dtls {
	char *server;              /* owned */
	struct dtls_config config; /* its strings are not used */
	uint8_t binding[SAVED_BINDING_LEN];
	mbedtls_x509_crt ca;
	mbedtls_ssl_config conf;

	mbedtls_ssl_context ssl;
	bool running, established, abbreviated;
	struct dtls_bio bio;
	struct certificate_check check;
	char detail[512];
	unsigned int faults;
	const char *suite; /* static */

	/* Of the last handshake, for the next one; empty: none. At rest it is not mbedTLS's own
	 * object, whose master secret would lie in memory that is not locked. */
	struct secret session;
};

static const int suites[] = {
	MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8,
	MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_CCM,
	0,
};

static const char *const suite_names[] = {
	"ECDHE-ECDSA-AES128-GCM-SHA256",
	"ECDHE-ECDSA-AES128-CCM8",
	"ECDHE-ECDSA-AES256-GCM-SHA384",
	"ECDHE-ECDSA-AES128-CCM",
};

static int fill_random(void *p, unsigned char *buf, size_t len)
{
	(void)p;
	random_fill(buf, len);
	return 0;
}

static void log_code(const char *what, int code)
{
	log_debug("dtls: %s: -0x%04x", what, (unsigned int)-code);
}

static int hash_binding(struct dtls *d, const struct dtls_config *config)
{
	const char version[] = MBEDTLS_VERSION_STRING_FULL;
	const char *owner = config->owner ? config->owner : "";
	uint8_t port[2] = {(uint8_t)(config->port >> 8), (uint8_t)config->port};
	mbedtls_md_context_t md;
	int r;

	mbedtls_md_init(&md);
	r = mbedtls_md_setup(&md, mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), 0);
	if (r == 0)
		r = mbedtls_md_starts(&md);
	/* Each text with its NUL, so that no two tuples hash the same bytes. */
	if (r == 0)
		r = mbedtls_md_update(&md, (const uint8_t *)version, sizeof(version));
	if (r == 0)
		r = mbedtls_md_update(&md, (const uint8_t *)config->server,
				      strlen(config->server) + 1);
	if (r == 0)
		r = mbedtls_md_update(&md, port, sizeof(port));
	if (r == 0)
		r = mbedtls_md_update(&md, (const uint8_t *)config->ca_pem,
				      strlen(config->ca_pem) + 1);
	if (r == 0)
		r = mbedtls_md_update(&md, (const uint8_t *)owner, strlen(owner) + 1);
	if (r == 0)
		r = mbedtls_md_finish(&md, d->binding);
	mbedtls_md_free(&md);
	return r == 0 ? 0 : -ENOMEM;
}

static int configure(struct dtls *d, const struct dtls_config *config)
{
	int r;

	r = compat_init();
	if (r != 0)
		return -EIO;
	r = mbedtls_x509_crt_parse(&d->ca, (const unsigned char *)config->ca_pem,
				   strlen(config->ca_pem) + 1);
	if (r != 0) /* negative, or the number of certificates that could not be read */
		return -EINVAL;
	r = mbedtls_ssl_config_defaults(&d->conf, MBEDTLS_SSL_IS_CLIENT,
					MBEDTLS_SSL_TRANSPORT_DATAGRAM, MBEDTLS_SSL_PRESET_DEFAULT);
	if (r != 0)
		return -ENOMEM;
	compat_conf_profile(&d->conf);
	compat_conf_small_hello(&d->conf);
	compat_conf_tickets(&d->conf, config->tickets);
	mbedtls_ssl_conf_ciphersuites(&d->conf, suites);
	mbedtls_ssl_conf_authmode(&d->conf, MBEDTLS_SSL_VERIFY_REQUIRED);
	mbedtls_ssl_conf_ca_chain(&d->conf, &d->ca, NULL);
	mbedtls_ssl_conf_verify(&d->conf, certificate_note, &d->check);
	mbedtls_ssl_conf_rng(&d->conf, fill_random, NULL);
	if (config->cid && compat_conf_cid(&d->conf) != 0)
		return -EINVAL;
	return 0;
}

int dtls_new(const struct dtls_config *config, struct dtls **ret)
{
	_cleanup_(dtls_freep) struct dtls *d = NULL;
	int r;

	d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->bio = (struct dtls_bio){.conf = &d->conf, .rto = config->rto, .fd = -1};
	d->suite = "";
	mbedtls_x509_crt_init(&d->ca);
	mbedtls_ssl_config_init(&d->conf);
	mbedtls_ssl_init(&d->ssl);
	d->server = strdup(config->server);
	if (!d->server)
		return -ENOMEM;
	d->config = *config;
	d->config.server = d->config.ca_pem = d->config.owner = NULL;
	r = configure(d, config);
	if (r < 0)
		return r;
	r = hash_binding(d, config);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(d);
	return 0;
}

struct dtls *dtls_free(struct dtls *d)
{
	if (!d)
		return NULL;
	dtls_stop(d);
	secret_done(&d->session);
	mbedtls_ssl_config_free(&d->conf);
	mbedtls_x509_crt_free(&d->ca);
	free(d->server);
	free(d);
	return NULL;
}

void dtls_binding(const struct dtls *d, uint8_t ret[static SAVED_BINDING_LEN])
{
	memcpy(ret, d->binding, SAVED_BINDING_LEN);
}

void dtls_stop(struct dtls *d)
{
	mbedtls_ssl_free(&d->ssl);
	mbedtls_ssl_init(&d->ssl);
	d->running = d->established = false;
	dtls_bio_detach(&d->bio);
}

static void attach(struct dtls *d, int fd, bool handshaking)
{
	d->running = true;
	dtls_bio_attach(&d->bio, &d->ssl, fd, handshaking);
	/* mbedTLS makes fragments of its own of larger flights (RFC 6347 §4.2.3). */
	mbedtls_ssl_set_mtu(&d->ssl, handshaking ? (uint16_t)pathmtu_sure(fd) : DATAGRAM_MAX);
}

static int offer_session(struct dtls *d)
{
	_cleanup_(mbedtls_ssl_session_free) mbedtls_ssl_session session;
	int r;

	mbedtls_ssl_session_init(&session);
	r = mbedtls_ssl_session_load(&session, d->session.data, d->session.len);
	return r == 0 ? mbedtls_ssl_set_session(&d->ssl, &session) : r;
}

int dtls_start(struct dtls *d, int fd, bool offer, uint32_t first_timeout_ms)
{
	int r;

	dtls_stop(d);
	d->check = (struct certificate_check){.seen = false};
	d->detail[0] = '\0';
	d->faults = 0;
	d->abbreviated = false;
	mbedtls_ssl_conf_handshake_timeout(&d->conf, first_timeout_ms,
					   DTLS_HANDSHAKE_TIMEOUT_MAX_MS);
	r = mbedtls_ssl_setup(&d->ssl, &d->conf);
	if (r == 0)
		r = mbedtls_ssl_set_hostname(&d->ssl, d->server);
	if (r == 0 && d->config.cid)
		r = compat_offer_cid(&d->ssl);
	if (r == 0 && offer && dtls_has_session(d))
		r = offer_session(d);
	if (r != 0) {
		log_code("set up", r);
		dtls_stop(d);
		return r == MBEDTLS_ERR_SSL_ALLOC_FAILED ? -ENOMEM : -EINVAL;
	}
	attach(d, fd, true);
	return 0;
}

static void note_suite(struct dtls *d)
{
	const char *name = mbedtls_ssl_get_ciphersuite(&d->ssl);
	const int id = name ? mbedtls_ssl_get_ciphersuite_id(name) : 0;

	for (size_t i = 0; i < ARRAY_SIZE(suite_names); i++) {
		if (suites[i] == id)
			d->suite = suite_names[i];
	}
}

/* Without memory the next handshake is a full one. */
static void keep_session(struct dtls *d)
{
	_cleanup_(mbedtls_ssl_session_free) mbedtls_ssl_session session;
	_cleanup_(secret_done) struct secret kept = SECRET_INIT;
	size_t len = 0;

	mbedtls_ssl_session_init(&session);
	if (mbedtls_ssl_get_session(&d->ssl, &session) != 0 ||
	    compat_session_handle_len(&session) == 0 ||
	    mbedtls_ssl_session_save(&session, NULL, 0, &len) != MBEDTLS_ERR_SSL_BUFFER_TOO_SMALL ||
	    secret_alloc(&kept, len) < 0 ||
	    mbedtls_ssl_session_save(&session, kept.data, kept.len, &len) != 0)
		return;
	d->session = kept;
	kept = SECRET_INIT;
}

static void handshake_over(struct dtls *d)
{
	d->established = true;
	mbedtls_ssl_set_mtu(&d->ssl, DATAGRAM_MAX);
	/* An abbreviated handshake sends no certificate, and ends with our flight. libcoap on
	 * OpenSSL never answers on a session whose last flight was lost or overtaken by the first
	 * request, so the flight goes twice (docs/dtls.md). */
	d->abbreviated = !d->check.seen;
	dtls_bio_established(&d->bio, d->abbreviated);
	note_suite(d);
	dtls_forget_session(d);
	if (d->config.resumption)
		keep_session(d);
}

static int handshake_failed(struct dtls *d, int code)
{
	const uint32_t result = mbedtls_ssl_get_verify_result(&d->ssl);
	uint32_t flags = d->check.flags;

	log_code("handshake", code);
	if (code == MBEDTLS_ERR_SSL_TIMEOUT)
		return -ETIMEDOUT;
	if (code == MBEDTLS_ERR_SSL_ALLOC_FAILED)
		return -ENOMEM;
	if (d->check.seen && result != UINT32_MAX)
		flags |= result;
	if (d->check.seen && flags != 0) {
		d->faults = certificate_faults(flags);
		certificate_describe(&d->check, flags, d->server, d->detail, sizeof(d->detail));
		return DTLS_E_CERTIFICATE;
	}
	if (code == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE)
		snprintf(d->detail, sizeof(d->detail),
			 "the server refused the handshake with a fatal alert");
	else
		snprintf(d->detail, sizeof(d->detail),
			 "the server broke the handshake (mbedTLS error -0x%04x)",
			 (unsigned int)-code);
	return DTLS_E_REFUSED;
}

int dtls_handshake(struct dtls *d)
{
	int r;

	if (!d->running)
		return -EINVAL;
	if (d->established)
		return 0;
	r = mbedtls_ssl_handshake(&d->ssl);
	if (r == MBEDTLS_ERR_SSL_WANT_READ || r == MBEDTLS_ERR_SSL_WANT_WRITE)
		return -EAGAIN;
	if (r != 0)
		return handshake_failed(d, r);
	handshake_over(d);
	return 0;
}

bool dtls_is_abbreviated(const struct dtls *d)
{
	return d->established && d->abbreviated;
}

bool dtls_has_session(const struct dtls *d)
{
	return d->session.len > 0;
}

void dtls_forget_session(struct dtls *d)
{
	secret_done(&d->session);
}

void dtls_lend_session(const struct dtls *d, struct dtls *to)
{
	dtls_forget_session(to);
	if (d->session.len > 0 && secret_set(&to->session, d->session.data, d->session.len) < 0)
		dtls_forget_session(to);
}

void dtls_set_rto(struct dtls *d, struct rto *rto)
{
	d->bio.rto = rto;
}

void dtls_add_counters(struct dtls *d, const struct dtls_counters *more)
{
	struct dtls_counters *sum = &d->bio.counters;

	sum->datagrams_tx += more->datagrams_tx;
	sum->datagrams_rx += more->datagrams_rx;
	sum->bytes_tx += more->bytes_tx;
	sum->bytes_rx += more->bytes_rx;
	sum->flights_answered += more->flights_answered;
}

uint64_t dtls_deadline(const struct dtls *d)
{
	return d->running && d->bio.armed ? d->bio.final_ms : DTLS_NEVER;
}

int dtls_read(struct dtls *d, uint8_t *buf, size_t *ret_len)
{
	for (;;) {
		int r = mbedtls_ssl_read(&d->ssl, buf, DTLS_RECORD_MAX);

		if (r > 0 && mbedtls_ssl_get_bytes_avail(&d->ssl) > 0) {
			/* Larger than any CoAP message of ours: drop all of the record. */
			while (mbedtls_ssl_get_bytes_avail(&d->ssl) > 0 &&
			       mbedtls_ssl_read(&d->ssl, buf, DTLS_RECORD_MAX) > 0)
				;
			continue;
		}
		if (r > 0) {
			*ret_len = (size_t)r;
			return 0;
		}
		if (r == MBEDTLS_ERR_SSL_WANT_READ || r == MBEDTLS_ERR_SSL_WANT_WRITE ||
		    r == MBEDTLS_ERR_SSL_TIMEOUT)
			return -EAGAIN;
		if (r == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY)
			return DTLS_E_CLOSED;
		if (r == 0) /* a record without content */
			continue;
		log_code("read", r);
		return DTLS_E_BROKEN;
	}
}

int dtls_write(struct dtls *d, const uint8_t *data, size_t len)
{
	int r = mbedtls_ssl_write(&d->ssl, data, len);

	if (r == (int)len)
		return 0;
	log_code("write", r);
	return DTLS_E_BROKEN;
}

void dtls_close_notify(struct dtls *d)
{
	if (d->running && d->established)
		mbedtls_ssl_close_notify(&d->ssl);
}

bool dtls_has_cid(struct dtls *d)
{
	return d->established && compat_has_cid(&d->ssl);
}

void dtls_set_fd(struct dtls *d, int fd)
{
	d->bio.fd = fd;
	/* Told of another one. */
	d->bio.refused = false;
}

bool dtls_is_savable(struct dtls *d)
{
	size_t len = 0;

	/* The measuring call changes nothing. */
	return d->established &&
	       mbedtls_ssl_context_save(&d->ssl, NULL, 0, &len) == MBEDTLS_ERR_SSL_BUFFER_TOO_SMALL;
}

int dtls_save(struct dtls *d, struct secret *ret)
{
	_cleanup_(secret_done) struct secret context = SECRET_INIT;
	size_t len = 0;
	int r;

	if (!dtls_is_savable(d))
		return DTLS_E_NOT_SAVABLE;
	r = mbedtls_ssl_context_save(&d->ssl, NULL, 0, &len);
	if (r != MBEDTLS_ERR_SSL_BUFFER_TOO_SMALL || len == 0) {
		log_code("save", r);
		return DTLS_E_NOT_SAVABLE;
	}
	r = secret_alloc(&context, len);
	if (r < 0)
		return r;
	r = mbedtls_ssl_context_save(&d->ssl, context.data, len, &len);
	if (r != 0) {
		log_code("save", r);
		return DTLS_E_NOT_SAVABLE;
	}
	secret_done(ret);
	*ret = context;
	context = SECRET_INIT;
	dtls_stop(d);
	return 0;
}

int dtls_load(struct dtls *d, int fd, const struct secret *context)
{
	int r;

	dtls_stop(d);
	r = mbedtls_ssl_setup(&d->ssl, &d->conf);
	if (r == 0)
		r = mbedtls_ssl_context_load(&d->ssl, context->data, context->len);
	if (r != 0) {
		log_code("load", r);
		dtls_stop(d);
		return DTLS_E_BROKEN;
	}
	attach(d, fd, false);
	d->established = true;
	d->abbreviated = false;
	return 0;
}

bool dtls_take_refused(struct dtls *d)
{
	bool refused = d->bio.refused;

	d->bio.refused = false;
	return refused;
}

const char *dtls_detail(const struct dtls *d)
{
	return d->detail;
}

unsigned int dtls_certificate_faults(const struct dtls *d)
{
	return d->faults;
}

const char *dtls_suite(const struct dtls *d)
{
	return d->suite;
}

const struct dtls_counters *dtls_counters(const struct dtls *d)
{
	return &d->bio.counters;
}
