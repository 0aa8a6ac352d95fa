/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/curl.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "session/https_curl.h"
#include "tests/fuzz/fuzz.h"

typedef size_t (*take_fn)(char *data, size_t size, size_t n, void *userdata);

struct transfer {
	take_fn take_header, take_body;
	void *header_data, *body_data;
	long status, n_connects;
	CURLcode result;
	bool is_done;
};

static struct {
	struct reader *input;
	unsigned int n;
	struct transfer *added; /* one at a time, as https.c has them */
	curl_multi_timer_callback set_timer;
	void *timer_data;
	CURLMsg message;
} curl;

void curl_begin(struct reader *input)
{
	FUZZ_ASSERT(curl.n == 0 && !curl.added);
	memset(&curl, 0, sizeof(curl));
	curl.input = input;
}

unsigned int curl_transfers(void)
{
	return curl.n;
}

static uint8_t next(void)
{
	return reader_left(curl.input) > 0 ? reader_u8(curl.input) : 0;
}

static const uint8_t *next_bytes(size_t *len)
{
	*len = MIN(*len, reader_left(curl.input));
	return reader_bytes(curl.input, *len);
}

/* A copy, so that its end is the end of the memory. */
static bool hand_over(take_fn take, void *userdata, const void *data, size_t len)
{
	char *copy = malloc(len + 1);
	size_t taken;

	FUZZ_ASSERT(copy);
	memcpy(copy, data, len);
	copy = realloc(copy, len > 0 ? len : 1);
	taken = take(copy, 1, len, userdata);
	free(copy);
	return taken == len;
}

static bool say_header(struct transfer *t)
{
	static const char *const names[] = {
		"Content-Type: ",  "Retry-After: ",          "cache-control: max-age=",
		"HTTP/1.1 200 ",   "Cache-Control: x, max-", "Content-Type: application/cbor",
		"Retry-After: 60", "Content-Type:\t"};
	const uint8_t kind = next();
	const char *name = kind < 0x80 ? names[kind % 8] : "";
	size_t len = kind & 0xc0 ? next() : 4;
	const uint8_t *rest = next_bytes(&len);
	char line[512];
	int n = snprintf(line, sizeof(line), "%s", name);

	memcpy(line + n, rest, len);
	memcpy(line + n + len, "\r\n", 2);
	return hand_over(t->take_header, t->header_data, line, (size_t)n + len + 2);
}

static bool say_body(struct transfer *t)
{
	size_t len = (size_t)next() * 16;
	const uint8_t *data = next_bytes(&len);

	return hand_over(t->take_body, t->body_data, data, len);
}

/* A whole answer, or what came instead of one. */
static void answer(struct transfer *t)
{
	static const CURLcode failures[] = {
		CURLE_COULDNT_CONNECT,   CURLE_COULDNT_RESOLVE_HOST,     CURLE_OPERATION_TIMEDOUT,
		CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_GOT_NOTHING,
		CURLE_RECV_ERROR,        CURLE_WEIRD_SERVER_REPLY};
	static const long statuses[] = {200, 201, 204, 400, 401, 403, 404, 413,
					429, 500, 503, 302, 100, 999, 0,   -1};
	const uint8_t how = next();

	t->is_done = true;
	t->n_connects = how & 1;
	t->status = statuses[how % 16];
	t->result = how >= 0xe0 ? failures[how % 8] : CURLE_OK;
	for (unsigned int n = next() % 8; n > 0; n--)
		if (!say_header(t))
			t->result = CURLE_WRITE_ERROR;
	for (unsigned int n = next() % 4; n > 0 && t->result == CURLE_OK; n--)
		if (!say_body(t))
			t->result = CURLE_WRITE_ERROR;
}

/* ---- session/https_curl.h ---- */

static CURLcode global_init(long flags)
{
	(void)flags;
	return CURLE_OK;
}

static CURL *easy_init(void)
{
	curl.n++;
	return calloc(1, sizeof(struct transfer));
}

static void easy_cleanup(CURL *easy)
{
	curl.n--;
	FUZZ_ASSERT(curl.added != easy);
	free(easy);
}

