/* SPDX-License-Identifier: MIT */
/* The flow of a frame: a hash of its inner addresses, ports, protocol and VLAN tags. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"

/**
 * Hash what identifies the flow of frame[len] (an Ethernet frame if `ethernet`, else an IP packet):
 * VLAN tags without their priority, then addresses, protocol and the ports of TCP, UDP, SCTP and
 * DCCP. Fragments have no ports, so all fragments of one packet are one flow. What is not IP, or
 * has broken headers, is hashed by its MAC addresses and EtherType. Source: RFC 8290 §3.1.
 */
uint32_t flow_hash(const struct hash_key *key, const uint8_t *frame, size_t len, bool ethernet);
