# SPDX-License-Identifier: MIT
"""All variants of a session at once, between the kernel back end and another kind of gateway."""

import re

from lib.reference import PORT, new_key
from vm.kernel_bench import REMOVE

# (family, encapsulation, [(cookie from 01, cookie from 02, sublayer, sequence)]): a tunnel with its sessions
TUNNELS = (
    (
        4,
        "udp",
        [
            ("", "", "default", "none"),
            ("01020304", "a1a2a3a4", "default", "none"),
            ("0102030405060708", "a1a2a3a4a5a6a7a8", "default", "none"),
            ("01020304", "a1a2a3a4a5a6a7a8", "default", "both"),
            ("", "", "none", "none"),
            ("", "", "default", "both"),
        ],
    ),
    (6, "udp", [("", "", "default", "none"), ("0102030405060708", "a1a2a3a4", "none", "none")]),
    (4, "ip", [("", "", "default", "none"), ("01020304", "", "default", "both")]),
    (6, "ip", [("", "", "default", "none"), ("", "a1a2a3a4", "none", "none")]),
)


def sessions():
    """Yield: number, tunnel's number and TUNNELS' values of each session."""
    number = 0
    for tunnel, (_, _, variants) in enumerate(TUNNELS):
        for variant in variants:
            yield number, tunnel, variant
            number += 1


def cookies(near, variant):
    """Return: (sent, expected)."""
    return (variant[0], variant[1]) if near.name == "vpn01" else (variant[1], variant[0])


def all_conf(near, far, preshared):
    """Return: a configuration file with all sessions, outside bridges."""
    side = 10 if near.name == "vpn01" else 20
    lines = ["[Interface]", f"PrivateKey = {near.private}", f"ListenPort = {PORT}"]
    lines += [f"Address = {near.wg4}/24, {near.wg6}/64", "", "[Peer]", f"PublicKey = {far.public}"]
    lines += [f"PresharedKey = {preshared}", f"AllowedIPs = {far.wg4}/32, {far.wg6}/128"]
    lines += [f"Endpoint = {far.underlay}:{PORT}"]
    last = None
    for number, tunnel, variant in sessions():
        family, encap, _ = TUNNELS[tunnel]
        if tunnel != last:
            lines += ["", "[L2TP]", f"TunnelId = {side + tunnel}", f"PeerTunnelId = {30 - side + tunnel}"]
            lines += [f"Local = {near.wg(family)}", f"Remote = {far.wg(family)}", f"EncapsulationType = {encap}"]
            last = tunnel
        sent, expected = cookies(near, variant)
        lines += ["", "[L2TPSession]", f"Name = l2tpeth{number}", f"SessionId = {side * 10 + number}"]
        lines += [f"PeerSessionId = {(30 - side) * 10 + number}", f"Layer2SpecificHeader = {variant[2]}"]
        lines += [f"Sequence = {variant[3]}", f"Cookie = {sent}", f"PeerCookie = {expected}", "Bridge = none"]
    return "\n".join(lines) + "\n"


def all_commands(near, far):
    """Return: the manual commands for the same."""
    side = 10 if near.name == "vpn01" else 20
    script = f"""
ip link add wg0 type wireguard
wg set wg0 listen-port {PORT} private-key /tmp/{near.name}.key peer {far.public} preshared-key /tmp/{near.name}.psk \\
	allowed-ips {far.wg4}/32,{far.wg6}/128 endpoint {far.underlay}:{PORT}
ip addr add {near.wg4}/24 dev wg0
ip addr add {near.wg6}/64 dev wg0 nodad
ip link set wg0 mtu 1440 up
"""
    for tunnel, (family, encap, _) in enumerate(TUNNELS):
        script += f"ip l2tp add tunnel tunnel_id {side + tunnel} peer_tunnel_id {30 - side + tunnel} encap {encap}"
        script += f" local {near.wg(family)} remote {far.wg(family)}"
        script += " udp_sport 1701 udp_dport 1701\n" if encap == "udp" else "\n"
    for number, tunnel, variant in sessions():
        sent, expected = cookies(near, variant)
        script += f"ip l2tp add session name l2tpeth{number} tunnel_id {side + tunnel}"
        script += f" session_id {side * 10 + number} peer_session_id {(30 - side) * 10 + number}"
        script += f" cookie {sent}" if sent else ""
        script += f" peer_cookie {expected}" if expected else ""
        script += f" seq {variant[3]}" if variant[3] != "none" else ""
        script += f" l2spec_type {variant[2]}\nip link set l2tpeth{number} mtu 1500 up\n"
    return script


