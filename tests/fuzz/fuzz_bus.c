/* Targets: every method of org.onboardd.*1 with any arguments; what is said of its caller. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "agent/bus.h"
#include "agent/bus_wifi.h"
#include "agent/schedule.h"
#include "base/log.h"
#include "base/macros.h"
#include "tests/fuzz/busmsg.h"
#include "tests/fuzz/fuzz.h"

#define AGENT "org.onboardd.Agent1"

/* ---- an agent that only looks at what it is asked for ---- */

static sd_bus *ours, *theirs; /* of the object, of who calls it */
static struct agent_observer observer;
static int result;                          /* of the next call, as the input says */
static enum { NO, YES, PERHAPS } permitted; /* by what the bus and polkit have said of the caller */
static unsigned int n_calls;

int agent_add_observer(struct agent *a, const struct agent_observer *o)
{
	(void)a;
	observer = *o;
	return 0;
}

void agent_get_status(struct agent *a, struct agent_status *ret)
{
	(void)a;
	*ret = (struct agent_status){.state = "idle",
				     .reason = "a reason",
				     .claimed = "yes",
				     .cloud = "off",
				     .cycles = n_calls};
}

json_t *agent_facts_json(struct agent *a)
{
	(void)a;
	return json_object();
}

void agent_provision(struct agent *a, enum request_source source)
{
	(void)a;
	FUZZ_ASSERT(source == REQUEST_BUS && permitted != NO);
	n_calls++;
	observer.changed(observer.userdata, "idle", "connecting", "asked for");
}

int agent_set_interval(struct agent *a, uint64_t interval_s)
{
	(void)a;
	FUZZ_ASSERT(schedule_is_allowed(interval_s) && permitted != NO);
	return result;
}

int agent_claim_token(struct agent *a, sign_fn fn, void *userdata, struct worker **ret)
{
	(void)a, (void)fn, (void)userdata, (void)ret;
	return result != 0 ? result : -EIO;
}

int agent_identity_csv(struct agent *a, char *ret, size_t size)
{
	(void)a;
	FUZZ_ASSERT(size > 4);
	strcpy(ret, "row");
	return result;
}

int agent_list_credentials(struct agent *a, struct credential_info **ret, size_t *ret_n)
{
	(void)a;
	*ret = calloc(1, sizeof(**ret));
	*ret_n = 1;
	return result;
}

int agent_list_previous(struct agent *a, struct credential_info **ret, size_t *ret_n)
{
	return agent_list_credentials(a, ret, ret_n);
}

int agent_roll_back(struct agent *a, uint32_t tag)
{
	(void)a, (void)tag;
	FUZZ_ASSERT(permitted != NO);
	return result;
}

int agent_reset(struct agent *a, unsigned int parts, char ret_id[static RESET_ID_LEN + 1],
		bool *ret_at_once, const char **ret_refusal)
{
	(void)a;
	FUZZ_ASSERT(parts != 0 && parts < 8 && permitted != NO);
	memset(ret_id, 'a', RESET_ID_LEN);
	ret_id[RESET_ID_LEN] = '\0';
	*ret_at_once = true;
	*ret_refusal = "not this one";
	return result;
}

int agent_last_reset(struct agent *a, char **ret)
{
	(void)a;
	*ret = strdup("{}");
	return 0;
}

bool agent_has_wifi(const struct agent *a)
{
	(void)a;
	return true;
}

struct wifi *agent_wifi(struct agent *a)
{
	(void)a;
	return result == -EBUSY ? NULL : (struct wifi *)&observer;
}

const char *agent_passkey(const struct agent *a)
{
	(void)a;
	return "";
}

int wifi_scan(struct wifi *w)
{
	(void)w;
	FUZZ_ASSERT(permitted != NO);
	return result;
}

int wifi_forget(struct wifi *w)
{
	(void)w;
	FUZZ_ASSERT(permitted != NO);
	return result;
}

int wifi_connect(struct wifi *w, const struct wifi_config *config)
{
	(void)w;
	FUZZ_ASSERT(!wifi_config_refusal(config) && permitted != NO);
	FUZZ_ASSERT(config->network.ssid_len > 0 && config->network.ssid_len <= WIFI_SSID_MAX);
	FUZZ_ASSERT(config->passphrase_len <= WIFI_PASSPHRASE_MAX);
	return result;
}

