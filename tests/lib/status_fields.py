# SPDX-License-Identifier: MIT
"""Every field of a status report, and where text, metrics and top show it.

The list of fields, and what each is, comes from the product (tests/tools/status_fields). Here stands only
where a field shows: a field without a row is a failure of status_test.py, and so is a row without a field.
An option of a session needs no row: it is a setting, and render_test.c shows that text has each of its values.
"""

import os
import subprocess

from .runner import Skip

_HERE = os.path.dirname(os.path.abspath(__file__))


class Field:
    """One field of the product's table: a path ("sessions[].oversize"), a kind, and words for it."""

    def __init__(self, line):
        self.path, self.kind, *self.words = line.split()


class Option:
    """One option of a session: its key in the file, its field's path, and the values to write."""

    def __init__(self, line):
        self.key, self.status, *self.values = line.split()
        self.path = f"sessions[].{self.status}"


def _lines(*args):
    build = os.environ.get("WIRESPAN_BUILD") or os.path.join(_HERE, "..", "..", "build")
    tool = os.path.join(build, "tests", "tools", "status_fields")
    if not os.path.exists(tool):
        raise Skip("tests/tools/status_fields is not built")
    return subprocess.run([tool, *args], capture_output=True, text=True, check=True).stdout.splitlines()


def fields():
    """Return: {path: Field}, from the product's own table."""
    return {field.path: field for field in map(Field, _lines())}


def options():
    """Return: [Option], from the product's own table."""
    return [Option(line) for line in _lines("options")]


# ---- where each field shows ------------------------------------------------------------------------


class No(str):
    """Why a rendering does not show a field."""


LABEL = No("a label of what belongs to it")
SETTING = No("a setting or a name: metrics are for what changes")
RATE = No("Prometheus knows when a counter rose")
SUM = No("follows from the numbers of the sessions, which are there")
STEADY = No("top is for what changes from second to second; status shows the rest")
DROP = No("each of these is a drop, too, and top lists drops by reason")
PIECES = No("top shows the fragments of each session")
QUEUE = No("top has a table of queues while frames wait, which slow_link() of status_test.py reads")
ARRIVALS = No("top has a table of arrivals, which losses() of status_test.py reads")
ENGINE = No("top shows packets a call, which is what these are for")

