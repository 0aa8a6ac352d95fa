/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/agent.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/hook.h"
#include "agent/internal.h"
#include "agent/journal.h"
#include "agent/timewatch.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/worker.h"
#include "provisioning/stats.h"

#define SETTLE_MS 10000 /* for the signature that is under way */

/* ---- events: the only way into the machine ---- */

static void enqueue(struct agent *a, const struct agent_posted *p)
{
	if (a->stopped)
		return;
	for (size_t i = 0; !p->is_result && i < a->queue_len; i++)
		if (a->queue[(a->queue_head + i) % AGENT_QUEUE_MAX].event == p->event)
			return;
	if (a->queue_len == AGENT_QUEUE_MAX) {
		log_error("event %s dropped: too many at once", fsm_event_name(p->event));
		return;
	}
	a->queue[(a->queue_head + a->queue_len++) % AGENT_QUEUE_MAX] = *p;
	if (sd_event_source_set_enabled(a->dispatch, SD_EVENT_ON) < 0)
		log_error("event %s delayed: the event loop refuses", fsm_event_name(p->event));
}

/* The status says what to do about it; which call of the module answered what is for the log. */
static void tell_token(struct agent *a)
{
	char why[256];

	keyring_detail(a->ring, why, sizeof(why));
	if (*why)
		log_warning("token failed why=\"%s\"", why);
}

void agent_post(struct agent *a, enum fsm_event event, int outcome, const char *format, ...)
{
	struct agent_posted p = {
		.event = event,
		.is_result = true,
		.generation = a->generation,
		.outcome = outcome,
	};
	va_list ap;

	va_start(ap, format);
	vsnprintf(p.why, sizeof(p.why), format, ap);
	va_end(ap);
	if (outcome >= 0 && a->ring && outcome_is_of_token((enum outcome)outcome))
		tell_token(a);
	enqueue(a, &p);
}

void agent_post_external(struct agent *a, enum fsm_event event)
{
	struct agent_posted p = {.event = event, .outcome = -1};
	char requests[REQUESTS_TEXT_MAX];

	requests_describe(&a->requests, true, requests);
	if (event == FSM_EVENT_PROVISION)
		snprintf(p.why, sizeof(p.why), "asked for: %s", requests);
	else
		snprintf(p.why, sizeof(p.why), "%s",
			 event == FSM_EVENT_NETWORK_UP ? "network is back" : fsm_event_name(event));
	enqueue(a, &p);
}

void agent_tell_step(struct agent *a, const char *name, const char *format, ...)
{
	char text[CLAIM_TEXT_MAX + 1]; /* a claim token is the longest, and never cut */
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	log_debug("step name=%s text=\"%s\"", name, text);
	for (size_t i = 0; i < a->n_observers; i++)
		if (a->observers[i].step)
			a->observers[i].step(a->observers[i].userdata, name, text);
}

/* ---- the door ---- */

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct agent *a = userdata;

	(void)source;
	(void)usec;
	a->deadline_ms = 0;
	if (fsm_timer_of(a->fsm.state) == FSM_TIMER_SCHEDULE) {
		agent_end_rest(a);
		return 0;
	}
	agent_post(a, FSM_EVENT_TIMEOUT, -1, "%s is over",
		   fsm_timer_name(fsm_timer_of(a->fsm.state)));
	return 0;
}

void agent_arm_timer(struct agent *a)
{
	uint64_t ms = agent_timer_ms(a, fsm_timer_of(a->fsm.state));
	int r;

	a->deadline_ms = 0;
	if (ms == 0) {
		r = sd_event_source_set_enabled(a->timer, SD_EVENT_OFF);
	} else {
		a->deadline_ms = clock_ms() + ms;
		r = sd_event_source_set_time(a->timer, a->deadline_ms * 1000);
		if (r >= 0)
			r = sd_event_source_set_enabled(a->timer, SD_EVENT_ONESHOT);
	}
	if (r < 0)
		log_error("timer of state %s cannot be set: %s", fsm_state_name(a->fsm.state),
			  strerror(-r));
}

