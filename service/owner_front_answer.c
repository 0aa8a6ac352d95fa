/* SPDX-License-Identifier: Apache-2.0 */

/* What goes back to an owner: JSON, bytes or a stream, with the headers that every answer has. */

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "service/owner_front_private.h"

#define STREAM_BLOCK 4096

static const struct answer_header fixed_headers[] = {
	{MHD_HTTP_HEADER_CACHE_CONTROL, (char[]){"no-store"}},
	{"X-Content-Type-Options", (char[]){"nosniff"}},
	{"Content-Security-Policy", (char[]){"default-src 'none'; frame-ancestors 'none'"}},
	{"Referrer-Policy", (char[]){"no-referrer"}},
	{"Cross-Origin-Resource-Policy", (char[]){"same-origin"}},
};

static bool has_header(const struct answer *a, const char *name)
{
	for (size_t i = 0; i < a->n_headers; i++)
		if (strcasecmp(a->headers[i].name, name) == 0)
			return true;
	return false;
}

/* Unless the answer says it itself. */
static bool add_header(struct MHD_Response *response, const struct answer *a, const char *name,
		       const char *value)
{
	return has_header(a, name) || MHD_add_response_header(response, name, value) == MHD_YES;
}

static bool add_headers(const struct exchange *x, struct MHD_Response *response,
			unsigned int status, const struct answer *a)
{
	for (size_t i = 0; i < a->n_headers; i++)
		if (MHD_add_response_header(response, a->headers[i].name, a->headers[i].value) !=
		    MHD_YES)
			return false;
	for (size_t i = 0; i < ARRAY_SIZE(fixed_headers); i++)
		if (!add_header(response, a, fixed_headers[i].name, fixed_headers[i].value))
			return false;
	if (x->front->has_tls &&
	    !add_header(response, a, "Strict-Transport-Security", "max-age=31536000"))
		return false;
	if (status == MHD_HTTP_UNAUTHORIZED &&
	    !add_header(response, a, MHD_HTTP_HEADER_WWW_AUTHENTICATE,
			"Bearer realm=\"onboard-service\""))
		return false;
	if (status == MHD_HTTP_SERVICE_UNAVAILABLE &&
	    !add_header(response, a, MHD_HTTP_HEADER_RETRY_AFTER, "1"))
		return false;
	return !a->type || add_header(response, a, MHD_HTTP_HEADER_CONTENT_TYPE, a->type);
}

static ssize_t on_stream(void *cls, uint64_t position, char *buf, size_t max)
{
	struct exchange *x = cls;
	ssize_t n;

	(void)position;
	n = x->stream.read(x->stream.data, buf, max);
	if (n < 0)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (n == 0) {
		x->is_aside = true;
		MHD_suspend_connection(x->connection);
	}
	return n;
}

/* JSON becomes text. False when there is no memory for it. */
static bool write_out(unsigned int status, struct answer *a)
{
	if (!a->json)
		return true;
	a->text = json_dumps(a->json, JSON_COMPACT);
	if (!a->text)
		return false;
	a->len = strlen(a->text);
	a->type = status >= 400 ? "application/problem+json" : "application/json";
	return true;
}

static struct MHD_Response *response_make(struct exchange *x, struct answer *a)
{
	struct MHD_Response *response;

	if (a->stream.read) {
		x->stream = a->stream;
		memset(&a->stream, 0, sizeof(a->stream));
		return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, on_stream,
							 x, NULL);
	}
	if (!a->text)
		return MHD_create_response_from_buffer(a->len, (void *)(uintptr_t)a->bytes,
						       MHD_RESPMEM_PERSISTENT);
	response = MHD_create_response_from_buffer(a->len, a->text, MHD_RESPMEM_MUST_FREE);
	if (response)
		a->text = NULL;
	return response;
}

enum MHD_Result owner_answer(struct exchange *x, unsigned int status, struct answer *a)
{
	struct MHD_Response *response;
	enum MHD_Result r = MHD_NO;

	if (!write_out(status, a))
		status = MHD_HTTP_INTERNAL_SERVER_ERROR;
	metrics_owner_request(x->front->config.metrics, status);
	response = response_make(x, a);
	if (response) {
		if (add_headers(x, response, status, a))
			r = MHD_queue_response(x->connection, status, response);
		MHD_destroy_response(response);
	}
	answer_done(a);
	return r;
}
