/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/text.h"
#include "session/https.h"

#define HEAD_MAX 16384 /* bytes of all header lines */
#define TOKEN_LINE "Authorization: Bearer "

/* ---- what comes ---- */

static size_t take_body(char *data, size_t size, size_t n, void *userdata)
{
	struct https_request *r = userdata;
	size_t len = size * n; /* size is 1 */

	if (len == 0) /* libcurl's way to say that there is none */
		return 0;
	if (len > r->answer_max - r->answer_len) {
		r->is_too_large = true;
		return 0;
	}
	if (r->answer_len + len > r->answer_size) {
		size_t wanted = MIN(MAX(r->answer_len + len, 2 * r->answer_size), r->answer_max);
		uint8_t *answer = realloc(r->answer, wanted);

		if (!answer)
			return 0;
		r->answer = answer;
		r->answer_size = wanted;
	}
	memcpy(r->answer + r->answer_len, data, len);
	r->answer_len += len;
	return len;
}

static const char *value_of(const char *line, size_t len, const char *name, size_t *ret_len)
{
	size_t name_len = strlen(name), at = name_len + 1;

	if (len < at || strncasecmp(line, name, name_len) != 0 || line[name_len] != ':')
		return NULL;
	while (at < len && (line[at] == ' ' || line[at] == '\t'))
		at++;
	while (len > at && (line[len - 1] == '\r' || line[len - 1] == '\n' || line[len - 1] == ' '))
		len--;
	*ret_len = len - at;
	return line + at;
}

static void take_max_age(struct https_request *r, const char *text, size_t len)
{
	uint64_t seconds;

	if (decimal_parse(text, len, UINT32_MAX, &seconds) != 0)
		return;
	r->reply.has_max_age = true;
	r->reply.max_age_s = (uint32_t)seconds;
}

/* Cache-Control of a login: how long it is good for. */
static void take_cache_control(struct https_request *r, const char *text)
{
	static const char name[] = "max-age=";
	const char *at = strstr(text, name);

	if (!at)
		return;
	at += sizeof(name) - 1;
	take_max_age(r, at, strspn(at, "0123456789"));
}

static size_t take_header(char *line, size_t size, size_t n, void *userdata)
{
	struct https_request *r = userdata;
	size_t len = size * n, value_len;
	char text[128];
	const char *value;

	r->head_len += len;
	if (r->head_len > HEAD_MAX) {
		r->is_too_large = true;
		return 0;
	}
	if (strncasecmp(line, "HTTP/", MIN(len, (size_t)5)) == 0) /* of an answer before it */
		r->reply = (struct reply){.content_format = -1};
	value = value_of(line, len, "Retry-After", &value_len);
	if (value)
		take_max_age(r, value, value_len);
	value = value_of(line, len, "Cache-Control", &value_len);
	if (value && value_len < sizeof(text)) {
		memcpy(text, value, value_len);
		text[value_len] = '\0';
		take_cache_control(r, text);
	}
	value = value_of(line, len, "Content-Type", &value_len);
	if (value && value_len < sizeof(text)) {
		memcpy(text, value, value_len);
		text[value_len] = '\0';
		r->reply.content_format = twin_format(text);
	}
	return len;
}

