/* SPDX-License-Identifier: Apache-2.0 */

/* A PKCS#11 module in front of another one, which does at will what real tokens do at their worst.
 *
 *   ONBOARD_TEST_SHIM_MODULE=PATH    the module behind
 *   ONBOARD_TEST_SHIM_CONTROL=PATH   what to do, read at every call, one order a line; may be
 * absent ONBOARD_TEST_SHIM_LOG=PATH       a line "FUNCTION" before, "FUNCTION 0xANSWER" after each
 * call
 *
 *   delay FUNCTION MS        the call takes that much longer
 *   linger FUNCTION MS       the call is done and answers that much later
 *   fail FUNCTION N ANSWER   the N-th call of it since loading answers that; FUNCTION may be "any",
 * N may be 0: every one. ANSWER is a number, 0x30 for CKR_DEVICE_ERROR absent                   no
 * slot has a token; what sessions are asked is CKR_DEVICE_REMOVED flags HEX                those
 * token flags are set extractable              keys say that they can be read out raw-point
 * CKA_EC_POINT without its OCTET STRING mad                      lengths and counts that no buffer
 * has forge                    signatures have a bit changed
 *
 * An order holds as long as its line is there.
 */

#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **ret);

static CK_FUNCTION_LIST *behind, list;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct {
	char name[32];
	unsigned long calls;
} counts[32];

static void say(const char *name, const char *answer)
{
	const char *path = getenv("ONBOARD_TEST_SHIM_LOG");
	FILE *f = path ? fopen(path, "ae") : NULL;

	if (!f)
		return;
	fprintf(f, "%s%s\n", name, answer);
	fclose(f);
}

/* Counting begins anew with every file of orders. */
static void notice_orders(void)
{
	const char *path = getenv("ONBOARD_TEST_SHIM_CONTROL");
	static struct stat last;
	struct stat now;

	memset(&now, 0, sizeof(now));
	if (!path || stat(path, &now) < 0)
		return;
	if (now.st_ino != last.st_ino || now.st_mtim.tv_sec != last.st_mtim.tv_sec ||
	    now.st_mtim.tv_nsec != last.st_mtim.tv_nsec)
		memset(counts, 0, sizeof(counts));
	last = now;
}

static unsigned long count(const char *name)
{
	unsigned long calls = 0;

	pthread_mutex_lock(&lock);
	notice_orders();
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		if (!counts[i].name[0])
			snprintf(counts[i].name, sizeof(counts[i].name), "%s", name);
		if (strcmp(counts[i].name, name) == 0) {
			calls = ++counts[i].calls;
			break;
		}
	}
	pthread_mutex_unlock(&lock);
	return calls;
}

static FILE *open_orders(void)
{
	const char *path = getenv("ONBOARD_TEST_SHIM_CONTROL");

	return path ? fopen(path, "re") : NULL;
}

/* Whether there is an order of one word; its hexadecimal argument, if any, in *ret. */
static bool is_ordered(const char *order, unsigned long *ret)
{
	char line[128], word[32];
	unsigned long number = 0;
	bool found = false;
	FILE *f = open_orders();

	while (f && !found && fgets(line, sizeof(line), f))
		found = sscanf(line, "%31s %lx", word, &number) >= 1 && strcmp(word, order) == 0;
	if (f)
		fclose(f);
	if (found && ret)
		*ret = number;
	return found;
}

static void wait_ms(unsigned long ms)
{
	const struct timespec t = {.tv_sec = (time_t)(ms / 1000),
				   .tv_nsec = (long)(ms % 1000) * 1000000};

	nanosleep(&t, NULL);
}

/* Called before the module behind: CKR_OK, or what to answer in its stead. */
static CK_RV gate(const char *name)
{
	char line[128], function[32], number[32];
	unsigned long ms, n, calls = count(name), all = count("any");
	CK_RV rv = CKR_OK;
	FILE *f = open_orders();

	say(name, "");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "delay %31s %lu", function, &ms) == 2 &&
		    strcmp(function, name) == 0)
			wait_ms(ms);
		if (sscanf(line, "fail %31s %lu %31s", function, &n, number) == 3 &&
		    ((strcmp(function, name) == 0 && (n == 0 || n == calls)) ||
		     (strcmp(function, "any") == 0 && (n == 0 || n == all))))
			rv = strtoul(number, NULL, 0);
	}
	if (f)
		fclose(f);
	return rv;
}

static CK_RV answer(const char *name, CK_RV rv)
{
	char text[32], line[128], function[32];
	FILE *f = open_orders();
	unsigned long ms;

	snprintf(text, sizeof(text), " 0x%lx", rv);
	say(name, text);
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "linger %31s %lu", function, &ms) == 2 &&
		    strcmp(function, name) == 0)
			wait_ms(ms);
	if (f)
		fclose(f);
	return rv;
}

