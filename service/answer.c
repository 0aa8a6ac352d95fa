/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/exchange.h"

void answer_done(struct answer *a)
{
	json_decref(TAKE_PTR(a->json));
	free(TAKE_PTR(a->text));
	if (a->stream.free)
		a->stream.free(a->stream.data);
	for (size_t i = 0; i < a->n_headers; i++)
		free(a->headers[i].value);
	memset(a, 0, sizeof(*a));
}

bool answer_header(struct answer *a, const char *name, const char *format, ...)
{
	struct answer_header *h = &a->headers[a->n_headers];
	va_list ap;
	int n;

	if (a->n_headers == ANSWER_HEADERS_MAX)
		return false;
	va_start(ap, format);
	n = vasprintf(&h->value, format, ap);
	va_end(ap);
	if (n < 0)
		return false;
	if (strpbrk(h->value, "\r\n")) {
		free(h->value);
		return false;
	}
	h->name = name;
	a->n_headers++;
	return true;
}
