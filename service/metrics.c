/* SPDX-License-Identifier: Apache-2.0 */
#include "service/metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define PREFIX "onboard_"

static const uint64_t bounds_us[] = {50,    100,   250,    500,    1000,   2500,    5000,
				     10000, 25000, 100000, 250000, 500000, 1000000, 2500000};
#define N_BOUNDS ARRAY_SIZE(bounds_us)

struct histogram {
	uint64_t within[N_BOUNDS + 1]; /* each its own, not summed up */
	uint64_t n, sum_us;
};

#define STATUS_MAX 600

struct resource {
	const char *name; /* borrowed; NULL: unused */
	uint64_t n[256];  /* by code */
};

struct metrics {
	int64_t started_at;
	uint64_t counts[METRICS_N_COUNTS];
	uint64_t levels[METRICS_N_LEVELS];
	struct histogram times[METRICS_N_TIMES];
	struct resource resources[METRICS_RESOURCES_MAX];
	uint64_t statuses[STATUS_MAX];
};

int metrics_new(struct metrics **ret)
{
	struct metrics *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->started_at = clock_wall_s();
	*ret = m;
	return 0;
}

struct metrics *metrics_free(struct metrics *m)
{
	free(m);
	return NULL;
}

void metrics_add(struct metrics *m, enum metrics_count what)
{
	if (m)
		m->counts[what]++;
}

void metrics_set(struct metrics *m, enum metrics_level what, uint64_t value)
{
	if (m)
		m->levels[what] = value;
}

void metrics_take(struct metrics *m, enum metrics_time what, uint64_t us)
{
	struct histogram *h;
	size_t i = 0;

	if (!m)
		return;
	h = &m->times[what];
	while (i < N_BOUNDS && us > bounds_us[i])
		i++;
	h->within[i]++;
	h->n++;
	h->sum_us += us;
}

void metrics_device_request(struct metrics *m, const char *resource, uint8_t code)
{
	size_t i = 0;

	if (!m)
		return;
	while (i + 1 < METRICS_RESOURCES_MAX && m->resources[i].name &&
	       m->resources[i].name != resource)
		i++;
	m->resources[i].name = resource;
	m->resources[i].n[code]++;
}

void metrics_owner_request(struct metrics *m, unsigned int status)
{
	if (m && status < STATUS_MAX)
		m->statuses[status]++;
}

uint64_t metrics_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* ---- text ---- */

