/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of owner_front share. The types of libmicrohttpd end here. */

#include <microhttpd.h>
#include <systemd/sd-event.h>

#include "service/certfile.h"
#include "service/device_http.h"
#include "service/forwarded.h"
#include "service/metrics.h"
#include "service/owner_front.h"

#define OWNER_HELD_MAX ((size_t)64 << 20) /* bytes of bodies in memory at a time */
#define OWNER_BODY_TIME_MS 60000

struct owner_front {
	struct owner_front_config config; /* listen and the files' names are not kept */
	struct core *core;                /* borrowed */
	struct certfile cert;
	struct device_http devices;
	bool has_tls;
	uint16_t port;
	unsigned int per_address_max; /* connections */
	struct http_loop loop;
	sd_event *event;            /* borrowed */
	struct exchange *exchanges; /* all that are not over */
	size_t held;                /* bytes of their bodies */
};

/* One request, from its headers to the end of its answer. */
struct exchange {
	struct owner_front *front;
	struct exchange *next, *previous;
	struct MHD_Connection *connection;
	const char *method, *path; /* the library's, until the end */
	char address[CORE_ADDRESS_TEXT];

	const struct router_route *route;    /* NULL: tree */
	const struct owner_front_tree *tree; /* NULL: route */
	struct router_params params;
	char *query[QUERY_N]; /* owned */
	struct core_owner owner;

	enum router_body kind;
	uint64_t began_ms;
	char *body; /* owned */
	size_t len, size, max;
	unsigned int refusal; /* status when the body cannot be taken */

	/* put aside */
	struct exchange_job job;
	sd_event_source *slices;
	bool is_aside, is_answered;
	unsigned int status;
	struct answer answer;

	struct answer_stream stream; /* of the answer that is being sent */
};

/* owner_front_judge.c. Refuses what the headers alone are enough to refuse: 0 to go on, or a
 * status, with ret filled. */
unsigned int owner_judge(struct exchange *x, struct answer *ret);

/* owner_front_exchange.c */
struct exchange *owner_exchange_new(struct owner_front *f, struct MHD_Connection *connection,
				    const char *method, const char *path);
void owner_exchange_free(struct exchange *x);
/* The next bytes of the body. MHD_NO when they come too slowly: nothing but the end of the
 * connection ends them. */
enum MHD_Result owner_exchange_take(struct exchange *x, const char *data, size_t len);
/* It ends with this answer, whatever its body is. */
enum MHD_Result owner_exchange_refuse(struct exchange *x, unsigned int status, struct answer *a);
/* All of the body is here. */
enum MHD_Result owner_exchange_run(struct exchange *x);
/* Takes up what was put aside. */
void owner_exchange_resume(struct exchange *x);

/* owner_front_answer.c. Takes over what the answer owns. */
enum MHD_Result owner_answer(struct exchange *x, unsigned int status, struct answer *a);
