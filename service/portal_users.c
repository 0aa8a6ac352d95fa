/* SPDX-License-Identifier: Apache-2.0 */

/* Users that a team's admins make and change by REST: core does it, once the password that came
 * with the request was hashed on a thread. */

#include <errno.h>
#include <string.h>

#include "service/core_owner.h"
#include "service/core_private.h"
#include "service/portal_private.h"

#define BUSY_RETRY_S 5

struct hashing {
	struct core *core; /* borrowed, as exchange */
	struct exchange *exchange;
	struct password_job *job; /* NULL once it is back */
	struct core_owner owner;
	char user[CORE_UUID_TEXT]; /* empty: a new one */
	json_t *body;              /* owned */
};

static void hashing_free(void *data)
{
	struct hashing *h = data;

	if (h->job)
		password_job_abandon(h->job);
	json_decref(h->body);
	free(h);
}

static unsigned int busy(struct answer *ret)
{
	if (!answer_header(ret, "Retry-After", "%d", BUSY_RETRY_S))
		return core_problem(500, &ret->json, "no memory");
	return core_problem(503, &ret->json, "too many passwords at the same time: try again");
}

static void on_hashed(void *userdata, const struct password_result *result)
{
	struct hashing *h = userdata;
	struct answer a = {.json = NULL};
	unsigned int status;

	h->job = NULL;
	if (result->error < 0)
		status = result->error == -ENOMEM || result->error == -EAGAIN
				 ? busy(&a)
				 : core_fail_http(result->error, "cannot hash a password", &a.json);
	else if (*h->user)
		status = core_user_change(h->core, &h->owner, h->user, h->body, result->hash,
					  &a.json);
	else
		status = core_user_add(h->core, &h->owner, h->body, result->hash, &a.json);
	exchange_answer(h->exchange, status, &a);
}

/* For a body that core has checked. */
static unsigned int hash_first(const struct router_call *call, const char *user, struct answer *ret)
{
	const json_t *password = json_object_get(call->body, "password");
	struct hashing *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return core_problem(500, &ret->json, "no memory");
	*h = (struct hashing){
		.core = call->core, .exchange = call->exchange, .owner = *call->owner};
	memcpy(h->user, user, strlen(user) + 1);
	h->body = json_deep_copy(call->body);
	r = h->body ? password_jobs_hash(call->portal->jobs, json_string_value(password),
					 json_string_length(password), on_hashed, h, &h->job)
		    : -ENOMEM;
	if (r == 0) {
		exchange_later(call->exchange,
			       &(struct exchange_job){.data = h, .free = hashing_free});
		return EXCHANGE_LATER;
	}
	hashing_free(h);
	return r == -EAGAIN ? busy(ret) : core_fail_http(r, "cannot hash a password", &ret->json);
}

unsigned int portal_user_add(const struct router_call *call, struct answer *ret)
{
	unsigned int status = portal_is_there(call, ret);

	if (!status)
		status = core_user_add(call->core, call->owner, call->body, NULL, &ret->json);
	return status ? status : hash_first(call, "", ret);
}

unsigned int portal_user_change(const struct router_call *call, struct answer *ret)
{
	unsigned int status = portal_is_there(call, ret);

	if (!status)
		status = core_user_change(call->core, call->owner, call->params->user, call->body,
					  NULL, &ret->json);
	return status ? status : hash_first(call, call->params->user, ret);
}