static void head(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void one(FILE *out, const char *name, const char *type, const char *help, uint64_t value)
{
	head(out, name, type, help);
	fprintf(out, "%s %" PRIu64 "\n", name, value);
}

static void write_counts(const struct metrics *m, FILE *out)
{
	static const struct {
		const char *name, *help;
	} texts[METRICS_N_COUNTS] = {
		[METRICS_HANDSHAKES] = {PREFIX "handshakes_total",
					"DTLS handshakes that were finished."},
		[METRICS_HANDSHAKES_FAILED] = {PREFIX "handshakes_failed_total",
					       "DTLS sessions that ended with an error."},
		[METRICS_SESSIONS_ENDED] = {PREFIX "sessions_ended_total",
					    "DTLS sessions that are over."},
		[METRICS_VALIDATED] = {PREFIX "onboardings_total",
				       "Devices that logged in with a new key for the first "
				       "time."},
		[METRICS_REPLAYED] = {PREFIX "tokens_replayed_total",
				      "Tokens refused because another address showed them first."},
		[METRICS_COMMANDS_SUCCEEDED] = {PREFIX "commands_succeeded_total",
						"Commands that devices answered with success."},
		[METRICS_COMMANDS_FAILED] = {PREFIX "commands_failed_total",
					     "Commands that failed or were dropped."},
		[METRICS_CERTIFICATES_ISSUED] = {PREFIX "certificates_issued_total",
						 "Certificates issued to devices."},
	};

	for (size_t i = 0; i < METRICS_N_COUNTS; i++)
		one(out, texts[i].name, "counter", texts[i].help, m->counts[i]);
}

static void write_levels(const struct metrics *m, FILE *out)
{
	static const struct {
		const char *name, *type, *help;
	} texts[METRICS_N_LEVELS] = {
		[METRICS_SESSIONS] = {PREFIX "sessions", "gauge",
				      "DTLS sessions, half-open ones included."},
		[METRICS_QUEUE_BYTES] = {PREFIX "device_queue_bytes", "gauge",
					 "Memory of datagrams that wait in the device socket."},
		[METRICS_QUEUE_MAX] = {PREFIX "device_queue_limit_bytes", "gauge",
				       "The most that may wait there."},
		[METRICS_QUEUE_DROPPED] = {PREFIX "device_queue_dropped_total", "counter",
					   "Datagrams dropped in front of the device socket."},
		[METRICS_ADMISSION] = {PREFIX "admission_closed", "gauge",
				       "1 while new devices are held back."},
		[METRICS_UNDER_WAY] = {PREFIX "devices_under_way", "gauge",
				       "Devices that are being served."},
		[METRICS_UNDER_WAY_MAX] = {PREFIX "devices_under_way_limit", "gauge",
					   "How many of them are let in."},
	};

	for (size_t i = 0; i < METRICS_N_LEVELS; i++)
		one(out, texts[i].name, texts[i].type, texts[i].help, m->levels[i]);
}

static void write_histogram(FILE *out, const char *name, const char *label,
			    const struct histogram *h)
{
	const char *comma = *label ? "," : "";
	uint64_t sum = 0;

	for (size_t i = 0; i < N_BOUNDS; i++) {
		sum += h->within[i];
		fprintf(out, "%s_bucket{%s%sle=\"%g\"} %" PRIu64 "\n", name, label, comma,
			(double)bounds_us[i] / 1e6, sum);
	}
	fprintf(out, "%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n", name, label, comma, h->n);
	fprintf(out, "%s_sum{%s} %.6f\n", name, label, (double)h->sum_us / 1e6);
	fprintf(out, "%s_count{%s} %" PRIu64 "\n", name, label, h->n);
}

static void write_times(const struct metrics *m, FILE *out)
{
	static const char store[] = PREFIX "store_transaction_seconds";
	static const char request[] = PREFIX "device_request_seconds";

	head(out, store, "histogram", "Time of a transaction in the store, by its durability.");
	write_histogram(out, store, "mode=\"read\"", &m->times[METRICS_STORE_READ]);
	write_histogram(out, store, "mode=\"relaxed\"", &m->times[METRICS_STORE_RELAXED]);
	write_histogram(out, store, "mode=\"write\"", &m->times[METRICS_STORE_WRITE]);
	head(out, request, "histogram", "Time that one request of a device takes.");
	write_histogram(out, request, "", &m->times[METRICS_DEVICE_REQUEST]);
}

static void write_requests(const struct metrics *m, FILE *out)
{
	static const char device[] = PREFIX "device_requests_total";
	static const char owner[] = PREFIX "owner_requests_total";

	head(out, device, "counter", "CoAP requests of devices.");
	for (size_t i = 0; i < METRICS_RESOURCES_MAX; i++)
		for (unsigned int code = 0; m->resources[i].name && code < 256; code++)
			if (m->resources[i].n[code])
				fprintf(out, "%s{resource=\"%s\",code=\"%u.%02u\"} %" PRIu64 "\n",
					device, m->resources[i].name, code >> 5, code & 31,
					m->resources[i].n[code]);
	head(out, owner, "counter", "HTTP requests of owners and portals.");
	for (unsigned int status = 0; status < STATUS_MAX; status++)
		if (m->statuses[status])
			fprintf(out, "%s{status=\"%u\"} %" PRIu64 "\n", owner, status,
				m->statuses[status]);
}

/* The second number in statm (proc(5)): pages that are in memory. */
static uint64_t resident_bytes(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	char line[128] = "";
	const char *second;

	if (!f)
		return 0;
	if (!fgets(line, sizeof(line), f))
		line[0] = '\0';
	fclose(f);
	second = strchr(line, ' ');
	return second ? strtoull(second, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

/* Names that dash boards know. */
static void write_process(const struct metrics *m, FILE *out)
{
	struct rusage u = {0};
	double cpu;

	getrusage(RUSAGE_SELF, &u);
	cpu = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	      (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
	head(out, "process_cpu_seconds_total", "counter", "User and system time.");
	fprintf(out, "process_cpu_seconds_total %.6f\n", cpu);
	one(out, "process_resident_memory_bytes", "gauge", "Resident memory.", resident_bytes());
	one(out, "process_start_time_seconds", "gauge", "When the process started, since 1970.",
	    (uint64_t)m->started_at);
}

void metrics_write(const struct metrics *m, FILE *out)
{
	head(out, PREFIX "build_info", "gauge", "1, with the version as label.");
	fprintf(out, PREFIX "build_info{version=\"%s\"} 1\n", ONBOARD_VERSION);
	write_requests(m, out);
	write_counts(m, out);
	write_levels(m, out);
	write_times(m, out);
	write_process(m, out);
}
