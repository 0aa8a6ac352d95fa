/* SPDX-License-Identifier: Apache-2.0 */
#include "service/router.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum router_role router_role_parse(const char *text)
{
	static const struct {
		const char *text;
		enum router_role role;
	} roles[] = {
		{"viewer", ROLE_VIEWER},
		{"editor", ROLE_EDITOR},
		{"admin", ROLE_ADMIN},
	};

	for (size_t i = 0; i < ARRAY_SIZE(roles); i++)
		if (strcmp(roles[i].text, text) == 0)
			return roles[i].role;
	return ROLE_NONE;
}

static const char *const query_names[QUERY_N] = {
	[QUERY_PAGE_LIMIT] = "pageLimit",
	[QUERY_PAGE_TOKEN] = "pageNextToken",
	[QUERY_SEARCH] = "search",
	[QUERY_TAG] = "tag",
	[QUERY_STATUS] = "status",
	[QUERY_AFTER] = "after",
	[QUERY_RX_MAX] = "rxMaxSize",
	[QUERY_TX_MAX] = "txMaxSize",
	[QUERY_LIMIT] = "limit",
	[QUERY_DELTA] = "delta",
	[QUERY_MVER] = "mver",
	[QUERY_CVER] = "cver",
	[QUERY_DVER] = "dver",
};

enum router_query router_query_parse(const char *name)
{
	size_t i;

	for (i = 0; i < QUERY_N; i++)
		if (strcmp(query_names[i], name) == 0)
			break;
	return (enum router_query)i;
}

const char *router_query_name(enum router_query q)
{
	return query_names[q];
}

/* Undoes percent-encoding in place; the length, or -1 when it is broken or holds a NUL. */
static ssize_t percent_decode(char *text, size_t len, bool plus_is_blank)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		uint8_t byte = (uint8_t)text[i];

		if (text[i] == '%') {
			if (len - i < 3 || hex_decode(text + i + 1, 2, &byte, 1) < 0)
				return -1;
			i += 2;
		} else if (text[i] == '+' && plus_is_blank) {
			byte = ' ';
		}
		if (byte == '\0')
			return -1;
		text[n++] = (char)byte;
	}
	return (ssize_t)n;
}

bool router_query_decode(char *text)
{
	ssize_t len = percent_decode(text, strlen(text), true);
	size_t at = 0, n;
	uint32_t point;

	if (len < 0 || len > ROUTER_QUERY_TEXT_MAX)
		return false;
	text[len] = '\0';
	while (at < (size_t)len) {
		n = utf8_char(text + at, (size_t)len - at, &point);
		if (n == 0)
			return false;
		at += n;
	}
	return true;
}

/* ---- parameters of paths ---- */

static bool is_word(const char *text, size_t len, const char *others)
{
	for (size_t i = 0; i < len; i++)
		if (!isascii(text[i]) || !text[i] ||
		    (!isalnum(text[i]) && !strchr(others, text[i])))
			return false;
	return len > 0;
}

static bool take_word(const char *segment, size_t len, const char *others, char *ret, size_t max)
{
	if (len > max || !is_word(segment, len, others))
		return false;
	memcpy(ret, segment, len);
	ret[len] = '\0';
	return true;
}

static bool take_uuid(const char *segment, size_t len, char ret[static CORE_UUID_TEXT])
{
	uint8_t uuid[UUID_LEN];

	if (uuid_parse(segment, len, uuid) < 0)
		return false;
	uuid_format(uuid, ret);
	return true;
}

static bool take_device(const char *segment, size_t len, struct router_params *params)
{
	return take_uuid(segment, len, params->device);
}

static bool take_command(const char *segment, size_t len, struct router_params *params)
{
	return take_word(segment, len, ".-_", params->command, CORRELATION_MAX);
}

static bool take_rule(const char *segment, size_t len, struct router_params *params)
{
	return take_uuid(segment, len, params->rule) ||
	       take_word(segment, len, "-", params->rule, ROUTER_TAG_MAX);
}

