/* SPDX-License-Identifier: MIT */
/* The status report as a JSON object and back. */
#include "ctlproto/status_json.h"

#include <string.h>

#include <json-c/json.h>

#include "base/bytes.h"
#include "ctlproto/fields.h"

static const struct field traffic[] = {
	{ FIELD_ROW(status_traffic, "packets", FIELD_COUNTER, packets) },
	{ FIELD_ROW(status_traffic, "bytes", FIELD_COUNTER, bytes) },
	{ NULL },
};

static const struct field offloads[] = {
	{ FIELD_ROW(status_offloads, "vnet", FIELD_BOOL, vnet) },
	{ FIELD_ROW(status_offloads, "tso", FIELD_BOOL, tso) },
	{ FIELD_ROW(status_offloads, "uso", FIELD_BOOL, uso) },
	{ FIELD_ROW(status_offloads, "udp_gso", FIELD_BOOL, udp_gso) },
	{ FIELD_ROW(status_offloads, "udp_gro", FIELD_BOOL, udp_gro) },
	{ NULL },
};

static const struct field wg[] = {
	{ FIELD_ROW(status_wg, "name", FIELD_TEXT, name) },
	{ FIELD_ROW(status_wg, "public_key", FIELD_KEY, public_key) },
	{ FIELD_ROW(status_wg, "listen_port", FIELD_NUMBER, listen_port) },
	{ FIELD_ROW(status_wg, "pending_port", FIELD_NUMBER, pending_port) },
	{ FIELD_ROW(status_wg, "fwmark", FIELD_NUMBER, fwmark) },
	{ FIELD_ROW(status_wg, "mtu", FIELD_NUMBER, mtu) },
	{ FIELD_ROW(status_wg, "addresses", FIELD_PREFIXES, addresses) },
	{ FIELD_ROW(status_wg, "tx", FIELD_OBJECT, tun_tx), .sub = traffic },
	{ FIELD_ROW(status_wg, "rx", FIELD_OBJECT, tun_rx), .sub = traffic },
	{ FIELD_ROW(status_wg, "too_big_sent", FIELD_COUNTER, too_big_sent) },
	{ FIELD_ROW(status_wg, "dropped_tx", FIELD_COUNTER, dropped_tx) },
	{ FIELD_ROW(status_wg, "dropped_rx", FIELD_COUNTER, dropped_rx) },
	{ NULL },
};

static const char *const peer_states[] = { "idle", "handshake", "established" };
_Static_assert(ARRAY_LEN(peer_states) == STATUS_PEER_STATE_COUNT, "every state has a name");

static const char *const path_states[] = { "given", "confirm", "search", "complete", "silent",
	"route" };
_Static_assert(ARRAY_LEN(path_states) == STATUS_PATH_STATE_COUNT, "every state has a name");

static const struct field path[] = {
	{ FIELD_ROW_CHOICE(status_path, "state", state, path_states) },
	{ FIELD_ROW(status_path, "mtu", FIELD_NUMBER, mtu) },
	{ FIELD_ROW(status_path, "probes", FIELD_COUNTER, probes) },
	{ FIELD_ROW(status_path, "answers", FIELD_COUNTER, answers) },
	{ FIELD_ROW(status_path, "black_holes", FIELD_COUNTER, black_holes) },
	{ FIELD_ROW(status_path, "train_max", FIELD_NUMBER, train_max) },
	{ FIELD_ROW(status_path, "rtt_us", FIELD_NUMBER, rtt_us) },
	{ FIELD_ROW(status_path, "jitter_us", FIELD_NUMBER, jitter_us) },
	{ NULL },
};

static const char *const leads[] = { "out", "unknown", "segment", "tunnel" };
_Static_assert(ARRAY_LEN(leads) == STATUS_LEADS_COUNT, "every direction has a name");

