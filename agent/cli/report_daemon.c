/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "agent/cli/credentials.h"
#include "agent/cli/report.h"
#include "agent/lastwords.h"
#include "base/text.h"
#include "credstore/key.h"

static void show_object(FILE *f, const char *title, const json_t *object)
{
	fprintf(f, "\n== %s ==\n", title);
	if (json_dumpf(object, f, JSON_INDENT(2)) == 0)
		fputc('\n', f);
}

/* Certificates are no secret, but long. */
static void shorten(json_t *facts)
{
	const char *pem = json_string_value(json_object_get(facts, "root_ca"));
	uint8_t digest[32];
	char text[2 * sizeof(digest) + 1];

	if (!pem || sha256(pem, strlen(pem), digest) != 0)
		return;
	hex_encode(digest, sizeof(digest), text);
	/* In two halves, which are not masked. */
	json_object_set_new(facts, "root_ca", json_sprintf("SHA-256 %.32s %.32s", text, text + 32));
}

static void show_credentials(FILE *f, struct client *c)
{
	_cleanup_(json_decrefp) json_t *list = NULL;
	const json_t *e;
	size_t i;

	if (credentials_read(c, "ListCredentials", &list) != 0)
		return;
	fprintf(f, "\n== credentials: tag, type, SHA-256 ==\n");
	json_array_foreach(list, i, e)
	{
		const char *digest = json_string_value(json_object_get(e, "sha256"));

		fprintf(f, "%lld %s %.32s %.32s\n",
			(long long)json_integer_value(json_object_get(e, "tag")),
			json_string_value(json_object_get(e, "type_name")), digest,
			strlen(digest) > 32 ? digest + 32 : "");
	}
}

static void show_last_words(FILE *f)
{
	struct lastwords words;

	if (lastwords_read(&words) == 0)
		fprintf(f, "it ended by itself with %d: %s: %s\n", words.exit_code, words.check,
			words.text);
}

void report_daemon(struct client *c, FILE *f)
{
	_cleanup_(json_decrefp) json_t *status = NULL, *facts = NULL, *wifi = NULL;

	if (!c || !client_is_served(c)) {
		fprintf(f, "\n== onboardd ==\nit is not running\n");
		show_last_words(f);
		return;
	}
	if (client_status(c, CLIENT_AGENT, &status) != 0)
		return;
	json_object_del(status, "claim_token");
	show_object(f, "status", status);
	facts = client_facts_or_null(c);
	if (facts) {
		shorten(facts);
		show_object(f, "configuration of the running onboardd", facts);
	}
	show_credentials(f, c);
	wifi = client_status_or_null(c, CLIENT_WIFI);
	if (wifi) {
		json_object_del(wifi, "passkey");
		show_object(f, "wifi", wifi);
	}
}