/* A session that was kept goes on under the trace id that the service knows it by. */
static bool is_authenticated(struct agent *a)
{
	uint64_t until_ms = 0;

	switch (session_get_state(a->session)) {
	case SESSION_SUSPENDED:
		until_ms = session_note(a->session);
		break;
	case SESSION_OPEN:
		until_ms = a->authenticated_until_ms;
		break;
	case SESSION_CONNECTING:
	case SESSION_CLOSED:
		break;
	}
	return until_ms > clock_ms();
}

/* What is asked for from now on is another cycle. */
static void take_requests(struct agent *a)
{
	requests_take(&a->requests);
	a->began_s = clock_wall_s();
}

static void begin_cycle(struct agent *a)
{
	take_requests(a);
	a->network_changed = false;
	a->trace_is_kept = is_authenticated(a);
	if (!a->trace_is_kept)
		identity_new_trace(a->identity);
	agent_server_forget(a);
	a->reauthenticated = false;
	a->failed_command = false;
	a->n_lost = a->n_batches = 0;
	a->commands_ok = a->commands_failed = 0;
}

static void tell_cycle_ended(struct agent *a)
{
	for (size_t i = 0; i < a->n_observers; i++)
		if (a->observers[i].cycle_ended)
			a->observers[i].cycle_ended(a->observers[i].userdata, a->outcome);
}

static void on_exports_step(void *userdata, bool failed, const char *text)
{
	agent_tell_step(userdata, failed ? STEP_EXPORT_FAILED : "export", "%s", text);
}

static void on_exports_settled(void *userdata)
{
	struct agent *a = userdata;

	if (exports_let_go_of_key(a->exports))
		agent_sweep(a);
	if (!a->end_is_owed)
		return;
	a->end_is_owed = false;
	tell_cycle_ended(a);
}

static void end_cycle(struct agent *a)
{
	if (a->fsm.state == FSM_STATE_IDLE) {
		a->cycles++;
		a->last_success_s = clock_wall_s();
		backoff_reset(&a->backoff);
	} else if (a->fsm.state == FSM_STATE_DEGRADED) {
		a->cycles++;
		backoff_reset(&a->backoff);
	}
	if (requests_are_waiting(&a->requests))
		agent_post_external(a, FSM_EVENT_PROVISION);
	else if (a->network_changed)
		agent_post_external(a, FSM_EVENT_NETWORK_UP);
	a->network_changed = false;
	/* A poll for the claim changes nothing. */
	if (a->fsm.state != FSM_STATE_UNCLAIMED)
		exports_update(a->exports);
	if (exports_let_go_of_key(a->exports))
		agent_sweep(a);
	/* A program that ends with its cycle would take the hooks with it. */
	a->end_is_owed = a->once && exports_are_busy(a->exports);
	if (!a->end_is_owed)
		tell_cycle_ended(a);
}

static void run_action(struct agent *a, enum fsm_action action)
{
	switch (action) {
	case FSM_DO_STOP_POLL:
		agent_do_stop_poll(a);
		return;
	case FSM_DO_BEGIN_CYCLE: /* done, see enter_state() */
		return;
	case FSM_DO_WAIT_NETWORK:
		agent_do_wait_network(a);
		return;
	case FSM_DO_WAIT_TIME:
		agent_do_wait_time(a);
		return;
	case FSM_DO_CONNECT:
		agent_do_connect(a);
		return;
	case FSM_DO_AUTHENTICATE:
		agent_do_authenticate(a);
		return;
	case FSM_DO_SHOW_TOKEN:
		agent_do_show_token(a);
		return;
	case FSM_DO_FETCH:
		agent_do_fetch(a);
		return;
	case FSM_DO_SUSPEND:
		agent_do_suspend(a);
		return;
	case FSM_DO_EXECUTE:
		agent_do_execute(a);
		return;
	case FSM_DO_RESUME:
		agent_do_resume(a);
		return;
	case FSM_DO_REPORT:
		agent_do_report(a);
		return;
	case FSM_DO_PARK:
		agent_do_park(a);
		return;
	case FSM_DO_VALIDATE:
		agent_do_validate(a);
		return;
	case FSM_DO_VALIDATE_PREVIOUS:
		agent_do_validate_previous(a);
		return;
	case FSM_DO_POLL:
		agent_do_poll(a);
		return;
	case FSM_DO_CANCEL:
		agent_do_cancel(a);
		return;
	case FSM_DO_QUEUE: /* requests.h has it already */
		return;
	case FSM_DO_END_POLL:
		agent_do_end_poll(a);
		return;
	case FSM_DO_END_CYCLE:
		end_cycle(a);
		return;
	}
}