static const struct field route[] = {
	{ FIELD_ROW_CHOICE(status_route, "leads", leads, leads) },
	{ FIELD_ROW(status_route, "interface", FIELD_TEXT, interface) },
	{ FIELD_ROW(status_route, "sent_by", FIELD_TEXT, sent_by) },
	{ NULL },
};

static const struct field queue[] = {
	{ FIELD_ROW(status_queue, "rate", FIELD_NUMBER, rate) },
	{ FIELD_ROW(status_queue, "backlog", FIELD_NUMBER, backlog) },
	{ FIELD_ROW(status_queue, "delay_p50_us", FIELD_NUMBER, delay_p50_us) },
	{ FIELD_ROW(status_queue, "delay_p99_us", FIELD_NUMBER, delay_p99_us) },
	{ FIELD_ROW(status_queue, "packets", FIELD_COUNTER, packets) },
	{ FIELD_ROW(status_queue, "dropped", FIELD_COUNTER, dropped) },
	{ FIELD_ROW(status_queue, "marked", FIELD_COUNTER, marked) },
	{ NULL },
};

static const struct field arrivals[] = {
	{ FIELD_ROW(status_arrivals, "received", FIELD_COUNTER, received) },
	{ FIELD_ROW(status_arrivals, "lost", FIELD_COUNTER, lost) },
	{ FIELD_ROW(status_arrivals, "reordered", FIELD_COUNTER, reordered) },
	{ FIELD_ROW(status_arrivals, "late", FIELD_COUNTER, late) },
	{ NULL },
};

static const struct field peer[] = {
	{ FIELD_ROW(status_peer, "name", FIELD_TEXT, name) },
	{ FIELD_ROW(status_peer, "public_key", FIELD_KEY, public_key) },
	{ FIELD_ROW(status_peer, "preshared_key", FIELD_BOOL, has_psk) },
	{ FIELD_ROW(status_peer, "endpoint", FIELD_ENDPOINT, endpoint) },
	{ FIELD_ROW(status_peer, "endpoint_name", FIELD_TEXT, endpoint_name) },
	{ FIELD_ROW(status_peer, "allowed_ips", FIELD_PREFIXES, allowed_ips) },
	{ FIELD_ROW_CHOICE(status_peer, "state", state, peer_states) },
	{ FIELD_ROW(status_peer, "last_handshake", FIELD_WALL, last_handshake) },
	{ FIELD_ROW(status_peer, "handshake_age_ms", FIELD_NUMBER, handshake_age_ms) },
	{ FIELD_ROW(status_peer, "rx_bytes", FIELD_COUNTER, rx_bytes) },
	{ FIELD_ROW(status_peer, "tx_bytes", FIELD_COUNTER, tx_bytes) },
	{ FIELD_ROW(status_peer, "persistent_keepalive", FIELD_NUMBER, keepalive_s) },
	{ FIELD_ROW(status_peer, "route", FIELD_OBJECT, route), .sub = route },
	{ FIELD_ROW(status_peer, "path", FIELD_OBJECT, path), .sub = path },
	{ FIELD_ROW(status_peer, "queue", FIELD_OBJECT, queue), .sub = queue },
	{ FIELD_ROW(status_peer, "arrivals", FIELD_OBJECT, arrivals), .sub = arrivals },
	{ NULL },
};

static const char *const encaps[] = { "udp", "ip" };
_Static_assert(ARRAY_LEN(encaps) == L2TP_ENCAP_COUNT, "every encapsulation has a name");

