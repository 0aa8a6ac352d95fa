/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/at.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* Where the quoted string that starts at text ends: its closing quote, or NULL. */
static const char *closing_quote(const char *text)
{
	for (const char *at = strchr(text, '"'); at; at = strchr(at + 1, '"')) {
		if (at[1] == ',' || at[1] == '\0')
			return at;
	}
	return NULL;
}

/* Reads the field at text and sets *ret_end to the comma or NUL behind it. */
static int field_parse(const char *text, struct at_field *ret, const char **ret_end)
{
	const char *end = text + strcspn(text, ",");
	uint64_t number;

	if (*text == '"') {
		const char *quote = closing_quote(text + 1);

		if (!quote)
			return AT_E_SYNTAX;
		*ret = (struct at_field){
			.kind = AT_STRING, .text = text + 1, .len = (size_t)(quote - text) - 1};
		*ret_end = quote + 1;
		return 0;
	}
	if (end == text) {
		*ret = (struct at_field){.kind = AT_ABSENT};
	} else {
		if (decimal_parse(text, (size_t)(end - text), UINT32_MAX, &number) < 0)
			return AT_E_SYNTAX;
		*ret = (struct at_field){.kind = AT_NUMBER, .number = (uint32_t)number};
	}
	*ret_end = end;
	return 0;
}

int at_parse(const char *parameters, struct at_fields *ret)
{
	struct at_fields fields = {.n = 0};
	const char *at = parameters;

	if (strnlen(parameters, AT_PARAMETERS_MAX + 1) > AT_PARAMETERS_MAX)
		return AT_E_SYNTAX;
	if (*at == '\0') {
		*ret = fields;
		return 0;
	}
	for (;;) {
		if (fields.n == AT_FIELDS_MAX || field_parse(at, &fields.items[fields.n], &at) != 0)
			return AT_E_SYNTAX;
		fields.n++;
		if (*at == '\0')
			break;
		at++;
	}
	*ret = fields;
	return 0;
}

int at_format_cme(enum at_cme cme, char *ret, size_t size)
{
	char text[sizeof("+CME ERROR: 4294967295\r\n")];
	const int len = snprintf(text, sizeof(text), "+CME ERROR: %u\r\n", (unsigned int)cme);

	if ((size_t)len >= size)
		return -ENOBUFS;
	memcpy(ret, text, (size_t)len + 1);
	return 0;
}

int at_format_value(const char *verb, const char *text, char *ret, size_t size)
{
	static const char format[] = "%s: \"%s\"\r\nOK\r\n";
	const size_t len = strlen(verb) + strlen(text) + strlen(": \"\"\r\nOK\r\n");

	if (len >= size)
		return -ENOBUFS;
	snprintf(ret, size, format, verb, text);
	return 0;
}