static bool take_key(const char *segment, size_t len, struct router_params *params)
{
	return take_uuid(segment, len, params->key);
}

static bool take_user(const char *segment, size_t len, struct router_params *params)
{
	return take_uuid(segment, len, params->user);
}

static bool take_request(const char *segment, size_t len, struct router_params *params)
{
	return take_uuid(segment, len, params->request);
}

static bool take_tenant(const char *segment, size_t len, struct router_params *params)
{
	return take_uuid(segment, len, params->tenant);
}

/* The only parameter that clients encode: a tag may have a colon. */
static bool take_tag(const char *segment, size_t len, struct router_params *params)
{
	char text[3 * ROUTER_TAG_MAX];
	ssize_t n;

	if (len > sizeof(text))
		return false;
	memcpy(text, segment, len);
	n = percent_decode(text, len, false);
	return n >= 0 && take_word(text, (size_t)n, "-_.:", params->tag, ROUTER_TAG_MAX);
}

static bool take_serial(const char *segment, size_t len, struct router_params *params)
{
	if (!take_word(segment, len, "", params->serial, ROUTER_SERIAL_MAX))
		return false;
	for (char *p = params->serial; *p; p++) {
		*p = (char)tolower(*p);
		if (!isxdigit(*p))
			return false;
	}
	return true;
}

static const struct {
	const char *name;
	bool (*take)(const char *segment, size_t len, struct router_params *params);
} parameters[] = {
	{"{id}", take_device},     {"{cmdId}", take_command},     {"{ruleId}", take_rule},
	{"{keyId}", take_key},     {"{userId}", take_user},       {"{tag}", take_tag},
	{"{serial}", take_serial}, {"{requestId}", take_request}, {"{tenantId}", take_tenant},
};

static bool is_segment(const char *segment, size_t len, const char *text)
{
	return len == strlen(text) && memcmp(segment, text, len) == 0;
}

/* Whether a segment of a path fits one of a pattern; *ret_ok is false when it is a parameter, but
 * not what that must be. */
static bool segment_matches(const char *pattern, size_t pattern_len, const char *segment,
			    size_t len, struct router_params *params, bool *ret_ok)
{
	/* A parameter that is empty is none: such a path is another one, and does not exist. */
	for (size_t i = 0; i < ARRAY_SIZE(parameters) && len > 0; i++)
		if (is_segment(pattern, pattern_len, parameters[i].name)) {
			if (!parameters[i].take(segment, len, params))
				*ret_ok = false;
			return true;
		}
	return pattern_len == len && memcmp(pattern, segment, len) == 0;
}

static bool path_matches(const char *pattern, const char *path, struct router_params *params,
			 bool *ret_ok)
{
	*ret_ok = true;
	for (;;) {
		size_t p = strcspn(pattern, "/"), n = strcspn(path, "/");

		if (!segment_matches(pattern, p, path, n, params, ret_ok))
			return false;
		pattern += p;
		path += n;
		if (!*pattern || !*path)
			return *pattern == *path;
		pattern++;
		path++;
	}
}

enum router_verdict router_find(const struct router *router, const char *method, const char *path,
				const struct router_route **ret_route,
				struct router_params *ret_params,
				char ret_allow[static ROUTER_ALLOW_MAX])
{
	size_t allow_len = 0;

	for (size_t i = 0; i < router->n; i++) {
		const struct router_route *route = &router->routes[i];
		struct router_params params = {0};
		bool ok;

		if (!path_matches(route->pattern, path, &params, &ok))
			continue;
		if (strcmp(route->method, method) == 0) {
			*ret_route = route;
			*ret_params = params;
			return ok ? ROUTER_FOUND : ROUTER_BAD_PARAMETER;
		}
		allow_len += (size_t)snprintf(ret_allow + allow_len, ROUTER_ALLOW_MAX - allow_len,
					      "%s%s", allow_len > 0 ? ", " : "", route->method);
	}
	return allow_len > 0 ? ROUTER_NO_METHOD : ROUTER_NO_PATH;
}
