/* SPDX-License-Identifier: MIT */
/* What each reason for a drop means, for a person who looks for a fault. */
#include "check/drop_words.h"

#include "base/bytes.h"

static const char *const words[] = {
	[DROP_NONE] = "not dropped",
	[DROP_TAP_VNET] = "a frame from the bridge contradicts its offload header",
	[DROP_TAP_SHORT] = "a frame from the bridge is shorter than its headers",
	[DROP_TAP_OVERSIZE] = "larger than the segment's MTU: set a lower MTU on that member",
	[DROP_TAP_WRITE] = "the kernel refused the frame: is the interface down?",
	[DROP_TUN_NOT_IP] = "routed into the tunnel but neither IPv4 nor IPv6",
	[DROP_TAP_OWN] =
		"our own WireGuard datagrams, which came into the segment that they carry: "
		"the route to a peer's endpoint leads there",
	[DROP_TX_NO_PEER] = "no peer's AllowedIPs cover the destination",
	[DROP_TX_NO_ENDPOINT] = "the peer's address is not known yet: it has no Endpoint and has "
				"not called",
	[DROP_TX_STAGED_FULL] = "waited for a handshake, and newer packets took the place",
	[DROP_TX_EXPIRED] = "waited for a handshake that was given up: is the peer reachable?",
	[DROP_TX_SEND] = "the underlay refused the datagram: is there a route to the peer?",
	[DROP_TX_OVERSIZE] = "does not fit into any datagram",
	[DROP_TX_LOOP] = "the route to the peer's endpoint leads into the tunnel itself: "
			 "leave that address out of AllowedIPs, or give it a route",
	[DROP_WG_SHORT] = "a datagram shorter than a WireGuard message",
	[DROP_WG_TYPE] = "a datagram that is not WireGuard",
	[DROP_WG_LENGTH] = "a WireGuard message of the wrong length",
	[DROP_WG_MAC1] = "a handshake meant for another public key: does the peer have ours?",
	[DROP_WG_COOKIE_REQUIRED] = "under load: answered with a cookie instead of a handshake",
	[DROP_WG_RATE_LIMIT] = "under load: too many handshakes from one address",
	[DROP_WG_HANDSHAKE_AUTH] = "a handshake failed: is the preshared key the same on both "
				   "sides?",
	[DROP_WG_UNKNOWN_PEER] = "a handshake with a public key that no [Peer] has",
	[DROP_WG_HANDSHAKE_REPLAY] = "an old handshake again: a replay, or the peer's clock went "
				     "back",
	[DROP_WG_HANDSHAKE_FLOOD] = "more handshakes a second than a peer ever needs",
	[DROP_WG_UNKNOWN_INDEX] = "for a session that has ended: usual after a restart",
	[DROP_WG_STATE] = "an answer to a question not asked, or answered already",
	[DROP_WG_KEY_EXPIRED] = "under a session key past its life",
	[DROP_WG_REPLAY] = "seen before: a replay, or a datagram doubled on the way",
	[DROP_WG_SOURCE_PORT] = "from UDP port 0, which cannot be answered",
	[DROP_WG_AUTH] = "does not authenticate: damaged or forged on the way",
	[DROP_INNER_MALFORMED] = "decrypted, but not a well-formed IP packet",
	[DROP_INNER_SOURCE] = "from an inner address that the peer's AllowedIPs do not cover",
	[DROP_INNER_ECN] = "marked as congested on the way, though it cannot bear that mark",
	[DROP_L2TP_SHORT] = "too short for this session's headers: do cookie and "
			    "Layer2SpecificHeader agree with the peer's?",
	[DROP_L2TP_VERSION] = "not L2TP version 3",
	[DROP_L2TP_CONTROL] = "an L2TP control message: is the peer's tunnel a dynamic one?",
	[DROP_L2TP_SESSION] = "for a session id that we do not have: compare it with the peer's "
			      "PeerSessionId",
	[DROP_L2TP_COOKIE] = "wrong cookie: our PeerCookie must be the peer's Cookie",
	[DROP_L2TP_SEQUENCE] = "out of sequence or without a number: compare Sequence on both "
			       "sides",
	[DROP_L2TP_CHECKSUM] = "wrong UDP checksum inside the tunnel",
	[DROP_L2TP_RUNT] = "shorter than an Ethernet header",
	[DROP_L2TP_OVERSIZE] = "larger than this session takes",
	[DROP_FRAG_MALFORMED] = "a fragment of impossible place or length",
	[DROP_FRAG_OVERLAP] = "fragments that overlap: the whole packet went",
	[DROP_FRAG_TIMEOUT] = "fragments whose rest did not come: is the underlay losing packets?",
	[DROP_FRAG_MEMORY] = "fragments pushed out by newer ones",
	[DROP_FRAG_WINDOW] = "fragments whose rest did not come before their id was used again",
};

_Static_assert(ARRAY_LEN(words) == DROP_COUNT, "every reason has its words");

const char *drop_words(enum drop d)
{
	return words[d];
}
