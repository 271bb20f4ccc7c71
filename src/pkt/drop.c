/* SPDX-License-Identifier: MIT */
/* Every reason for dropping a packet, with its name: one enum for all stages, one counter per
 * reason. */
#include "pkt/drop.h"

#include "base/bytes.h"

static const struct {
	const char *name;
	const char *meaning;
} reasons[] = {
	[DROP_NONE] = { "none", "not dropped" },
	[DROP_TAP_VNET] = { "tap_vnet", "a frame from the bridge contradicts its offload header" },
	[DROP_TAP_SHORT] = { "tap_short", "a frame from the bridge is shorter than its headers" },
	[DROP_TAP_OVERSIZE] = { "tap_oversize",
		"larger than the segment's MTU: set a lower MTU on that member" },
	[DROP_TAP_WRITE] = { "tap_write", "the kernel rejected the frame: is the interface down?" },
	[DROP_TUN_NOT_IP] = { "tun_not_ip", "routed into the tunnel but neither IPv4 nor IPv6" },
	[DROP_TAP_OWN] = { "tap_own",
		"our own WireGuard datagrams, received on the LAN segment that they carry: "
		"the route to a peer's endpoint leads there" },
	[DROP_BRIDGE_OVERSIZE] = { "bridge_oversize",
		"at least so many frames of members were larger than a session's MTU, and the "
		"bridge "
		"dropped them: set a lower MTU on those hosts" },
	[DROP_BRIDGE_CONTROL] = { "bridge_control", "LLDP, EAPOL or LACP from a member, which the "
						    "bridge does not forward: if other sites "
						    "need it, list it in ForwardControl" },
	[DROP_TX_NO_PEER] = { "tx_no_peer", "no peer's AllowedIPs cover the destination" },
	[DROP_TX_NO_ENDPOINT] = { "tx_no_endpoint",
		"the peer's address is unknown: it has no Endpoint and has "
		"not connected yet" },
	[DROP_TX_STAGED_FULL] = { "tx_staged_full",
		"evicted by newer packets while waiting for a handshake" },
	[DROP_TX_EXPIRED] = { "tx_expired",
		"waited for a handshake that was given up: is the peer reachable?" },
	[DROP_TX_SEND] = { "tx_send",
		"sending the datagram on the underlay failed: is there a route to the peer?" },
	[DROP_TX_OVERSIZE] = { "tx_oversize", "does not fit into any datagram" },
	[DROP_TX_LOOP] = { "tx_loop",
		"the route to the peer's endpoint leads into the tunnel itself: "
		"leave that address out of AllowedIPs, or give it a route" },
	[DROP_TX_QUEUE] = { "tx_queue",
		"more than the path carries: dropped so that other packets do not wait" },
	[DROP_WG_SHORT] = { "wg_short", "a datagram shorter than a WireGuard message" },
	[DROP_WG_TYPE] = { "wg_type", "a datagram that is not WireGuard" },
	[DROP_WG_LENGTH] = { "wg_length", "a WireGuard message of the wrong length" },
	[DROP_WG_MAC1] = { "wg_mac1",
		"a handshake meant for another public key: does the peer have ours?" },
	[DROP_WG_COOKIE_REQUIRED] = { "wg_cookie_required",
		"under load: answered with a cookie instead of a handshake" },
	[DROP_WG_RATE_LIMIT] = { "wg_rate_limit",
		"under load: too many handshakes from one address" },
	[DROP_WG_HANDSHAKE_AUTH] = { "wg_handshake_auth",
		"a handshake failed: is the preshared key the same on both "
		"sides?" },
	[DROP_WG_UNKNOWN_PEER] = { "wg_unknown_peer",
		"a handshake with a public key that no [Peer] has" },
	[DROP_WG_HANDSHAKE_REPLAY] = { "wg_handshake_replay",
		"an old handshake again: a replay, or the peer's clock went "
		"back" },
	[DROP_WG_HANDSHAKE_FLOOD] = { "wg_handshake_flood",
		"more handshakes per second than a peer needs" },
	[DROP_WG_UNKNOWN_INDEX] = { "wg_unknown_index",
		"for a session that has ended: usual after a restart" },
	[DROP_WG_STATE] = { "wg_state",
		"an unsolicited or duplicate handshake response or cookie reply" },
	[DROP_WG_KEY_EXPIRED] = { "wg_key_expired", "encrypted with an expired session key" },
	[DROP_WG_REPLAY] = { "wg_replay",
		"seen before: a replay, or a datagram that the network duplicated" },
	[DROP_WG_AUTH] = { "wg_auth", "does not authenticate: corrupted or forged in transit" },
	[DROP_WG_SOURCE_PORT] = { "wg_source_port", "from UDP port 0, which cannot be answered" },
	[DROP_WG_NO_KEYS] = { "wg_no_keys",
		"handshake: the process that holds the keys does not answer" },
	[DROP_INNER_MALFORMED] = { "inner_malformed",
		"decrypted, but not a well-formed IP packet" },
	[DROP_INNER_SOURCE] = { "inner_source",
		"from an inner address that the peer's AllowedIPs do not cover" },
	[DROP_INNER_ECN] = { "inner_ecn",
		"marked as congested in transit, but the inner packet does not support ECN" },
	[DROP_L2TP_SHORT] = { "l2tp_short", "too short for this session's headers: do cookie and "
					    "Layer2SpecificHeader agree with the peer's?" },
	[DROP_L2TP_VERSION] = { "l2tp_version", "not L2TP version 3" },
	[DROP_L2TP_CONTROL] = { "l2tp_control",
		"an L2TP control message: is the peer's tunnel a dynamic one?" },
	[DROP_L2TP_SESSION] = { "l2tp_session",
		"for a session id that we do not have: compare it with the peer's "
		"PeerSessionId" },
	[DROP_L2TP_COOKIE] = { "l2tp_cookie",
		"wrong cookie: our PeerCookie must be the peer's Cookie" },
	[DROP_L2TP_SEQUENCE] = { "l2tp_sequence",
		"out of sequence or without a sequence number: compare Sequence on both "
		"sides" },
	[DROP_L2TP_CHECKSUM] = { "l2tp_checksum", "wrong UDP checksum inside the tunnel" },
	[DROP_L2TP_RUNT] = { "l2tp_runt", "shorter than an Ethernet header" },
	[DROP_L2TP_OVERSIZE] = { "l2tp_oversize", "larger than this session accepts" },
	[DROP_FRAG_MALFORMED] = { "frag_malformed", "a fragment with an invalid offset or length" },
	[DROP_FRAG_OVERLAP] = { "frag_overlap",
		"fragments that overlap: the whole packet was dropped" },
	[DROP_FRAG_TIMEOUT] = { "frag_timeout", "fragments of a packet that was not completed in "
						"time: is the underlay losing packets?" },
	[DROP_FRAG_MEMORY] = { "frag_memory", "fragments evicted by newer ones" },
	[DROP_FRAG_WINDOW] = { "frag_window",
		"fragments of a packet that was incomplete when its id was reused" },
};

_Static_assert(ARRAY_LEN(reasons) == DROP_COUNT, "every reason has a name and a meaning");

const char *drop_name(enum drop d)
{
	return reasons[d].name;
}

const char *drop_meaning(enum drop d)
{
	return reasons[d].meaning;
}
