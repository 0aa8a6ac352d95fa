/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/twin.h"

#include <string.h>
#include <strings.h>

#include "base/macros.h"

#define GET 1
#define POST 2
#define PATCH 6
#define CODE(class, detail) ((uint8_t)((class) << 5 | (detail)))

/* The two that nRF Cloud has are its own; the others are ours. */
static const struct twin twins[] = {
	{POST, "p/auth-jwt", "POST", "/v1/provisioning/auth-jwt", false, true},
	{GET, "p/cmd", "GET", "/v1/provisioning/commands", false, false},
	{POST, "p/rsp", "POST", "/v1/provisioning/response", false, false},
	{POST, "auth/jwt", "POST", "/v1/device/auth/jwt", true, true},
	{GET, "state", "GET", "/v1/device/state", true, false},
	{PATCH, "state/reported", "PATCH", "/v1/device/state/reported", true, false},
	{PATCH, "state/desired", "PATCH", "/v1/device/state/desired", true, false},
};

const struct twin *twin_find(uint8_t method, const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(twins); i++)
		if (twins[i].method == method && strcmp(twins[i].path, path) == 0)
			return &twins[i];
	return NULL;
}

const struct twin *twin_find_http(const char *method, const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(twins); i++)
		if (strcmp(twins[i].http_method, method) == 0 &&
		    strcmp(twins[i].http_path, path) == 0)
			return &twins[i];
	return NULL;
}

const struct twin *twin_login(bool is_cloud)
{
	return is_cloud ? twin_find(POST, "auth/jwt") : twin_find(POST, "p/auth-jwt");
}

static const struct {
	uint8_t code;
	unsigned int status;
} failures[] = {
	{CODE(4, 0), 400},  {CODE(4, 1), 401},  {CODE(4, 3), 403}, {CODE(4, 4), 404},
	{CODE(4, 5), 405},  {CODE(4, 6), 406},  {CODE(4, 8), 408}, {CODE(4, 13), 413},
	{CODE(4, 15), 415}, {CODE(4, 29), 429}, {CODE(5, 0), 500}, {CODE(5, 2), 502},
	{CODE(5, 3), 503},  {CODE(5, 4), 504},
};

unsigned int twin_status(uint8_t code, bool has_body)
{
	if (code == CODE(2, 1))
		return 201;
	if (code == CODE(2, 5) && !has_body)
		return 204;
	if (code >> 5 == 2)
		return 200;
	for (size_t i = 0; i < ARRAY_SIZE(failures); i++)
		if (failures[i].code == code)
			return failures[i].status;
	return code >> 5 == 4 ? 400 : 500;
}

static uint8_t failure_code(unsigned int status)
{
	for (size_t i = 0; i < ARRAY_SIZE(failures); i++)
		if (failures[i].status == status)
			return failures[i].code;
	if (status >= 400 && status < 500)
		return CODE(4, 0);
	return status >= 500 && status < 600 ? CODE(5, 0) : 0;
}

uint8_t twin_code(const struct twin *t, unsigned int status)
{
	if (t->is_login && status == 201)
		return CODE(2, 1);
	if (t->method == GET && (status == 200 || status == 204))
		return CODE(2, 5);
	if (!t->is_login && t->method != GET && (status == 200 || status == 204))
		return CODE(2, 4);
	if (!t->is_login && status == 403)
		return CODE(4, 1);
	return failure_code(status);
}

static const struct {
	int format;
	const char *type;
} types[] = {{0, "text/plain"}, {50, "application/json"}, {60, "application/cbor"}};

const char *twin_media_type(int format)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].format == format)
			return types[i].type;
	return NULL;
}

int twin_format(const char *media_type)
{
	size_t len = strcspn(media_type, "; \t");

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (strlen(types[i].type) == len &&
		    strncasecmp(types[i].type, media_type, len) == 0)
			return types[i].format;
	return -1;
}
