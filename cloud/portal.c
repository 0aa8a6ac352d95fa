/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/portal.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define BODY_MAX (64 * 1024)
#define URL_MAX 2048

struct exchange {
	CURL *curl; /* owned */
	size_t body_len;
	int64_t date_s;
	char location[128];
	char error[CURL_ERROR_SIZE];
};

static void exchange_done(struct exchange *e)
{
	curl_easy_cleanup(e->curl);
}

/* A page is a page; how it goes on does not matter. */
static size_t on_body(char *data, size_t size, size_t n, void *userdata)
{
	struct exchange *e = userdata;

	(void)data;
	e->body_len += size * n;
	return e->body_len > BODY_MAX ? 0 : size * n;
}

static size_t on_header(char *data, size_t size, size_t n, void *userdata)
{
	struct exchange *e = userdata;
	const size_t len = size * n;
	char line[256];

	snprintf(line, sizeof(line), "%.*s", (int)MIN(len, sizeof(line) - 1), data);
	line[strcspn(line, "\r\n")] = '\0';
	if (strncasecmp(line, "date:", 5) == 0)
		e->date_s = MAX((int64_t)0, (int64_t)curl_getdate(line + 5, NULL));
	if (strncasecmp(line, "location:", 9) == 0)
		snprintf(e->location, sizeof(e->location), "%.*s", (int)sizeof(e->location) - 1,
			 line + 9 + strspn(line + 9, " \t"));
	return len;
}

static int prepare(struct exchange *e, const char *url, unsigned int timeout_ms)
{
	CURLcode c = CURLE_OK;

	if (strncasecmp(url, "http://", 7) != 0 || strlen(url) > URL_MAX)
		return -EINVAL;
	e->curl = curl_easy_init();
	if (!e->curl)
		return -ENOMEM;
#define SET(option, value) c = c != CURLE_OK ? c : curl_easy_setopt(e->curl, option, value)
	SET(CURLOPT_URL, url);
	SET(CURLOPT_PROTOCOLS_STR, "http");
	SET(CURLOPT_PROXY, ""); /* the way that onboardd's datagrams go */
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_QUICK_EXIT, 1L); /* not to wait for a resolver that is gone */
	SET(CURLOPT_TIMEOUT_MS, (long)timeout_ms);
	SET(CURLOPT_ERRORBUFFER, e->error);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, e);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, e);
#undef SET
	return c == CURLE_OK ? 0 : -ENOMEM;
}

static void judge(const struct exchange *e, long status, struct portal_answer *ret)
{
	const size_t size = sizeof(ret->detail);

	if (status >= 300 && status < 400) {
		ret->result = PORTAL_CAPTIVE;
		snprintf(ret->detail, size, "this network leads the web to %s",
			 *e->location ? e->location : "another page");
	} else if (status == 511 || (status == 200 && e->body_len > 0)) {
		ret->result = PORTAL_CAPTIVE;
		snprintf(ret->detail, size, "this network answers with a page of its own");
	} else if (status == 204 || status == 200) {
		ret->result = PORTAL_OPEN;
	} else {
		ret->result = PORTAL_SILENT;
		snprintf(ret->detail, size, "HTTP status %ld", status);
	}
}

int portal_probe(const char *url, unsigned int timeout_ms, struct portal_answer *ret)
{
	_cleanup_(exchange_done) struct exchange e = {0};
	struct portal_answer answer = {.result = PORTAL_SILENT};
	long status = 0;
	CURLcode c;
	int r;

	r = prepare(&e, url, timeout_ms);
	if (r < 0)
		return r;
	c = curl_easy_perform(e.curl);
	(void)curl_easy_getinfo(e.curl, CURLINFO_RESPONSE_CODE, &status);
	if (c == CURLE_OK || (status != 0 && e.body_len > BODY_MAX))
		judge(&e, status, &answer);
	else
		snprintf(answer.detail, sizeof(answer.detail), "%.200s",
			 *e.error ? e.error : curl_easy_strerror(c));
	answer.date_s = e.date_s;
	for (char *at = answer.detail; *at; at++)
		if ((unsigned char)*at < 0x20 || (unsigned char)*at > 0x7e)
			*at = '?';
	*ret = answer;
	return 0;
}
