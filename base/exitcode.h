/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Exit codes of onboardd --once and onboardctl; documented in their man pages. */

enum exit_code {
	EXIT_CODE_DONE = 0,
	EXIT_CODE_FAILED = 1, /* anything without a code of its own */
	EXIT_CODE_DEGRADED =
		2, /* a command failed, or the cloud did not accept the new credentials */
	EXIT_CODE_TIMEOUT = 3,
	EXIT_CODE_NETWORK = 4,
	EXIT_CODE_UNCLAIMED = 5,
	EXIT_CODE_IDENTITY = 6, /* identity key missing, or the service refused who we are */
	EXIT_CODE_TIME = 7,
	EXIT_CODE_STORE = 8,
	EXIT_CODE_USAGE = 64,
};