/* Calls f of the module behind unless an order says otherwise. */
#define PASS(f, ...)                                                                               \
	({                                                                                         \
		CK_RV _rv = gate(#f);                                                              \
		answer(#f, _rv == CKR_OK ? behind->f(__VA_ARGS__) : _rv);                          \
	})
/* The same for what needs the token. */
#define PASS_TOKEN(f, ...)                                                                         \
	(is_ordered("absent", NULL) ? answer(#f, CKR_DEVICE_REMOVED) : PASS(f, __VA_ARGS__))

static CK_RV initialize(void *args)
{
	return PASS(C_Initialize, args);
}

static CK_RV get_info(CK_INFO *info)
{
	return PASS(C_GetInfo, info);
}

static CK_RV get_slot_list(CK_BBOOL present, CK_SLOT_ID *slots, CK_ULONG *n)
{
	CK_RV rv = PASS(C_GetSlotList, present, slots, n);

	if (rv == CKR_OK && is_ordered("absent", NULL))
		*n = 0;
	if (rv == CKR_OK && is_ordered("mad", NULL))
		*n = 1UL << 40;
	return rv;
}

static CK_RV get_slot_info(CK_SLOT_ID slot, CK_SLOT_INFO *info)
{
	return PASS(C_GetSlotInfo, slot, info);
}

static CK_RV get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
	CK_RV rv = PASS_TOKEN(C_GetTokenInfo, slot, info);
	unsigned long flags;

	if (rv == CKR_OK && is_ordered("flags", &flags))
		info->flags |= flags;
	return rv;
}

static CK_RV open_session(CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify,
			  CK_SESSION_HANDLE *session)
{
	return PASS_TOKEN(C_OpenSession, slot, flags, application, notify, session);
}

static CK_RV close_session(CK_SESSION_HANDLE session)
{
	return PASS(C_CloseSession, session);
}

static CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE user, unsigned char *pin, CK_ULONG len)
{
	return PASS_TOKEN(C_Login, session, user, pin, len);
}

static CK_RV find_objects_init(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG n)
{
	return PASS_TOKEN(C_FindObjectsInit, session, template, n);
}

static CK_RV find_objects(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *objects, CK_ULONG max,
			  CK_ULONG *n)
{
	CK_RV rv = PASS_TOKEN(C_FindObjects, session, objects, max, n);

	if (rv == CKR_OK && is_ordered("mad", NULL))
		*n = max + 1;
	return rv;
}

static CK_RV find_objects_final(CK_SESSION_HANDLE session)
{
	return PASS(C_FindObjectsFinal, session);
}

static void twist_attribute(CK_ATTRIBUTE *a)
{
	unsigned char *value = a->pValue;

	if (a->type == CKA_EXTRACTABLE && a->ulValueLen == 1 && is_ordered("extractable", NULL))
		*value = CK_TRUE;
	if (a->type == CKA_EC_POINT && a->ulValueLen == 67 && is_ordered("raw-point", NULL)) {
		memmove(value, value + 2, 65);
		a->ulValueLen = 65;
	}
	if (is_ordered("mad", NULL))
		a->ulValueLen = 1UL << 40;
}

static CK_RV get_attribute_value(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
				 CK_ATTRIBUTE *template, CK_ULONG n)
{
	CK_RV rv = PASS_TOKEN(C_GetAttributeValue, session, object, template, n);

	for (CK_ULONG i = 0; rv == CKR_OK && i < n; i++)
		if (template[i].pValue)
			twist_attribute(&template[i]);
	return rv;
}

static CK_RV sign_init(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
	return PASS_TOKEN(C_SignInit, session, mechanism, key);
}

static CK_RV sign(CK_SESSION_HANDLE session, unsigned char *data, CK_ULONG len,
		  unsigned char *signature, CK_ULONG *signature_len)
{
	CK_RV rv = PASS_TOKEN(C_Sign, session, data, len, signature, signature_len);

	if (rv == CKR_OK && is_ordered("forge", NULL))
		signature[17] ^= 0x20;
	if (rv == CKR_OK && is_ordered("mad", NULL))
		*signature_len = 1UL << 40;
	return rv;
}

static CK_RV generate_key_pair(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism,
			       CK_ATTRIBUTE *public, CK_ULONG n_public, CK_ATTRIBUTE *private,
			       CK_ULONG n_private, CK_OBJECT_HANDLE *public_key,
			       CK_OBJECT_HANDLE *private_key)
{
	return PASS_TOKEN(C_GenerateKeyPair, session, mechanism, public, n_public, private,
			  n_private, public_key, private_key);
}

static CK_RV destroy_object(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object)
{
	return PASS_TOKEN(C_DestroyObject, session, object);
}

__attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST **ret)
{
	const char *path = getenv("ONBOARD_TEST_SHIM_MODULE");
	void *module = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
	CK_C_GetFunctionList get =
		module ? (CK_C_GetFunctionList)dlsym(module, "C_GetFunctionList") : NULL;

	if (!get || get(&behind) != CKR_OK)
		return CKR_GENERAL_ERROR;
	list = *behind;
	list.C_GetFunctionList = C_GetFunctionList;
	list.C_Initialize = initialize;
	list.C_GetInfo = get_info;
	list.C_GetSlotList = get_slot_list;
	list.C_GetSlotInfo = get_slot_info;
	list.C_GetTokenInfo = get_token_info;
	list.C_OpenSession = open_session;
	list.C_CloseSession = close_session;
	list.C_Login = login;
	list.C_FindObjectsInit = find_objects_init;
	list.C_FindObjects = find_objects;
	list.C_FindObjectsFinal = find_objects_final;
	list.C_GetAttributeValue = get_attribute_value;
	list.C_SignInit = sign_init;
	list.C_Sign = sign;
	list.C_GenerateKeyPair = generate_key_pair;
	list.C_DestroyObject = destroy_object;
	*ret = &list;
	return CKR_OK;
}
