/* Targets: portal_cookie_find(), portal_csrf_*(), portal_hosts_*(), password_check(). */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/text.h"
#include "service/password.h"
#include "service/portal_hosts.h"
#include "service/portal_session.h"
#include "tests/fuzz/fuzz.h"

static const char cookie[] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/* One cookie, at the end of what somebody else put there. */
static void check_cookie(const char *text)
{
	char found[PORTAL_COOKIE_TEXT], again[PORTAL_COOKIE_TEXT], csrf[PORTAL_CSRF_TEXT];
	_cleanup_(freep) char *header = NULL;
	bool is_there;

	FUZZ_ASSERT(asprintf(&header, "%s; " PORTAL_COOKIE_NAME "=%s", text, cookie) >= 0);
	is_there = portal_cookie_find(text, found) == CORE_OK;
	if (portal_cookie_find(header, again) == CORE_OK) {
		FUZZ_ASSERT(strcmp(again, cookie) == 0 && !is_there);
	} else {
		/* Two of them, or one that is cut. */
		FUZZ_ASSERT(strstr(text, PORTAL_COOKIE_NAME "="));
	}
	if (!is_there)
		return;
	FUZZ_ASSERT(strlen(found) == PORTAL_COOKIE_TEXT - 1 && strstr(text, found));
	portal_csrf_make(cookie, csrf);
	FUZZ_ASSERT(portal_csrf_is_right(cookie, csrf));
	FUZZ_ASSERT(portal_csrf_is_right(cookie, found) == (strcmp(csrf, found) == 0));
	FUZZ_ASSERT(portal_csrf_is_right(found, csrf) == (strcmp(cookie, found) == 0));
}

/* Names of ours only, whatever a browser or somebody else's page says. */
static void check_hosts(const char *text)
{
	static const char *const urls[] = {"https://onboard.example", "https://lan.example:8080"};
	_cleanup_(portal_hosts_freep) struct portal_hosts *h = NULL, *mine = NULL;
	_cleanup_(freep) char *detail = NULL;
	bool is_https = false;

	FUZZ_ASSERT(portal_hosts_new(urls, 2, "127.0.0.1:8443", true, &h, &detail) == 0);
	if (portal_hosts_has_host(h, text, &is_https))
		FUZZ_ASSERT(strcasestr(text, "onboard.example") ||
			    strcasestr(text, "lan.example") || strcasestr(text, "localhost") ||
			    strstr(text, "127.0.0.1") || text[0] == '[');
	if (portal_hosts_has_origin(h, text))
		FUZZ_ASSERT(strncasecmp(text, "http", 4) == 0 && strstr(text, "://"));
	if (portal_hosts_new((const char *const[]){text}, 1, "192.0.2.1:443", true, &mine,
			     &detail) == 0)
		FUZZ_ASSERT(strncasecmp(text, "http", 4) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_(freep) char *text = strndup((const char *)data, len);
	int r = password_check(text, strlen(text));

	check_cookie(text);
	check_hosts(text);
	FUZZ_ASSERT(r != 0 || (strlen(text) >= PASSWORD_MIN && strlen(text) <= PASSWORD_MAX));
	FUZZ_ASSERT(r == 0 || password_why(r)[0] != '\0');
	return 0;
}
