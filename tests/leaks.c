/* SPDX-License-Identifier: Apache-2.0 */
/* Linked into every program of a build with AddressSanitizer. */

/* What glibc's resolver holds of a thread that was in it when the program ended:
 * tests/valgrind.supp has the same. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:__res_context_send\nleak:__resolv_conf_load\nleak:__resolv_context_get\n";
}