# path: (text, metric, top). Text is a pattern within the block of the object, with a hole for the value: {n} a
# count, {b} bytes, {t} a span of time, {x} hexadecimal, {} as it is; {name} is the object's name; or it is a
# pattern for each value that shows. A metric is a sample's name without "wirespan_" and its direction, if it has
# one; {label=} has the field's value. Top is a cell of the screen that status_test.py reads.
SHOWN = {
    "site": ("^site: {}$", "site_info{site=}", "site"),
    "version": ("wirespan {}$", "site_info{version=}", STEADY),
    "backend": ("back end +{}:", "site_info{backend=}", "site"),
    "backend_reason": ("back end +[a-z]+: {}$", SETTING, STEADY),
    "aead": ("ChaCha20-Poly1305 by {}$", "site_info{aead=}", "site"),
    "uptime_ms": ("running for +{t},", "uptime_seconds", "site"),
    "pid": ("pid {}, ", SETTING, STEADY),
    "stopped": (
        No("only a site without a process has it, which tests/vm/kernel_backend_test.py makes"),
        No("a site without its interface has no counters"),
        No("only a site without a process has it: shown in place of its age"),
    ),
    "wireguard.name": ("^interface: {}$", "site_info{interface=}", "interface"),
    "wireguard.public_key": ("public key +{}$", SETTING, STEADY),
    "wireguard.listen_port": ("listening port +{}(?:$|;)", SETTING, STEADY),
    "wireguard.pending_port": ("listening port +.*; {} cannot be opened yet$", "pending_port", "warnings"),
    "wireguard.fwmark": ("fwmark +0x{x}$", SETTING, STEADY),
    "wireguard.mtu": ("MTU +{}$", No("wirespan_interface_mtu_bytes has what fits a message"), STEADY),
    "wireguard.addresses": ("addresses +{}$", SETTING, STEADY),
    "wireguard.tx.packets": ("sent +{n} packet", "interface_packets_total{tx}", "wg sent packets"),
    "wireguard.tx.bytes": ("sent +.*, {b}$", "interface_bytes_total{tx}", "wg sent"),
    "wireguard.rx.packets": ("received +{n} packet", "interface_packets_total{rx}", "wg received packets"),
    "wireguard.rx.bytes": ("received +.*, {b}$", "interface_bytes_total{rx}", "wg received"),
    "wireguard.too_big_sent": ("too big +{n} ICMP", "interface_too_big_replies_total", DROP),
    "wireguard.dropped_tx": ("dropped +{n} from", "interface_dropped_packets_total{tx}", "wg drops"),
    "wireguard.dropped_rx": (
        "dropped .*, {n} for",
        "interface_dropped_packets_total{rx}",
        No("beside dropped_tx, in the same cell"),
    ),
    "peers[].name": ("^peer: {}$", LABEL, "peer"),
    "peers[].public_key": ("(?:^peer: |public key +){}$", LABEL, "peer"),
    "peers[].preshared_key": ({True: "preshared key +yes$"}, SETTING, STEADY),
    "peers[].endpoint": ("endpoint +{}(?: |$)", SETTING, "peer endpoint"),
    "peers[].endpoint_name": ("endpoint +.*{}", SETTING, "peer endpoint"),
    "peers[].allowed_ips": ("allowed ips +{}$", SETTING, STEADY),
    "peers[].state": (
        {"idle": ", no session$", "handshake": ", calling$", "established": ", session up$"},
        "peer_up",
        "peer state",
    ),
    "peers[].last_handshake": (
        No("text shows its age"),
        "peer_last_handshake_seconds",
        No("top shows its age"),
    ),
    "peers[].handshake_age_ms": ("handshake +{t} ago", RATE, "peer handshake"),
    "peers[].rx_bytes": ("transfer +{b} received", "peer_bytes_total{rx}", "peer received"),
    "peers[].tx_bytes": ("transfer +.*, {b} sent", "peer_bytes_total{tx}", "peer sent"),
    "peers[].persistent_keepalive": ("keepalive +every {} s$", SETTING, STEADY),
    "peers[].path.state": (
        {
            "given": "path MTU .*, from the file",
            "confirm": "path MTU .*, being confirmed",
            "search": "path MTU .*, being searched",
            "complete": "path MTU .*, measured",
            "silent": "path MTU .*, (?:the route's, not confirmed|as last measured): no probe is answered",
            "route": "path MTU .*, the route's, not measured",
        },
        No("the path's MTU and its probes show it"),
        STEADY,
    ),
    "peers[].path.mtu": ("path MTU +{},", "peer_path_mtu_bytes", "peer mtu"),
    "peers[].path.probes": ("path MTU .* of {n} probe", "peer_path_probes_total", STEADY),
    "peers[].path.answers": (r"path MTU .*\({n} of", "peer_path_answers_total", STEADY),
    "peers[].path.black_holes": ("found smaller {n} time", "peer_path_black_holes_total", STEADY),
    "peers[].path.train_max": ("trains +{n} datagram", "peer_path_train_max", STEADY),
    "peers[].path.rtt_us": ("round trip +{n} us,", "peer_round_trip_seconds", ARRIVALS),
    "peers[].path.jitter_us": ("round trip .*, jitter {n} us$", "peer_jitter_seconds", ARRIVALS),
    "peers[].arrivals.received": ("arrivals +{n} message", "peer_received_messages_total", ARRIVALS),
    "peers[].arrivals.lost": (r"arrivals .*, {n} lost \([0-9.]+ %\),", "peer_lost_messages_total", ARRIVALS),
    "peers[].arrivals.reordered": ("arrivals .*, {n} reordered,", "peer_reordered_messages_total", ARRIVALS),
    "peers[].arrivals.late": ("arrivals .*, {n} late$", "peer_late_messages_total", ARRIVALS),
    "peers[].queue.rate": ("queue .*; {n} bit/s$", "peer_queue_bytes_per_second", QUEUE),
    "peers[].queue.backlog": ("queue +{b} wait;", "peer_queue_backlog_bytes", QUEUE),
    "peers[].queue.delay_p50_us": ("queue .* delay {n} us median,", "peer_queue_delay_p50_seconds", QUEUE),
    "peers[].queue.delay_p99_us": ("queue .*, {n} us p99;", "peer_queue_delay_p99_seconds", QUEUE),
    "peers[].queue.packets": ("queued +{n} frame", "peer_queue_frames_total", QUEUE),
    "peers[].queue.dropped": ("queued .*, {n} dropped,", "peer_queue_dropped_frames_total", QUEUE),
    "peers[].queue.marked": ("queued .*, {n} marked$", "peer_queue_marked_frames_total", QUEUE),
    "peers[].route.leads": (
        {
            "unknown": "route +by .*, to a next hop that was not found yet",
            "segment": "route +by .* into the segment that the tunnel carries: ",
            "tunnel": "route +by .* into the tunnel itself: ",
        },
        "peer_route_leads_back",
        No("top shows the drops, if nothing else is used"),
    ),
    "peers[].route.interface": ("route +by {}[, ]", SETTING, STEADY),
    "peers[].route.sent_by": ("route .*: sent by {} instead$", SETTING, STEADY),
    "tunnels[].tunnel_id": ("^tunnel: {} ", LABEL, STEADY),
    "tunnels[].peer_tunnel_id": ("^tunnel: .* {}$", SETTING, STEADY),
    "tunnels[].encapsulation": ({"udp": "L2TPv3 over UDP", "ip": "L2TPv3 over IP"}, SETTING, STEADY),
    "tunnels[].local": ("path +{} ", SETTING, STEADY),
    "tunnels[].remote": ("path .* {}(?: port|,)", SETTING, STEADY),
    "tunnels[].source_port": (r"path +\S+ port {} ", SETTING, STEADY),
    "tunnels[].destination_port": ("path .* port {},", SETTING, STEADY),
    "tunnels[].udp_checksum": ({True: ", with checksum$", False: ", without checksum$|over IP$"}, SETTING, STEADY),
    "tunnels[].unknown_sessions": ("unknown session {n} packet", "tunnel_unknown_session_packets_total", DROP),
    "tunnels[].last_unknown_session": ("unknown session .* {}$", SETTING, STEADY),
    "tunnels[].control_messages": ("control +{n} message", "tunnel_control_messages_total", DROP),
    "tunnels[].bad_checksums": ("checksum +{n} packet", "tunnel_bad_checksum_packets_total", DROP),
    "sessions[].name": ("^session: {},", LABEL, "interface"),
    "sessions[].tunnel_id": ("^session: .* in tunnel {}$", SETTING, STEADY),
    "sessions[].session_id": ("^session: [^,]+, {} ", SETTING, STEADY),
    "sessions[].peer_session_id": ("^session: .* {} in tunnel", SETTING, STEADY),
    "sessions[].cookie_length": ("cookie of {} bytes sent", SETTING, STEADY),
    "sessions[].peer_cookie_length": ("cookie .* and {} expected", SETTING, STEADY),
    "sessions[].sublayer": ({True: "sublayer default", False: "sublayer none"}, SETTING, STEADY),
    "sessions[].sequence": (
        {
            "none": ", no numbers$",
            "send": ", numbers sent$",
            "recv": ", numbers expected$",
            "both": ", numbers sent and expected$",
        },
        SETTING,
        STEADY,
    ),
    "sessions[].oversize": (
        {"fragment": "fragmented inside", "reject": "refused with ICMP", "drop": "larger .*: dropped"},
        SETTING,
        STEADY,
    ),
    "sessions[].split_horizon": ({True: "split horizon +on: "}, SETTING, STEADY),
    "sessions[].mtu": ("MTU +{}[;,]", "session_mtu_bytes", STEADY),
    "sessions[].budget": (r"MTU .*(?:larger than |\(){}[: ]", "session_unfragmented_bytes", STEADY),
    "sessions[].mss_ipv4": (r"clamped(?: to|;) {} \(IPv4\)", SETTING, STEADY),
    "sessions[].mss_ipv6": (r"clamped.* {} \(IPv6\)", SETTING, STEADY),
    "sessions[].clamp_mss": ({True: "TCP MSS +clamped"}, SETTING, STEADY),
    "sessions[].mss_clamped": ("clamped .*: {n} connection", "session_clamped_connections_total", STEADY),
    "sessions[].too_big_sent": ("too big +{n} ICMP", "session_too_big_replies_total", DROP),
    "sessions[].fragmented": ("cut +{n} frame", "session_fragmented_frames_total{tx}", PIECES),
    "sessions[].fragments_tx": ("cut .* into {n} fragment", "session_fragments_total{tx}", "session fragments sent"),
    "sessions[].fragments_rx": (
        "put together .* from {n} fragment",
        "session_fragments_total{rx}",
        "session fragments received",
    ),
    "sessions[].reassembled": ("put together +{n} frame", "session_fragmented_frames_total{rx}", PIECES),
    "sessions[].reordered": ("reordered +{n} frame", "session_reordered_frames_total", DROP),
    "sessions[].dropped_tx": ("dropped +{n} from", "session_dropped_frames_total{tx}", "session drops sent"),
    "sessions[].dropped_rx": ("dropped .*, {n} for", "session_dropped_frames_total{rx}", "session drops received"),
    "sessions[].wrong_cookie": ("cookie +{n} packet", "session_wrong_cookie_packets_total", DROP),
    "sessions[].bad_length": ("length +{n} packet", "session_bad_length_packets_total", DROP),
    "sessions[].sublayer_suspected": ("sublayer +{n} frame", "session_sublayer_suspected_frames_total", STEADY),
    "sessions[].with_sequence": ("numbers +{n} frames? with", "session_numbered_frames_total", STEADY),
    "sessions[].without_sequence": ("numbers .*?{n} (?:without|frames?)$", "session_unnumbered_frames_total", STEADY),
    "sessions[].lost": ("lost +{n} number", "session_lost_frames_total", STEADY),
    "sessions[].tx.packets": ("sent +{n} frame", "session_frames_total{tx}", "session sent packets"),
    "sessions[].tx.bytes": ("sent +.*, {b}$", "session_bytes_total{tx}", "session sent"),
    "sessions[].rx.packets": ("received +{n} frame", "session_frames_total{rx}", "session received packets"),
    "sessions[].rx.bytes": ("received +.*, {b}$", "session_bytes_total{rx}", "session received"),
    "bridges[].name": ("^bridge: {}$", LABEL, STEADY),
    "bridges[].mtu": ("^  MTU +{}(?:,|$)", SETTING, STEADY),
    "bridges[].stp": ({True: "spanning tree on$"}, SETTING, STEADY),
    "bridges[].adopted": ({True: "owner +another program"}, SETTING, STEADY),
    "bridges[].multicast_snooping": ({True: "multicast +snooped"}, SETTING, STEADY),
    "bridges[].forward_control": ("control frames +forwarded: {}$", SETTING, STEADY),
    "bridges[].addresses": ("addresses +{}$", SETTING, STEADY),
    "bridges[].members[].name": (" {}, ", LABEL, STEADY),
    "bridges[].members[].mtu": (" {name}, MTU {}(?:,|$)", SETTING, STEADY),
    "bridges[].members[].up": ({False: " {name}, .*(?:down|no carrier|absent)$"}, "bridge_port_up", STEADY),
    "bridges[].members[].session": ({True: " {name}, .*L2TP session"}, SETTING, STEADY),
    "bridges[].members[].isolated": ({True: " {name}, .*, isolated"}, SETTING, STEADY),
    "bridges[].members[].state": (
        {
            "forwarding": " {name}, .*forwarding(?:,|$)",
            "learning": " {name}, .*learning(?:,|$)",
            "listening": " {name}, .*listening(?:,|$)",
            "blocking": " {name}, .*blocked by the spanning tree(?:,|$)",
            "disabled": " {name}, .*disabled(?:,|$)",
            "down": r" {name}, MTU \d+(?:, L2TP session)?(?:, isolated)?, down$",
            "no_carrier": " {name}, .*no carrier$",
            "outside": " {name}, .*in no bridge(?:,|$)",
            "elsewhere": " {name}, .*in another bridge: ",
            "absent": " {name}, .*absent$",
        },
        "bridge_port_state",
        STEADY,
    ),
    "bridges[].members[].master": ("in another bridge: {}(?:,|$)", SETTING, STEADY),
    "budget.outer_mtu": ("underlay +{} bytes", "underlay_mtu_bytes", STEADY),
    "budget.outer_ipv6": ({True: "over IPv6", False: "over IPv4"}, SETTING, STEADY),
    "budget.outer_measured": ({True: ", the route.s or measured$", False: ", assumed$"}, SETTING, STEADY),
    "budget.wg_mtu": ("WireGuard +{} bytes", "interface_mtu_bytes", STEADY),
    "budget.inner_ip": ("in a frame +{} bytes", SUM, "site"),
    "budget.mss_ipv4": (r"TCP MSS +{} \(IPv4\)", SUM, STEADY),
    "budget.mss_ipv6": (r"TCP MSS .* {} \(IPv6\)", SUM, STEADY),
    "engine.superframes_tx": ("sending +{n} reads", "engine_superframes_total{tx}", ENGINE),
    "engine.segments_tx": (r"sending .* {n} packets", "engine_segments_total{tx}", ENGINE),
    "engine.datagrams_tx": ("sending .* {n} datagrams", "engine_datagrams_total{tx}", "engine sent"),
    "engine.trains_tx": ("sending .* {n} sends$", "engine_trains_total{tx}", "engine sent a call"),
    "engine.batches_tx": ("batches +{n} sending", "engine_batches_total{tx}", ENGINE),
    "engine.trains_rx": ("receiving +{n} receives", "engine_trains_total{rx}", "engine received a call"),
    "engine.segments_rx": ("receiving .* {n} datagrams", "engine_datagrams_total{rx}", "engine received"),
    "engine.superframes_rx": ("receiving .* {n} writes$", "engine_superframes_total{rx}", ENGINE),
    "engine.batches_rx": ("batches .*, {n} receiving", "engine_batches_total{rx}", ENGINE),
    "engine.fragments_rx": ("fragments +{n} received", "engine_received_fragments_total", PIECES),
    "engine.handshakes_tx": ("handshakes +{n} message", "engine_handshake_messages_total{tx}", ENGINE),
    "engine.handshakes_rx": ("handshakes .*, {n} received", "engine_handshake_messages_total{rx}", ENGINE),
    "engine.syscalls": ("system calls +{n},", "engine_syscalls_total", ENGINE),
    "engine.wakeups": ("system calls .* {n} wake-up", "engine_wakeups_total", "engine wakeups"),
    "engine.memory_bytes": ("^engine: {b} of memory", "engine_memory_bytes", STEADY),
    "drops": ("^ +{n}  {name} ", "dropped_packets_total", "drops"),
    "drop_ages_ms": (r"  {name} .*\(last {t} ago\)", RATE, No("top shows how many each second")),
    "processes[].role": ("(confined|^) +{}, pid", No("wirespan_info has the site's pid"), STEADY),
    "processes[].pid": ("(engine|keys|resolver), pid {}, user", No("wirespan_info has the site's pid"), STEADY),
    "processes[].user": (", user {}: ", No("it is no measurement"), STEADY),
    "processes[].confinement": (", user .*: {}$", No("it is no measurement"), STEADY),
    "differences[].kind": (r"differs .* \({}, ", No("wirespan_differences counts them"), STEADY),
    "differences[].name": (r"differs .*, {}\): ", No("wirespan_differences counts them"), "warnings"),
    "differences[].text": (r"differs +{} \(", No("wirespan_differences counts them"), "warnings"),
    "differences[].hint": ("^ +{}$", No("wirespan_differences counts them"), STEADY),
    "differences[].remedy": (
        {
            "restore": ", {name}\\): being restored$",
            "wait": ", {name}\\): waited for$",
            "leave": ", {name}\\): left as it is$",
        },
        No("wirespan_differences counts them"),
        STEADY,
    ),
    "warnings[].text": ("warning +{}$", No("wirespan_warnings counts them"), "warnings"),
}
for _words in ("vnet", "TSO", "USO", "UDP GSO", "UDP GRO"):
    _shown = {True: rf"offloads +[^;]*\b{_words}\b", False: rf"not in use: .*\b{_words}\b"}
    SHOWN[f"offloads.{_words.lower().replace(' ', '_')}"] = (_shown, SETTING, STEADY)
