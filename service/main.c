/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/exitcode.h"
#include "base/log.h"
#include "base/secret.h"
#include "service/cli/verbs.h"

static const char help[] =
	"usage: onboard-service serve --state DIR --coap ADDRESS:PORT --rest ADDRESS:PORT\n"
	"                             --cert FILE --key FILE [--root-ca FILE]\n"
	"                             [--rest-cert FILE --rest-key FILE]\n"
	"                             [--store URL]\n"
	"                             [--session-timeout SECONDS] [--cloud-tag N]\n"
	"                             [--manufacturer-ca FILE|DIR]... [--public-url URL]...\n"
	"                             [--trusted-proxy ADDRESS[/BITS]]...\n"
	"                             [--device-rate N] [--audit-keep DAYS]\n"
	"                             [--ops ADDRESS:PORT [--ops-remote]]\n"
	"                             [--crl-url URL]\n"
	"       onboard-service identity import --state DIR|--store URL FILE|-\n"
	"       onboard-service identity remove --state DIR|--store URL [--unclaim] UUID\n"
	"       onboard-service apikey create --state DIR|--store URL [--team NAME]\n"
	"                             [--role admin|editor|viewer] [--name TEXT]\n"
	"       onboard-service user create|passwd --state DIR|--store URL --name NAME\n"
	"                             [--generate | --password-file FILE|-]\n"
	"                             [--team NAME] [--role admin|editor|viewer]\n"
	"       onboard-service user remove --state DIR|--store URL --name NAME\n"
	"       onboard-service user list --state DIR|--store URL [--json]\n"
	"       onboard-service device list --state DIR|--store URL [--json]\n"
	"       onboard-service check [--json] and what serve is given\n"
	"       onboard-service backup --state DIR FILE\n"
	"       onboard-service --help | --version\n";

static const struct {
	const char *name;
	verb_fn *run;
} verbs[] = {
	{"serve", verb_serve},   {"identity", verb_identity}, {"apikey", verb_apikey},
	{"device", verb_device}, {"user", verb_user},         {"check", verb_check},
	{"backup", verb_backup},
};

int verb_options(int argc, char **argv, const struct option_place *places, size_t n)
{
	if (options_read(argc, argv, places, n) == 0)
		return 0;
	return verb_usage("%s: see onboard-service --help", argv[0]);
}

int verb_usage(const char *format, ...)
{
	va_list ap;

	fputs("onboard-service: ", stderr);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	return EXIT_CODE_USAGE;
}

static int print(const char *text)
{
	return fputs(text, stdout) >= 0 && fflush(stdout) == 0 ? EXIT_CODE_DONE : EXIT_CODE_FAILED;
}

/* Passwords and keys come and go as JSON. */
static void free_wiped(void *p)
{
	if (p)
		secret_wipe(p, malloc_usable_size(p));
	free(p);
}

int main(int argc, char **argv)
{
	int r;

	json_set_alloc_funcs(malloc, free_wiped);
	r = secret_protect_process();
	if (r < 0) {
		log_error("cannot keep this process from being dumped: %s", strerror(-r));
		return EXIT_CODE_FAILED;
	}
	if (argc < 2) {
		fputs(help, stderr);
		return EXIT_CODE_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0)
		return print(help);
	if (strcmp(argv[1], "--version") == 0)
		return print("onboard-service " ONBOARD_VERSION "\n");
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (strcmp(argv[1], verbs[i].name) == 0)
			return verbs[i].run(argc - 1, argv + 1);
	return verb_usage("no such verb: %s (see onboard-service --help)", argv[1]);
}
