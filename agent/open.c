/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/internal.h"
#include "agent/journal.h"
#include "agent/lastwords.h"
#include "agent/reset.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "provisioning/stats.h"

#define ROOT_CA_MAX 65536
#define ROOT_CA_VALUE "root-ca-sha256" /* of the shipped file that was installed last */

static int explain(char **ret_detail, int r, const char *format, ...) _printf_(3, 4);

static int explain(char **ret_detail, int r, const char *format, ...)
{
	va_list ap;

	if (!ret_detail)
		return r;
	va_start(ap, format);
	if (vasprintf(ret_detail, format, ap) < 0)
		*ret_detail = NULL;
	va_end(ap);
	return r;
}

int agent_open_keyring(const struct config *config, struct keyring **ret)
{
	const struct keyring_config c = {
		.module = config->token_module,
		.pin_file = config->token_pin_file,
	};

	return keyring_new(&c, ret);
}

/* Leaves it to whoever asks later why onboardd is not there; evaluates to exit_code. */
static int ended(const char *part, int exit_code, char *const *detail)
{
	lastwords_say(part, exit_code, detail && *detail ? *detail : "its log has more");
	return exit_code;
}

static const char *part_of_store(int r)
{
	if (r == STORE_E_SEALING_KEY)
		return "sealing-key";
	return r == -ENOSPC || r == -EDQUOT ? "space" : "store";
}

int agent_open_store(const struct config *config, struct keyring *ring, struct store **ret,
		     char **ret_detail)
{
	const struct store_options options = {
		.seal_uri = config->seal_uri,
		.ring = ring,
		.start_anew = strcmp(config->damaged_store, "start-anew") == 0};
	int r = store_open(config->state_dir, &options, ret, ret_detail);

	/* systemd does not try again after EXIT_CODE_USAGE: a PIN would be locked, and a store that
	 * a newer version wrote stays what it is. */
	if (r != 0)
		return ended(part_of_store(r),
			     r == STORE_E_NEWER || keyring_was_refused(ring) ? EXIT_CODE_USAGE
									     : EXIT_CODE_STORE,
			     ret_detail);
	if (store_is_anew(*ret))
		journal_started_anew(store_notice(*ret));
	else if (*store_notice(*ret))
		log_warning("store: %s", store_notice(*ret));
	return reset_finish(config, &options, *ret, ret_detail);
}

int agent_open_identity(const struct config *config, struct keyring *ring, struct store *store,
			struct identity **ret, char **ret_detail)
{
	const struct identity_config c = {
		.hardware = config->hardware,
		.uuid = config->uuid,
		.key_file = config->key_file,
		.key_uri = config->key_uri,
		.ring = ring,
		.chain_file = config->chain_file,
		.device_type = config->device_type,
	};
	int r = identity_open(store, &c, ret, ret_detail);

	return r == 0 ? 0 : ended("identity-key", EXIT_CODE_IDENTITY, ret_detail);
}

static int replace_root_ca(const struct config *config, struct store *store,
			   const struct secret *pem, const uint8_t digest[static 32],
			   const char *digest_text)
{
	int r = store_begin(store);

	if (r != 0)
		return r;
	r = store_credential_put(store, config->root_ca_tag, CREDENTIAL_ROOT_CA, pem->data,
				 pem->len, digest);
	if (r == 0)
		r = store_value_put(store, ROOT_CA_VALUE, digest_text);
	return store_end(store, r);
}

/* The shipped file against what was installed from it: an owner's own change of the tag stays until
 * a new file is shipped. */
static int update_root_ca(const struct config *config, struct store *store,
			  const struct secret *shipped)
{
	_cleanup_(freep) char *installed = NULL;
	uint8_t digest[32];
	char text[65];
	int r = sha256(shipped->data, shipped->len, digest);

	if (r != 0)
		return r;
	hex_encode(digest, sizeof(digest), text);
	r = store_value_get(store, ROOT_CA_VALUE, &installed);
	if (r != 0 && r != -ENOENT)
		return r;
	if (r == 0 && strcmp(installed, text) == 0 &&
	    store_credential_exists(store, config->root_ca_tag, CREDENTIAL_ROOT_CA))
		return 0;
	r = replace_root_ca(config, store, shipped, digest, text);
	if (r == 0)
		log_notice("root CA %s tag=%u sha256=%s", installed ? "replaced" : "installed",
			   config->root_ca_tag, text);
	return r;
}

