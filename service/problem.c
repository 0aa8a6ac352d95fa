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

unsigned int core_need_read(const struct core_owner *o, json_t **ret)
{
	if (strcmp(o->role, "viewer") == 0)
		return 0;
	return core_need_write(o, ret);
}

unsigned int core_need_write(const struct core_owner *o, json_t **ret)
{
	if (strcmp(o->role, "editor") == 0 || strcmp(o->role, "admin") == 0)
		return 0;
	return core_problem(403, ret,
			    "this API key has the role %.16s, which may not do this: "
			    "use a key of an editor or admin",
			    o->role);
}
