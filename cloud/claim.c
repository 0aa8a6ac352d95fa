/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/claim.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/limits.h"

#define ANSWER_MAX (64 * 1024)
#define KEY_MAX 1024
#define TAG_MAX 256
#define TAGS_MAX 64
#define DETAIL_MAX 300 /* bytes of the server's own words that are repeated */
#define CONNECT_TIMEOUT_MS 15000
#define TIMEOUT_MS 60000

struct exchange {
	CURL *curl;                 /* owned */
	CURLU *url;                 /* owned */
	struct curl_slist *headers; /* owned; holds the key */
	char *body;                 /* owned */
	char answer[ANSWER_MAX];
	size_t answer_len;
	bool too_large;
	char error[CURL_ERROR_SIZE];
};

static void exchange_free(struct exchange *e)
{
	for (struct curl_slist *h = e->headers; h; h = h->next)
		secret_wipe(h->data, strlen(h->data));
	curl_easy_cleanup(e->curl);
	curl_slist_free_all(e->headers);
	curl_url_cleanup(e->url);
	free(e->body);
	free(e);
}

static void curl_freep(char **p)
{
	curl_free(*p);
}

static void json_unref(json_t **p)
{
	json_decref(*p);
}

static int say(int r, char **ret_text, const char *format, ...) _printf_(3, 4);
static int say(int r, char **ret_text, const char *format, ...)
{
	char *text;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vasprintf(&text, format, ap);
	va_end(ap);
	if (n < 0)
		return -ENOMEM;
	/* Some of it are a stranger's words. */
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = ' ';
	*ret_text = text;
	return r;
}

/* ---- what is sent ---- */

