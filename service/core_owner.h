/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What owners may ask of the service (docs/rest-api.md). Each call answers an HTTP status and a
 * JSON value (new reference, NULL for 204); errors are problem details (RFC 9457). Each checks the
 * role itself, whatever its caller checked. What a call changes is one transaction, with the row of
 * the audit log and the event that tell of it. */

#include "service/core.h"

/* Which part of a list: text as it came, or NULL. */
struct core_list {
	const char *limit, *token;         /* pageLimit, pageNextToken */
	const char *search, *tag, *status; /* of lists of devices */
};

/* ---- claims: claim.c, claim_list.c, transfer.c ---- */

unsigned int core_claim(struct core *c, const struct core_owner *o, const json_t *body,
			json_t **ret);
unsigned int core_claimed_list(struct core *c, const struct core_owner *o,
			       const struct core_list *list, json_t **ret);
unsigned int core_claimed_get(struct core *c, const struct core_owner *o, const char *device,
			      json_t **ret);
unsigned int core_unclaim(struct core *c, const struct core_owner *o, const char *device,
			  json_t **ret);
unsigned int core_transfer(struct core *c, const struct core_owner *o, const char *device,
			   const json_t *body, json_t **ret);

/* A list of rows that is worked off one by one, so that others are served meanwhile. */
struct core_rows;

/* Rows "<token>","<tag>|<tag>". csv is borrowed until the list is freed. 0, or the status of the
 * problem in *ret. */
unsigned int core_claim_rows(struct core *c, const struct core_owner *o, const char *csv,
			     size_t len, struct core_rows **ret_rows, json_t **ret);
/* Rows <id>,<subType>,<tag>|<tag>,<firmware types>,"<PEM of a public key or certificate>". */
unsigned int core_onboard_rows(struct core *c, const struct core_owner *o, const char *csv,
			       size_t len, struct core_rows **ret_rows, json_t **ret);
/* A little of the work: 0 when there is more, else the status of the whole. */
unsigned int core_rows_step(struct core_rows *rows, json_t **ret);
struct core_rows *core_rows_free(struct core_rows *rows);
/* What became of a list that was onboarded. base: "https://HOST:PORT" of this service, as the owner
 * calls it. */
unsigned int core_onboard_result(struct core *c, const struct core_owner *o, const char *request,
				 const char *base, json_t **ret);
/* Its errors, for whoever knows the request's id, which nobody can guess: nRF Cloud's clients send
 * no key for it. */
unsigned int core_onboard_errors(struct core *c, const char *team, const char *request,
				 json_t **ret);

/* ---- one device: device_change.c, timeline.c, commands.c ---- */

unsigned int core_device_change(struct core *c, const struct core_owner *o, const char *device,
				const json_t *body, json_t **ret);
unsigned int core_device_block(struct core *c, const struct core_owner *o, const char *device,
			       bool block, json_t **ret);
unsigned int core_device_reset(struct core *c, const struct core_owner *o, const char *device,
			       json_t **ret);
unsigned int core_timeline(struct core *c, const struct core_owner *o, const char *device,
			   const struct core_list *list, json_t **ret);
unsigned int core_command_add(struct core *c, const struct core_owner *o, const char *device,
			      const json_t *body, json_t **ret);
unsigned int core_command_list(struct core *c, const struct core_owner *o, const char *device,
			       json_t **ret);
unsigned int core_command_get(struct core *c, const struct core_owner *o, const char *device,
			      const char *command, json_t **ret);
unsigned int core_command_delete(struct core *c, const struct core_owner *o, const char *device,
				 const char *command, json_t **ret);

/* ---- devices as they are managed: devices.c, shadow.c ---- */

unsigned int core_device_list(struct core *c, const struct core_owner *o,
			      const struct core_list *list, json_t **ret);
unsigned int core_device_get(struct core *c, const struct core_owner *o, const char *device,
			     json_t **ret);
unsigned int core_device_state_get(struct core *c, const struct core_owner *o, const char *device,
				   json_t **ret);
unsigned int core_device_state_patch(struct core *c, const struct core_owner *o, const char *device,
				     const json_t *body, json_t **ret);

/* ---- certificates: certificates.c ---- */

/* The certificates that a device got from our CA; revoking one of them, for admins. body:
 * {"reason"?}. A repeat answers 200 and changes nothing. */
unsigned int core_certificate_list(struct core *c, const struct core_owner *o, const char *device,
				   json_t **ret);
unsigned int core_certificate_revoke(struct core *c, const struct core_owner *o, const char *device,
				     const char *serial, const json_t *body, json_t **ret);

/* ---- rules and tags: rules_owner.c, tags.c ---- */

unsigned int core_rule_add(struct core *c, const struct core_owner *o, const json_t *body,
			   json_t **ret);
unsigned int core_rule_list(struct core *c, const struct core_owner *o, json_t **ret);
unsigned int core_rule_get(struct core *c, const struct core_owner *o, const char *rule,
			   json_t **ret);
unsigned int core_rule_put(struct core *c, const struct core_owner *o, const char *rule,
			   const json_t *body, json_t **ret);
unsigned int core_rule_delete(struct core *c, const struct core_owner *o, const char *rule,
			      json_t **ret);
unsigned int core_tag_list(struct core *c, const struct core_owner *o, json_t **ret);
unsigned int core_tag_add(struct core *c, const struct core_owner *o, const json_t *body,
			  json_t **ret);
unsigned int core_tag_delete(struct core *c, const struct core_owner *o, const char *tag,
			     json_t **ret);

/* ---- the team: team.c, apikey.c, users.c, audit.c ---- */

unsigned int core_account(struct core *c, const struct core_owner *o, json_t **ret);
unsigned int core_apikey_list(struct core *c, const struct core_owner *o, json_t **ret);
unsigned int core_apikey_add(struct core *c, const struct core_owner *o, const json_t *body,
			     json_t **ret);
unsigned int core_apikey_delete(struct core *c, const struct core_owner *o, const char *key,
				json_t **ret);
unsigned int core_user_list(struct core *c, const struct core_owner *o, json_t **ret);
/* The body is checked but for its password, of which hash is what is stored (service/password.h);
 * NULL: the body is checked, and nothing else done: 0, or the status of the problem in *ret. */
unsigned int core_user_add(struct core *c, const struct core_owner *o, const json_t *body,
			   const char *hash, json_t **ret);
/* hash: of the password in the body; NULL when there is none. */
unsigned int core_user_change(struct core *c, const struct core_owner *o, const char *user,
			      const json_t *body, const char *hash, json_t **ret);
unsigned int core_user_delete(struct core *c, const struct core_owner *o, const char *user,
			      json_t **ret);
unsigned int core_audit_list(struct core *c, const struct core_owner *o,
			     const struct core_list *list, json_t **ret);
