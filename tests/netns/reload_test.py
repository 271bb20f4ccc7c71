#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""An edited file is applied as a difference: what stays the same carries frames all the while."""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib.network import Reference
from lib.node import need_root
from lib.pings import Pings
from lib.reference import PORT, wirespan_conf
from lib.runner import Suite, wait_for
from lib.wirespan import find_binary

SECOND_SESSION = """
[L2TPSession]
Name = l2tpeth1
SessionId = 77
PeerSessionId = 78
"""


class Bench:
    """The reference network up, its near gateway's file at hand."""

    def __init__(self):
        need_root()
        find_binary()
        self.net = Reference()
        self.net.up()
        self.near = self.net.gateway[0]
        self.text = wirespan_conf(self.net.sites[0], self.net.sites[1])
        assert self.net.member[0].ping(self.net.sites[1].member4, count=3).ok

    def reload(self, text=None, check=True):
        """Write another file and reload, while a member pings ten times a second: not one may be lost."""
        self.near.configure(text or self.text)
        pings = Pings(self.net.member[0], self.net.sites[1].member4)
        pings.wait(5)
        result = self.near.run("reload", self.near.name, check=check)
        lost = pings.lost(20)
        assert not lost, f"echoes {lost} were lost while reloading"
        return result

    def peer(self):
        return self.near.status()["peers"][0]

    def link(self, name):
        return self.near.node.run("ip", "-o", "link", "show", "dev", name, check=False)


def nothing_changed(bench):
    handshake = bench.peer()["last_handshake"]
    index = bench.link("l2tpeth0").out.split(":")[0]
    bench.reload()
    assert bench.peer()["last_handshake"] == handshake, "the session with the peer goes on"
    assert bench.link("l2tpeth0").out.split(":")[0] == index, "it is the same TAP"


def session_added_and_removed(bench):
    bench.reload(bench.text.replace("\n[Bridge]", SECOND_SESSION + "\n[Bridge]"))
    shown = bench.link("l2tpeth1")
    assert shown.ok and "master br-l2tp0" in shown.out, shown.out
    assert len(bench.near.status()["sessions"]) == 2
    bench.reload()
    assert not bench.link("l2tpeth1").ok, "its interface is gone"
    assert len(bench.near.status()["sessions"]) == 1


def addresses_and_members(bench):
    bench.near.node.run("ip", "link", "add", "extra0", "type", "dummy", check=False)
    has_extra = bench.link("extra0").ok
    text = bench.text.replace("[Bridge]\n", "[Bridge]\nAddress = 10.0.2.99/24\n")
    if has_extra:
        text = text.replace("Member = eth1", "Member = eth1\nMember = extra0")
    bench.reload(text)
    assert bench.net.member[1].ping("10.0.2.99").ok, "the new address answers across the segment"
    if has_extra:
        assert "master br-l2tp0" in bench.link("extra0").out
    bench.reload()
    assert not bench.net.member[1].ping("10.0.2.99", count=1, timeout=1).ok
    if has_extra:
        assert "master" not in bench.link("extra0").out
        bench.near.node.run("ip", "link", "del", "extra0")


def keepalive_and_allowed_ips(bench):
    text = bench.text.replace("[Peer]", "[Peer]\nPersistentKeepalive = 7")
    text = re.sub(r"AllowedIPs = (.*)", r"AllowedIPs = \1, 10.55.0.0/16", text)
    bench.reload(text)
    peer = bench.peer()
    assert peer["persistent_keepalive"] == 7, peer
    assert "10.55.0.0/16" in str(peer["allowed_ips"]), peer
    assert "10.55.0.0/16 dev wg0" in bench.near.node.run("ip route").out
    bench.reload()
    assert bench.peer()["persistent_keepalive"] == 0 and "10.55" not in str(bench.peer()["allowed_ips"])
    assert "10.55.0.0/16" not in bench.near.node.run("ip route").out