void wifi_open_window(struct wifi *w, uint64_t ms)
{
	(void)w;
	FUZZ_ASSERT(ms <= 8760 * 3600 * 1000ULL && permitted != NO);
}

void wifi_get_view(const struct wifi *w, struct wifi_view *ret)
{
	(void)w;
	*ret = (struct wifi_view){.name = "PV000000", .advertising_why = ""};
}

/* ---- its bus ---- */

int __wrap_sd_bus_open_system(sd_bus **ret);
int __wrap_sd_bus_request_name(sd_bus *bus, const char *name, uint64_t flags);

int __wrap_sd_bus_open_system(sd_bus **ret)
{
	*ret = sd_bus_ref(ours);
	return 0;
}

int __wrap_sd_bus_request_name(sd_bus *bus, const char *name, uint64_t flags)
{
	(void)bus, (void)name, (void)flags;
	return 0;
}

static void turn(void)
{
	int a, b;

	do {
		a = sd_bus_process(ours, NULL);
		b = sd_bus_process(theirs, NULL);
		FUZZ_ASSERT(a >= 0 && b >= 0);
	} while (a > 0 || b > 0);
}

/* ---- who calls, by the bus and by polkit ---- */

static struct reader *input; /* of the call under way */
static bool is_reset;

static int append_caller(sd_bus_message *m, uint8_t how)
{
	uint32_t group = (uint32_t)getegid();

	if (how < 0x90) {
		permitted = YES;
		return sd_bus_message_append(m, "a{sv}", 2, "ProcessID", "u", 7U, "UnixUserID", "u",
					     0U);
	}
	if (how < 0xb0) {
		permitted = is_reset ? NO : YES;
		return sd_bus_message_append(m, "a{sv}", 2, "UnixUserID", "u", 7U, "UnixGroupIDs",
					     "au", 2, 7U, group);
	}
	permitted = NO;
	return sd_bus_message_append(m, "a{sv}", 2, "UnixGroupIDs", "au", 1, group + 1,
				     "UnixUserID", "u", 1 + (uint32_t)how);
}

static int append_verdict(sd_bus_message *m, uint8_t how)
{
	permitted = how & 1 ? YES : NO;
	return sd_bus_message_append(m, "(bba{ss})", how & 1, how & 2, how & 4 ? 1 : 0, "a", "b");
}

/* Well-formed for the most part. */
static int on_question(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	bool is_of_polkit = sd_bus_message_is_method_call(m, NULL, "CheckAuthorization") > 0;
	uint8_t how;

	(void)userdata, (void)error;
	if (!is_of_polkit &&
	    sd_bus_message_is_method_call(m, NULL, "GetConnectionCredentials") <= 0)
		return 0;
	how = reader_u8(input);
	if (how >= 0xe0 && how < 0xe8) {
		permitted = NO;
		return sd_bus_reply_method_errorf(m, SD_BUS_ERROR_SERVICE_UNKNOWN, "not there");
	}
	FUZZ_ASSERT(sd_bus_message_new_method_return(m, &reply) >= 0);
	if (how < 0xe0)
		FUZZ_ASSERT((is_of_polkit ? append_verdict : append_caller)(reply, how) >= 0);
	else
		permitted = PERHAPS;
	if (how >= 0xe8 && !busmsg_append(reply, input))
		return sd_bus_reply_method_errorf(m, SD_BUS_ERROR_FAILED, "no message");
	FUZZ_ASSERT(sd_bus_send(NULL, reply, NULL) >= 0);
	return 1;
}

static void begin(void)
{
	struct bus *bus;
	sd_event *event;

	log_set_level(LOG_LEVEL_ERROR);
	busmsg_pair(&ours, &theirs);
	FUZZ_ASSERT(sd_bus_add_filter(theirs, NULL, on_question, NULL) >= 0);
	FUZZ_ASSERT(sd_event_new(&event) >= 0);
	FUZZ_ASSERT(bus_new(event, (struct agent *)&observer, &bus) == 0);
	turn();
}

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	unsigned int *n = userdata;

	(void)m, (void)error;
	(*n)++;
	return 1;
}

struct method {
	const char *interface, *name;
};

