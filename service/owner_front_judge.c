/* SPDX-License-Identifier: Apache-2.0 */

/* What the headers of a request are enough to refuse: unknown paths, methods, askers, roles,
 * parameters, media types, and bodies that say how large they will be. */

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "service/owner_front_private.h"

#define API_KEY_MAX 128

static unsigned int refuse(struct answer *ret, unsigned int status, const char *detail)
{
	return core_problem(status, &ret->json, "%s", detail);
}

/* ---- what there is ---- */

static bool is_below(const char *path, const char *prefix)
{
	return strncmp(path, prefix, strlen(prefix)) == 0;
}

static const struct owner_front_tree *find_tree(const struct exchange *x)
{
	const struct owner_front_tree *trees = x->front->config.trees;

	for (size_t i = 0; i < OWNER_FRONT_TREES_MAX && trees[i].prefix; i++)
		if (is_below(x->path, trees[i].prefix))
			return &trees[i];
	return NULL;
}

static unsigned int find(struct exchange *x, enum router_verdict *ret_found, struct answer *ret)
{
	char allow[ROUTER_ALLOW_MAX] = "";

	*ret_found = router_find(x->front->config.router, x->method, x->path, &x->route, &x->params,
				 allow);
	if (*ret_found == ROUTER_NO_PATH) {
		x->tree = find_tree(x);
		if (!x->tree)
			return refuse(ret, 404, "no such resource");
		if (strcmp(x->method, "GET") == 0)
			return 0;
		*ret_found = ROUTER_NO_METHOD;
		memcpy(allow, "GET", sizeof("GET"));
	}
	if (*ret_found != ROUTER_NO_METHOD)
		return 0;
	if (!answer_header(ret, "Allow", "%s", allow))
		return refuse(ret, 500, "no memory");
	return refuse(ret, 405, "this resource does not know the method");
}

/* ---- who asks ---- */

static unsigned int identify_by_key(struct exchange *x, struct answer *ret)
{
	static const char how[] = "send \"Authorization: Bearer\" with a valid API key";
	const char *key = exchange_bearer(x);
	enum core_verdict verdict;

	if (!key || !*key || strlen(key) > API_KEY_MAX)
		return refuse(ret, 401, how);
	verdict = core_owner_of_key(x->front->core, key, &x->owner);
	if (verdict == CORE_FAILED)
		return refuse(ret, 500, "the API key cannot be checked now");
	return verdict == CORE_OK ? 0 : refuse(ret, 401, how);
}

static unsigned int identify(struct exchange *x, struct answer *ret)
{
	const struct owner_front_config *config = &x->front->config;
	unsigned int status;

	if (!config->identify || exchange_header(x, MHD_HTTP_HEADER_AUTHORIZATION))
		status = identify_by_key(x, ret);
	else
		status = config->identify(config->portal, x, &x->owner, ret);
	memcpy(x->owner.address, x->address, sizeof(x->owner.address));
	if (status)
		return status;
	if (x->route->role == ROLE_NONE || router_role_parse(x->owner.role) < x->route->role)
		return refuse(ret, 403, "your role does not allow it");
	return 0;
}

/* ---- the query ---- */

struct query_walk {
	struct exchange *x;
	unsigned int status;
	struct answer *ret;
};

static enum MHD_Result on_query(void *cls, enum MHD_ValueKind kind, const char *name,
				const char *value)
{
	struct query_walk *w = cls;
	enum router_query q = router_query_parse(name);
	char **place;

	(void)kind;
	if (q == QUERY_N || !(w->x->route->query & QUERY(q))) {
		w->status = core_problem(400, &w->ret->json,
					 "this resource does not know the query parameter "
					 "\"%.40s\"",
					 name);
		return MHD_NO;
	}
	place = &w->x->query[q];
	if (*place) {
		w->status = core_problem(400, &w->ret->json,
					 "the query parameter \"%s\" is given twice", name);
		return MHD_NO;
	}
	*place = strdup(value ? value : "");
	if (!*place) {
		w->status = refuse(w->ret, 500, "no memory");
		return MHD_NO;
	}
	if (!router_query_decode(*place)) {
		w->status = core_problem(400, &w->ret->json,
					 "the query parameter \"%s\" is not percent-encoded UTF-8 "
					 "of at most %d bytes",
					 name, ROUTER_QUERY_TEXT_MAX);
		return MHD_NO;
	}
	return MHD_YES;
}