def sequence_numbers(bench, session, cookie):
    """Return: the sequence numbers of three frames of a session that vpn01 sends; None for one without."""
    at = 8 + 4 + 4 + cookie  # in UDP: its header, that of L2TP, the session's id, the cookie
    script = f"""
tcpdump -Z root -l -n -x -i wg0 -c 3 'src host {bench.sites[0].wg4} and udp[12:4] = {200 + session}' >/tmp/x 2>/tmp/x.err &
for try in $(seq 300); do grep -q listening /tmp/x.err && break; sleep 0.1; done
ping -n -q -c 3 -i 0.2 -W 10 10.9.{session}.2 >/dev/null
for try in $(seq 300); do grep -q captured /tmp/x.err && break; sleep 0.1; done
cat /tmp/x
"""
    frames = []
    for text in bench.at(bench.sites[0], script, timeout=60).out.splitlines():
        if not text.startswith("\t0x"):
            frames.append("")
        else:
            frames[-1] += text.split(":")[1].replace(" ", "")
    words = [int(frame[2 * (20 + at) :][:8], 16) for frame in frames if frame]  # after the IPv4 header
    return [word & 0xFFFFFF if word >> 24 == 0x40 else None if not word else word for word in words]


def out_of_sequence(bench):
    """With Sequence, frames that come twice or in another order are dropped and counted; without, all are delivered. The
    kernel counts a number that it has had as an error of the session, a later one than expected as out of sequence."""
    one, two = bench.sites
    for session, checked in ((5, True), (0, False)):
        ping = f"ping -n -q -c 20 -i 0.05 -W 10 10.9.{session}.1"
        for disorder, key in (("duplicate 100%", "dropped_rx"), ("delay 300ms reorder 100% gap 2", "reordered")):
            before = bench.status(one)["sessions"][session]
            script = f"tc qdisc add dev wg0 root netem {disorder}\n{ping} || true\ntc qdisc del dev wg0 root"
            out = bench.at(two, script, timeout=60).out
            counted = bench.status(one)["sessions"][session][key] - before[key]
            if checked:
                assert counted >= (15 if key == "dropped_rx" else 1) and "duplicates" not in out, (disorder, counted, out)
            elif key == "dropped_rx":
                assert " duplicates, 0% packet loss" in out, out
            else:
                assert counted == 0 and " 20 received" in out, (counted, out)
    counted = bench.status(one)["sessions"][5]["reordered"]
    text = bench.at(one, "wirespan status vpn01; wirespan metrics vpn01").out
    assert re.search(rf"^ *reordered +{counted} frames? out of sequence", text, re.M), text
    assert f'wirespan_session_reordered_frames_total{{site="vpn01",session="l2tpeth5"}} {counted}\n' in text, text


def all_variants(bench, other):
    """Each session carries packets of 1500 bytes both ways, with the other gateway as `other`."""
    one, two = bench.sites
    preshared = new_key()
    bench.guest.write(f"/tmp/{two.name}.psk", preshared)
    bench.configure(one, all_conf(one, two, preshared))
    bench.up(one)
    if other == "script":
        bench.at(two, all_commands(two, one))
    else:
        bench.configure(two, all_conf(two, one, preshared), other)
        bench.up(two)
    for site, host in ((one, 1), (two, 2)):
        bench.at(
            site,
            "".join(
                f"ip addr add 10.9.{number}.{host}/24 dev l2tpeth{number}; ip link set l2tpeth{number} up\n"
                for number, _, _ in sessions()
            ),
        )
    lost = []
    for number, tunnel, variant in sessions():
        result = bench.guest.ping(f"10.9.{number}.2", netns="vpn01", count=2, size=1472, dont_fragment=True, timeout=3)
        if not result.ok:
            lost.append(f"{TUNNELS[tunnel][:2]} {variant}: {result.out}")
    assert not lost, "\n".join(lost)
    if other == "kernel":
        assert sequence_numbers(bench, 0, 0) == [None] * 3, "numbers in a session without"
        for session, cookie in ((3, 4), (5, 0)):
            first, *rest = sequence_numbers(bench, session, cookie)
            assert rest == [first + 1, first + 2], (session, first, rest)
        out_of_sequence(bench)
    bench.down(one)
    bench.is_as_before(one)
    if other == "script":
        bench.at(two, REMOVE)
    else:
        bench.down(two)
    bench.is_as_before(two)