static const struct method methods[] = {
	{AGENT, "Status"},
	{AGENT, "Facts"},
	{AGENT, "Provision"},
	{AGENT, "SetInterval"},
	{AGENT, "ClaimToken"},
	{AGENT, "ExportIdentity"},
	{AGENT, "ListCredentials"},
	{AGENT, "ListPrevious"},
	{AGENT, "RollBackCredentials"},
	{"org.onboardd.Reset1", "Reset"},
	{"org.onboardd.Reset1", "Receipt"},
	{"org.onboardd.Wifi1", "Status"},
	{"org.onboardd.Wifi1", "Scan"},
	{"org.onboardd.Wifi1", "Connect"},
	{"org.onboardd.Wifi1", "Forget"},
	{"org.onboardd.Wifi1", "OpenWindow"},
	{"org.freedesktop.DBus.Properties", "Get"},
	{"org.freedesktop.DBus.Properties", "GetAll"},
	{"org.freedesktop.DBus.Properties", "Set"},
	{"org.freedesktop.DBus.Introspectable", "Introspect"},
};

/* Arguments of the right types, which few random ones are. */
static bool append_right(sd_bus_message *m, const struct method *to)
{
	size_t n = reader_u8(input) % 80, len = reader_u8(input) % 80;
	static const char *const auth[] = {"", "open", "wpa2-psk", "wpa3-psk", "wep", "x"};
	uint8_t bytes[80] = {0};

	if (strcmp(to->name, "SetInterval") == 0)
		return sd_bus_message_append(m, "t", (uint64_t)reader_be32(input)) >= 0;
	if (strcmp(to->name, "OpenWindow") == 0)
		return sd_bus_message_append(m, "t", (uint64_t)reader_be32(input) << n % 32) >= 0;
	if (strcmp(to->name, "RollBackCredentials") == 0)
		return sd_bus_message_append(m, "u", reader_be32(input)) >= 0;
	if (strcmp(to->name, "Reset") == 0)
		return sd_bus_message_append(m, "as", 2, n & 1 ? "network" : "x",
					     n & 2 ? "identity" : "credentials") >= 0;
	if (strcmp(to->name, "Get") == 0 || strcmp(to->name, "GetAll") == 0)
		return sd_bus_message_append(m, to->name[3] ? "s" : "ss", AGENT,
					     n & 1 ? "State" : "Cycles") >= 0;
	if (strcmp(to->name, "Connect") != 0)
		return true;
	memset(bytes, 'a', reader_u8(input) % sizeof(bytes));
	return sd_bus_message_append_array(m, 'y', bytes, n) >= 0 &&
	       sd_bus_message_append_array(m, 'y', bytes, len) >= 0 &&
	       sd_bus_message_append(m, "s", auth[reader_u8(input) % ARRAY_SIZE(auth)]) >= 0 &&
	       sd_bus_message_append_array(m, 'y', bytes, reader_u8(input) % 8) >= 0 &&
	       sd_bus_message_append(m, "b", n & 1) >= 0;
}

/* One call, and one answer. */
static bool call(void)
{
	static const int results[] = {0,       0,       0, 0,           -EIO, -EBUSY,
				      -ENOENT, -EINVAL, 3, -EOPNOTSUPP, 4,    -ENOMEM};
	const struct method *to = &methods[reader_u8(input) % ARRAY_SIZE(methods)];
	uint8_t how = reader_u8(input);
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	unsigned int n_answers = 0;

	result = results[how % ARRAY_SIZE(results)];
	permitted = NO;
	is_reset = strcmp(to->name, "Reset") == 0;
	FUZZ_ASSERT(sd_bus_message_new_method_call(theirs, &m, NULL, BUS_PATH, to->interface,
						   to->name) >= 0);
	FUZZ_ASSERT(sd_bus_message_set_sender(m, ":1.7") >= 0);
	if (!(how < 0xc0 ? append_right(m, to) : busmsg_append(m, input)))
		return false;
	FUZZ_ASSERT(sd_bus_call_async(theirs, NULL, m, on_answer, &n_answers, UINT64_MAX) >= 0);
	turn();
	FUZZ_ASSERT(n_answers == 1);
	return true;
}

/* data: calls. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct reader bytes;

	if (!ours)
		begin();
	reader_init(&bytes, data, len);
	input = &bytes;
	while (reader_left(input) > 1 && call())
		;
	return 0;
}
