/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Every limit that a peer's bytes are held to before anything is allocated for them. Figures of
 * stock devices and of nRF Cloud; tests try each at its maximum and at maximum + 1. */

#define CORRELATION_MAX 45    /* characters of a command id; devices have 46 bytes for it */
#define COMMANDS_MAX 20       /* commands in one body: the most that a device has open */
#define IGNORE_CME_MAX 6      /* ignored error codes of one AT command */
#define CONFIG_PAIRS_MAX 10   /* pairs of one config command */
#define CONFIG_KEY_MAX 64     /* characters */
#define CONFIG_VALUE_MAX 1024 /* characters */
#define AT_VERB_MAX 32        /* characters of set_command, "%KEYGEN" */
#define AT_PARAMETERS_MAX 8192
#define AT_TEXT_MAX 8226     /* "AT" verb "=" parameters, without NUL */
#define AT_ANSWER_MAX 4096   /* characters of one command's answer */
#define BODY_MAX 16384       /* bytes of a command or response body */
#define REPORT_MIN 512       /* bytes; a smaller report could not carry one long result */
#define JWT_LIFETIME_MAX 360 /* seconds of a provisioning token: 300, and a minute of grace */
#define JWT_MAX 2048         /* characters */
#define TOKEN_TEXT_MAX 2048  /* stock attestation token and keygen output, characters */
#define X5CHAIN_CERTS_MAX 4  /* certificates that a claim token carries */
#define X5CHAIN_MAX 4096     /* bytes of DER of all of them together */
#define CLAIM_TEXT_MAX 5760  /* characters of a claim token, with the longest chain in it */
#define HARDWARE_MAX 32      /* characters of the <hw> in "<hw>.<uuid>" */
#define SEC_TAG_MAX 2147483647U