static const char *agent_trace(const struct agent *a)
{
	const char *trace = identity_trace(a->identity);

	return trace[0] ? trace : "-";
}

/* A poll, for the claim every few seconds or of the shadow, must not fill the log. */
static bool is_poll(enum fsm_state from, enum fsm_state to, const struct agent *a)
{
	if ((from == FSM_STATE_IDLE && to == FSM_STATE_POLLING) ||
	    (from == FSM_STATE_POLLING && to == FSM_STATE_IDLE))
		return true;
	return a->token_shown && ((from == FSM_STATE_UNCLAIMED && to == FSM_STATE_AUTHENTICATING) ||
				  (from == FSM_STATE_AUTHENTICATING && to == FSM_STATE_UNCLAIMED));
}

static void enter_state(struct agent *a, const struct fsm_move *m, const char *why)
{
	const char *from = fsm_state_name(m->state), *to = fsm_state_name(m->next), *trace;

	/* The line that begins a cycle is of that cycle already. */
	if (m->actions & FSM_DO_BEGIN_CYCLE)
		begin_cycle(a);
	/* Who waits for an owner is in the middle of one. */
	if (m->state == FSM_STATE_UNCLAIMED)
		take_requests(a);
	if ((m->actions & FSM_DO_END_CYCLE) &&
	    (m->next == FSM_STATE_IDLE || m->next == FSM_STATE_DEGRADED))
		agent_settle(a);
	trace = agent_trace(a);
	a->generation++;
	(void)sd_event_source_set_enabled(a->tick, SD_EVENT_OFF);
	agent_set_reason(a, why);
	journal_state(is_poll(m->state, m->next, a), m->state, m->next, a->outcome, trace, why);
	agent_arm_timer(a);
	for (size_t i = 0; i < a->n_observers; i++)
		if (a->observers[i].changed)
			a->observers[i].changed(a->observers[i].userdata, from, to, why);
	if (agent_reset_if_safe(a))
		return;
	for (uint32_t action = 1; action <= FSM_DO_END_CYCLE; action <<= 1)
		if (m->actions & action)
			run_action(a, action);
}

/* What a timer that ran out says about the state it ran out in. */
static int outcome_of_timeout(enum fsm_state state)
{
	switch (fsm_timer_of(state)) {
	case FSM_TIMER_NETWORK:
		return OUTCOME_NO_NETWORK;
	case FSM_TIMER_TIME:
		return OUTCOME_NO_TIME;
	case FSM_TIMER_CONNECT:
	case FSM_TIMER_EXCHANGE:
	case FSM_TIMER_VALIDATE:
	case FSM_TIMER_WORK:
		return OUTCOME_TIMEOUT;
	case FSM_TIMER_NONE:
	case FSM_TIMER_POLL:
	case FSM_TIMER_REVALIDATE:
	case FSM_TIMER_SCHEDULE:
	case FSM_TIMER_LOOK:
	case FSM_TIMER_DEGRADED:
	case FSM_TIMER_BACKOFF:
	case FSM_TIMER_CEILING:
		break;
	}
	return -1;
}

static void take_event(struct agent *a, const struct agent_posted *p)
{
	enum fsm_state from = a->fsm.state;
	int outcome = p->event == FSM_EVENT_TIMEOUT ? outcome_of_timeout(from) : p->outcome;
	struct fsm_move m;
	int r;

	/* Whoever asks wants it tried now, not after what earlier failures have earned. */
	if (p->event == FSM_EVENT_PROVISION)
		a->validate_tries = 0;
	r = fsm_step(&a->fsm, p->event, &m);
	if (r == FSM_E_REFUSED && p->event != FSM_EVENT_NETWORK_UP)
		log_warning("event %s has no move in state %s, ignoring", fsm_event_name(p->event),
			    fsm_state_name(from));
	if (r != 0)
		return;
	if (m.next == from) {
		/* Nothing but a note for later. */
		for (uint32_t action = 1; action <= FSM_DO_END_CYCLE; action <<= 1)
			if (m.actions & action)
				run_action(a, action);
		return;
	}
	if (outcome >= 0)
		a->outcome = (enum outcome)outcome;
	enter_state(a, &m, p->why);
}