/* What runs a hook must not hand it a connection. */
static curl_socket_t open_socket(void *userdata, curlsocktype purpose, struct curl_sockaddr *a)
{
	(void)userdata;
	(void)purpose;
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

/* ---- what goes ---- */

static int add_line(struct https_line *h, struct https_request *r, const char *line)
{
	struct curl_slist *list = h->curl.slist_append(r->headers, line);

	if (!list)
		return -ENOMEM;
	r->headers = list;
	return 0;
}

static int add_token(struct https_line *h, struct https_request *r)
{
	_cleanup_(secret_done) struct secret line = SECRET_INIT;
	size_t size = sizeof(TOKEN_LINE) + h->token.len;
	int e;

	if (!r->twin || h->token.len == 0)
		return 0;
	e = secret_alloc(&line, size);
	if (e < 0)
		return e;
	snprintf((char *)line.data, size, TOKEN_LINE "%.*s", (int)h->token.len,
		 (const char *)h->token.data);
	return add_line(h, r, (const char *)line.data);
}

static int add_lines(struct https_line *h, struct https_request *r)
{
	const char *accept = twin_media_type(r->accept);
	const char *type = r->body ? twin_media_type(r->content_format) : NULL;
	char line[96];
	int e = add_token(h, r);

	if (e == 0 && type) {
		snprintf(line, sizeof(line), "Content-Type: %s", type);
		e = add_line(h, r, line);
	} else if (e == 0) {
		e = add_line(h, r, "Content-Type:");
	}
	snprintf(line, sizeof(line), "Accept: %s", accept ? accept : "application/cbor");
	if (e == 0)
		e = add_line(h, r, line);
	/* Small bodies need no 100 Continue. */
	return e == 0 ? add_line(h, r, "Expect:") : e;
}

#define SET(option, value) bad |= h->curl.easy_setopt(r->easy, option, value) != CURLE_OK

/* Nothing comes from the environment or a file of libcurl's: no proxy, no CA, no password. */
static int set_server(struct https_line *h, struct https_request *r)
{
	const struct session_config *c = h->line.config;
	struct curl_blob ca = {(void *)(uintptr_t)c->ca_pem, strlen(c->ca_pem), CURL_BLOB_COPY};
	bool bad = false;

	SET(CURLOPT_URL, r->url);
	SET(CURLOPT_PROTOCOLS_STR, "https");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_CAINFO_BLOB, &ca);
	SET(CURLOPT_CAPATH, NULL); /* else Debian's goes with the blob */
	SET(CURLOPT_RESOLVE, h->addresses);
	SET(CURLOPT_NOPROXY, "");
	SET(CURLOPT_PROXY, c->proxy ? c->proxy : "");
	if (c->proxy) {
		SET(CURLOPT_HTTPPROXYTUNNEL, 1L);
		SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	}
	if (h->proxy_login.len > 0) {
		SET(CURLOPT_PROXYAUTH, (long)(CURLAUTH_BASIC | CURLAUTH_DIGEST));
		SET(CURLOPT_PROXYUSERPWD, (const char *)h->proxy_login.data);
	}
	return bad ? -ENOMEM : 0;
}

static int set_request(struct https_line *h, struct https_request *r)
{
	const struct session_config *c = h->line.config;
	const long connect_ms = (long)c->handshake_timeout_ms;
	bool bad = false;

	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
	SET(CURLOPT_TIMEOUT_MS, r->twin ? connect_ms + (long)c->answer_timeout_ms : connect_ms);
	SET(CURLOPT_HTTPHEADER, r->headers);
	SET(CURLOPT_USERAGENT, "onboardd/" ONBOARD_VERSION);
	SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
	SET(CURLOPT_WRITEFUNCTION, take_body);
	SET(CURLOPT_WRITEDATA, r);
	SET(CURLOPT_HEADERFUNCTION, take_header);
	SET(CURLOPT_HEADERDATA, r);
	SET(CURLOPT_ERRORBUFFER, r->error);
	SET(CURLOPT_PRIVATE, r);
	if (r->twin && strcmp(r->twin->http_method, "GET") != 0) {
		SET(CURLOPT_POST, 1L);
		SET(CURLOPT_POSTFIELDSIZE, (long)r->body_len);
		SET(CURLOPT_POSTFIELDS, r->body ? (const char *)r->body : "");
		SET(CURLOPT_CUSTOMREQUEST, r->twin->http_method);
	}
	return bad ? -ENOMEM : 0;
}

