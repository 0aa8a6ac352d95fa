/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/cli/verbs.h"
#include "agent/duration.h"
#include "base/exitcode.h"
#include "base/secret.h"

/* clang-format off */
const struct verb verbs[] = {
	{"status", verb_status, "[--json] [--wait STATE] [--timeout TIME]",
	 "show what the device is at, and why",
	 "  --json          the whole status as one JSON object\n"
	 "  --wait STATE    wait until this state is reached (idle, unclaimed, degraded ...)\n"
	 "  --timeout TIME  give up waiting after TIME (seconds, or 500ms, 5min ...): exit code 3\n"},
	{"token", verb_token, "[--qr | --raw]",
	 "print a fresh claim token of this device",
	 "  --qr            a QR code of it, too\n"
	 "  --raw           the token alone, for scripts\n"},
	{"provision", verb_provision, "[--wait] [--timeout TIME]",
	 "start a provisioning cycle now",
	 "  --wait          show its steps; the exit code tells how it ended\n"
	 "  --timeout TIME  give up waiting after TIME: exit code 3\n"},
	{"interval", verb_interval, "[TIME | off]",
	 "show how often a cycle begins by itself, or set it",
	 "  TIME            from 60s to 365d, kept over restarts; off: only when somebody asks\n"},
	{"monitor", verb_monitor, "[--json]",
	 "show steps and changes as they happen, until interrupted",
	 "  --json          one JSON object a line\n"},
	{"check", verb_check, "[--json] [--config FILE]",
	 "find out what keeps this device from its cloud, and what to do",
	 "  --json          every check and the cause as one JSON object\n"
	 "  --config FILE   onboardd's configuration (/etc/onboardd/onboardd.conf)\n"},
	{"report", verb_report, "[--out FILE] [--config FILE]",
	 "write down, without secrets, what a bug report needs",
	 "  --out FILE      into a new file instead of to standard output\n"
	 "  --config FILE   onboardd's configuration (/etc/onboardd/onboardd.conf)\n"},
	{"credentials", verb_credentials, "[list [--json] | rollback [--yes] TAG]",
	 "list the stored credentials, or return to the ones before",
	 "  list            tag, type and SHA-256, and which tags keep their predecessors\n"
	 "  --json          one JSON array\n"
	 "  rollback TAG    make the predecessors of TAG its credentials again, after asking\n"
	 "  --yes           do not ask\n"},
	{"identity", verb_identity, "[show | export | create [--key WHERE] [--uuid UUID] [--config FILE]]",
	 "show who this device is, export it for the service's import, or create it",
	 "  create          make store and identity without onboardd, and print its import row\n"
	 "  --key WHERE     'file': sealed in the store; or the pkcs11: URI of a token, or of a key in it\n"
	 "  --uuid UUID     the device's UUID, instead of a new one\n"
	 "  --config FILE   onboardd's configuration (/etc/onboardd/onboardd.conf)\n"},
	{"reset", verb_reset, "{[--network] [--credentials] [--identity] [--yes] | --receipt} [--json] [--timeout TIME]",
	 "make the device forget, after asking, and wipe it from its storage",
	 "  --network       the Wi-Fi networks\n"
	 "  --credentials   what its owner gave it: credentials, settings, exported files\n"
	 "  --identity      its key and UUID; the credentials go with them\n"
	 "  --yes           do not ask\n"
	 "  --receipt       show what the last reset removed\n"
	 "  --json          the receipt as JSON\n"
	 "  --timeout TIME  give up waiting after TIME (default 2min): exit code 3; it goes on\n"},
	{"claim", verb_claim,
	 "--server URL --api-key-file FILE [--ca FILE] [--tag TAG]... {TOKEN | - | --token-file FILE}",
	 "claim a device, as its owner, from anywhere",
	 "  --server URL         base URL with version: https://HOST[:PORT]/v1\n"
	 "  --api-key-file FILE  holds the API key on one line\n"
	 "  --ca FILE            PEM certificates to trust instead of the system's\n"
	 "  --tag TAG            give the device this tag; may be repeated\n"
	 "  --token-file FILE    read the claim token from FILE; - as TOKEN reads standard input\n"
	 "  --timeout TIME       give up after TIME (default 60s): exit code 3\n"},
	{"discover", verb_discover, "[--json] [--count N] [--timeout TIME]",
	 "list the devices on this LAN that wait for an owner",
	 "  --json          one JSON array\n"
	 "  --count N       end as soon as N devices are found; exit code 3 when they are not\n"
	 "  --timeout TIME  look for TIME (default 5s)\n"},
	{"fetch-tokens", verb_fetch_tokens,
	 "[--out FILE] [--tag TAG]... [--count N | UUID...] [--timeout TIME]",
	 "collect the claim tokens of devices on this LAN, as the list that the service's claim takes",
	 "  --out FILE      write the list there (mode 600) instead of to standard output\n"
	 "  --tag TAG       give the devices this tag; may be repeated\n"
	 "  --count N       end as soon as N devices have answered; exit code 3 when they have not\n"
	 "  UUID...         of these devices only\n"
	 "  --timeout TIME  look for TIME (default 10s)\n"},
	{"wifi", verb_wifi, "{status | scan | connect | forget | advertise | configure} [FLAG]...",
	 "see and set the Wi-Fi of this device, or of another one over Bluetooth",
	 "  status [--json]         show the link, the configuration and the Bluetooth side\n"
	 "  scan [--json]           list the networks that are heard here\n"
	 "  connect SSID [--passphrase-file FILE] [--auth AUTH] [--bssid MAC] [--volatile]\n"
	 "          [--timeout TIME]\n"
	 "                          connect this device, and keep it when it works\n"
	 "  forget                  disconnect, and forget the configuration\n"
	 "  advertise [TIME]        let others configure this device over Bluetooth for TIME\n"
	 "  configure [--device NAME] [--adapter NAME] [--ssid SSID] [--passphrase-file FILE]\n"
	 "            [--auth AUTH] [--volatile] [--list | --forget | --identity] [--token]\n"
	 "            [--server URL --api-key-file FILE [--ca FILE] [--tag TAG]...]\n"
	 "            [--label-file FILE] [--json] [--timeout TIME]\n"
	 "                          configure the Wi-Fi of another device over Bluetooth\n"
	 "  --passphrase-file FILE  holds the passphrase; else it is read from standard input\n"
	 "  --auth AUTH             open, wpa-psk, wpa2-psk, wpa-wpa2-psk or wpa3-psk\n"
	 "  --bssid MAC             this radio of the network only\n"
	 "  --volatile              until onboardd ends: it is not stored\n"
	 "  --device NAME           name or address of the device, when there are several\n"
	 "  --adapter NAME          the Bluetooth adapter, such as hci0\n"
	 "  --list                  list the networks that the device hears\n"
	 "  --forget                make the device forget its Wi-Fi\n"
	 "  --identity              say who the device is, and whether it has an owner\n"
	 "  --token                 print its claim token, too, once it knows that it has none\n"
	 "  --server URL ...        claim it in the same visit, as `onboardctl claim` does\n"
	 "  --label-file FILE       holds the code on the device's label\n"
	 "  --json                  configure: one object a line\n"
	 "  --timeout TIME          give up after TIME (configure: at any step; default 60s)\n"},
	{"version", verb_version, "",
	 "print the versions of onboardctl and of the running onboardd",
	 ""},
	{"help", verb_help, "[VERB]",
	 "print this, or the help of one verb",
	 "  --help          the same, as a flag of any verb; --version as the first argument is the verb\n"},
	{NULL, NULL, NULL, NULL, NULL},
};
/* clang-format on */

