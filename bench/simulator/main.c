/* SPDX-License-Identifier: Apache-2.0 */
/* fleet-simulator: driven by bench/fleet, which starts the service and does the claims. It says
 * what it has come to, and waits for a line before the clock starts and before it leaves. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/exitcode.h"
#include "base/log.h"
#include "base/text.h"
#include "bench/simulator/fast_p256.h"
#include "bench/simulator/fleet.h"
#include "bench/simulator/probe.h"
#include "bench/simulator/relay.h"
#include "bench/simulator/report.h"

#define DESCRIPTORS_EACH 8
#define DESCRIPTORS_MORE 1024

static const char help[] =
	"usage: fleet-simulator --config FILE --devices N --dir DIR --identities FILE --tokens "
	"FILE\n"
	"                       --result FILE --node ADDRESS... [--arrive SECONDS] [--active N]\n"
	"                       [--first N] [--seed N] [--handshakes] [--balance] [--limit "
	"SECONDS]\n"
	"                       [--loss P] [--duplicate P] [--reorder P] [--restart P]\n"
	"                       [--skew SECONDS] [--delay MS]\n"
	"       fleet-simulator --self-test\n";

static int usage(const char *what, const char *value)
{
	fprintf(stderr, "fleet-simulator: %s%s\n%s", what, value, help);
	return EXIT_CODE_USAGE;
}

static bool parse_number(const char *text, uint64_t max, uint64_t *ret)
{
	return decimal_parse(text, strlen(text), max, ret) == 0;
}

static bool parse_real(const char *text, double max, double *ret)
{
	char *end;

	*ret = strtod(text, &end);
	return *text && !*end && *ret >= 0 && *ret <= max;
}

enum {
	CONFIG = 1,
	DEVICES,
	FIRST,
	DIR_,
	IDENTITIES,
	TOKENS,
	RESULT,
	NODE,
	ARRIVE,
	ACTIVE,
	SEED,
	HANDSHAKES,
	BALANCE,
	LIMIT,
	LOSS,
	DUPLICATE,
	REORDER,
	RESTART,
	SKEW,
	DELAY,
	SELF_TEST,
};

static const struct option known[] = {
	{"config", required_argument, NULL, CONFIG},
	{"devices", required_argument, NULL, DEVICES},
	{"first", required_argument, NULL, FIRST},
	{"dir", required_argument, NULL, DIR_},
	{"identities", required_argument, NULL, IDENTITIES},
	{"tokens", required_argument, NULL, TOKENS},
	{"result", required_argument, NULL, RESULT},
	{"node", required_argument, NULL, NODE},
	{"arrive", required_argument, NULL, ARRIVE},
	{"active", required_argument, NULL, ACTIVE},
	{"seed", required_argument, NULL, SEED},
	{"handshakes", no_argument, NULL, HANDSHAKES},
	{"balance", no_argument, NULL, BALANCE},
	{"limit", required_argument, NULL, LIMIT},
	{"loss", required_argument, NULL, LOSS},
	{"duplicate", required_argument, NULL, DUPLICATE},
	{"reorder", required_argument, NULL, REORDER},
	{"restart", required_argument, NULL, RESTART},
	{"skew", required_argument, NULL, SKEW},
	{"delay", required_argument, NULL, DELAY},
	{"self-test", no_argument, NULL, SELF_TEST},
	{NULL, 0, NULL, 0},
};

/* Texts and flags. */
static bool take_text(struct options *o, int c)
{
	switch (c) {
	case CONFIG:
		o->config = optarg;
		return true;
	case DIR_:
		o->dir = optarg;
		return true;
	case IDENTITIES:
		o->identities = optarg;
		return true;
	case TOKENS:
		o->tokens = optarg;
		return true;
	case RESULT:
		o->result = optarg;
		return true;
	case NODE:
		if (o->n_nodes == NODES_MAX)
			return false;
		o->nodes[o->n_nodes++] = optarg;
		return true;
	case HANDSHAKES:
		o->handshakes = true;
		return true;
	case BALANCE:
		o->balance = true;
		return true;
	default:
		return false;
	}
}