static const struct field tunnel[] = {
	{ FIELD_ROW(status_tunnel, "tunnel_id", FIELD_NUMBER, tunnel_id) },
	{ FIELD_ROW(status_tunnel, "peer_tunnel_id", FIELD_NUMBER, peer_tunnel_id) },
	{ FIELD_ROW_CHOICE(status_tunnel, "encapsulation", encap, encaps) },
	{ FIELD_ROW(status_tunnel, "local", FIELD_ADDR, local) },
	{ FIELD_ROW(status_tunnel, "remote", FIELD_ADDR, remote) },
	{ FIELD_ROW(status_tunnel, "source_port", FIELD_NUMBER, source_port) },
	{ FIELD_ROW(status_tunnel, "destination_port", FIELD_NUMBER, destination_port) },
	{ FIELD_ROW(status_tunnel, "udp_checksum", FIELD_BOOL, udp_checksum) },
	{ FIELD_ROW(status_tunnel, "unknown_sessions", FIELD_COUNTER, unknown_sessions) },
	{ FIELD_ROW(status_tunnel, "last_unknown_session", FIELD_NUMBER, last_unknown_session) },
	{ FIELD_ROW(status_tunnel, "control_messages", FIELD_COUNTER, control_messages) },
	{ FIELD_ROW(status_tunnel, "bad_checksums", FIELD_COUNTER, bad_checksums) },
	{ NULL },
};

static const struct field session[] = {
	{ FIELD_ROW(status_session, "name", FIELD_TEXT, name) },
	{ FIELD_ROW(status_session, "tunnel_id", FIELD_NUMBER, tunnel_id) },
	{ FIELD_ROW(status_session, "session_id", FIELD_NUMBER, session_id) },
	{ FIELD_ROW(status_session, "peer_session_id", FIELD_NUMBER, peer_session_id) },
	{ FIELD_ROW(status_session, "cookie_length", FIELD_NUMBER, cookie_len) },
	{ FIELD_ROW(status_session, "peer_cookie_length", FIELD_NUMBER, peer_cookie_len) },
	{ FIELD_ROW(status_session, "", FIELD_OPTIONS, options) },
	{ FIELD_ROW(status_session, "mtu", FIELD_NUMBER, mtu) },
	{ FIELD_ROW(status_session, "budget", FIELD_NUMBER, budget) },
	{ FIELD_ROW(status_session, "mss_ipv4", FIELD_NUMBER, mss4) },
	{ FIELD_ROW(status_session, "mss_ipv6", FIELD_NUMBER, mss6) },
	{ FIELD_ROW(status_session, "mss_clamped", FIELD_COUNTER, mss_clamped) },
	{ FIELD_ROW(status_session, "too_big_sent", FIELD_COUNTER, too_big_sent) },
	{ FIELD_ROW(status_session, "fragmented", FIELD_COUNTER, fragmented) },
	{ FIELD_ROW(status_session, "fragments_tx", FIELD_COUNTER, fragments_tx) },
	{ FIELD_ROW(status_session, "fragments_rx", FIELD_COUNTER, fragments_rx) },
	{ FIELD_ROW(status_session, "reassembled", FIELD_COUNTER, reassembled) },
	{ FIELD_ROW(status_session, "reordered", FIELD_COUNTER, reordered) },
	{ FIELD_ROW(status_session, "dropped_tx", FIELD_COUNTER, dropped_tx) },
	{ FIELD_ROW(status_session, "dropped_rx", FIELD_COUNTER, dropped_rx) },
	{ FIELD_ROW(status_session, "wrong_cookie", FIELD_COUNTER, wrong_cookie) },
	{ FIELD_ROW(status_session, "bad_length", FIELD_COUNTER, bad_length) },
	{ FIELD_ROW(status_session, "sublayer_suspected", FIELD_COUNTER, sublayer_suspected) },
	{ FIELD_ROW(status_session, "with_sequence", FIELD_COUNTER, with_sequence) },
	{ FIELD_ROW(status_session, "without_sequence", FIELD_COUNTER, without_sequence) },
	{ FIELD_ROW(status_session, "lost", FIELD_COUNTER, lost) },
	{ FIELD_ROW(status_session, "tx", FIELD_OBJECT, tx), .sub = traffic },
	{ FIELD_ROW(status_session, "rx", FIELD_OBJECT, rx), .sub = traffic },
	{ NULL },
};

static const char *const port_states[] = { "forwarding", "learning", "listening", "blocking",
	"disabled", "down", "no_carrier", "outside", "elsewhere", "absent" };
