/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/secret.h"
#include "service/certfile.h"
#include "service/cli/check.h"
#include "service/crypto.h"
#include "service/makers.h"

#define SOON_S (30 * 86400)

void check_state(struct check_report *r, const struct serve_options *o)
{
	struct stat st;

	if (stat(o->state, &st) < 0) {
		if (errno == ENOENT)
			check_say(r, CHECK_OK, "state", NULL, "%s will be made at the start",
				  o->state);
		else
			check_say(r, CHECK_FAIL, "state", "name a directory that can be read",
				  "%s: %s", o->state, strerror(errno));
		return;
	}
	if (!S_ISDIR(st.st_mode))
		check_say(r, CHECK_FAIL, "state", "name a directory", "%s is not a directory",
			  o->state);
	else if (access(o->state, R_OK | W_OK | X_OK) < 0)
		check_say(r, CHECK_FAIL, "state", "run this as the user of the service", "%s: %s",
			  o->state, strerror(errno));
	else if (st.st_mode & 077)
		check_say(r, CHECK_WARN, "state", "chmod 0700 it",
			  "%s is open to others (mode %03o)", o->state, st.st_mode & 0777);
	else
		check_say(r, CHECK_OK, "state", NULL, "%s", o->state);
}

static void date_format(int64_t at, char *ret, size_t size)
{
	time_t t = (time_t)at;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || strftime(ret, size, "%Y-%m-%d", &tm) == 0)
		snprintf(ret, size, "?");
}

static void expiry(struct check_report *r, const char *what, const char *path,
		   const struct certfile *c)
{
	int64_t left_s = c->not_after - clock_wall_s();
	char date[16];

	date_format(c->not_after, date, sizeof(date));
	if (left_s < SOON_S)
		check_say(r, CHECK_WARN, what, "have it renewed, and restart the service",
			  "%s: good until %s, which is %lld days", path, date,
			  (long long)(left_s / 86400));
	else
		check_say(r, CHECK_OK, what, NULL, "%s: good until %s, for %s", path, date,
			  c->names && *c->names ? c->names : "no name");
	if (!c->names || !*c->names)
		check_say(r, CHECK_WARN, what,
			  "have one issued with the name that clients are configured with",
			  "%s: has no subjectAltName: whoever checks names refuses it", path);
}

static bool load(struct check_report *r, const char *what, const char *cert, const char *key,
		 struct certfile *ret)
{
	_cleanup_(freep) char *detail = NULL;
	int e = certfile_load(cert, key, ret, &detail);

	if (e == 0)
		return true;
	check_say(r, CHECK_FAIL, what, "give a PEM certificate that is valid, and its own key",
		  "%s", detail ? detail : strerror(-e));
	return false;
}

/* "https://name:443/..." */
static bool host_of(const char *url, char *ret, size_t size)
{
	const char *host;
	size_t len;

	if (strncmp(url, "https://", 8) != 0)
		return false;
	host = url + 8;
	len = *host == '[' ? strcspn(++host, "]") : strcspn(host, ":/");
	if (len == 0 || len >= size)
		return false;
	memcpy(ret, host, len);
	ret[len] = 0;
	return true;
}

static void public_names(struct check_report *r, const struct serve_options *o,
			 const struct certfile *c)
{
	char host[256];

	for (size_t i = 0; i < o->n_public_urls; i++)
		if (host_of(o->public_urls[i], host, sizeof(host)) && !certfile_is_for(c, host))
			check_say(r, CHECK_WARN, "rest-cert",
				  "have one issued for it, unless a proxy in front has one",
				  "%s is not for %s", o->rest_cert, host);
}

static void device_key(struct check_report *r, const struct serve_options *o,
		       const struct certfile *c)
{
	uint8_t spki[CRYPTO_SPKI_LEN];

	if (crypto_key_of_private((const char *)c->key.data, NULL, spki) != 0)
		check_say(r, CHECK_WARN, "cert", "have one issued for a P-256 key",
			  "%s: the key is not P-256: stock firmware takes no other", o->key);
}

void check_certificates(struct check_report *r, const struct serve_options *o)
{
	_cleanup_(certfile_done) struct certfile device = CERTFILE_INIT, rest = CERTFILE_INIT;
	_cleanup_(freep) char *root = NULL, *detail = NULL;

	if (load(r, "cert", o->cert, o->key, &device)) {
		expiry(r, "cert", o->cert, &device);
		device_key(r, o, &device);
	}
	if (o->root_ca && certfile_last(o->root_ca, &root, &detail) != 0)
		check_say(r, CHECK_FAIL, "root-ca", "give the PEM certificate of the CA", "%s",
			  detail ? detail : o->root_ca);
	else if (o->root_ca)
		check_say(r, CHECK_OK, "root-ca", NULL, "%s", o->root_ca);
	if (o->rest_cert && load(r, "rest-cert", o->rest_cert, o->rest_key, &rest)) {
		expiry(r, "rest-cert", o->rest_cert, &rest);
		public_names(r, o, &rest);
	}
}

void check_makers(struct check_report *r, const struct serve_options *o)
{
	_cleanup_(crypto_makers_freep) struct crypto_makers *makers = NULL;
	_cleanup_(freep) char *detail = NULL;

	if (o->n_makers == 0)
		return;
	if (makers_load(o->makers, o->n_makers, &makers, &detail) != 0)
		check_say(r, CHECK_FAIL, "makers", "give PEM certificates of CAs", "%s",
			  detail ? detail : "cannot be read");
	else
		check_say(r, CHECK_OK, "makers", NULL, "%zu of --manufacturer-ca", o->n_makers);
}
