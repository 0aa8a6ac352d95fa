/* Targets: every method of org.onboardd.Agent1, Reset1 and Wifi1, with any arguments. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

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
static int result; /* of the next call, as the input says */
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
	FUZZ_ASSERT(source == REQUEST_BUS);
	n_calls++;
	observer.changed(observer.userdata, "idle", "connecting", "asked for");
}

int agent_set_interval(struct agent *a, uint64_t interval_s)
{
	(void)a;
	FUZZ_ASSERT(schedule_is_allowed(interval_s));
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
	return result;
}

int agent_reset(struct agent *a, unsigned int parts, char ret_id[static RESET_ID_LEN + 1],
		bool *ret_at_once, const char **ret_refusal)
{
	(void)a;
	FUZZ_ASSERT(parts != 0 && parts < 8);
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
	return result;
}

int wifi_forget(struct wifi *w)
{
	(void)w;
	return result;
}

int wifi_connect(struct wifi *w, const struct wifi_config *config)
{
	(void)w;
	FUZZ_ASSERT(!wifi_config_refusal(config));
	FUZZ_ASSERT(config->network.ssid_len > 0 && config->network.ssid_len <= WIFI_SSID_MAX);
	FUZZ_ASSERT(config->passphrase_len <= WIFI_PASSPHRASE_MAX);
	return result;
}

void wifi_open_window(struct wifi *w, uint64_t ms)
{
	(void)w;
	FUZZ_ASSERT(ms <= 8760 * 3600 * 1000ULL);
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

static void begin(void)
{
	struct bus *bus;
	sd_event *event;

	log_set_level(LOG_LEVEL_ERROR);
	busmsg_pair(&ours, &theirs);
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
static bool append_right(sd_bus_message *m, const struct method *to, struct reader *input)
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
static bool call(struct reader *input)
{
	static const int results[] = {0,       0,       0, 0,           -EIO, -EBUSY,
				      -ENOENT, -EINVAL, 3, -EOPNOTSUPP, 4,    -ENOMEM};
	const struct method *to = &methods[reader_u8(input) % ARRAY_SIZE(methods)];
	uint8_t how = reader_u8(input);
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	unsigned int n_answers = 0;

	result = results[how % ARRAY_SIZE(results)];
	FUZZ_ASSERT(sd_bus_message_new_method_call(theirs, &m, NULL, BUS_PATH, to->interface,
						   to->name) >= 0);
	if (!(how < 0xc0 ? append_right(m, to, input) : busmsg_append(m, input)))
		return false;
	FUZZ_ASSERT(sd_bus_call_async(theirs, NULL, m, on_answer, &n_answers, UINT64_MAX) >= 0);
	turn();
	FUZZ_ASSERT(n_answers == 1);
	return true;
}

/* data: calls. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct reader input;

	if (!ours)
		begin();
	reader_init(&input, data, len);
	while (reader_left(&input) > 1 && call(&input))
		;
	return 0;
}
