/* SPDX-License-Identifier: Apache-2.0 */
/* onboardd: onboardd(8). */

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "agent/agent.h"
#include "agent/birth.h"
#include "agent/bus.h"
#include "agent/internal.h"
#include "agent/journal.h"
#include "agent/lastwords.h"
#include "agent/once.h"
#include "agent/qr.h"
#include "base/log.h"
#include "base/text.h"
#include "base/worker.h"

#define ONCE_TIMEOUT_S 120
#define TIMEOUT_MAX_S 86400

struct options {
	const char *config;
	bool once, init, no_bus;
	struct once_options once_options;
};

static void usage(FILE *f)
{
	fputs("usage: onboardd [OPTION]...\n"
	      "\n"
	      "Takes this device from first power-on to trusted cloud access.\n"
	      "\n"
	      "  --config FILE   configuration (/etc/onboardd/onboardd.conf, and conf.d beside "
	      "it)\n"
	      "  --once          one cycle in the foreground, then exit with its result\n"
	      "  --wait-claim    with --once: wait until an owner claims the device\n"
	      "  --json          with --once: one JSON object a line\n"
	      "  --timeout S     with --once: seconds until it gives up (120)\n"
	      "  --init          make store and identity, print the identity's import row, exit\n"
	      "  --no-bus        do not offer org.onboardd on D-Bus\n"
	      "  --version       print the version\n"
	      "  --help          print this\n"
	      "\n"
	      "Exit: 0 done, 1 failed, 2 degraded, 3 timeout, 4 network, 5 unclaimed,\n"
	      "6 identity or authentication, 7 time, 8 store, 64 usage or configuration.\n",
	      f);
}

static int parse_timeout(const char *text, struct options *o)
{
	uint64_t s;

	if (decimal_parse(text, strlen(text), TIMEOUT_MAX_S, &s) != 0 || s == 0) {
		fprintf(stderr, "onboardd: --timeout %s: not a number of seconds from 1 to %d\n",
			text, TIMEOUT_MAX_S);
		return EXIT_CODE_USAGE;
	}
	o->once_options.timeout_ms = s * 1000;
	return -1;
}

/* -1: go on; else the exit code. */
static int parse_options(int argc, char **argv, struct options *o)
{
	enum { CONFIG = 256, ONCE, WAIT_CLAIM, JSON, TIMEOUT, INIT, NO_BUS, VERSION, HELP };
	static const struct option longs[] = {
		{"config", required_argument, NULL, CONFIG},
		{"once", no_argument, NULL, ONCE},
		{"wait-claim", no_argument, NULL, WAIT_CLAIM},
		{"json", no_argument, NULL, JSON},
		{"timeout", required_argument, NULL, TIMEOUT},
		{"init", no_argument, NULL, INIT},
		{"no-bus", no_argument, NULL, NO_BUS},
		{"version", no_argument, NULL, VERSION},
		{"help", no_argument, NULL, HELP},
		{0},
	};
	bool for_once = false;
	int c, r;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) >= 0) {
		switch (c) {
		case CONFIG:
			o->config = optarg;
			break;
		case ONCE:
			o->once = true;
			break;
		case WAIT_CLAIM:
			o->once_options.wait_claim = for_once = true;
			break;
		case JSON:
			o->once_options.json = for_once = true;
			break;
		case TIMEOUT:
			for_once = true;
			r = parse_timeout(optarg, o);
			if (r >= 0)
				return r;
			break;
		case INIT:
			o->init = true;
			break;
		case NO_BUS:
			o->no_bus = true;
			break;
		case VERSION:
			puts("onboardd " ONBOARD_VERSION);
			return EXIT_CODE_DONE;
		case HELP:
			usage(stdout);
			return EXIT_CODE_DONE;
		default:
			fputs("Try onboardd --help.\n", stderr);
			return EXIT_CODE_USAGE;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "onboardd: unexpected argument %s\nTry onboardd --help.\n",
			argv[optind]);
		return EXIT_CODE_USAGE;
	}
	if (for_once && !o->once) {
		fputs("onboardd: --wait-claim, --json and --timeout belong to --once\n", stderr);
		return EXIT_CODE_USAGE;
	}
	if (o->once && o->init) {
		fputs("onboardd: --once and --init exclude each other\n", stderr);
		return EXIT_CODE_USAGE;
	}
	return -1;
}