static bool is_loopback(const char *host)
{
	struct in_addr v4;

	if (strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
		return true;
	return inet_pton(AF_INET, host, &v4) == 1 && (ntohl(v4.s_addr) >> 24) == 127;
}

static int set_url(struct exchange *e, const char *server, char **ret_text)
{
	_cleanup_(curl_freep) char *scheme = NULL, *host = NULL, *path = NULL, *user = NULL,
				   *query = NULL, *fragment = NULL;
	_cleanup_(freep) char *full = NULL;
	size_t len;

	e->url = curl_url();
	if (!e->url)
		return -ENOMEM;
	if (curl_url_set(e->url, CURLUPART_URL, server, 0) != CURLUE_OK ||
	    curl_url_get(e->url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
	    curl_url_get(e->url, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
	    curl_url_get(e->url, CURLUPART_PATH, &path, 0) != CURLUE_OK)
		return say(CLAIM_E_INVALID, ret_text,
			   "'%s' is not a URL: expected https://HOST[:PORT]/v1", server);
	if (curl_url_get(e->url, CURLUPART_USER, &user, 0) == CURLUE_OK ||
	    curl_url_get(e->url, CURLUPART_QUERY, &query, 0) == CURLUE_OK ||
	    curl_url_get(e->url, CURLUPART_FRAGMENT, &fragment, 0) == CURLUE_OK)
		return say(CLAIM_E_INVALID, ret_text,
			   "the server's URL must have no user, '?' or '#': expected "
			   "https://HOST[:PORT]/v1");
	if (strcmp(scheme, "https") != 0 && (strcmp(scheme, "http") != 0 || !is_loopback(host)))
		return say(CLAIM_E_INVALID, ret_text,
			   "the API key is not sent over %s to %s: use https (http is for this "
			   "machine only)",
			   scheme, host);
	len = strlen(path);
	while (len > 0 && path[len - 1] == '/')
		len--;
	if (asprintf(&full, "%.*s/claimed-devices", (int)len, path) < 0) {
		full = NULL;
		return -ENOMEM;
	}
	return curl_url_set(e->url, CURLUPART_PATH, full, 0) == CURLUE_OK ? 0 : -ENOMEM;
}

/* Visible ASCII only: what is checked here ends up in a header line. */
static bool is_visible(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] >= 0x7f)
			return false;
	return true;
}

static int add_header(struct exchange *e, const char *line)
{
	struct curl_slist *list = curl_slist_append(e->headers, line);

	if (!list)
		return -ENOMEM;
	e->headers = list;
	return 0;
}

static int set_headers(struct exchange *e, const struct secret *key, char **ret_text)
{
	_cleanup_(secret_done) struct secret line = SECRET_INIT;
	int r;

	if (key->len == 0 || key->len > KEY_MAX || !is_visible((const char *)key->data, key->len))
		return say(CLAIM_E_INVALID, ret_text,
			   "the API key must be one line of 1 to %d visible characters", KEY_MAX);
	r = secret_alloc(&line, key->len + 32);
	if (r < 0)
		return r;
	snprintf((char *)line.data, line.len, "Authorization: Bearer %s", (const char *)key->data);
	r = add_header(e, (const char *)line.data);
	if (r == 0)
		r = add_header(e, "Content-Type: application/json");
	if (r == 0)
		r = add_header(e, "Accept: application/json, application/problem+json");
	/* Small bodies need no 100 Continue round trip. */
	return r == 0 ? add_header(e, "Expect:") : r;
}

static bool is_token(const char *token)
{
	static const char base64url[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	size_t first = strspn(token, base64url), second;

	if (first == 0 || token[first] != '.')
		return false;
	second = strspn(token + first + 1, base64url);
	return second > 0 && token[first + 1 + second] == '\0' && first + second < CLAIM_TEXT_MAX;
}

static int set_body(struct exchange *e, const struct claim_request *request, char **ret_text)
{
	_cleanup_(json_unref) json_t *tags = json_array(), *body = NULL;

	if (!is_token(request->token))
		return say(CLAIM_E_INVALID, ret_text,
			   "this is not a claim token: expected two base64url parts joined by '.', "
			   "as 'onboardctl token --raw' prints it on the device");
	for (size_t i = 0; request->tags && request->tags[i]; i++) {
		const char *tag = request->tags[i];

		if (i == TAGS_MAX || !*tag || strlen(tag) > TAG_MAX ||
		    !is_visible(tag, strlen(tag)))
			return say(CLAIM_E_INVALID, ret_text,
				   "at most %d tags of 1 to %d visible characters are allowed",
				   TAGS_MAX, TAG_MAX);
		if (json_array_append_new(tags, json_string(tag)) < 0)
			return -ENOMEM;
	}
	body = json_pack("{s:s, s:O}", "claimToken", request->token, "tags", tags);
	e->body = body ? json_dumps(body, JSON_COMPACT) : NULL;
	return e->body ? 0 : -ENOMEM;
}

/* ---- the exchange ---- */

static size_t take_answer(char *data, size_t size, size_t n, void *userdata)
{
	struct exchange *e = userdata;
	size_t len = size * n; /* size is 1 */

	if (len > sizeof(e->answer) - e->answer_len) {
		e->too_large = true;
		return 0;
	}
	memcpy(e->answer + e->answer_len, data, len);
	e->answer_len += len;
	return len;
}

static int set_options(struct exchange *e, const struct claim_request *request)
{
	const long timeout_ms = request->timeout_ms > 0 ? (long)request->timeout_ms : TIMEOUT_MS;
	_cleanup_(curl_freep) char *scheme = NULL;
	CURL *c = e->curl;
	bool bad = false;

	if (curl_url_get(e->url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK)
		return -ENOMEM;
	bad |= curl_easy_setopt(c, CURLOPT_CURLU, e->url) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, scheme) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) != CURLE_OK;
	if (request->ca_file)
		bad |= curl_easy_setopt(c, CURLOPT_CAINFO, request->ca_file) != CURLE_OK;
	/* A proxy sees what goes through it in the clear. */
	if (strcmp(scheme, "http") == 0)
		bad |= curl_easy_setopt(c, CURLOPT_NOPROXY, "*") != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS,
				(long)MIN(timeout_ms, CONNECT_TIMEOUT_MS)) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, timeout_ms) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_HTTPHEADER, e->headers) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_POSTFIELDS, e->body) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_USERAGENT, "onboardctl/" ONBOARD_VERSION) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_answer) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_WRITEDATA, e) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_ERRORBUFFER, e->error) != CURLE_OK;
	return bad ? -ENOMEM : 0;
}

static bool is_connected(CURL *c)
{
	curl_off_t us = 0;

	return curl_easy_getinfo(c, CURLINFO_CONNECT_TIME_T, &us) == CURLE_OK && us > 0;
}

