/* SPDX-License-Identifier: MIT */
/* Values of configuration keys as text: numbers, booleans, hex, interface names, endpoints. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must_check.h"

/** Longest host name in an endpoint, in bytes (RFC 1035 §2.3.4). */
#define CONF_HOST_MAX 253

/** Size of the name of a peer, with its NUL. */
#define CONF_PEER_NAME 64

/** Size of the name of a user, as useradd(8) limits it. */
#define CONF_USER_NAME 32

/** The value of User that stands for none. */
#define CONF_USER_DYNAMIC "dynamic"

/** Longest user text that a message shows: shorter than any key's 44 or 64 characters. */
#define CONF_SHOWN_MAX 40

/** Room for conf_shown(). */
#define CONF_SHOWN_LEN (CONF_SHOWN_MAX + 3)

/** Parse a number, decimal or 0x hex, from `min` to `max`. Return: 0, -EINVAL (no number), or
 * -ERANGE. */
MUST_CHECK int conf_value_u32(const char *text, uint32_t min, uint32_t max, uint32_t *ret);

/** Least and most of a rate, in bits per second. */
#define CONF_RATE_MIN 64000ULL
#define CONF_RATE_MAX 1000000000000ULL

/**
 * Parse a rate with a unit as of tc(8), in any case: a bare number or "bit" for bits per second,
 * "bps" for bytes per second, both with k, m, g or t in front, or ki, mi, gi, ti for powers of
 * 1,024; "bit" may be left out after these. Fractions are allowed. Return: 0, -EINVAL (no rate), or
 * -ERANGE (not from CONF_RATE_MIN to CONF_RATE_MAX).
 */
MUST_CHECK int conf_value_rate(const char *text, uint64_t *ret);

/** Parse yes/no, true/false, on/off or 1/0, in any case. Return: 0 or -EINVAL. */
MUST_CHECK int conf_value_bool(const char *text, bool *ret);

/** Parse an even number of hex digits, at most 2 × `max`. Return: bytes written, or -EINVAL, after
 * which `ret` is undefined. */
MUST_CHECK int conf_value_hex(const char *text, size_t max, uint8_t *ret);

/** Why `name` is not a valid interface name, as text for a message, or NULL if it is valid. Source:
 * wg-quick(8) for the characters, IFNAMSIZ for the length. */
const char *conf_value_name_problem(const char *name);

/** Why `name` is not a valid name of a peer, as text for a message with the hint after '\n', or
 * NULL if it is valid. A key is never valid: in base64 it has '=', in hex it is too long. */
const char *conf_value_peer_name_problem(const char *name);

/** Why `name` cannot be the name of a user, as text for a message with the hint after '\n', or NULL
 * if it can. A number is none. */
const char *conf_value_user_problem(const char *name);

/**
 * Split "host:port", "1.2.3.4:port" or "[v6]:port" in place: `ret_host` points into `text`.
 * Return: NULL, or the problem as text with its hint after '\n'; the outputs are then untouched.
 */
const char *conf_value_endpoint(char *text, const char **ret_host, uint16_t *ret_port);

/**
 * A user's text for a message: in quotes if it is short and printable, else "the value". A text as
 * long as a key is never shown.
 * Return: `buf`.
 */
const char *conf_shown(const char *text, char buf[static CONF_SHOWN_LEN]);