static enum log_level level_of(const char *name)
{
	static const struct {
		const char *name;
		enum log_level level;
	} levels[] = {{"error", LOG_LEVEL_ERROR},
		      {"warning", LOG_LEVEL_WARNING},
		      {"notice", LOG_LEVEL_NOTICE},
		      {"info", LOG_LEVEL_INFO},
		      {"debug", LOG_LEVEL_DEBUG}};

	for (size_t i = 0; name && i < ARRAY_SIZE(levels); i++)
		if (strcmp(levels[i].name, name) == 0)
			return levels[i].level;
	return LOG_LEVEL_INFO;
}

static int complain(int r, const char *detail)
{
	const int exit_code = r > 0 ? r : EXIT_CODE_FAILED;

	journal_ended(exit_code, detail ? detail : strerror(abs(r)));
	return exit_code;
}

static int init(const struct config *config)
{
	_cleanup_(freep) char *detail = NULL;
	char row[IDENTITY_CSV_MAX + 1];
	int r = agent_birth(config, false, row, &detail);

	if (r != 0)
		return complain(r, detail);
	if (puts(row) < 0 || fflush(stdout) != 0)
		return complain(-errno, "the identity's row cannot be written to standard output");
	return EXIT_CODE_DONE;
}

/* ---- the daemon's own observer: systemd's status line, and the claim token for the console ----
 */

static void on_changed(void *userdata, const char *old_state, const char *new_state,
		       const char *why)
{
	(void)userdata;
	(void)old_state;
	sd_notifyf(0, "STATUS=%s: %s", new_state, why);
}

static void on_step(void *userdata, const char *name, const char *text)
{
	(void)userdata;
	if (strcmp(name, "claim token") != 0)
		return;
	log_notice("this device belongs to nobody yet: claim it with the token below");
	once_print_token(stderr, text);
	if (qr_show(stderr, text) != 0)
		log_debug("no QR code of this token");
}

static void on_passkey(void *userdata, const char *digits)
{
	(void)userdata;
	if (*digits)
		log_notice("passkey for the phone that is pairing now: %s", digits);
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	(void)userdata;
	log_info("signal %s, stopping", strsignal((int)info->ssi_signo));
	return sd_event_exit(sd_event_source_get_event(source), 0);
}

static int on_asked(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	(void)source;
	(void)info;
	agent_provision(userdata, REQUEST_SIGNAL);
	return 0;
}

static int catch_signals(sd_event *event)
{
	sigset_t mask;
	int r;

	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGUSR1); /* asks the daemon for a cycle, and ends nothing */
	if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return -errno;
	r = sd_event_add_signal(event, NULL, SIGTERM, on_signal, NULL);
	if (r >= 0)
		r = sd_event_add_signal(event, NULL, SIGINT, on_signal, NULL);
	return r < 0 ? r : 0;
}

static int run_once(sd_event *event, struct agent *agent, const struct once_options *options)
{
	_cleanup_(once_freep) struct once *once = NULL;
	int r = once_new(event, agent, options, &once);

	if (r == 0)
		r = agent_start(agent);
	if (r == 0)
		r = sd_event_loop(event);
	if (r < 0)
		return complain(r, NULL);
	return once_finish(once);
}

