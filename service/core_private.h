/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files that implement core.h share. */

#include <jansson.h>

#include "service/ca.h"
#include "service/core_owner.h"
#include "service/limits.h"
#include "service/metrics.h"
#include "service/store.h"

/* The revocation list of a moment ago. */
struct crl_cache {
	uint8_t *der; /* owned; NULL: none */
	size_t len;
	int64_t made_at;
};
void crl_cache_done(struct crl_cache *cache);

struct core {
	struct service_store *store;  /* borrowed */
	struct crypto_makers *makers; /* borrowed; NULL: only what was imported is known */
	char *ca_dir;                 /* owned */
	char *cloud_ca;               /* owned; PEM that devices need to trust the cloud */
	json_t *builtin_commands;     /* owned; of the built-in rule, made when it is needed */
	struct ca *ca;                /* owned; NULL until a certificate is needed */
	uint32_t cloud_tag;
	unsigned int clock_skew_s;
	int64_t audit_keep_s;  /* 0: for ever */
	struct limits *limits; /* owned */
	char *crl_url;         /* owned; NULL: certificates name none */
	struct crl_cache crl;
	struct metrics *metrics; /* borrowed; NULL: nobody counts */
	bool is_stopping;
};

/* The CA, opened or made at the first call. Failures are logged here. */
int core_ca(struct core *c, struct ca **ret) _must_check_;

/* For log lines. */
#define TRACE_OR_NONE(trace) ((trace)[0] ? (trace) : "-")

/* Logs our own failure and answers for it. */
enum core_verdict core_fail(int r, const char *what, const char *device);
unsigned int core_fail_http(int r, const char *what, json_t **ret);

/* What o changed, in the transaction that changes it. detail: an object without secrets, taken
 * over, or NULL. */
int core_audit(struct core *c, const struct core_owner *o, const char *action, const char *object,
	       json_t *detail) _must_check_;
/* Who sits at this machine, for the log: "cli:<login>". */
void core_at_the_console(const char *team, struct core_owner *ret);
/* The same in another team's log. */
int core_audit_for(struct core *c, const struct core_owner *o, const char *team, const char *action,
		   const char *object, json_t *detail) _must_check_;
/* What happened to a device, in the transaction that makes it happen. trace: "" or NULL when no
 * cycle did it. detail is taken over. Kinds: docs/rest-api.md. */
int core_event(struct core *c, const char *team, const char *device, const char *kind,
	       const char *trace, json_t *detail) _must_check_;

/* Default deny: 0 when the role of o allows it, else the status of the problem in *ret. */
unsigned int core_need_read(const struct core_owner *o, json_t **ret) _must_check_;
unsigned int core_need_write(const struct core_owner *o, json_t **ret) _must_check_;
unsigned int core_need_admin(const struct core_owner *o, json_t **ret) _must_check_;
/* The device when o's team claimed it; 0, or the status of the problem in *ret. */
unsigned int core_owned_device(struct core *c, const struct core_owner *o, const char *device,
			       struct store_device *ret_row, json_t **ret) _must_check_;

/* The end of a list that was read into items, with the result r: 200 with {"items": items} in *ret,
 * or the status of the problem there. */
unsigned int core_items(int r, json_t *items, const char *what, json_t **ret) _must_check_;

/* Text formatted into *ret, NULL when there is no memory for it. */
void core_detail(char **ret, const char *format, ...) _printf_(2, 3);
/* A random UUID (RFC 9562 §5.4). */
void core_uuid(char ret[static CORE_UUID_TEXT]);
/* The lower-case form. -EINVAL. */
int core_uuid_normal(const char *text, char ret[static CORE_UUID_TEXT]) _must_check_;

/* A JSON string of any bytes: what is not UTF-8 becomes '?'. */
json_t *core_json_text(const char *text);
/* RFC 3339 in UTC; JSON null for 0. */
json_t *core_json_time(int64_t seconds);
/* The same of milliseconds. */
json_t *core_json_time_ms(int64_t milliseconds);
/* Stored JSON; -EBADMSG when it is none. */
int core_json_load(const char *text, json_t **ret) _must_check_;

#define TAGS_MAX 16
#define TAG_MAX 64
/* An array of at most TAGS_MAX tags: letters, digits and -_.: only. NULL and a detail when not. A
 * new reference without repetitions. */
json_t *core_tags(const json_t *value, char **ret_detail);
/* One tag. */
bool core_tag_is_valid(const char *tag, size_t len);
/* A text of min to max bytes: 0, or the status of the problem in *ret, which names it. */
unsigned int core_need_text(const json_t *value, const char *name, size_t min, size_t max,
			    json_t **ret) _must_check_;
/* A role. */
unsigned int core_need_role(const json_t *value, json_t **ret) _must_check_;
/* Nothing in the object but these members, up to NULL: 0, or the status of the problem in *ret. */
unsigned int core_need_members(const json_t *object, const char *const *names,
			       json_t **ret) _must_check_;
bool core_has_tag(const json_t *tags, const char *tag);