def listen_port(bench):
    """The far end receives from another port and follows."""
    bench.reload(bench.text.replace(f"ListenPort = {PORT}", "ListenPort = 8199"))
    assert bench.near.status()["wireguard"]["listen_port"] == 8199
    wait_for(
        lambda: bench.net.gateway[1].status()["peers"][0]["endpoint"].endswith(":8199"),
        what="the far end to follow",
    )
    bench.reload()


def oversize_policy(bench):
    """A session's policy changes without the session being touched."""
    index = bench.link("l2tpeth0").out.split(":")[0]
    bench.reload(bench.text.replace("Name = l2tpeth0\n", "Name = l2tpeth0\nOversize = drop\n"))
    assert not bench.net.member[0].ping(bench.net.sites[1].member4, count=1, size=1472, timeout=1).ok
    bench.reload()
    assert bench.net.member[0].ping(bench.net.sites[1].member4, count=1, size=1472).ok
    assert bench.link("l2tpeth0").out.split(":")[0] == index


def mistakes_change_nothing(bench):
    for name, text, mention in (
        ("unknown key", bench.text.replace("ListenPort", "LisenPort"), "ListenPort"),
        ("another interface", bench.text.replace("Name = wg0", "Name = wg9"), "wg9"),
        ("empty", "", ""),
    ):
        result = bench.reload(text or "\n", check=False)
        assert result.status == 1, f"{name}: exit status {result.status}"
        assert mention in result.out, f"{name}: {result.out}"
    bench.reload()


def failure_keeps_what_wg_has_changed(bench):
    """A file that is right and yet cannot be followed: it goes back to what was, not to what once was read."""
    wg = bench.near.node
    key = wg.run("sh", "-c", "wg genkey | wg pubkey").out.strip()
    own = bench.peer()["public_key"]
    far = bench.net.sites[1].wg4
    wg.run("wg", "set", "wg0", "peer", key, "endpoint", "192.0.2.1:7", "allowed-ips", "198.51.100.0/24")
    wg.run("wg", "set", "wg0", "peer", own, "persistent-keepalive", "21", "allowed-ips", f"{far}/32,203.0.113.0/24")
    before = wg.run("wg", "showconf", "wg0").out
    assert key in before and "203.0.113.0/24" in before, before
    wg.run("ip link add br9 type bridge")
    for old, new in (("Name = br-l2tp0", "Name = br9"), ("Name = wg0", "Name = wg9")):
        text = bench.text.replace(old, new).replace("[Peer]", "[Peer]\nPersistentKeepalive = 9")
        assert bench.reload(text, check=False).status == 1
        assert wg.run("wg", "showconf", "wg0").out == before, f"after {new}"
    wg.run("ip link del br9")
    bench.reload()
    after = wg.run("wg", "showconf", "wg0").out
    assert key not in after and "203.0.113.0/24" not in after, after


def by_signal(bench):
    bench.near.configure(bench.text.replace("[Peer]", "[Peer]\nPersistentKeepalive = 9"))
    bench.near.signal("HUP")
    wait_for(lambda: bench.peer()["persistent_keepalive"] == 9, what="SIGHUP to be followed")
    bench.reload()


def main():
    suite = Suite("reload")
    box = {}
    if not suite.setup("the reference network", lambda: box.update(bench=Bench())):
        suite.finish()
    bench = box["bench"]
    suite.diagnose_with(bench.net.diagnostics)
    for name, case in (
        ("an unchanged file changes nothing", nothing_changed),
        ("a session is added and removed", session_added_and_removed),
        ("bridge addresses and members", addresses_and_members),
        ("keepalive and allowed IPs", keepalive_and_allowed_ips),
        ("oversize policy", oversize_policy),
        ("listen port", listen_port),
        ("mistakes change nothing", mistakes_change_nothing),
        ("a failure keeps what wg has changed", failure_keeps_what_wg_has_changed),
        ("by SIGHUP", by_signal),
    ):
        suite.run(name, case, bench)
    bench.net.close()
    suite.finish()


if __name__ == "__main__":
    main()