int usage_error(const char *verb, const char *format, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, format);
	/* clang-tidy 14 overlooks va_start() when it has read another file before.
	 * NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) */
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	fprintf(stderr, "onboardctl %s: %s\nTry 'onboardctl help %s'.\n", verb, text, verb);
	return EXIT_CODE_USAGE;
}

int verb_options(const char *verb, int argc, char **argv, const struct option_place *places,
		 size_t n)
{
	bool may_have_value = false;

	if (options_read(argc, argv, places, n) < 0) {
		for (size_t i = 0; i < n; i++)
			may_have_value |= places[i].text != NULL;
		return usage_error(verb, "unknown flag%s",
				   may_have_value ? ", or its value is missing" : "");
	}
	if (optind < argc)
		return usage_error(verb, "'%s' is too much", argv[optind]);
	return 0;
}

int timeout_of(const char *verb, const char *text, uint64_t *ret_ms)
{
	if (duration_parse(text, ret_ms) == 0)
		return 0;
	return usage_error(verb, "--timeout: '%s' is not a time such as 30, 500ms or 5min", text);
}

static bool is_help(const char *text)
{
	return strcmp(text, "--help") == 0 || strcmp(text, "-h") == 0;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	if (secret_protect_process() < 0) {
		fprintf(stderr, "onboardctl: cannot protect its memory from other users\n");
		return EXIT_CODE_FAILED;
	}
	/* Lines come out whole and at once, also into a pipe or a serial line. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (strcmp(name, "--version") == 0)
		name = "version";
	if (is_help(name))
		name = "help";
	for (const struct verb *v = verbs; v->name; v++) {
		if (strcmp(name, v->name) != 0)
			continue;
		for (int i = 2; i < argc && strcmp(argv[i], "--") != 0; i++)
			if (is_help(argv[i])) {
				char *help[] = {argv[0], argv[1], NULL};

				return verb_help(2, help);
			}
		argv[1] = (char *)v->name;
		return v->run(argc - 1, argv + 1);
	}
	if (*name)
		fprintf(stderr, "onboardctl: there is no verb '%s'\n", name);
	fprintf(stderr, "Usage: onboardctl VERB [FLAG]...; verbs are");
	for (const struct verb *v = verbs; v->name; v++)
		fprintf(stderr, " %s", v->name);
	fprintf(stderr, ".\nTry 'onboardctl help'.\n");
	return EXIT_CODE_USAGE;
}
