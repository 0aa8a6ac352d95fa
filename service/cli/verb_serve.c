/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "base/exitcode.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "base/worker.h"
#include "proto/limits.h"
#include "service/address.h"
#include "service/certfile.h"
#include "service/cli/serve_options.h"
#include "service/cli/state.h"
#include "service/cli/verbs.h"
#include "service/device_front.h"
#include "service/makers.h"
#include "service/ops_front.h"
#include "service/owner_front.h"
#include "service/portal.h"
#include "service/portal_hosts.h"
#include "service/routes.h"
#include "service/upkeep.h"

#define SESSION_TIMEOUT_S 600
#define SESSION_TIMEOUT_MAX_S 604800
#define SESSIONS_MAX 10000
#define SESSION_MAX_AGE_S 2592000 /* 30 days: what nRF Cloud usually says */
#define CLOCK_SKEW_S 60
#define CLOUD_TAG 16842753
#define DRAIN_MS 2000 /* for what has arrived when we are to end */
#define DEVICE_RATE_DEFAULT 600
#define AUDIT_KEEP_MAX_DAYS 36500
#define DEVICE_RATE_MAX 60000000 /* one a microsecond: as good as none */
#define REST_BODY_MAX 1048576
#define PEM_MAX 65536
#define SETTLE_MS 10000

static int parse_number(const char *name, const char *text, uint64_t max, uint64_t *ret)
{
	if (decimal_parse(text, strlen(text), max, ret) < 0 || *ret == 0)
		return verb_usage("--%s: not a number from 1 to %llu: %s", name,
				  (unsigned long long)max, text);
	return 0;
}

static int add_maker(struct serve_options *o, const char *path)
{
	if (o->n_makers == SERVE_MAKERS_MAX)
		return verb_usage("serve: --manufacturer-ca: at most %d; name a directory",
				  SERVE_MAKERS_MAX);
	o->makers[o->n_makers++] = path;
	return 0;
}

static int add_public_url(struct serve_options *o, const char *url)
{
	if (o->n_public_urls == PORTAL_HOSTS_MAX)
		return verb_usage("serve: --public-url: at most %d", PORTAL_HOSTS_MAX);
	o->public_urls[o->n_public_urls++] = url;
	return 0;
}

static int add_proxy(struct serve_options *o, const char *text)
{
	int r = forwarded_add(&o->proxies, text);

	if (r == -E2BIG)
		return verb_usage("serve: --trusted-proxy: at most %d; name a network",
				  FORWARDED_PROXIES_MAX);
	if (r < 0)
		return verb_usage(
			"serve: --trusted-proxy: not a numeric ADDRESS or ADDRESS/BITS: %s", text);
	return 0;
}

