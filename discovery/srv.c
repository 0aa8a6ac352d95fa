/* SPDX-License-Identifier: Apache-2.0 */
#include "discovery/srv.h"

#include <arpa/nameser.h>
#include <netinet/in.h>
#include <resolv.h>
#include <string.h>

#define ANSWER_MAX 4096
#define RECORDS_MAX 32
#define DOMAINS_MAX 3
#define RDATA_MIN 7 /* priority, weight, port, and a root label */
#define TRY_S 1
#define TRIES 2

struct record_srv {
	struct srv srv;
	uint16_t priority, weight;
};

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static bool read_record(const ns_msg *m, const ns_rr *rr, const char *domain,
			struct record_srv *ret)
{
	const uint8_t *data = ns_rr_rdata(*rr);
	char name[NS_MAXDNAME];

	if (ns_rr_type(*rr) != ns_t_srv || ns_rr_class(*rr) != ns_c_in ||
	    ns_rr_rdlen(*rr) < RDATA_MIN)
		return false;
	if (dn_expand(ns_msg_base(*m), ns_msg_end(*m), data + 6, name, sizeof(name)) < 0)
		return false;
	ret->priority = be16(data);
	ret->weight = be16(data + 2);
	ret->srv.port = be16(data + 4);
	/* "." says that there is decidedly no such service. */
	return ret->srv.port > 0 && hostname_read(name, ret->srv.host) &&
	       hostname_is_in(ret->srv.host, domain);
}

static const struct record_srv *choose(const struct record_srv *all, size_t n, uint32_t random)
{
	uint16_t priority = UINT16_MAX;
	uint32_t sum = 0;

	for (size_t i = 0; i < n; i++)
		priority = MIN(priority, all[i].priority);
	for (size_t i = 0; i < n; i++)
		sum += all[i].priority == priority ? all[i].weight + 1U : 0;
	if (sum == 0)
		return NULL;
	random %= sum;
	for (size_t i = 0; i < n; i++) {
		if (all[i].priority != priority)
			continue;
		if (random <= all[i].weight)
			return &all[i];
		random -= all[i].weight + 1U;
	}
	return NULL;
}

int srv_parse(const uint8_t *answer, size_t len, const char *domain, uint32_t random,
	      struct srv *ret)
{
	struct record_srv all[RECORDS_MAX];
	const struct record_srv *chosen;
	size_t n = 0;
	ns_msg m;
	ns_rr rr;

	if (len > INT32_MAX || ns_initparse(answer, (int)len, &m) < 0)
		return SRV_E_NONE;
	for (int i = 0; i < ns_msg_count(m, ns_s_an) && n < RECORDS_MAX; i++) {
		if (ns_parserr(&m, ns_s_an, i, &rr) < 0)
			break;
		n += read_record(&m, &rr, domain, &all[n]);
	}
	chosen = choose(all, n, random);
	if (!chosen)
		return SRV_E_NONE;
	*ret = chosen->srv;
	return 0;
}

int srv_lookup(const char *domain, uint32_t random, struct srv *ret)
{
	struct __res_state state = {0};
	uint8_t answer[ANSWER_MAX];
	int r = SRV_E_NONE;

	if (res_ninit(&state) < 0)
		return SRV_E_NONE;
	state.retrans = TRY_S;
	state.retry = TRIES;
	for (size_t i = 0; i < DOMAINS_MAX && state.dnsrch[i] && r != 0; i++) {
		int len = res_nquerydomain(&state, SRV_SERVICE, state.dnsrch[i], ns_c_in, ns_t_srv,
					   answer, sizeof(answer));

		if (len > 0)
			r = srv_parse(answer, MIN((size_t)len, sizeof(answer)), domain, random,
				      ret);
	}
	res_nclose(&state);
	return r;
}
