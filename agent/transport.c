/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/transport.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define NETWORKS_MAX 8
#define DAY_S 86400

/* One line each, the newest last: "SINCE INTERFACE GATEWAY HARDWARE", with "-" for what is empty.
 */
struct entry {
	int64_t since_s;
	struct network network;
};

struct memory {
	struct entry entries[NETWORKS_MAX];
	size_t n;
};

bool network_is_same(const struct network *a, const struct network *b)
{
	return strcmp(a->interface, b->interface) == 0 && strcmp(a->gateway, b->gateway) == 0 &&
	       (!a->hardware[0] || !b->hardware[0] || strcmp(a->hardware, b->hardware) == 0);
}

enum session_transport transport_parse(const char *text)
{
	if (strcmp(text, "coap") == 0)
		return SESSION_COAP;
	return strcmp(text, "https") == 0 ? SESSION_HTTPS : SESSION_AUTO;
}

/* The next word of a line; "-" is an empty one. */
static bool take_word(const char **at, char *ret, size_t size)
{
	size_t len = strcspn(*at, " \n");

	if (len == 0 || len >= size)
		return false;
	memcpy(ret, *at, len);
	ret[len] = '\0';
	if (strcmp(ret, "-") == 0)
		ret[0] = '\0';
	*at += len;
	*at += **at == ' ';
	return true;
}

static bool parse_line(const char *at, struct entry *ret)
{
	struct network *n = &ret->network;
	char since[24];
	uint64_t s;

	if (!take_word(&at, since, sizeof(since)) ||
	    decimal_parse(since, strlen(since), INT64_MAX, &s) != 0)
		return false;
	ret->since_s = (int64_t)s;
	return take_word(&at, n->interface, sizeof(n->interface)) &&
	       take_word(&at, n->gateway, sizeof(n->gateway)) &&
	       take_word(&at, n->hardware, sizeof(n->hardware));
}

static void add(struct memory *m, const struct entry *e)
{
	if (m->n == NETWORKS_MAX)
		memmove(m->entries, m->entries + 1, --m->n * sizeof(*e));
	m->entries[m->n++] = *e;
}

/* A clock that went back makes an entry void, as a day does. */
static bool is_valid(const struct entry *e, int64_t now_s)
{
	return e->since_s <= now_s && now_s - e->since_s < DAY_S;
}

/* What is not understood is forgotten. */
static void parse(const char *text, int64_t now_s, struct memory *ret)
{
	ret->n = 0;
	while (text && *text) {
		struct entry e = {.since_s = 0};

		if (parse_line(text, &e) && is_valid(&e, now_s))
			add(ret, &e);
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
}

static struct entry *find(struct memory *m, const struct network *n)
{
	for (size_t i = 0; i < m->n; i++)
		if (network_is_same(&m->entries[i].network, n))
			return &m->entries[i];
	return NULL;
}

static const char *or_dash(const char *text)
{
	return *text ? text : "-";
}

static int format(const struct memory *m, char **ret)
{
	char text[NETWORKS_MAX * 128 + 1] = "";
	size_t len = 0;

	for (size_t i = 0; i < m->n; i++) {
		const struct entry *e = &m->entries[i];

		len += (size_t)snprintf(text + len, sizeof(text) - len, "%" PRId64 " %s %s %s\n",
					e->since_s, or_dash(e->network.interface),
					or_dash(e->network.gateway), or_dash(e->network.hardware));
	}
	*ret = strdup(text);
	return *ret ? 0 : -ENOMEM;
}

enum session_transport transport_first(const char *memory, const struct network *n, int64_t now_s)
{
	struct memory m;

	parse(memory, now_s, &m);
	return find(&m, n) ? SESSION_HTTPS : SESSION_COAP;
}

int transport_note(const char *memory, const struct network *n, enum session_transport first,
		   enum session_transport won, int64_t now_s, char **ret)
{
	struct memory m;
	struct entry *known;

	*ret = NULL;
	parse(memory, now_s, &m);
	known = find(&m, n);
	if (won == SESSION_COAP ? !known : known && first == SESSION_HTTPS)
		return 0;
	if (known) {
		m.n--;
		memmove(known, known + 1, (size_t)(m.entries + m.n - known) * sizeof(*known));
	}
	if (won == SESSION_HTTPS)
		add(&m, &(struct entry){now_s, *n});
	return format(&m, ret);
}