static CURLcode easy_setopt(CURL *easy, CURLoption option, ...)
{
	struct transfer *t = easy;
	va_list ap;

	va_start(ap, option);
	if (option == CURLOPT_WRITEFUNCTION)
		t->take_body = va_arg(ap, take_fn);
	else if (option == CURLOPT_WRITEDATA)
		t->body_data = va_arg(ap, void *);
	else if (option == CURLOPT_HEADERFUNCTION)
		t->take_header = va_arg(ap, take_fn);
	else if (option == CURLOPT_HEADERDATA)
		t->header_data = va_arg(ap, void *);
	va_end(ap);
	return CURLE_OK;
}

static CURLcode easy_getinfo(CURL *easy, CURLINFO info, ...)
{
	struct transfer *t = easy;
	va_list ap;

	va_start(ap, info);
	if (info == CURLINFO_NUM_CONNECTS)
		*va_arg(ap, long *) = t->n_connects;
	else if (info == CURLINFO_RESPONSE_CODE)
		*va_arg(ap, long *) = t->status;
	else if (info == CURLINFO_APPCONNECT_TIME_T)
		*va_arg(ap, curl_off_t *) = t->status;
	va_end(ap);
	return CURLE_OK;
}

static const char *easy_strerror(CURLcode code)
{
	(void)code;
	return "a failure of the far end";
}

static struct curl_slist *slist_append(struct curl_slist *list, const char *text)
{
	struct curl_slist *made = calloc(1, sizeof(*made)), *last = list;

	FUZZ_ASSERT(made);
	made->data = strdup(text);
	while (last && last->next)
		last = last->next;
	if (last)
		last->next = made;
	return list ? list : made;
}

static void slist_free_all(struct curl_slist *list)
{
	while (list) {
		struct curl_slist *at = list;

		list = at->next;
		free(at->data);
		free(at);
	}
}

static CURLM *multi_init(void)
{
	return &curl;
}

static CURLMcode multi_cleanup(CURLM *multi)
{
	(void)multi;
	FUZZ_ASSERT(!curl.added);
	return CURLM_OK;
}

static CURLMcode multi_setopt(CURLM *multi, CURLMoption option, ...)
{
	va_list ap;

	(void)multi;
	va_start(ap, option);
	if (option == CURLMOPT_TIMERFUNCTION)
		curl.set_timer = va_arg(ap, curl_multi_timer_callback);
	else if (option == CURLMOPT_TIMERDATA)
		curl.timer_data = va_arg(ap, void *);
	va_end(ap);
	return CURLM_OK;
}

static CURLMcode multi_add_handle(CURLM *multi, CURL *easy)
{
	FUZZ_ASSERT(!curl.added);
	curl.added = easy;
	curl.set_timer(multi, next(), curl.timer_data);
	return CURLM_OK;
}

static CURLMcode multi_remove_handle(CURLM *multi, CURL *easy)
{
	(void)multi;
	FUZZ_ASSERT(curl.added == easy);
	curl.added = NULL;
	return CURLM_OK;
}

static CURLMcode multi_socket_action(CURLM *multi, curl_socket_t fd, int events, int *running)
{
	(void)multi, (void)fd, (void)events;
	if (curl.added && !curl.added->is_done)
		answer(curl.added);
	*running = 0;
	return CURLM_OK;
}

static CURLMsg *multi_info_read(CURLM *multi, int *left)
{
	(void)multi;
	*left = 0;
	if (!curl.added || !curl.added->is_done)
		return NULL;
	curl.message = (CURLMsg){.msg = CURLMSG_DONE, .easy_handle = curl.added};
	curl.message.data.result = curl.added->result;
	return &curl.message;
}

int https_curl_load(struct https_curl *ret, const char **ret_why)
{
	(void)ret_why;
	*ret = (struct https_curl){global_init,         easy_init,           easy_cleanup,
				   easy_setopt,         easy_getinfo,        easy_strerror,
				   slist_append,        slist_free_all,      multi_init,
				   multi_cleanup,       multi_setopt,        multi_add_handle,
				   multi_remove_handle, multi_socket_action, multi_info_read};
	return 0;
}