static unsigned int read_query(struct exchange *x, struct answer *ret)
{
	struct query_walk w = {.x = x, .ret = ret};

	MHD_get_connection_values(x->connection, MHD_GET_ARGUMENT_KIND, on_query, &w);
	return w.status;
}

/* ---- the body to come ---- */

static const struct {
	enum router_body kind;
	const char *type, *method; /* method NULL: any */
} media_types[] = {
	{BODY_JSON, "application/json", NULL}, {BODY_JSON, "application/merge-patch+json", "PATCH"},
	{BODY_CSV, "text/csv", NULL},          {BODY_OCTETS, "application/octet-stream", NULL},
	{BODY_OCTETS, "text/plain", NULL},     {BODY_CBOR, "application/cbor", NULL},
};

/* The media type alone decides; parameters such as charset are allowed. */
static bool is_media_type(const char *value, const char *type)
{
	size_t len = strlen(type);

	return strncasecmp(value, type, len) == 0 &&
	       (value[len] == '\0' || value[len] == ';' || value[len] == ' ');
}

static enum router_body body_kind(const struct exchange *x)
{
	const char *type = exchange_header(x, MHD_HTTP_HEADER_CONTENT_TYPE);

	/* nRF Cloud's own tool for lists of claims writes the header's name this way. */
	if (!type)
		type = exchange_header(x, "contentType");
	for (size_t i = 0; type && i < ARRAY_SIZE(media_types); i++)
		if ((x->route->body & media_types[i].kind) &&
		    (!media_types[i].method || strcmp(media_types[i].method, x->method) == 0) &&
		    is_media_type(type, media_types[i].type))
			return media_types[i].kind;
	return BODY_NONE;
}

static bool announces_body(const struct exchange *x, unsigned long long *ret_len)
{
	const char *length = exchange_header(x, MHD_HTTP_HEADER_CONTENT_LENGTH);

	*ret_len = length ? strtoull(length, NULL, 10) : 0;
	return *ret_len > 0 || exchange_header(x, MHD_HTTP_HEADER_TRANSFER_ENCODING);
}

static const char *kinds_text(unsigned int kinds)
{
	if (kinds & BODY_CBOR)
		return kinds & BODY_JSON ? "the body must be application/cbor or application/json"
					 : "the body must be application/cbor";
	if ((kinds & BODY_JSON) && (kinds & BODY_CSV))
		return "the body must be application/json or text/csv";
	if (kinds & BODY_JSON)
		return "the body must be application/json";
	return "the body must be text/csv, text/plain or application/octet-stream";
}

static unsigned int judge_body(struct exchange *x, struct answer *ret)
{
	unsigned long long len;
	bool is_announced = announces_body(x, &len);

	x->max = x->front->config.max_body;
	if (x->route->body == BODY_NONE || ((x->route->body & BODY_OPTIONAL) && !is_announced)) {
		x->kind = BODY_NONE;
	} else {
		x->kind = body_kind(x);
		if (x->kind == BODY_NONE)
			return refuse(ret, 415, kinds_text(x->route->body));
		if (x->kind != BODY_JSON && x->route->body_max > 0)
			x->max = x->route->body_max;
	}
	if (len > x->max)
		return core_problem(413, &ret->json, "the body is larger than %zu bytes", x->max);
	return 0;
}

unsigned int owner_judge(struct exchange *x, struct answer *ret)
{
	const struct owner_front_config *config = &x->front->config;
	enum router_verdict found;
	unsigned int status;

	if (config->admit) {
		status = config->admit(config->portal, x, ret);
		if (status)
			return status;
	}
	status = find(x, &found, ret);
	if (status || x->tree)
		return status;
	if (x->route->role == ROLE_PUBLIC || x->route->role == ROLE_DEVICE)
		memcpy(x->owner.address, x->address, sizeof(x->owner.address));
	else
		status = identify(x, ret);
	/* The handler finds out which device it is; no key and no cookie makes one. */
	if (x->route->role == ROLE_DEVICE && !exchange_bearer(x))
		status = refuse(ret, 401, "send \"Authorization: Bearer\" with a device's token");
	if (status)
		return status;
	if (found == ROUTER_BAD_PARAMETER)
		return refuse(ret, 400,
			      "the path must name devices, keys and users by their UUID, commands, "
			      "rules, tags and certificates by their id");
	status = read_query(x, ret);
	return status ? status : judge_body(x, ret);
}