int serve_options_parse(int argc, char **argv, struct serve_options *o)
{
	enum {
		STATE = 1,
		COAP,
		REST,
		CERT,
		KEY,
		ROOT_CA,
		REST_CERT,
		REST_KEY,
		STORE,
		OPS,
		CRL_URL,
		TIMEOUT,
		TAG,
		MAKER,
		DEVICE_RATE,
		AUDIT_KEEP,
		PUBLIC_URL,
		TRUSTED_PROXY,
		OPS_REMOTE,
	};
	static const struct option known[] = {
		{"state", required_argument, NULL, STATE},
		{"coap", required_argument, NULL, COAP},
		{"rest", required_argument, NULL, REST},
		{"cert", required_argument, NULL, CERT},
		{"key", required_argument, NULL, KEY},
		{"root-ca", required_argument, NULL, ROOT_CA},
		{"rest-cert", required_argument, NULL, REST_CERT},
		{"rest-key", required_argument, NULL, REST_KEY},
		{"store", required_argument, NULL, STORE},
		{"session-timeout", required_argument, NULL, TIMEOUT},
		{"cloud-tag", required_argument, NULL, TAG},
		{"manufacturer-ca", required_argument, NULL, MAKER},
		{"device-rate", required_argument, NULL, DEVICE_RATE},
		{"audit-keep", required_argument, NULL, AUDIT_KEEP},
		{"public-url", required_argument, NULL, PUBLIC_URL},
		{"trusted-proxy", required_argument, NULL, TRUSTED_PROXY},
		{"ops", required_argument, NULL, OPS},
		{"ops-remote", no_argument, NULL, OPS_REMOTE},
		{"crl-url", required_argument, NULL, CRL_URL},
		{NULL, 0, NULL, 0},
	};
	const char **const texts[] = {
		[STATE] = &o->state,
		[COAP] = &o->coap,
		[REST] = &o->rest,
		[CERT] = &o->cert,
		[KEY] = &o->key,
		[ROOT_CA] = &o->root_ca,
		[REST_CERT] = &o->rest_cert,
		[REST_KEY] = &o->rest_key,
		[STORE] = &o->store,
		[OPS] = &o->ops,
		[CRL_URL] = &o->crl_url,
	};
	int c, r = 0;

	*o = (struct serve_options){.session_timeout_s = SESSION_TIMEOUT_S,
				    .cloud_tag = CLOUD_TAG,
				    .device_rate = DEVICE_RATE_DEFAULT};
	while (r == 0 && (c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c == TIMEOUT)
			r = parse_number("session-timeout", optarg, SESSION_TIMEOUT_MAX_S,
					 &o->session_timeout_s);
		else if (c == TAG)
			r = parse_number("cloud-tag", optarg, SEC_TAG_MAX, &o->cloud_tag);
		else if (c == DEVICE_RATE)
			r = parse_number("device-rate", optarg, DEVICE_RATE_MAX, &o->device_rate);
		else if (c == AUDIT_KEEP)
			r = parse_number("audit-keep", optarg, AUDIT_KEEP_MAX_DAYS,
					 &o->audit_keep_days);
		else if (c == OPS_REMOTE)
			o->ops_remote = true;
		else if (c == MAKER)
			r = add_maker(o, optarg);
		else if (c == PUBLIC_URL)
			r = add_public_url(o, optarg);
		else if (c == TRUSTED_PROXY)
			r = add_proxy(o, optarg);
		else if (c >= STATE && c <= CRL_URL)
			*texts[c] = optarg;
		else
			return verb_usage("serve: see onboard-service --help");
	}
	if (r != 0)
		return r;
	if (optind < argc)
		return verb_usage("serve: what is %s?", argv[optind]);
	if (!o->state || !o->coap || !o->rest || !o->cert || !o->key)
		return verb_usage("serve: --state, --coap, --rest, --cert and --key are needed");
	if (!o->rest_cert != !o->rest_key)
		return verb_usage("serve: --rest-cert and --rest-key go together");
	return 0;
}

/* The CA that devices are told to trust: --root-ca, else the end of our own chain. */
static int load_root_ca(const struct serve_options *o, char **ret)
{
	_cleanup_(secret_done) struct secret text = SECRET_INIT;
	_cleanup_(freep) char *last = NULL, *detail = NULL;
	int r;

	r = certfile_last(o->root_ca ? o->root_ca : o->cert, &last, &detail);
	if (r != 0) {
		log_error("%s", detail ? detail : strerror(-r));
		return EXIT_CODE_FAILED;
	}
	if (!o->root_ca) {
		*ret = TAKE_PTR(last);
		return 0;
	}
	r = file_read(o->root_ca, PEM_MAX, &text);
	if (r < 0) {
		log_error("%s: %s", o->root_ca, strerror(-r));
		return EXIT_CODE_FAILED;
	}
	*ret = strdup((const char *)text.data);
	return *ret ? 0 : EXIT_CODE_FAILED;
}