static int on_dispatch(sd_event_source *source, void *userdata)
{
	struct agent *a = userdata;
	struct agent_posted p;

	if (a->queue_len == 0)
		return sd_event_source_set_enabled(source, SD_EVENT_OFF);
	p = a->queue[a->queue_head];
	a->queue_head = (a->queue_head + 1) % AGENT_QUEUE_MAX;
	a->queue_len--;
	if (!p.is_result || p.generation == a->generation)
		take_event(a, &p);
	return 0;
}

static int on_tick(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	agent_do_wait_time(userdata);
	return 0;
}

static void on_network(bool up, void *userdata)
{
	struct agent *a = userdata;

	log_info("network default-route=%s", up ? "yes" : "no");
	if (!up)
		return;
	a->network_changed = fsm_is_busy(a->fsm.state);
	agent_post_external(a, FSM_EVENT_NETWORK_UP);
	agent_on_network(a);
}

/* ---- life ---- */

static int add_sources(struct agent *a)
{
	int r = sd_event_add_defer(a->event, &a->dispatch, on_dispatch, a);

	if (r >= 0)
		r = sd_event_source_set_enabled(a->dispatch, SD_EVENT_OFF);
	/* CLOCK_BOOTTIME: a device that slept through its deadline acts when it wakes. */
	if (r >= 0)
		r = sd_event_add_time(a->event, &a->timer, CLOCK_BOOTTIME, 0, 0, on_timer, a);
	if (r >= 0)
		r = sd_event_source_set_enabled(a->timer, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_add_time(a->event, &a->tick, CLOCK_BOOTTIME, 0, 0, on_tick, a);
	if (r >= 0)
		r = sd_event_source_set_enabled(a->tick, SD_EVENT_OFF);
	if (r >= 0 && a->config->network_wait)
		r = netwatch_new(a->event, on_network, a, &a->netwatch);
	return r < 0 ? r : 0;
}

int agent_make_cloud(struct agent *a)
{
	const struct config *c = a->config;
	/* Where no cloud is named, it is behind the provisioning server. */
	bool follows = c->cloud_follows && a->server.is_found;
	struct cloud_device_config config = {
		.session = {.name = "cloud",
			    .server = follows ? a->server.name : c->cloud_server,
			    .address = !follows             ? c->cloud_address
				       : *a->server.address ? a->server.address
							    : NULL,
			    .port = follows ? a->server.port : c->cloud_port,
			    .ca_pem = a->ca_pem,
			    .resumption = c->resumption,
			    .tickets = c->tickets,
			    .cid = c->cid,
			    .handshake_timeout_ms = (unsigned int)c->handshake_timeout_ms,
			    .ack_timeout_ms = (unsigned int)c->ack_timeout_ms,
			    .answer_timeout_ms = (unsigned int)c->answer_timeout_ms},
		.sec_tag = c->cloud_tag,
		.ring = a->ring,
		.delta = agent_on_delta,
		.delta_userdata = a,
	};
	struct cloud_device *cloud;
	int r;

	if (!c->validate)
		return 0;
	agent_set_ways(c, &config.session);
	r = cloud_device_new(a->event, &config, a->store, a->identity, &cloud);
	if (r != 0)
		return r;
	/* Only now: there is always one. */
	cloud_device_free(a->cloud);
	a->cloud = cloud;
	return 0;
}

static int make_exports(struct agent *a)
{
	const struct exports_events events = {
		.step = on_exports_step, .settled = on_exports_settled, .userdata = a};

	return exports_new(a->event, a->config, a->store, &events, &a->exports);
}

/* A failure costs a handshake, nothing else. */
void agent_adopt_session(struct agent *a)
{
	int r = session_adopt(a->session);

	if (r < 0)
		log_warning(
			"a session left by an earlier process cannot be taken over: %s, ignoring",
			session_strerror(r));
	if (r != 0)
		return;
	/* The service logs what comes on it under the id of that cycle. */
	r = identity_keep_trace(a->identity, session_label(a->session));
	if (r < 0) {
		log_warning(
			"a session left by an earlier process does not say of which cycle it is: "
			"closing it");
		session_close(a->session);
		return;
	}
	a->authenticated_until_ms = session_note(a->session);
	log_info("session adopted from an earlier process trace=%s", identity_trace(a->identity));
}

static void tell_earlier_roll_back(struct agent *a)
{
	_cleanup_(freep) char *why = agent_rolled_back_why(a);

	if (why && a->config->validate)
		a->cloud_word = "rolled-back";
}

int agent_new(sd_event *event, const struct config *config, struct agent **ret, char **ret_detail)
{
	_cleanup_(agent_freep) struct agent *a = NULL;
	int r;

	if (ret_detail)
		*ret_detail = NULL;
	a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	a->event = sd_event_ref(event);
	a->config = config;
	fsm_init(&a->fsm);
	a->claimed = "unknown";
	a->cloud_word = config->validate ? "unknown" : "off";
	a->backoff = (struct backoff){config->backoff_first_ms, config->backoff_ceiling_ms, 0};
	a->poll_backoff = (struct backoff){config->poll_fast_ms, config->poll_ceiling_ms, 0};
	a->validate_backoff =
		(struct backoff){config->validate_first_ms, config->validate_ceiling_ms, 0};
	a->stay_backoff = a->validate_backoff;
	snprintf(a->reason, sizeof(a->reason), "starting");

	r = agent_open_keyring(config, &a->ring);
	if (r == 0)
		r = agent_open_store(config, a->ring, &a->store, ret_detail);
	if (r == 0)
		r = agent_open_identity(config, a->ring, a->store, &a->identity, ret_detail);
	if (r == 0)
		r = agent_install_root_ca(config, a->store, &a->ca_pem, ret_detail);
	if (r != 0)
		return r;
	tell_earlier_roll_back(a);
	agent_set_allowed_keys(config->allow_keys);
	a->executor = (struct executor){.store = a->store,
					.identity = a->identity,
					.config_check = agent_check_config,
					.cloud_tag = config->cloud_tag,
					.ring = a->ring,
					.key_home = config->cloud_key_uri};
	agent_server_init(a);
	r = agent_prepare_session(a);
	a->schedule = schedule_load(a->store);
	agent_load_requests(a);
	if (r == 0)
		r = agent_make_cloud(a);
	if (r == 0)
		agent_load_poll(a);
	if (r == 0)
		r = add_sources(a);
	if (r == 0)
		r = make_exports(a);
	if (r != 0) {
		if (ret_detail &&
		    asprintf(ret_detail, "the agent cannot start: %s", session_strerror(r)) < 0)
			*ret_detail = NULL;
		return r;
	}
	agent_adopt_session(a);
	*ret = TAKE_PTR(a);
	return 0;
}

struct agent *agent_free(struct agent *a)
{
	if (!a)
		return NULL;
	a->stopped = true;
	sd_event_source_disable_unref(a->dispatch);
	sd_event_source_disable_unref(a->timer);
	sd_event_source_disable_unref(a->tick);
	hook_free(a->link_hook);
	exports_free(a->exports);
	finder_free(a->finder);
	wireless_free(a->wireless);
	lan_free(a->lan);
	netwatch_free(a->netwatch);
	worker_cancel(a->token_worker);
	worker_cancel(a->sweeper);
	cloud_device_free(a->cloud);
	provisioning_free(a->provisioning);
	session_free(a->session);
	identity_free(a->identity);
	store_close(a->store);
	/* Modules do not like to be closed by one thread while another is leaving them. */
	if (!worker_settle(SETTLE_MS))
		log_warning("a token does not answer, going on without it");
	keyring_free(a->ring);
	sd_event_unref(a->event);
	free(a->ca_pem);
	free(a);
	return NULL;
}

int agent_add_observer(struct agent *a, const struct agent_observer *observer)
{
	if (a->n_observers == AGENT_OBSERVERS_MAX)
		return -ENOBUFS;
	a->observers[a->n_observers++] = *observer;
	return 0;
}

void agent_set_once(struct agent *a)
{
	a->once = true;
	agent_load_poll(a);
}

int agent_start_wifi(struct agent *a, char **ret_detail)
{
	if (!a->config->wifi_enable)
		return 0;
	return wireless_new(a->event, a->config, a->store, a, &a->wireless, ret_detail);
}

int agent_start_discovery(struct agent *a)
{
	return a->config->discovery_enable ? lan_new(a->event, a, &a->lan) : 0;
}

static void begin(struct agent *a)
{
	agent_post(a, FSM_EVENT_START, -1, "started");
}

int agent_start(struct agent *a)
{
	/* Files in /run went with the last boot, and programs wait for them. */
	exports_update(a->exports);
	agent_sweep(a);
	if (agent_was_left_offline(a))
		agent_recover_online(a, begin);
	else
		begin(a);
	return 0;
}

static void say_goodbye(struct agent *a)
{
	session_close(a->session);
	if (a->cloud)
		cloud_device_leave(a->cloud);
}

void agent_stop(struct agent *a)
{
	struct fsm_move m;

	if (a->stopped)
		return;
	a->stopped = true;
	if (fsm_step(&a->fsm, FSM_EVENT_STOP, &m) == 0)
		enter_state(a, &m, "asked to stop");
	agent_cancel_offline(a);
	a->n_observers = 0;
	/* What is suspended lives on in systemd's store when there is one; otherwise the server
	 * is told, so that it does not keep a dead session. */
	if (a->once || !getenv("NOTIFY_SOCKET"))
		say_goodbye(a);
}

void agent_get_status(struct agent *a, struct agent_status *ret)
{
	uint64_t now = clock_ms();
	struct session_stats s;

	requests_describe(&a->requests, false, a->requests_text);
	*ret = (struct agent_status){
		.state = fsm_state_name(a->fsm.state),
		.outcome = a->outcome,
		.reason = a->reason,
		.uuid = identity_uuid_text(a->identity),
		.hardware = identity_hardware(a->identity),
		.server = a->server.name,
		.port = a->server.port,
		.claim_token = agent_token_to_show(a) ? a->claim_token : "",
		.claimed = a->claimed,
		.cloud = a->cloud_word,
		.trace = identity_trace(a->identity),
		.suite = session_suite(a->session),
		.store = store_notice(a->store),
		.cycles = a->cycles,
		.pending_results = journal_count(a->store),
		.commands_ok = a->commands_ok,
		.commands_failed = a->commands_failed,
		.last_success_s = a->last_success_s,
		.interval_s = schedule_get_interval(a->store),
		.next_run_s = a->schedule.next_s,
		.requests = a->requests_text,
		.poll_interval_s = a->cloud ? a->poll_interval_ms / 1000 : 0,
		.polls = a->polls,
		.next_try_ms = a->deadline_ms > now && !fsm_is_busy(a->fsm.state)
				       ? a->deadline_ms - now
				       : 0,
		.provisioning = a->earlier,
	};
	ret->exports = exports_get_status(a->exports, &ret->n_exports);
	session_get_stats(a->session, &s);
	stats_add(&ret->provisioning, &s);
	if (a->cloud)
		cloud_device_get_stats(a->cloud, &ret->cloud_stats);
}

int agent_claim_token(struct agent *a, sign_fn fn, void *userdata, struct worker **ret)
{
	struct signer *signer;
	int r = identity_signer(a->identity, &signer);

	if (r < 0)
		return r;
	return sign_start(a->event, signer, SIGN_CLAIM_TOKEN, 0, 0, fn, userdata, ret);
}

int agent_identity_csv(struct agent *a, char *ret, size_t size)
{
	return identity_csv(a->identity, ret, size);
}

int agent_list_credentials(struct agent *a, struct credential_info **ret, size_t *ret_n)
{
	return store_credential_list(a->store, ret, ret_n);
}

bool agent_has_wifi(const struct agent *a)
{
	return a->config->wifi_enable;
}

struct wifi *agent_wifi(struct agent *a)
{
	return a->wireless ? wireless_wifi(a->wireless) : NULL;
}

const char *agent_passkey(const struct agent *a)
{
	return a->wireless ? wireless_passkey(a->wireless) : "";
}