static int install_root_ca(const struct config *config, struct store *store, char **ret,
			   char **ret_detail)
{
	_cleanup_(secret_done) struct secret shipped = SECRET_INIT, held = SECRET_INIT;
	int r = file_read(config->root_ca, ROOT_CA_MAX, &shipped);

	if (r == 0 && (shipped.len == 0 || strlen((char *)shipped.data) != shipped.len))
		return explain(ret_detail, EXIT_CODE_FAILED,
			       "%s: not a PEM file (`root-ca` in [provisioning])", config->root_ca);
	if (r < 0 && !store_credential_exists(store, config->root_ca_tag, CREDENTIAL_ROOT_CA))
		return explain(ret_detail, EXIT_CODE_FAILED,
			       "%s: %s: no root CA to trust (`root-ca` in [provisioning])",
			       config->root_ca, strerror(-r));
	if (r < 0)
		log_warning("%s: %s: keeping the root CA of tag %u", config->root_ca, strerror(-r),
			    config->root_ca_tag);
	else
		r = update_root_ca(config, store, &shipped);
	if (shipped.data && r != 0)
		return explain(ret_detail, EXIT_CODE_STORE,
			       "the root CA cannot be stored in tag %u: %s", config->root_ca_tag,
			       strerror(abs(r)));
	r = store_credential_get(store, config->root_ca_tag, CREDENTIAL_ROOT_CA, &held);
	if (r != 0)
		return explain(ret_detail, EXIT_CODE_STORE, "the root CA in tag %u cannot be read",
			       config->root_ca_tag);
	*ret = strdup((char *)held.data);
	return *ret ? 0 : -ENOMEM;
}

int agent_install_root_ca(const struct config *config, struct store *store, char **ret,
			  char **ret_detail)
{
	int r = install_root_ca(config, store, ret, ret_detail);

	if (r > 0)
		return ended(r == EXIT_CODE_STORE ? "store" : "root-ca", r, ret_detail);
	return r;
}

static int make_session(struct agent *a, const char *ca_pem)
{
	const struct config *c = a->config;
	struct session_config s = {
		.name = "provisioning",
		.server = a->server.name,
		.address = *a->server.address ? a->server.address : NULL,
		.port = a->server.port,
		.ca_pem = ca_pem,
		.owner = identity_uuid_text(a->identity),
		.resumption = c->resumption,
		.tickets = c->tickets,
		.cid = c->cid,
		.handshake_timeout_ms = (unsigned int)c->handshake_timeout_ms,
		.ack_timeout_ms = (unsigned int)c->ack_timeout_ms,
		.answer_timeout_ms = (unsigned int)c->answer_timeout_ms,
	};
	const struct provisioning_config p = {
		.jwt_lifetime_s = c->jwt_lifetime_s,
		.rx_max = c->rx_max,
		.tx_max = c->tx_max,
		.limit = c->limit,
	};
	_cleanup_(session_freep) struct session *session = NULL;
	struct provisioning *provisioning;
	int r;

	agent_set_ways(c, &s);
	r = session_new(a->event, &s, &session);
	if (r != 0)
		return r;
	r = provisioning_new(a->event, session, &a->executor, &p, &provisioning);
	if (r != 0)
		return r;
	/* Only now: there is always one of each. */
	provisioning_free(a->provisioning);
	session_free(a->session);
	a->provisioning = provisioning;
	a->session = TAKE_PTR(session);
	a->session_server = a->server;
	return 0;
}

/* A command may have deleted it: then what was trusted so far is all there is. */
static bool read_changed_root_ca(struct agent *a, struct secret *ret)
{
	return store_credential_get(a->store, a->config->root_ca_tag, CREDENTIAL_ROOT_CA, ret) ==
		       0 &&
	       strcmp((char *)ret->data, a->ca_pem) != 0;
}

bool agent_root_ca_changed(struct agent *a)
{
	_cleanup_(secret_done) struct secret held = SECRET_INIT;

	return read_changed_root_ca(a, &held);
}

int agent_prepare_session(struct agent *a)
{
	_cleanup_(secret_done) struct secret held = SECRET_INIT;
	_cleanup_(freep) char *pem = NULL;
	struct session_stats s;
	bool has_moved;
	int r;

	if (!a->session)
		return make_session(a, a->ca_pem);
	has_moved = strcmp(a->server.name, a->session_server.name) != 0 ||
		    strcmp(a->server.address, a->session_server.address) != 0 ||
		    a->server.port != a->session_server.port;
	if (!read_changed_root_ca(a, &held)) {
		if (!has_moved)
			return 0;
		pem = strdup(a->ca_pem);
	} else {
		pem = strdup((char *)held.data);
	}
	if (!pem)
		return -ENOMEM;
	session_get_stats(a->session, &s);
	r = make_session(a, pem);
	if (r != 0)
		return r;
	stats_add(&a->earlier, &s);
	free(a->ca_pem);
	a->ca_pem = TAKE_PTR(pem);
	if (!has_moved || !a->config->cloud_follows)
		return 0;
	r = agent_make_cloud(a);
	if (r == 0)
		agent_load_poll(a);
	return r;
}

/* The executor's check has no userdata; the list lives as long as the configuration. */
static char *const *allowed_keys;

void agent_set_allowed_keys(char *const *keys)
{
	allowed_keys = keys;
}

const char *agent_check_config(const char *key, const char *value)
{
	bool is_allowed = false;
	uint64_t seconds;

	for (char *const *k = allowed_keys; k && *k; k++)
		is_allowed = is_allowed || strcmp(*k, key) == 0;
	if (!is_allowed)
		return "this key may not be set from outside";
	if (strcmp(key, INTERVAL_KEY) != 0)
		return NULL;
	if (schedule_parse(value, &seconds) != 0)
		return "not a number of seconds: 0 for never, or 60 to 31622400";
	return NULL;
}
