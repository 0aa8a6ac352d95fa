/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/wifi/link/link_fixture.h"

#include <errno.h>

#include "base/log.h"
#include "credstore/db.h"
#include "wifi/link_internal.h"

/* Whatever happens in whatever order: a model of what was asked for and told is held against the
 * link after every step. The station keeps its header's promises; the store, the station's calls
 * and the address watch may fail. Seeds are fixed, and told when a sequence fails. */

#define N_SEQUENCES 12000
#define N_STEPS 40

static struct {
	struct fixture *f;
	uint32_t random;
	unsigned int seed, step;

	bool is_trial; /* begun, and its outcome was not told */
	char trial_ssid[8];
	enum wifi_state told;
	bool is_scan;       /* begun, and its end was not told */
	char kept[8];       /* "": nothing */
	bool may_keep;      /* this step may bring an address */
	unsigned int depth; /* of calls from within events */

	/* Over all sequences: that the tests see what they are meant to. */
	unsigned int n_connected, n_failed[5], n_scans_done, n_forgotten, n_stranded;
} m;

#define check(what)                                                                                \
	do {                                                                                       \
		if (!(what))                                                                       \
			fail_msg("seed %u step %u state %s: %s", m.seed, m.step,                   \
				 linkfsm_state_name(m.f->link->fsm.state), #what);                 \
	} while (0)

static uint32_t below(uint32_t n)
{
	m.random ^= m.random << 13;
	m.random ^= m.random >> 17;
	m.random ^= m.random << 5;
	return m.random % n;
}

/* Whatever is kept was kept by a trial that works. */
static void check_kept(void)
{
	const struct wifi_config *config = saved_get(m.f->saved);
	char ssid[WIFI_SSID_TEXT_MAX] = "";

	if (config)
		wifi_ssid_text(&config->network, ssid);
	if (strcmp(ssid, m.kept) == 0)
		return;
	check(m.may_keep);
	check(m.is_trial);
	check(strcmp(ssid, m.trial_ssid) == 0);
	memcpy(m.kept, m.trial_ssid, sizeof(m.kept));
}

/* --- what the user of the link does */

static void do_try(void)
{
	struct wifi_config config = config_of("", "passphrase");
	char ssid[8];
	int r;

	snprintf(ssid, sizeof(ssid), "net%u", below(100));
	if (below(10) != 0) {
		memcpy(config.network.ssid, ssid, strlen(ssid));
		config.network.ssid_len = strlen(ssid);
	}
	config.is_volatile = below(4) != 0;
	r = link_try(m.f->link, &config);
	if (config.network.ssid_len == 0) {
		check(r == -EINVAL);
		return;
	}
	check(r == 0 || r == -ENODEV || r == -EIO);
	check((r == -ENODEV) == !fake_station.is_available);
	if (r == -ENODEV)
		return;
	/* The one before is over without a word, even when this one cannot begin. */
	m.is_trial = r == 0;
	m.told = WIFI_STATE_DISCONNECTED;
	snprintf(m.trial_ssid, sizeof(m.trial_ssid), "%s", ssid);
}

static void do_forget(void)
{
	int r = link_forget(m.f->link);

	check(r == 0 || (r == -ENOSPC && m.f->store->broken));
	if (r != 0)
		return;
	m.is_trial = false;
	m.kept[0] = '\0';
	m.n_forgotten++;
}

static void do_scan(void)
{
	int r = link_scan(m.f->link, NULL);

	check(r == 0 || r == -ENODEV || r == -EBUSY || r == -EIO);
	if (!fake_station.is_available)
		check(r == -ENODEV);
	else if (m.f->link->trial.is_on)
		check(r == -EBUSY);
	else
		check(r == fake_station.scan_r);
	if (r == 0)
		m.is_scan = true;
}

static void do_scan_stop(void)
{
	link_scan_stop(m.f->link);
	m.is_scan = false;
}

static void do_something(void)
{
	switch (below(4)) {
	case 0:
		do_try();
		return;
	case 1:
		do_forget();
		return;
	case 2:
		do_scan();
		return;
	default:
		do_scan_stop();
		return;
	}
}

static void perhaps_from_within(void)
{
	check_kept();
	if (m.depth == 0 && below(8) == 0) {
		m.depth++;
		do_something();
		m.depth--;
	}
}

/* --- what the link tells */

static void on_changed(void *userdata)
{
	(void)userdata;
	perhaps_from_within();
}

static void on_result(void *userdata, enum wifi_state state, enum wifi_reason reason)
{
	(void)userdata;
	check(m.is_trial);
	if (state == WIFI_STATE_CONNECTION_FAILED) {
		check(m.told < WIFI_STATE_CONNECTED);
		m.is_trial = false;
		m.n_failed[reason]++;
	} else {
		check(state == m.told + 1);
		m.told = state;
	}
	if (state == WIFI_STATE_CONNECTED) {
		check_kept();
		check(strcmp(m.kept, m.trial_ssid) == 0);
		m.is_trial = false;
		m.n_connected++;
	}
	perhaps_from_within();
}

static void on_found(void *userdata, const struct wifi_record *record)
{
	(void)userdata;
	(void)record;
	check(m.is_scan);
	perhaps_from_within();
}

static void on_scan_done(void *userdata, int r)
{
	(void)userdata;
	check(m.is_scan);
	check(r == 0 || r == -EIO || r == -ECANCELED || r == -ENODEV);
	m.is_scan = false;
	m.n_scans_done++;
	perhaps_from_within();
}

/* --- what happens */

static void happen_to_connection(void)
{
	if (fake_station.is_connecting && below(5) == 0) {
		fake_station_failed((enum wifi_reason)below(5));
	} else if (fake_station.is_connecting) {
		uint32_t left = (uint32_t)(WIFI_STATE_OBTAINING_IP - fake_station.progressed);

		fake_station_progress((enum wifi_state)(fake_station.progressed + 1 + below(left)));
	} else if (fake_station.is_linked && below(4) == 0) {
		fake_station_lost();
	} else if (below(2) == 0) {
		fake_address_set_ip4((uint8_t)below(256));
	} else if (below(2) == 0) {
		fake_address_set_ip6();
	} else {
		fake_address_drop();
	}
}

static void happen_to_scan(void)
{
	if (!fake_station.is_scanning)
		return;
	if (below(2) == 0)
		fake_station_found("x");
	else
		fake_station_scan_done(below(4) ? 0 : -EIO);
}

static void happen_to_time(void)
{
	static const unsigned int lengths[] = {0, 1, 500, 5000, 25000, 46000, 130000};

	pass_ms(m.f, lengths[below(ARRAY_SIZE(lengths))]);
}

static void happen_to_health(void)
{
	fake_station.connect_r = below(6) ? 0 : -EIO;
	fake_station.scan_r = below(6) ? 0 : -EIO;
	fake_address.new_r = below(12) ? 0 : -ENODEV;
	m.f->store->broken = below(6) ? 0 : -ENOSPC;
}

static void heal(void)
{
	fake_station.connect_r = fake_station.scan_r = fake_address.new_r = 0;
	m.f->store->broken = 0;
}

/* --- what must hold */

static void check_state(void)
{
	const struct link *l = m.f->link;
	enum linkfsm_state state = l->fsm.state;
	struct link_view view = view_of(m.f);
	bool has_link = state == LINKFSM_STATE_OBTAINING_IP || state == LINKFSM_STATE_TRYING_IP ||
			state == LINKFSM_STATE_CONNECTED;

	check(state != LINKFSM_STATE_CHOOSING);
	check(!l->has_posted);
	check((state == LINKFSM_STATE_NO_INTERFACE) == !fake_station.is_available);
	/* A state that waits has its timer, so that it is left again. */
	check(fake_deadline_is_set(0) == (linkfsm_timer_of(state) != LINKFSM_TIMER_NONE));
	check(fake_station.is_connecting ==
	      (state == LINKFSM_STATE_CONNECTING || state == LINKFSM_STATE_TRYING));
	check(fake_station.is_linked == has_link);
	check(l->trial.is_on == linkfsm_is_trial(state));
	check(view.is_trying == linkfsm_is_trial(state));
	check(l->is_scanning == fake_station.is_scanning);
	check(state != LINKFSM_STATE_SCANNING || l->is_scanning);
	check(state != LINKFSM_STATE_UNCONFIGURED || !view.is_configured);
	check(view.is_configured || state == LINKFSM_STATE_UNCONFIGURED ||
	      state == LINKFSM_STATE_NO_INTERFACE || linkfsm_is_trial(state));
	check((view.connected != NULL) == has_link);
	check(!view.has_ip4 || state == LINKFSM_STATE_CONNECTED);
	check((view.retry_in_ms > 0) == (state == LINKFSM_STATE_RETRYING));
	check(!view.has_failed || state != LINKFSM_STATE_CONNECTED);
	check(!view.is_stranded || (view.is_configured && state != LINKFSM_STATE_CONNECTED));
	m.n_stranded += view.is_stranded;
	/* Who keeps to the station's promises meets no event without a move. */
	for (size_t s = 0; s < LINKFSM_N_STATES; s++)
		check(l->fsm.refused[s] == 0);
}

/* After everything was told. */
static void check_told(void)
{
	check(m.is_trial == m.f->link->trial.is_on);
	check(m.is_scan == m.f->link->is_scanning);
	check(!m.is_trial || m.told == m.f->link->trial.reached);
}

static void step(void)
{
	m.may_keep = false;
	switch (below(12)) {
	case 0:
		if (below(3) == 0)
			fake_station_set_available(!fake_station.is_available);
		break;
	case 1:
		do_something();
		break;
	case 2:
		do_try();
		break;
	case 3:
		happen_to_health();
		break;
	case 4:
		happen_to_scan();
		break;
	case 5:
	case 6:
		m.may_keep = true;
		settle(m.f);
		check_kept();
		happen_to_time();
		break;
	default:
		m.may_keep = true;
		happen_to_connection();
		break;
	}
	check_kept();
	check_state();
	m.may_keep = false;
	/* Sometimes more happens before anything is told. */
	if (below(3) == 0)
		return;
	settle(m.f);
	check_kept();
	check_state();
	check_told();
}

/* When everything around it is well, it gets to where it should be in bounded time. */
static void check_progress(void)
{
	uint64_t end = fake_now_ms + 4 * 60 * 1000;

	heal();
	m.depth++; /* nobody interferes any more */
	m.may_keep = true;
	if (!fake_station.is_available)
		fake_station_set_available(true);
	settle(m.f);
	check_kept();
	while (m.f->link->fsm.state != LINKFSM_STATE_CONNECTED &&
	       m.f->link->fsm.state != LINKFSM_STATE_UNCONFIGURED) {
		check(fake_now_ms < end);
		if (fake_station.is_connecting)
			fake_station_progress(WIFI_STATE_OBTAINING_IP);
		else if (fake_station.is_linked)
			fake_address_set_ip4(1);
		else
			pass_ms(m.f, 1000);
		check_kept();
		settle(m.f);
		check_state();
		check_told();
	}
	check((m.f->link->fsm.state == LINKFSM_STATE_CONNECTED) == (m.kept[0] != '\0'));
	check(!m.is_trial);
	m.depth--;
}

static void run_sequence(struct fixture *f, unsigned int seed)
{
	static const struct link_options options = {
		.connect_ms = CONNECT_MS,
		.address_ms = ADDRESS_MS,
		.retry_first_ms = RETRY_FIRST_MS,
		.retry_ceiling_ms = RETRY_CEILING_MS,
		.fallback_ms = FALLBACK_MS,
	};
	static const struct link_events events = {
		.changed = on_changed,
		.result = on_result,
		.found = on_found,
		.scan_done = on_scan_done,
	};

	m.seed = seed;
	m.random = seed * 2654435761U + 1;
	m.is_trial = m.is_scan = false;
	m.told = WIFI_STATE_DISCONNECTED;
	fake_station_reset();
	fake_address_reset();
	fake_deadline_reset();
	fake_station.is_available = below(4) != 0;
	/* What the sequence before has kept stays, as over a restart. */
	assert_int_equal(link_new(f->event, NULL, f->saved, &options, &events, &f->link), 0);
	assert_int_equal(link_start(f->link), 0);
	for (m.step = 0; m.step < N_STEPS; m.step++)
		step();
	check_progress();
	f->link = link_free(f->link);
}

static void no_order_of_events_breaks_a_promise(void **state)
{
	struct fixture *f = *state;

	log_set_level(LOG_LEVEL_ERROR - 1);
	m.f = f;
	for (unsigned int i = 0; i < N_SEQUENCES; i++)
		run_sequence(f, i + 1);
	assert_true(m.n_connected > N_SEQUENCES / 10);
	for (size_t i = 0; i < ARRAY_SIZE(m.n_failed); i++)
		assert_true(m.n_failed[i] > N_SEQUENCES / 100);
	assert_true(m.n_scans_done > N_SEQUENCES / 10);
	assert_true(m.n_forgotten > N_SEQUENCES / 10);
	assert_true(m.n_stranded > N_SEQUENCES / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINK_TEST(no_order_of_events_breaks_a_promise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