static int load_makers(const struct serve_options *o, struct crypto_makers **ret)
{
	_cleanup_(freep) char *detail = NULL;
	int r = o->n_makers > 0 ? makers_load(o->makers, o->n_makers, ret, &detail) : 0;

	if (r == 0)
		return 0;
	log_error("--manufacturer-ca: %s", detail ? detail : strerror(-r));
	return EXIT_CODE_FAILED;
}

/* Where both sides are served, with the ports that the kernel picked. */
static int addresses(const struct serve_options *o, const struct device_front *devices,
		     const struct owner_front *owners, char ret_coap[static ADDRESS_TEXT],
		     char ret_rest[static ADDRESS_TEXT])
{
	union address a;
	socklen_t len;

	if (address_parse(o->coap, &a, &len) < 0)
		return -EINVAL;
	address_set_port(&a, device_front_port(devices));
	address_format(&a, ret_coap);
	if (address_parse(o->rest, &a, &len) < 0)
		return -EINVAL;
	address_set_port(&a, owner_front_port(owners));
	address_format(&a, ret_rest);
	return 0;
}

static int announce(const struct serve_options *o, const char *coap, const char *rest,
		    const struct ops_front *ops)
{
	char address[ADDRESS_TEXT];
	union address a;
	socklen_t len;

	printf("ready coap=%s rest=%s", coap, rest);
	if (ops && address_parse(o->ops, &a, &len) == 0) {
		address_set_port(&a, ops_front_port(ops));
		address_format(&a, address);
		printf(" ops=%s", address);
	}
	putchar('\n');
	if (fflush(stdout) != 0)
		return -errno;
	(void)sd_notify(0, "READY=1");
	return 0;
}

static void refresh(void *devices)
{
	device_front_refresh(devices);
}

static int make_ops(const struct serve_options *o, sd_event *event, struct state *state,
		    struct device_front *devices, struct ops_front **ret, char **ret_detail)
{
	const struct ops_front_config config = {
		.listen = o->ops,
		.may_be_reachable = o->ops_remote,
		.refresh = refresh,
		.userdata = devices,
	};

	if (!o->ops)
		return 0;
	return ops_front_new(event, state->core, state->store->metrics, &config, ret, ret_detail);
}

static int open_loop(sd_event **ret)
{
	_cleanup_(sd_event_unrefp) sd_event *event = NULL;
	int r;

	r = sd_event_default(&event);
	if (r >= 0)
		r = sd_event_add_signal(event, NULL, SIGTERM, NULL, NULL);
	if (r >= 0)
		r = sd_event_add_signal(event, NULL, SIGINT, NULL, NULL);
	if (r >= 0)
		r = sd_event_set_watchdog(event, true);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(event);
	return 0;
}