int https_transfer_start(struct https_line *h, struct https_request *r)
{
	int e = https_loop_open(h);

	if (e < 0)
		return e;
	r->reply = (struct reply){.content_format = -1};
	r->easy = h->curl.easy_init();
	if (!r->easy)
		return -ENOMEM;
	e = add_lines(h, r);
	if (e == 0)
		e = set_server(h, r);
	if (e == 0)
		e = set_request(h, r);
	if (e == 0 && h->curl.multi_add_handle(h->multi, r->easy) != CURLM_OK)
		e = -ENOMEM;
	if (e < 0)
		https_transfer_drop(h, r);
	return e;
}

/* ---- what came of it ---- */

/* On a connection that was there, or that has come through its handshake. */
static bool is_connected(struct https_line *h, const struct https_request *r, long *ret_made)
{
	curl_off_t us = 0;

	*ret_made = 0;
	if (h->curl.easy_getinfo(r->easy, CURLINFO_NUM_CONNECTS, ret_made) != CURLE_OK)
		return false;
	return *ret_made == 0 ||
	       (h->curl.easy_getinfo(r->easy, CURLINFO_APPCONNECT_TIME_T, &us) == CURLE_OK &&
		us > 0);
}

static int result_of(struct https_line *h, const struct https_request *r, CURLcode code)
{
	long proxy_status = 0, made;

	if (r->is_too_large)
		return SESSION_E_TOO_LARGE;
	if (h->line.config->proxy && code != CURLE_OK &&
	    h->curl.easy_getinfo(r->easy, CURLINFO_HTTP_CONNECTCODE, &proxy_status) == CURLE_OK &&
	    proxy_status >= 300)
		return SESSION_E_UNREACHABLE;
	switch ((unsigned int)code) { /* libcurl has many more */
	case CURLE_OK:
		return 0;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return SESSION_E_RESOLVE;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_ISSUER_ERROR:
		return SESSION_E_CERTIFICATE;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CIPHER:
		return SESSION_E_HANDSHAKE;
	case CURLE_OPERATION_TIMEDOUT:
		return is_connected(h, r, &made) ? SESSION_E_TIMEOUT : SESSION_E_UNREACHABLE;
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_PARTIAL_FILE:
		return SESSION_E_LOST;
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_UNSUPPORTED_PROTOCOL:
		return SESSION_E_PROTOCOL;
	case CURLE_OUT_OF_MEMORY:
	case CURLE_WRITE_ERROR: /* ours: what is too large was told above */
		return -ENOMEM;
	}
	return SESSION_E_UNREACHABLE;
}

void https_transfer_end(struct https_line *h, struct https_request *r, CURLcode code)
{
	long made = 0;

	r->result = result_of(h, r, code);
	if (is_connected(h, r, &made))
		h->handshakes += (uint64_t)made;
	if (r->result != 0 && !r->error[0])
		snprintf(r->error, sizeof(r->error), "%s", h->curl.easy_strerror(code));
	if (r->result == 0 &&
	    h->curl.easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &r->status) != CURLE_OK)
		r->result = -EIO;
	https_transfer_drop(h, r);
	if (r->result != 0)
		return;
	h->answers++;
	if (!r->twin)
		return;
	r->reply.code = twin_code(r->twin, (unsigned int)r->status);
	if (r->reply.code == 0)
		r->result = SESSION_E_PROTOCOL;
	r->reply.payload = r->answer;
	r->reply.payload_len = r->answer_len;
}

void https_transfer_drop(struct https_line *h, struct https_request *r)
{
	if (!r->easy)
		return;
	if (h->multi)
		(void)h->curl.multi_remove_handle(h->multi, r->easy);
	h->curl.easy_cleanup(r->easy);
	r->easy = NULL;
	for (struct curl_slist *l = r->headers; l; l = l->next)
		secret_wipe(l->data, strlen(l->data));
	h->curl.slist_free_all(r->headers);
	r->headers = NULL;
}
