/* SPDX-License-Identifier: MIT */
/* Path MTU probes as packets in the tunnel: ICMP echoes of an exact size, which the kernel at the
 * other end answers. */
#pragma once

#include "base/addr.h"
#include "pkt/ip.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROBE_NONCE_LEN 8

/** The two ends of a probe. */
struct probe {
	struct ip_addr local;		/* our address in the tunnel */
	struct ip_addr remote;		/* the peer's, of the same family, within its AllowedIPs */
	uint16_t id;			/* of the echoes */
	uint8_t nonce[PROBE_NONCE_LEN]; /* random: keeps our echoes apart from ping's */
};

/** The kind of a packet that we send. */
enum probe_kind {
	PROBE_REQUEST, /* an echo request: is answered */
	PROBE_FILLER,  /* an unsolicited echo reply: a host ignores it */
};

/** Shortest probe of the family: headers and nonce. */
size_t probe_len_min(uint16_t family);

/**
 * Write an echo of exactly `len` bytes (IP header in) at `dst`.
 * Wire: IPv4 20 or IPv6 40 | type, code, checksum[2], id[2], sequence[2] = token | nonce 8 | zeros.
 * Return: 0, or -EINVAL if `len` is below probe_len_min() or above 65,535.
 * Source: RFC 792, RFC 4443 §4.1.
 */
int probe_write(
	const struct probe *p, enum probe_kind kind, size_t len, uint16_t token, uint8_t *dst);

/**
 * Whether a packet from the tunnel, with its parsed header, answers one of our probes; its token
 * then. A first fragment
 * will do: the peer's kernel may have had to cut its answer to its own MTU. Whether the rest of the
 * answer arrived is of no interest, and so its checksum is not looked at: WireGuard has
 * authenticated it.
 */
bool probe_is_answer(const struct probe *p, const uint8_t *packet, const struct ip_header *ip,
	uint16_t *ret_token);

/** Whether packet[len] is an echo reply of either family, or a first fragment of one: such packets
 * answer the other end's probes, and are no reason for probes of ours. */
bool probe_is_echo_reply(const uint8_t *packet, size_t len);
