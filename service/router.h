/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The table of what is asked over HTTP: method, path pattern, least role, what a request may carry,
 * what to call. Pure: finds the row for a request and takes the parameters out of its path and its
 * query. What no row names does not exist, and what a row does not name may not be sent. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/limits.h"
#include "service/core.h"
#include "service/exchange.h"

struct device_http;
struct portal;

enum router_role {
	ROLE_NONE, /* a role that we do not know may do nothing */
	ROLE_VIEWER,
	ROLE_EDITOR,
	ROLE_ADMIN,
	ROLE_PUBLIC, /* of a row: whoever asks; nobody has it */
	ROLE_DEVICE, /* of a row: a device that shows its token; no owner has it */
};

enum router_role router_role_parse(const char *text);

#define ROUTER_TAG_MAX 64
#define ROUTER_SERIAL_MAX 40

struct router_params {
	char device[CORE_UUID_TEXT];        /* {id}: lower-case UUID */
	char command[CORRELATION_MAX + 1];  /* {cmdId} */
	char rule[ROUTER_TAG_MAX + 1];      /* {ruleId}: a UUID, or the name of a built-in one */
	char key[CORE_UUID_TEXT];           /* {keyId} */
	char user[CORE_UUID_TEXT];          /* {userId} */
	char request[CORE_UUID_TEXT];       /* {requestId} */
	char tenant[CORE_UUID_TEXT];        /* {tenantId} */
	char tag[ROUTER_TAG_MAX + 1];       /* {tag} */
	char serial[ROUTER_SERIAL_MAX + 1]; /* {serial}: lower-case hex */
};

/* Parameters of queries, and their names in a URL. */
enum router_query {
	QUERY_PAGE_LIMIT, /* pageLimit */
	QUERY_PAGE_TOKEN, /* pageNextToken */
	QUERY_SEARCH,     /* search */
	QUERY_TAG,        /* tag */
	QUERY_STATUS,     /* status */
	QUERY_AFTER,      /* after */
	/* of devices */
	QUERY_RX_MAX, /* rxMaxSize */
	QUERY_TX_MAX, /* txMaxSize */
	QUERY_LIMIT,  /* limit */
	QUERY_DELTA,  /* delta */
	QUERY_MVER,   /* mver, cver, dver: versions, which nobody reads */
	QUERY_CVER,
	QUERY_DVER,
	QUERY_N,
};

#define QUERY(q) (1U << (q))
#define QUERY_PAGE (QUERY(QUERY_PAGE_LIMIT) | QUERY(QUERY_PAGE_TOKEN))
#define ROUTER_QUERY_TEXT_MAX 512

/* QUERY_N for a name that is none. */
enum router_query router_query_parse(const char *name);
const char *router_query_name(enum router_query q);
/* Undoes percent-encoding ('+' is a blank) in place. False when it is broken, holds a NUL, is not
 * UTF-8, or is too long. */
bool router_query_decode(char *text) _must_check_;

enum router_body {
	BODY_NONE = 0, /* one that comes is read and dropped */
	BODY_JSON = 1 << 0,
	BODY_CSV = 1 << 1,    /* text/csv */
	BODY_OCTETS = 1 << 2, /* application/octet-stream, text/plain */
	BODY_OPTIONAL = 1 << 3,
	BODY_ANY_JSON = 1 << 4, /* with BODY_JSON: not only objects */
	BODY_CBOR = 1 << 5,     /* application/cbor */
};

struct router_call {
	struct core *core;
	struct portal *portal; /* NULL: none */
	struct exchange *exchange;
	struct device_http *devices;    /* what answers ROLE_DEVICE */
	const struct core_owner *owner; /* of rows for nobody or devices: none, with an address */
	const struct router_params *params;
	char *const *query;    /* [QUERY_N]: decoded text, or NULL */
	enum router_body kind; /* which body came: one of the row's kinds, or BODY_NONE */
	const json_t *body;    /* of BODY_JSON */
	const char *bytes;     /* as they came */
	size_t len;
};

struct router_route {
	const char *method;
	const char *pattern; /* segments in braces are parameters */
	enum router_role role;
	unsigned int body;  /* enum router_body */
	size_t body_max;    /* of the kinds that are not JSON; 0: as JSON */
	unsigned int query; /* QUERY(): what may be asked */
	/* The HTTP status, or EXCHANGE_LATER. */
	unsigned int (*run)(const struct router_call *call, struct answer *ret);
};

struct router {
	const struct router_route *routes;
	size_t n;
};

#define ROUTER_ALLOW_MAX 64

enum router_verdict {
	ROUTER_FOUND,
	ROUTER_NO_PATH,       /* 404 */
	ROUTER_NO_METHOD,     /* 405, ret_allow names the methods */
	ROUTER_BAD_PARAMETER, /* 400: {id} is not a UUID, {cmdId} not an id, ... */
};

/* path is what the client sent, undecoded, without its query. ret_route is set for FOUND and
 * BAD_PARAMETER. */
enum router_verdict router_find(const struct router *router, const char *method, const char *path,
				const struct router_route **ret_route,
				struct router_params *ret_params,
				char ret_allow[static ROUTER_ALLOW_MAX]);
