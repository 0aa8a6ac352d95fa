/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "service/core_private.h"

static const char *status_title(unsigned int status)
{
	switch (status) {
	case 400:
		return "Bad Request";
	case 401:
		return "Unauthorized";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 406:
		return "Not Acceptable";
	case 409:
		return "Conflict";
	case 413:
		return "Content Too Large";
	case 415:
		return "Unsupported Media Type";
	case 422:
		return "Unprocessable Content";
	case 429:
		return "Too Many Requests";
	case 503:
		return "Service Unavailable";
	default:
		return status < 500 ? "Request Refused" : "Internal Server Error";
	}
}

unsigned int core_problem(unsigned int status, json_t **ret, const char *detail_format, ...)
{
	_cleanup_(freep) char *detail = NULL;
	va_list ap;

	va_start(ap, detail_format);
	if (vasprintf(&detail, detail_format, ap) < 0)
		detail = NULL;
	va_end(ap);
	/* RFC 9457 §4.2.1: about:blank says that the status is all there is to the type. */
	*ret = json_pack("{s:s, s:s, s:i, s:o}", "type", "about:blank", "title",
			 status_title(status), "status", (int)status, "detail",
			 core_json_text(detail ? detail : ""));
	return status;
}

unsigned int core_fail_http(int r, const char *what, json_t **ret)
{
	log_error("%s: %s", what, strerror(-r));
	if (r == -EBUSY)
		return core_problem(503, ret, "the store is busy: try again");
	return core_problem(500, ret, "the service failed; its log says why");
}

enum core_verdict core_fail(int r, const char *what, const char *device)
{
	log_error("device=%s %s: %s", device, what, strerror(-r));
	return r == -EBUSY ? CORE_AWAY : CORE_FAILED;
}

/* Roles in their order; 0 is none. */
static unsigned int rank(const char *role)
{
	static const char *const roles[] = {"viewer", "editor", "admin"};

	for (unsigned int i = 0; i < ARRAY_SIZE(roles); i++)
		if (strcmp(role, roles[i]) == 0)
			return i + 1;
	return 0;
}

static unsigned int need(const struct core_owner *o, const char *role, json_t **ret)
{
	if (rank(o->role) >= rank(role))
		return 0;
	return core_problem(403, ret, "the role %.16s may not do this: ask somebody who is %s",
			    o->role, role);
}

unsigned int core_need_read(const struct core_owner *o, json_t **ret)
{
	return need(o, "viewer", ret);
}

unsigned int core_need_write(const struct core_owner *o, json_t **ret)
{
	return need(o, "editor", ret);
}

unsigned int core_need_admin(const struct core_owner *o, json_t **ret)
{
	return need(o, "admin", ret);
}

unsigned int core_need_text(const json_t *value, const char *name, size_t min, size_t max,
			    json_t **ret)
{
	size_t len = json_string_length(value);

	if (json_is_string(value) && len >= min && len <= max)
		return 0;
	return core_problem(422, ret, "%s must be a text of %zu to %zu bytes", name, min, max);
}

unsigned int core_need_members(const json_t *object, const char *const *names, json_t **ret)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)object, key, value)
	{
		size_t i = 0;

		while (names[i] && strcmp(names[i], key) != 0)
			i++;
		if (!names[i])
			return core_problem(422, ret, "there is no \"%.40s\" here", key);
	}
	return 0;
}