_Static_assert(ARRAY_LEN(port_states) == STATUS_PORT_STATE_COUNT, "every state has a name");

static const struct field member[] = {
	{ FIELD_ROW(status_member, "name", FIELD_TEXT, name) },
	{ FIELD_ROW(status_member, "mtu", FIELD_NUMBER, mtu) },
	{ FIELD_ROW(status_member, "up", FIELD_BOOL, up) },
	{ FIELD_ROW(status_member, "session", FIELD_BOOL, session) },
	{ FIELD_ROW(status_member, "isolated", FIELD_BOOL, isolated) },
	{ FIELD_ROW_CHOICE(status_member, "state", state, port_states) },
	{ FIELD_ROW(status_member, "master", FIELD_TEXT, master) },
	{ NULL },
};

static const struct field bridge[] = {
	{ FIELD_ROW(status_bridge, "name", FIELD_TEXT, name) },
	{ FIELD_ROW(status_bridge, "mtu", FIELD_NUMBER, mtu) },
	{ FIELD_ROW(status_bridge, "stp", FIELD_BOOL, stp) },
	{ FIELD_ROW(status_bridge, "adopted", FIELD_BOOL, adopted) },
	{ FIELD_ROW(status_bridge, "multicast_snooping", FIELD_BOOL, multicast_snooping) },
	{ FIELD_ROW(status_bridge, "forward_control", FIELD_TEXT, forward_control) },
	{ FIELD_ROW(status_bridge, "addresses", FIELD_PREFIXES, addresses) },
	{ FIELD_ROW_ARRAY(status_bridge, "members", members, member) },
	{ NULL },
};

static const struct field budget[] = {
	{ FIELD_ROW(status_budget, "outer_mtu", FIELD_NUMBER, outer_mtu) },
	{ FIELD_ROW(status_budget, "outer_ipv6", FIELD_BOOL, outer_ipv6) },
	{ FIELD_ROW(status_budget, "outer_measured", FIELD_BOOL, outer_measured) },
	{ FIELD_ROW(status_budget, "wg_mtu", FIELD_NUMBER, wg_mtu) },
	{ FIELD_ROW(status_budget, "inner_ip", FIELD_NUMBER, inner_ip) },
	{ FIELD_ROW(status_budget, "mss_ipv4", FIELD_NUMBER, mss4) },
	{ FIELD_ROW(status_budget, "mss_ipv6", FIELD_NUMBER, mss6) },
	{ NULL },
};

static const struct field engine[] = {
	{ FIELD_ROW(status_engine, "superframes_tx", FIELD_COUNTER, superframes_tx) },
	{ FIELD_ROW(status_engine, "segments_tx", FIELD_COUNTER, segments_tx) },
	{ FIELD_ROW(status_engine, "datagrams_tx", FIELD_COUNTER, datagrams_tx) },
	{ FIELD_ROW(status_engine, "trains_tx", FIELD_COUNTER, trains_tx) },
	{ FIELD_ROW(status_engine, "batches_tx", FIELD_COUNTER, batches_tx) },
	{ FIELD_ROW(status_engine, "trains_rx", FIELD_COUNTER, trains_rx) },
	{ FIELD_ROW(status_engine, "segments_rx", FIELD_COUNTER, segments_rx) },
	{ FIELD_ROW(status_engine, "superframes_rx", FIELD_COUNTER, superframes_rx) },
	{ FIELD_ROW(status_engine, "batches_rx", FIELD_COUNTER, batches_rx) },
	{ FIELD_ROW(status_engine, "fragments_rx", FIELD_COUNTER, fragments_rx) },
	{ FIELD_ROW(status_engine, "handshakes_tx", FIELD_COUNTER, handshakes_tx) },
	{ FIELD_ROW(status_engine, "handshakes_rx", FIELD_COUNTER, handshakes_rx) },
	{ FIELD_ROW(status_engine, "syscalls", FIELD_COUNTER, syscalls) },
	{ FIELD_ROW(status_engine, "wakeups", FIELD_COUNTER, wakeups) },
	{ FIELD_ROW(status_engine, "memory_bytes", FIELD_NUMBER, memory_bytes) },
	{ NULL },
};

