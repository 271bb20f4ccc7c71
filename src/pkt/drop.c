/* SPDX-License-Identifier: MIT */
/* Every reason for dropping a packet, with its name: one enum for all stages, one counter per
 * reason. */
#include "pkt/drop.h"

#include "base/bytes.h"

static const char *const names[] = {
	[DROP_NONE] = "none",
	[DROP_TAP_VNET] = "tap_vnet",
	[DROP_TAP_SHORT] = "tap_short",
	[DROP_TAP_OVERSIZE] = "tap_oversize",
	[DROP_TAP_WRITE] = "tap_write",
	[DROP_TUN_NOT_IP] = "tun_not_ip",
	[DROP_TAP_OWN] = "tap_own",
	[DROP_TX_NO_PEER] = "tx_no_peer",
	[DROP_TX_NO_ENDPOINT] = "tx_no_endpoint",
	[DROP_TX_STAGED_FULL] = "tx_staged_full",
	[DROP_TX_EXPIRED] = "tx_expired",
	[DROP_TX_SEND] = "tx_send",
	[DROP_TX_OVERSIZE] = "tx_oversize",
	[DROP_TX_LOOP] = "tx_loop",
	[DROP_WG_SHORT] = "wg_short",
	[DROP_WG_TYPE] = "wg_type",
	[DROP_WG_LENGTH] = "wg_length",
	[DROP_WG_MAC1] = "wg_mac1",
	[DROP_WG_COOKIE_REQUIRED] = "wg_cookie_required",
	[DROP_WG_RATE_LIMIT] = "wg_rate_limit",
	[DROP_WG_HANDSHAKE_AUTH] = "wg_handshake_auth",
	[DROP_WG_UNKNOWN_PEER] = "wg_unknown_peer",
	[DROP_WG_HANDSHAKE_REPLAY] = "wg_handshake_replay",
	[DROP_WG_HANDSHAKE_FLOOD] = "wg_handshake_flood",
	[DROP_WG_UNKNOWN_INDEX] = "wg_unknown_index",
	[DROP_WG_STATE] = "wg_state",
	[DROP_WG_KEY_EXPIRED] = "wg_key_expired",
	[DROP_WG_REPLAY] = "wg_replay",
	[DROP_WG_AUTH] = "wg_auth",
	[DROP_WG_SOURCE_PORT] = "wg_source_port",
	[DROP_INNER_MALFORMED] = "inner_malformed",
	[DROP_INNER_SOURCE] = "inner_source",
	[DROP_INNER_ECN] = "inner_ecn",
	[DROP_L2TP_SHORT] = "l2tp_short",
	[DROP_L2TP_VERSION] = "l2tp_version",
	[DROP_L2TP_CONTROL] = "l2tp_control",
	[DROP_L2TP_SESSION] = "l2tp_session",
	[DROP_L2TP_COOKIE] = "l2tp_cookie",
	[DROP_L2TP_SEQUENCE] = "l2tp_sequence",
	[DROP_L2TP_CHECKSUM] = "l2tp_checksum",
	[DROP_L2TP_RUNT] = "l2tp_runt",
	[DROP_L2TP_OVERSIZE] = "l2tp_oversize",
	[DROP_FRAG_MALFORMED] = "frag_malformed",
	[DROP_FRAG_OVERLAP] = "frag_overlap",
	[DROP_FRAG_TIMEOUT] = "frag_timeout",
	[DROP_FRAG_MEMORY] = "frag_memory",
	[DROP_FRAG_WINDOW] = "frag_window",
};

_Static_assert(ARRAY_LEN(names) == DROP_COUNT, "every reason has a name");

const char *drop_name(enum drop d)
{
	return names[d];
}