static int transport_error(const struct exchange *e, CURLcode code, const char *server,
			   char **ret_text)
{
	const char *what = e->error[0] ? e->error : curl_easy_strerror(code);
	const char *help = "";

	if (e->too_large)
		return say(CLAIM_E_TRANSPORT, ret_text,
			   "%s: the answer is larger than %d bytes: is this a provisioning "
			   "service?",
			   server, ANSWER_MAX);
	if (code == CURLE_PEER_FAILED_VERIFICATION)
		help = "; if the server has a CA of its own, name its certificate with --ca";
	else if (code == CURLE_SSL_CACERT_BADFILE)
		help = "; the file of --ca must be readable and hold PEM certificates";
	else if (code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_CONNECT)
		help = "; check --server and the network";
	else if (code == CURLE_OPERATION_TIMEDOUT && is_connected(e->curl))
		return say(CLAIM_E_TIMEOUT, ret_text,
			   "%s: %s; whether the device was claimed is not known: try again", server,
			   what);
	return say(CLAIM_E_TRANSPORT, ret_text, "%s: %s%s", server, what, help);
}

/* ---- what is answered ---- */

static const char *string_of(const json_t *object, const char *const *keys)
{
	for (; *keys; keys++) {
		const char *text = json_string_value(json_object_get(object, *keys));

		if (text && *text)
			return text;
	}
	return NULL;
}

static const char *help_for(long status)
{
	switch (status) {
	case 400:
	case 422:
		return "the token is not one that this service can accept: take a fresh one, and "
		       "check that the device's identity is known to the service";
	case 401:
		return "the API key is not accepted: check the key, and that it is one of this "
		       "server";
	case 403:
		return "the API key may not claim devices: it needs the role editor or admin";
	case 404:
	case 405:
		return "there is no such path: --server must end with the version, as in "
		       "https://HOST/v1, and the device's identity must be known to the service";
	case 409:
		return "the device is claimed already: unclaim it first where it is";
	case 429:
		return "too many requests: wait, then try again";
	}
	if (status >= 300 && status < 400)
		return "redirects are not followed with a key: name the final address with "
		       "--server";
	return status >= 500 ? "the server failed: try again later" : "the server refused";
}

static int refused(const struct exchange *e, long status, const char *server, char **ret_text)
{
	static const char *const titles[] = {"title", "error", "code", NULL};
	static const char *const details[] = {"detail", "message", NULL};
	_cleanup_(json_unref) json_t *problem = NULL;
	const char *title, *detail;

	problem = json_loadb(e->answer, e->answer_len, 0, NULL);
	title = string_of(problem, titles);
	detail = string_of(problem, details);
	return say(CLAIM_E_REFUSED, ret_text, "%s answered %ld%s%.*s%s%.*s: %s", server, status,
		   title ? " " : "", DETAIL_MAX, title ? title : "", detail ? ", " : "", DETAIL_MAX,
		   detail ? detail : "", help_for(status));
}

static int accepted(const struct exchange *e, long status, const char *server, char **ret_text)
{
	static const char *const keys[] = {"id", "deviceId", "deviceUuid", "uuid", NULL};
	_cleanup_(json_unref) json_t *device = NULL;
	const char *id;

	device = json_loadb(e->answer, e->answer_len, 0, NULL);
	id = string_of(device, keys);
	if (!id || strlen(id) > TAG_MAX || !is_visible(id, strlen(id)))
		return say(CLAIM_E_REFUSED, ret_text,
			   "%s answered %ld, but not with the device: is this a provisioning "
			   "service?",
			   server, status);
	return say(0, ret_text, "%s", id);
}

static int exchange(struct exchange *e, const struct claim_request *request, char **ret_text)
{
	long status = 0;
	CURLcode code;
	int r;

	r = set_url(e, request->server, ret_text);
	if (r != 0)
		return r;
	r = set_headers(e, request->api_key, ret_text);
	if (r != 0)
		return r;
	r = set_body(e, request, ret_text);
	if (r != 0)
		return r;
	r = set_options(e, request);
	if (r < 0)
		return r;
	code = curl_easy_perform(e->curl);
	if (code != CURLE_OK)
		return transport_error(e, code, request->server, ret_text);
	if (curl_easy_getinfo(e->curl, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK)
		return -EIO;
	if (status == 200 || status == 201)
		return accepted(e, status, request->server, ret_text);
	return refused(e, status, request->server, ret_text);
}

int claim_device(const struct claim_request *request, char **ret_text)
{
	struct exchange *e;
	int r;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return -ENOMEM;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->curl = curl_easy_init();
	r = e->curl ? exchange(e, request, ret_text) : -ENOMEM;
	exchange_free(e);
	return r;
}