static const struct field process[] = {
	{ FIELD_ROW(status_process, "role", FIELD_TEXT, role) },
	{ FIELD_ROW(status_process, "pid", FIELD_NUMBER, pid) },
	{ FIELD_ROW(status_process, "user", FIELD_NUMBER, user) },
	{ FIELD_ROW(status_process, "confinement", FIELD_TEXT, confinement) },
	{ NULL },
};

static const char *const remedies[] = { "restore", "wait", "leave" };
_Static_assert(ARRAY_LEN(remedies) == STATUS_REMEDY_COUNT, "every remedy has a name");

static const struct field difference[] = {
	{ FIELD_ROW(status_difference, "kind", FIELD_TEXT, kind) },
	{ FIELD_ROW(status_difference, "name", FIELD_TEXT, name) },
	{ FIELD_ROW(status_difference, "text", FIELD_TEXT, text) },
	{ FIELD_ROW(status_difference, "hint", FIELD_TEXT, hint) },
	{ FIELD_ROW_CHOICE(status_difference, "remedy", remedy, remedies) },
	{ NULL },
};

static const struct field warning[] = {
	{ FIELD_ROW(status_warning, "text", FIELD_TEXT, text) },
	{ NULL },
};

static const struct field report[] = {
	{ FIELD_ROW(status_report, "site", FIELD_TEXT, site) },
	{ FIELD_ROW(status_report, "version", FIELD_TEXT, version) },
	{ FIELD_ROW(status_report, "backend", FIELD_TEXT, backend) },
	{ FIELD_ROW(status_report, "backend_reason", FIELD_TEXT, backend_reason) },
	{ FIELD_ROW(status_report, "aead", FIELD_TEXT, aead) },
	{ FIELD_ROW(status_report, "uptime_ms", FIELD_NUMBER, uptime_ms) },
	{ FIELD_ROW(status_report, "pid", FIELD_NUMBER, pid) },
	{ FIELD_ROW(status_report, "stopped", FIELD_BOOL, stopped) },
	{ FIELD_ROW(status_report, "offloads", FIELD_KNOWN, offloads), .sub = offloads },
	{ FIELD_ROW(status_report, "wireguard", FIELD_OPTIONAL, wg), .sub = wg },
	{ FIELD_ROW_ARRAY(status_report, "peers", peers, peer) },
	{ FIELD_ROW_ARRAY(status_report, "tunnels", tunnels, tunnel) },
	{ FIELD_ROW_ARRAY(status_report, "sessions", sessions, session) },
	{ FIELD_ROW_ARRAY(status_report, "bridges", bridges, bridge) },
	{ FIELD_ROW(status_report, "budget", FIELD_OBJECT, budget), .sub = budget },
	{ FIELD_ROW(status_report, "engine", FIELD_OBJECT, engine), .sub = engine },
	{ FIELD_ROW(status_report, "drops", FIELD_DROPS, drops) },
	{ FIELD_ROW(status_report, "drop_ages_ms", FIELD_DROPS, drop_ages_ms) },
	{ FIELD_ROW_ARRAY(status_report, "processes", processes, process) },
	{ FIELD_ROW_ARRAY(status_report, "differences", differences, difference) },
	{ FIELD_ROW_ARRAY(status_report, "warnings", warnings, warning) },
	{ NULL },
};

const struct field *status_fields(void)
{
	return report;
}

int status_to_json(const struct status_report *r, struct json_object **ret_json)
{
	return fields_to_json(report, r, ret_json);
}

int status_from_json(struct json_object *json, struct status_report *ret)
{
	int err;

	memset(ret, 0, sizeof(*ret));
	err = fields_from_json(report, json, ret);
	if (err)
		status_report_fini(ret);
	return err;
}
