/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "agent/birth.h"
#include "agent/cli/client.h"
#include "agent/cli/show.h"
#include "agent/cli/verbs.h"
#include "agent/plain.h"
#include "base/exitcode.h"
#include "base/text.h"
#include "credstore/idevid.h"

struct creation {
	const char *key, *uuid, *config; /* borrowed from argv; NULL: not given */
};

static int not_understood(void)
{
	fprintf(stderr, "onboardctl: the answer of onboardd is not understood\n");
	return EXIT_CODE_FAILED;
}

static void show_certificate(const struct x5chain *chain, size_t i)
{
	struct idevid_text t;

	if (idevid_describe(chain, i, &t) < 0) {
		show_field("Certificate", "(cannot be read here)");
		return;
	}
	show_field("Certificate", t.subject);
	show_field("  issued by", t.issuer);
	show_field("  expires", t.has_no_end ? "never" : t.not_after);
}

static int show_chain(const char *text)
{
	struct x5chain chain;
	uint8_t der[BASE64_LEN(X5CHAIN_MAX)];
	const size_t text_len = strlen(text);
	size_t len;

	if (text_len > BASE64_LEN(X5CHAIN_MAX) || base64_decode(text, text_len, der, &len) < 0 ||
	    x5chain_split(der, len, &chain) != 0)
		return not_understood();
	for (size_t i = 0; i < chain.n; i++)
		show_certificate(&chain, i);
	return 0;
}

/* Cuts "uuid,hardware,key[,certificates]" in place. */
static int show(char *row)
{
	char *at = row, *uuid = strsep(&at, ","), *hardware = strsep(&at, ","),
	     *key = strsep(&at, ","), name[128];

	if (!uuid || !hardware || !key)
		return not_understood();
	snprintf(name, sizeof(name), "%.64s.%.40s", hardware, uuid);
	show_field("UUID", uuid);
	show_field("Hardware", hardware);
	show_field("Name", name);
	show_field("Public key", key);
	return at ? show_chain(at) : 0;
}

/* ---- create: without onboardd, as a factory has it ---- */

static int replace(char **field, const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	if (text && !copy)
		return -ENOMEM;
	free(*field);
	*field = copy;
	return 0;
}

/* What is said here wins over the configuration. */
static int apply(const struct creation *c, struct config *config)
{
	bool in_token = c->key && strcmp(c->key, "file") != 0;
	int r = 0;

	if (c->key)
		r = replace(&config->key_file, NULL);
	if (c->key && r == 0)
		r = replace(&config->key_uri, in_token ? c->key : NULL);
	if (c->uuid && r == 0)
		r = replace(&config->uuid, c->uuid);
	return r;
}

static int complain(int r, const char *detail)
{
	char plain[1024];

	fprintf(stderr, "onboardctl: %s\n",
		plain_text(detail ? detail : strerror(r < 0 ? -r : EIO), plain, sizeof(plain)));
	return r > 0 ? r : EXIT_CODE_FAILED;
}

static int create(const struct creation *c)
{
	_cleanup_(config_freep) struct config *config = NULL;
	_cleanup_(freep) char *detail = NULL;
	char row[IDENTITY_CSV_MAX + 1];
	int r = config_load(c->config, &config, &detail);

	if (r < 0)
		return complain(r == -EINVAL ? EXIT_CODE_USAGE : r, detail);
	r = apply(c, config);
	if (r == 0)
		r = agent_birth(config, true, row, &detail);
	if (r != 0)
		return complain(r, detail);
	if (puts(row) < 0 || fflush(stdout) != 0)
		return complain(-errno, "the identity is made, but its row cannot be written; "
					"onboardd --init prints it again");
	return 0;
}

/* ---- of a running onboardd ---- */

static int ask(bool export)
{
	_cleanup_(client_freep) struct client *c = NULL;
	_cleanup_(freep) char *row = NULL;
	char plain[IDENTITY_CSV_MAX + 1];
	int r;

	r = client_open(&c);
	if (r != 0)
		return r;
	r = client_call_text(c, CLIENT_AGENT, "ExportIdentity", &row);
	if (r != 0)
		return r;
	if (!export)
		return show(row);
	printf("%s\n", plain_text(row, plain, sizeof(plain)));
	return 0;
}

static int take_option(struct creation *c, int option)
{
	switch (option) {
	case 'k':
		if (strcmp(optarg, "file") != 0 && strncmp(optarg, "pkcs11:", 7) != 0)
			return usage_error("identity", "--key: 'file' or a pkcs11: URI");
		c->key = optarg;
		return 0;
	case 'u':
		c->uuid = optarg;
		return 0;
	case 'c':
		c->config = optarg;
		return 0;
	}
	return usage_error("identity", "unknown flag, or its value is missing");
}

int verb_identity(int argc, char **argv)
{
	static const struct option options[] = {{"key", required_argument, NULL, 'k'},
						{"uuid", required_argument, NULL, 'u'},
						{"config", required_argument, NULL, 'c'},
						{NULL, 0, NULL, 0}};
	struct creation c = {NULL, NULL, NULL};
	const char *verb = "show";
	int o, r;

	while ((o = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		r = take_option(&c, o);
		if (r != 0)
			return r;
	}
	if (optind < argc)
		verb = argv[optind++];
	if (optind < argc)
		return usage_error("identity", "'%s' is too much", argv[optind]);
	if (strcmp(verb, "create") == 0)
		return create(&c);
	if (strcmp(verb, "show") != 0 && strcmp(verb, "export") != 0)
		return usage_error("identity", "'show', 'export' or 'create'");
	if (c.key || c.uuid || c.config)
		return usage_error("identity", "--key, --uuid and --config belong to create");
	return ask(strcmp(verb, "export") == 0);
}