static int run_daemon(sd_event *event, struct agent *agent, bool no_bus)
{
	static const struct wifi_events wifi = {.passkey = on_passkey};
	static const struct agent_observer observer = {
		.changed = on_changed, .step = on_step, .wifi = &wifi};
	_cleanup_(bus_freep) struct bus *bus = NULL;
	_cleanup_(freep) char *detail = NULL;
	int r = agent_add_observer(agent, &observer);

	if (r < 0)
		return complain(r, NULL);
	if (!no_bus) {
		r = bus_new(event, agent, &bus);
		if (r < 0)
			log_warning("D-Bus is not available: %s, going on without it",
				    strerror(-r));
	}
	r = agent_start_wifi(agent, &detail);
	if (r != 0)
		return complain(r, detail);
	r = sd_event_add_signal(event, NULL, SIGUSR1, on_asked, agent);
	if (r < 0)
		return complain(r, NULL);
	r = agent_start_discovery(agent);
	if (r == 0)
		r = agent_start(agent);
	if (r == 0) {
		r = sd_event_set_watchdog(event, true);
		if (r < 0)
			log_warning("no watchdog: %s, ignoring", strerror(-r));
		sd_notify(0, "READY=1");
		r = sd_event_loop(event);
	}
	/* systemd would end whoever says that it is stopping. */
	if (r != AGENT_LOOP_RESET)
		sd_notify(0, "STOPPING=1");
	agent_stop(agent);
	if (r == AGENT_LOOP_RESET)
		return r;
	return r < 0 ? complain(r, NULL) : EXIT_CODE_DONE;
}

/* A file that could not be read this time, which says nothing of what is in it. */
static bool is_passing(int r)
{
	return r == -ENOMEM || r == -EMFILE || r == -ENFILE || r == -EIO;
}

/* One life of the agent: a reset begins another one in this process. */
static int live(const struct options *o, const struct config *config)
{
	_cleanup_(sd_event_unrefp) sd_event *event = NULL;
	_cleanup_(agent_freep) struct agent *agent = NULL;
	_cleanup_(freep) char *detail = NULL;
	int r;

	r = sd_event_new(&event);
	if (r >= 0)
		r = catch_signals(event);
	if (r < 0)
		return complain(r, NULL);
	r = agent_new(event, config, &agent, &detail);
	if (r < 0)
		lastwords_say("daemon", EXIT_CODE_FAILED, detail ? detail : strerror(-r));
	if (r != 0)
		return complain(r, detail);
	return o->once ? run_once(event, agent, &o->once_options)
		       : run_daemon(event, agent, o->no_bus);
}

static int run(const struct options *o)
{
	_cleanup_(config_freep) struct config *config = NULL;
	_cleanup_(freep) char *detail = NULL;
	enum log_level level;
	int r = config_load(o->config, &config, &detail);

	lastwords_forget();
	/* As wrong usage, it stays wrong until somebody mends it: systemd need not try again. */
	if (r < 0) {
		lastwords_say("configuration", EXIT_CODE_USAGE, detail);
		return complain(is_passing(r) ? r : EXIT_CODE_USAGE, detail);
	}
	level = level_of(config->log_level);
	/* The steps tell a person what the state lines would repeat. */
	log_set_level(o->once && level == LOG_LEVEL_INFO ? LOG_LEVEL_NOTICE : level);
	if (o->init)
		return init(config);
	do
		r = live(o, config);
	while (r == AGENT_LOOP_RESET);
	return r;
}

/* Whoever is inside of a PKCS#11 module must not meet that module's exit handlers. */
static int leave(int r)
{
	if (worker_settle(0))
		return r;
	fflush(NULL);
	_exit(r);
}

int main(int argc, char **argv)
{
	struct options options = {.once_options = {.timeout_ms = ONCE_TIMEOUT_S * 1000}};
	int r = secret_protect_process();

	journal_connect();
	if (r < 0)
		log_warning("memory is not protected from dumps: %s, ignoring", strerror(-r));
	r = parse_options(argc, argv, &options);
	if (r >= 0)
		return r;
	return leave(run(&options));
}