static int run(const struct serve_options *o, struct state *state)
{
	const struct device_front_config device_config = {
		.listen = o->coap,
		.cert_file = o->cert,
		.key_file = o->key,
		.session_timeout_s = (unsigned int)o->session_timeout_s,
		.max_sessions = SESSIONS_MAX,
		.session_max_age_s = SESSION_MAX_AGE_S,
		.metrics = state->store->metrics,
	};
	struct owner_front_config owner_config = {
		.listen = o->rest,
		.cert_file = o->rest_cert,
		.key_file = o->rest_key,
		.max_body = REST_BODY_MAX,
		.session_max_age_s = SESSION_MAX_AGE_S,
		.router = &routes_owner,
		.metrics = state->store->metrics,
		.proxies = o->proxies.n > 0 ? &o->proxies : NULL,
		.admit = portal_admit,
		.identify = portal_identify,
	};
	_cleanup_(sd_event_unrefp) sd_event *event = NULL;
	_cleanup_(device_front_freep) struct device_front *devices = NULL;
	_cleanup_(portal_freep) struct portal *portal = NULL;
	_cleanup_(owner_front_freep) struct owner_front *owners = NULL;
	_cleanup_(ops_front_freep) struct ops_front *ops = NULL;
	_cleanup_(upkeep_freep) struct upkeep *upkeep = NULL;
	_cleanup_(freep) char *detail = NULL;
	char coap[ADDRESS_TEXT], rest[ADDRESS_TEXT];
	int r;

	r = open_loop(&event);
	if (r == 0)
		r = device_front_new(event, state->core, &device_config, &devices, &detail);
	if (r == 0)
		r = portal_new(&(struct portal_config){.event = event,
						       .core = state->core,
						       .store = state->store,
						       .public_urls = o->public_urls,
						       .n_public_urls = o->n_public_urls},
			       &portal, &detail);
	owner_config.portal = portal;
	if (r == 0)
		owner_config.admission = device_front_admission(devices);
	owner_config.trees[0] = (struct owner_front_tree){
		.prefix = "/portal/", .run = portal_file, .userdata = portal};
	if (r == 0)
		r = owner_front_new(event, state->core, &owner_config, &owners, &detail);
	if (r == 0)
		r = addresses(o, devices, owners, coap, rest);
	if (r == 0)
		r = portal_listens(portal, rest, o->rest_cert);
	if (r == 0)
		r = make_ops(o, event, state, devices, &ops, &detail);
	if (r == 0)
		r = upkeep_new(event, state->core, &upkeep);
	if (r == 0)
		r = announce(o, coap, rest, ops);
	if (r == 0)
		r = sd_event_loop(event);
	(void)sd_notify(0, "STOPPING=1");
	core_stop(state->core);
	if (devices)
		device_front_drain(devices, DRAIN_MS);
	if (r != 0) {
		log_error("serve: %s", detail ? detail : strerror(-r));
		return EXIT_CODE_FAILED;
	}
	return EXIT_CODE_DONE;
}

static int open_ca(struct core *core)
{
	_cleanup_(freep) char *detail = NULL;
	int r = core_ca_open(core, &detail);

	if (r == 0)
		return 0;
	log_error("device CA: %s", detail ? detail : strerror(-r));
	return EXIT_CODE_STORE;
}

int verb_serve(int argc, char **argv)
{
	struct serve_options o;
	_cleanup_(crypto_makers_freep) struct crypto_makers *makers = NULL;
	_cleanup_(metrics_freep) struct metrics *metrics = NULL;
	_cleanup_(state_close) struct state state = {0};
	_cleanup_(freep) char *root_ca = NULL;
	sigset_t handled;
	int r;

	r = serve_options_parse(argc, argv, &o);
	if (r != 0)
		return r;
	/* Blocked before anything takes time, so that a signal during start ends us in order too.
	 */
	sigemptyset(&handled);
	sigaddset(&handled, SIGTERM);
	sigaddset(&handled, SIGINT);
	if (sigprocmask(SIG_BLOCK, &handled, NULL) < 0)
		return EXIT_CODE_FAILED;
	signal(SIGPIPE, SIG_IGN);

	if (metrics_new(&metrics) < 0)
		return EXIT_CODE_FAILED;
	r = load_root_ca(&o, &root_ca);
	if (r == 0)
		r = load_makers(&o, &makers);
	if (r != 0)
		return r;
	r = state_open(o.state, o.store, true,
		       (struct core_config){
			       .root_ca_pem = root_ca,
			       .makers = makers,
			       .cloud_tag = (uint32_t)o.cloud_tag,
			       .session_max_age_s = SESSION_MAX_AGE_S,
			       .clock_skew_s = CLOCK_SKEW_S,
			       .device_rate = (uint32_t)o.device_rate,
			       .audit_keep_days = (uint32_t)o.audit_keep_days,
			       .crl_url = o.crl_url,
			       .metrics = metrics,
		       },
		       &state);
	if (r == 0)
		r = open_ca(state.core);
	if (r != 0)
		return r;
	state.store->metrics = metrics;
	r = run(&o, &state);
	/* A password that is still being checked: libcrypto must not be taken from under it. */
	if (!worker_settle(SETTLE_MS))
		_exit(r);
	return r;
}
