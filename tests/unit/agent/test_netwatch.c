/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <sys/socket.h>

#include "agent/netwatch.h"

struct frame {
	_Alignas(struct nlmsghdr) uint8_t bytes[512];
	size_t len;
};

struct route {
	uint16_t type, flags;
	uint8_t family, dst_len, route_type, table;
	uint16_t attribute; /* 0: none */
};

static const struct route good = {RTM_NEWROUTE, NLM_F_MULTI,   AF_INET, 0,
				  RTN_UNICAST,  RT_TABLE_MAIN, RTA_OIF};

static void add_route(struct frame *f, const struct route *r)
{
	struct nlmsghdr *h = (struct nlmsghdr *)(f->bytes + f->len);
	struct rtmsg *m = NLMSG_DATA(h);

	memset(h, 0, NLMSG_SPACE(sizeof(*m)) + RTA_SPACE(4));
	h->nlmsg_type = r->type;
	h->nlmsg_flags = r->flags;
	h->nlmsg_len = NLMSG_LENGTH(sizeof(*m));
	m->rtm_family = r->family;
	m->rtm_dst_len = r->dst_len;
	m->rtm_type = r->route_type;
	m->rtm_table = r->table;
	if (r->attribute) {
		struct rtattr *a = RTM_RTA(m);

		a->rta_type = r->attribute;
		a->rta_len = RTA_LENGTH(4);
		h->nlmsg_len += RTA_SPACE(4);
	}
	f->len += NLMSG_ALIGN(h->nlmsg_len);
}

static void add_done(struct frame *f)
{
	struct nlmsghdr *h = (struct nlmsghdr *)(f->bytes + f->len);

	memset(h, 0, NLMSG_SPACE(4));
	h->nlmsg_type = NLMSG_DONE;
	h->nlmsg_flags = NLM_F_MULTI;
	h->nlmsg_len = NLMSG_LENGTH(4);
	f->len += NLMSG_SPACE(4);
}

static bool is_up_with(const struct route *r)
{
	struct frame f = {.len = 0};
	uint64_t up = 0;

	add_route(&f, r);
	assert_int_equal(netwatch_scan(f.bytes, f.len, &up), NETWATCH_MORE);
	return up != 0;
}

static void scan_knows_a_default_route_of_either_family(void **state)
{
	struct route r = good;

	(void)state;
	assert_true(is_up_with(&r));
	r.family = AF_INET6;
	assert_true(is_up_with(&r));
	r.attribute = RTA_MULTIPATH;
	assert_true(is_up_with(&r));
}

static void scan_ignores_routes_that_lead_nowhere_or_not_everywhere(void **state)
{
	struct route r;

	(void)state;
	r = good;
	r.dst_len = 24;
	assert_false(is_up_with(&r));
	r = good;
	r.route_type = RTN_UNREACHABLE;
	assert_false(is_up_with(&r));
	r = good;
	r.table = RT_TABLE_LOCAL;
	assert_false(is_up_with(&r));
	r = good;
	r.attribute = 0;
	assert_false(is_up_with(&r));
	r = good;
	r.family = AF_UNIX;
	assert_false(is_up_with(&r));
}

static void scan_tells_the_end_of_a_dump_from_a_change(void **state)
{
	struct frame f = {.len = 0};
	struct route r = good;
	uint64_t up = 0;

	(void)state;
	add_route(&f, &good);
	add_done(&f);
	assert_int_equal(netwatch_scan(f.bytes, f.len, &up), NETWATCH_DONE);
	assert_true(up != 0);

	f.len = 0;
	up = 0;
	r.flags = 0;
	add_route(&f, &r);
	assert_int_equal(netwatch_scan(f.bytes, f.len, &up), NETWATCH_CHANGED);
	assert_int_equal(up, 0);
}

/* Of the last message, and of the last attribute in it: its end is that of the memory. */
static void scan_survives_padding_that_is_not_there(void **state)
{
	struct frame f = {.len = 0};

	(void)state;
	add_route(&f, &good);
	for (uint32_t len = NLMSG_LENGTH(sizeof(struct rtmsg)); len < f.len; len++) {
		struct nlmsghdr *h = malloc(len);
		uint64_t up = 0;

		assert_non_null(h);
		memcpy(h, f.bytes, len);
		h->nlmsg_len = len;
		if (len > NLMSG_LENGTH(sizeof(struct rtmsg)) + sizeof(struct rtattr))
			RTM_RTA((struct rtmsg *)NLMSG_DATA(h))->rta_len =
				(unsigned short)(len - NLMSG_LENGTH(sizeof(struct rtmsg)));
		assert_int_equal(netwatch_scan(h, len, &up), NETWATCH_MORE);
		free(h);
	}
}