static bool take_number(struct options *o, int c)
{
	uint64_t n = 0;
	bool ok = true;

	switch (c) {
	case DEVICES:
		ok = parse_number(optarg, RELAY_DEVICES_MAX, &n) && n > 0;
		o->devices = n;
		return ok;
	case FIRST:
		ok = parse_number(optarg, UINT32_MAX, &n);
		o->first = n;
		return ok;
	case ACTIVE:
		ok = parse_number(optarg, RELAY_DEVICES_MAX, &n);
		o->active = n;
		return ok;
	case SEED:
		return parse_number(optarg, INT64_MAX, &o->seed);
	case LIMIT:
		ok = parse_number(optarg, 86400, &n);
		o->limit_s = (unsigned int)n;
		return ok;
	case SKEW:
		ok = parse_number(optarg, 1000000000, &n);
		o->faults.skew_s = (unsigned int)n;
		return ok;
	case DELAY:
		ok = parse_number(optarg, 60000, &n);
		o->faults.delay_ms = (unsigned int)n;
		return ok;
	case ARRIVE:
		return parse_real(optarg, 86400, &o->arrive_s);
	case LOSS:
		return parse_real(optarg, 0.9, &o->faults.loss);
	case DUPLICATE:
		return parse_real(optarg, 1, &o->faults.duplicate);
	case REORDER:
		return parse_real(optarg, 1, &o->faults.reorder);
	case RESTART:
		return parse_real(optarg, 1, &o->faults.restart);
	default:
		return false;
	}
}

static int parse(int argc, char **argv, struct options *o)
{
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c == SELF_TEST)
			return fast_p256_self_test() == 0
				       ? -1
				       : usage("the two libraries multiply differently", "");
		if (!take_text(o, c) &&
		    (c == HANDSHAKES || c == BALANCE || c == '?' || !take_number(o, c)))
			return usage("cannot use ", argv[optind - 1]);
	}
	if (optind < argc)
		return usage("what is ", argv[optind]);
	if (!o->config || !o->devices || !o->dir || !o->result || o->n_nodes == 0 ||
	    (!o->handshakes && (!o->identities || !o->tokens)))
		return usage("something is missing", "");
	return 0;
}

/* A store has three files, a session has a socket and what it is saved in. */
static void raise_limits(size_t devices)
{
	const rlim_t wanted = (rlim_t)devices * DESCRIPTORS_EACH + DESCRIPTORS_MORE;
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0 || l.rlim_cur >= wanted)
		return;
	l.rlim_cur = wanted;
	l.rlim_max = MAX(l.rlim_max, wanted);
	if (setrlimit(RLIMIT_NOFILE, &l) < 0)
		log_warning("%llu descriptors cannot be had: %s", (unsigned long long)wanted,
			    strerror(errno));
}

static bool wait_line(void)
{
	char line[64];

	return fgets(line, sizeof(line), stdin) != NULL;
}

static int run(const struct options *o)
{
	_cleanup_(fleet_freep) struct fleet *f = NULL;
	int r = fleet_new(o, &f);

	if (r == 0)
		r = fleet_prepare(f);
	if (r == 0) {
		report_event("prepared");
		r = wait_line() ? fleet_run(f) : -ECANCELED;
	}
	if (r == 0) {
		report_progress(f);
		r = report_result(f, o->result);
	}
	if (r == 0) {
		report_event("done");
		(void)wait_line(); /* sessions are open until somebody has looked at the service */
		return f->n_ended == o->devices && f->n_lost == 0 ? EXIT_CODE_DONE
								  : EXIT_CODE_FAILED;
	}
	log_error("fleet-simulator: %s", strerror(abs(r)));
	return EXIT_CODE_FAILED;
}

int main(int argc, char **argv)
{
	struct options o = {.seed = 1, .limit_s = 600};
	int r;

	signal(SIGPIPE, SIG_IGN);
	log_set_level(LOG_LEVEL_ERROR);
	r = parse(argc, argv, &o);
	if (r != 0)
		return r < 0 ? EXIT_CODE_DONE : r;
	if (fast_p256_self_test() != 0) {
		log_error("fleet-simulator: OpenSSL and mbedTLS multiply differently");
		return EXIT_CODE_FAILED;
	}
	raise_limits(o.devices);
	r = run(&o);
	probe_done();
	return r;
}
