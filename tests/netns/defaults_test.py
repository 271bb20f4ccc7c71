#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A site whose file writes out every default that wirespan.conf(5) documents is the site of a file without them."""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import defaults
from lib.network import Reference
from lib.node import need_root
from lib.reference import PORT, Pseudowire, wirespan_conf
from lib.runner import Suite, wait_for
from lib.status_fields import options
from lib.wirespan import find_binary, snapshot

# What status shows of a site that does not change from one start to the next.
STEADY = {
    "wireguard": "name fwmark mtu addresses",
    "peers": "public_key preshared_key allowed_ips persistent_keepalive",
    "tunnels": "tunnel_id peer_tunnel_id encapsulation local remote source_port destination_port udp_checksum",
    "sessions": "name tunnel_id session_id peer_session_id cookie_length peer_cookie_length mtu budget mss_ipv4 mss_ipv6",
    "bridges": "name mtu stp addresses members",
}


def steady(status):
    """Return: the part of a status that a configuration decides."""
    found = {}
    for part, words in STEADY.items():
        items = status[part] if isinstance(status[part], list) else [status[part]]
        assert items, status
        keys = words.split() + [option.status for option in options() if part == "sessions"]
        found[part] = [{key: item[key] for key in keys} for item in items]
    return found


def host(node):
    """Return: links, addresses, routes and rules of a gateway, without what is random or counts."""
    text = re.sub(r"(link/ether|brd) [0-9a-f:]{17}", "", snapshot(node))
    text = re.sub(r"fe80::\S+", "", text)
    return sorted(line for line in text.splitlines() if "expires" not in line)


def texts(net, wire, table):
    """Return: the files of both gateways without any default; the second calls the first, from any port."""
    one = wirespan_conf(net.sites[0], net.sites[1], wire, endpoint=False)
    two = wirespan_conf(net.sites[1], net.sites[0], wire).replace(f"ListenPort = {PORT}\n", "")
    return [re.sub("Local = .*\n", "", defaults.strip(text, table)) for text in (one, two)]


def start(net, pair):
    """Bring both gateways up. Return: what they are, after members have reached each other."""
    net.stop()
    net.forget_neighbours()
    for gateway, text in zip(net.gateway, pair):
        gateway.configure(text)
        result = gateway.run("validate", gateway.conf)
        assert "fine: 1 peer, 1 tunnel, 1 session, 1 bridge\n" in result.out, result.out
        gateway.up(timeout=60)
    net.vpn[1].ping(net.sites[0].wg4, count=1)  # the one that calls
    result = net.member[0].ping(net.sites[1].member4, count=3)
    assert result.ok, f"{result.out}\n{net.diagnostics()}"
    for vpn in net.vpn:
        vpn.settle()
    for gateway in net.gateway:  # what the path carries is known a moment after the peer
        wait_for(lambda: gateway.status()["wireguard"]["mtu"] == Pseudowire().wg_mtu, 60, what="the path's MTU")
    return [(steady(gateway.status()), host(gateway.node)) for gateway in net.gateway]


def same(net, wire):
    table = defaults.documented()
    plain = texts(net, wire, table)
    written = [defaults.write_out("[Site]\n" + text, table) for text in plain]
    for short, long in zip(plain, written):
        assert long.count("\n") > short.count("\n") + 20, long
    assert "Local = auto" in written[0] and "ListenPort = 0" in written[1], written
    assert start(net, plain) == start(net, written)


WIRES = {
    "IPv4 and UDP": Pseudowire(),
    "IPv6 inside": Pseudowire(family=6),
    "L2TP over IP": Pseudowire(encap="ip"),
    "no sublayer": Pseudowire(sublayer="none"),
}


def main():
    suite = Suite("defaults")
    box = {}

    def ready():
        need_root()
        find_binary()
        box["net"] = Reference()

    if not suite.setup("the network", ready):
        suite.finish()
    suite.diagnose_with(box["net"].diagnostics)
    for name, wire in WIRES.items():
        suite.run(name, same, box["net"], wire)
    suite.finish()


if __name__ == "__main__":
    main()