static void scan_survives_every_cut_and_wrong_lengths(void **state)
{
	struct frame f = {.len = 0};

	(void)state;
	add_route(&f, &good);
	add_done(&f);
	for (size_t len = 0; len < f.len; len++) {
		_Alignas(struct nlmsghdr) uint8_t bytes[512];
		uint64_t up = 0;

		memcpy(bytes, f.bytes, len);
		(void)netwatch_scan(bytes, len, &up);
	}
	for (uint32_t wrong = 0; wrong < 64; wrong++) {
		struct frame g = f;
		uint64_t up = 0;

		((struct nlmsghdr *)g.bytes)->nlmsg_len = wrong;
		(void)netwatch_scan(g.bytes, g.len, &up);
	}
	for (unsigned int wrong = 0; wrong < 64; wrong++) {
		struct frame g = f;
		uint64_t up = 0;

		RTM_RTA((struct rtmsg *)NLMSG_DATA((struct nlmsghdr *)g.bytes))->rta_len =
			(unsigned short)wrong;
		(void)netwatch_scan(g.bytes, g.len, &up);
	}
}

static void on_change(bool up, void *userdata)
{
	*(int *)userdata = up ? 1 : 0;
}

/* Defect 25: "connected" was believed before anybody had looked. */
static void defect_25_a_new_watch_agrees_with_the_kernels_table(void **state)
{
	sd_event *event = NULL;
	struct netwatch *w = NULL;
	int told = -1;
	int r;

	(void)state;
	assert_true(sd_event_new(&event) >= 0);
	r = netwatch_new(event, on_change, &told, &w);
	assert_int_equal(r, 0);
	assert_int_equal(told, -1);
	netwatch_free(w);
	/* A network namespace of its own has no route at all. */
	if (unshare(CLONE_NEWNET) == 0) {
		assert_int_equal(netwatch_new(event, on_change, &told, &w), 0);
		assert_false(netwatch_is_up(w));
		netwatch_free(w);
	}
	sd_event_unref(event);
}

static void watch_tells_when_a_default_route_comes_and_goes(void **state)
{
	sd_event *event = NULL;
	struct netwatch *w = NULL;
	int told = -1;

	(void)state;
	if (unshare(CLONE_NEWNET) != 0 || system("ip link set lo up 2>/dev/null") != 0)
		skip();
	assert_true(sd_event_new(&event) >= 0);
	assert_int_equal(netwatch_new(event, on_change, &told, &w), 0);
	assert_int_equal(system("ip route add default dev lo"), 0);
	while (told != 1)
		assert_true(sd_event_run(event, 5000000) > 0);
	assert_true(netwatch_is_up(w));
	assert_int_equal(system("ip route del default dev lo"), 0);
	while (told != 0)
		assert_true(sd_event_run(event, 5000000) > 0);
	netwatch_free(w);
	sd_event_unref(event);
}

static void watch_tells_when_another_way_out_takes_the_place_of_the_first(void **state)
{
	sd_event *event = NULL;
	struct netwatch *w = NULL;
	int told = -1;

	(void)state;
	if (unshare(CLONE_NEWNET) != 0 || system("ip link set lo up 2>/dev/null") != 0)
		skip();
	assert_int_equal(system("ip addr add 192.0.2.1/32 dev lo && ip route add default dev lo"),
			 0);
	assert_true(sd_event_new(&event) >= 0);
	assert_int_equal(netwatch_new(event, on_change, &told, &w), 0);
	assert_int_equal(system("ip route replace default dev lo src 192.0.2.1"), 0);
	while (told != 1)
		assert_true(sd_event_run(event, 5000000) > 0);
	assert_true(netwatch_is_up(w));
	/* A route to somewhere is no way out. */
	told = -1;
	assert_int_equal(system("ip route add 198.51.100.0/24 dev lo"), 0);
	while (sd_event_run(event, 200000) > 0)
		;
	assert_int_equal(told, -1);
	netwatch_free(w);
	sd_event_unref(event);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scan_knows_a_default_route_of_either_family),
		cmocka_unit_test(scan_ignores_routes_that_lead_nowhere_or_not_everywhere),
		cmocka_unit_test(scan_tells_the_end_of_a_dump_from_a_change),
		cmocka_unit_test(scan_survives_padding_that_is_not_there),
		cmocka_unit_test(scan_survives_every_cut_and_wrong_lengths),
		cmocka_unit_test(defect_25_a_new_watch_agrees_with_the_kernels_table),
		cmocka_unit_test(watch_tells_when_a_default_route_comes_and_goes),
		cmocka_unit_test(watch_tells_when_another_way_out_takes_the_place_of_the_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
