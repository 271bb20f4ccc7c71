#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wirespan with Backend = kernel: the reference network's four hosts in one guest with Debian's unmodified kernel.

The gateway at the other end is wirespan with the kernel's modules, wirespan's engine, or manual commands.
"""

import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib.reference import PORT, wirespan_conf
from lib.runner import Skip, Suite, wait_for
from vm.kernel_bench import PIDS, REMOVE, Bench, both_down, both_up, second_session
from vm.kernel_faults import VERBS, killed
from vm.kernel_networks import VLAN_FAULTS, vlans
from vm.kernel_sites import routed_only
from vm.kernel_variants import all_variants
from vm.networkd import NETWORKD, RUN_NETWORKD, networkd_files
from vm.stream import start_stream, stream_result

def reference_network(bench, other):
    """All paths of the reference network, members at 1500; then `down`, and all is as before."""
    one, two = bench.sites
    both_up(bench, other)
    bench.ping("member01", two.member4, "member to member", count=3)
    for ns, target, what in (
        ("member02", one.member6, "member to member, IPv6"),
        ("member01", two.bridge4, "member to the far bridge"),
        ("vpn01", two.wg4, "gateway to the far wg0"),
        ("vpn02", one.wg6, "gateway to the far wg0, IPv6"),
    ):
        bench.ping(ns, target, what)
    for ns, target in (("member01", two.member4), ("member02", one.member4)):
        bench.ping(ns, target, f"{ns}: 1500 bytes, DF", size=1472, dont_fragment=True)
        bench.ping(ns, target, f"{ns}: 20000 bytes", size=20000, count=1)
    report = bench.status(one)
    assert report["peers"][0]["path"]["state"] == "route", report["peers"]
    assert report["backend"].startswith("kernel"), report["backend"]
    both_down(bench)


# A connection of `near` to `server` at `far`: prints its SYN as `far` gets it, and the answer as `near` gets it.
CONNECT = """
both()
{{
	for try in $(seq 300); do
		grep -q $1 /tmp/far.err && grep -q $1 /tmp/near.err && return
		sleep 0.1
	done
	echo "not $1:"; cat /tmp/far.err /tmp/near.err
}}
ip netns exec {far} busybox nc -l -p 7000 </dev/null >/dev/null 2>&1 &
server=$!
ip netns exec {far} tcpdump -Z root -l -n -i eth0 -c 1 '{syn}' >/tmp/far.out 2>/tmp/far.err &
ip netns exec {near} tcpdump -Z root -l -n -i eth0 -c 2 '{syn}' >/tmp/near.out 2>/tmp/near.err &
both listening
ip netns exec {near} busybox nc -w 10 {server} 7000 </dev/null >/dev/null 2>&1 || true
both captured
kill $server 2>/dev/null || true
cat /tmp/far.out
tail -n 1 /tmp/near.out
"""


def segment_size(bench):
    """TCP connections of members at 1500 get segments that fit into one datagram, as each end offers the other."""
    one, two = bench.sites
    both_up(bench)
    bench.ping("member01", two.member4, "member to member")
    bench.guest.sh(
        "for n in 1 2; do\n"
        "ip -n member0$n link add eth0.5 link eth0 type vlan id 5\n"
        "ip -n member0$n addr add 10.5.0.$n/24 dev eth0.5\n"
        "ip -n member0$n link set eth0.5 up\n"
        "done"
    )
    for near, far, server, syn, expected in (
        ("member01", "member02", two.member4, "tcp[13] & 2 != 0", 1346),
        ("member02", "member01", one.member6, "ip6[6] == 6 and ip6[53] & 2 != 0", 1326),
        ("member01", "member02", "10.5.0.2", "vlan 5 and tcp[13] & 2 != 0", 1346),
    ):
        out = bench.guest.sh(CONNECT.format(near=near, far=far, server=server, syn=syn)).out
        assert out.count(f"mss {expected},") == 2, f"from {near}: {out}"
    bench.guest.sh("for n in 1 2; do ip -n member0$n link del eth0.5; done")
    follows_mtu(bench)
    both_down(bench)


def follows_mtu(bench):
    """The MTU of wg0 and the segments follow the MTU of the route; the table of the latter is made again."""
    one, two = bench.sites
    bench.at(one, "ip link set eth0 mtu 1400")
    show = "cat /sys/class/net/wg0/mtu; nft list table bridge wirespan-vpn01 | grep -c 'size set 1246' || true"
    wait_for(lambda: bench.at(one, show).out.split() == ["1340", "2"], 100, 0.5, "the smaller MTU")
    near, syn = "member01", "tcp[13] & 2 != 0"
    out = bench.guest.sh(CONNECT.format(near=near, far="member02", server=two.member4, syn=syn)).out
    assert out.count("mss 1246,") == 2, out
    bench.at(one, "ip link set eth0 mtu 1500")
    show = show.replace("1246", "1346")
    wait_for(lambda: bench.at(one, show).out.split() == ["1440", "2"], 100, 0.5, "the MTU of before")
    bench.at(one, PIDS + "kill -STOP $(pids); nft flush ruleset; kill -9 $(pids)")
    not_clamped = "not clamped; 1346 (IPv4), 1326 (IPv6) fits"
    status = "wirespan status vpn01 || true"
    wait_for(lambda: not_clamped in bench.at(one, status).out, 60, 0.5, not_clamped)
    bench.up(one)
    bench.at(one, "nft flush ruleset; ip link add dummy9 type dummy; ip link del dummy9")  # an event
    wait_for(lambda: bench.at(one, show + " 2>/dev/null").out.split() == ["1440", "2"], 100, 0.5, "the table")
    change = "nft flush chain bridge wirespan-vpn01 postrouting; ip link add dummy9 type dummy; ip link del dummy9"
    bench.at(one, change)
    wait_for(lambda: bench.at(one, show).out.split() == ["1440", "2"], 100, 0.5, "the rules that were removed")
    text = bench.at(one, "wirespan status vpn01").out
    assert "clamped to 1346 (IPv4), 1326 (IPv6)" in text, text


def killed_and_resumed(bench):
    """No segment of a TCP stream is lost by an upgrade, when the process is killed, and when `up` takes over."""
    one, two = bench.sites
    both_up(bench)
    bench.ping("member01", two.member4, "member to member")
    indexes = "for i in wg0 l2tpeth0 br-l2tp0; do cat /sys/class/net/$i/ifindex; done"
    before = bench.at(one, indexes).out
    start_stream(bench.guest, two.member4)
    upgraded = bench.at(one, PIDS + "pids; wirespan upgrade vpn01; pids").out.split("\n")
    assert upgraded[0] and upgraded[0] == upgraded[2] and "has taken over" in upgraded[1], upgraded
    assert bench.at(one, indexes).out == before, "other interfaces than before the upgrade"
    bench.at(one, "wirespan status vpn01")
    bench.guest.sh(PIDS + "sleep 1; kill -9 $(pids); sleep 1")
    assert bench.at(one, "wg show wg0 peers").out.strip() == two.public
    bench.up(one)
    assert bench.at(one, indexes).out == before, "other interfaces than before"
    bench.guest.sh("sleep 1")
    print(f"  {stream_result(bench.guest)} segments across kill -9 and up")
    bench.at(one, PIDS + "kill -9 $(pids); ip link del wg0")
    status, gone = "wirespan status vpn01 || true", "not running     its interface wg0 is gone"
    wait_for(lambda: gone in bench.at(one, status).out, 60, 0.5, gone)
    bench.up(one)
    bench.ping("member01", two.member4, "member to member, with wg0 made again")
    both_down(bench)


# Another program removes the site's objects, and makes its own with the same names and ids.
REPLACE = """
ip link del wg0
for tunnel in $(ip l2tp show tunnel | sed -n 's/^Tunnel \\([0-9]*\\),.*/\\1/p'); do
	peer=$(ip l2tp show tunnel tunnel_id $tunnel | sed -n 's/.*Peer tunnel \\([0-9]*\\).*/\\1/p')
	ip l2tp del tunnel tunnel_id $tunnel
done
while ip link show l2tpeth0 >/dev/null 2>&1; do sleep 0.1; done
ip link add wg0 type wireguard
ip l2tp add tunnel tunnel_id $tunnel peer_tunnel_id $peer encap udp local 192.168.122.24 remote 192.168.122.32 \
	udp_sport 1701 udp_dport 1701
ip l2tp add session name l2tpeth0 tunnel_id $tunnel session_id 7 peer_session_id 8
"""


def replaced_by_others(bench):
    """`down` after kill -9 leaves objects of another program that have the names and ids of the site's."""
    one, two = bench.sites
    bench.configure(one, wirespan_conf(one, two))
    bench.up(one)
    show = "ip link show wg0 | head -n 1; ip l2tp show tunnel; ip l2tp show session"
    theirs = bench.at(one, PIDS + "kill -9 $(pids)\n" + REPLACE + show).out
    bench.down(one)
    assert bench.at(one, show).out == theirs and "Tunnel " in theirs and "wg0: " in theirs, theirs
    bench.at(one, REMOVE)
    bench.is_as_before(one)

    bench.up(one)  # and a tunnel that has no session yet
    theirs = bench.at(one, PIDS + "kill -9 $(pids)\n" + REPLACE[: REPLACE.rindex("ip l2tp add session")] + show).out
    text = bench.at(one, "wirespan down /tmp/vpn01.conf 2>&1").out
    assert "has none of the site's sessions: another program may have made it, so it is left" in text, text
    assert bench.at(one, show).out == theirs and "Tunnel " in theirs and "Session" not in theirs, theirs
    bench.at(one, REMOVE)
    bench.is_as_before(one)

    bench.up(one)  # and the journal of another boot, whose objects are gone
    state = "/run/wirespan/vpn01.state"
    bench.at(one, PIDS + f"kill -9 $(pids); sed 's/^boot .*/boot 00000000-0000-0000-0000-000000000000/' {state} >/tmp/state")
    bench.down(one)
    bench.is_as_before(one)
    make = f"tunnel={one.tunnel}; peer={two.tunnel}\n" + REPLACE[REPLACE.index("ip link add wg0") :]
    theirs = bench.at(one, f"mkdir -p /run/wirespan; cp /tmp/state {state}; chmod 600 {state}\n{make}{show}").out
    text = bench.at(one, "wirespan down /tmp/vpn01.conf 2>&1 || true").out
    assert "vpn01 is not running and has left nothing behind" in text, text
    assert bench.at(one, show).out == theirs and "Session" in theirs, theirs
    bench.at(one, REMOVE)
    bench.is_as_before(one)


def up_logged(bench, site):
    """Bring a site up by a process that logs into /tmp/log."""
    bench.at(
        site,
        f": >/tmp/log; wirespan up /tmp/{site.name}.conf >>/tmp/log 2>&1 &\n"
        "for try in $(seq 600); do grep -q 'is up' /tmp/log && exit; sleep 0.1; done; cat /tmp/log; exit 1",
        timeout=90,
    )


def reaches(bench, target, what):
    """Wait until a member of the first site reaches an address."""
    wait_for(lambda: bench.guest.ping(target, netns="member01", count=1, timeout=2).ok, 100, 0.2, what)


def deleted(bench):
    """What others delete is made again; the keys come from the file, which may have changed, or be absent. A peer without
    Endpoint is where it was."""
    one, two = bench.sites
    bench.configure(one, wirespan_conf(one, two).replace("\nEndpoint =", "\n#"))
    bench.configure(two, wirespan_conf(two, one))
    up_logged(bench, one)
    bench.up(two)
    wait_for(lambda: bench.guest.ping(one.member4, netns="member02", count=1, timeout=2).ok, 100, 0.2, "member to member")
    wait_for(lambda: "is up, at" in bench.at(one, "grep 'peer ' /tmp/log || true").out, 60, 0.5, "the daemon to see it")
    reaches(bench, two.member4, "member to member")
    ids = bench.at(one, "ip l2tp show session | sed -n 's/^Session \\([0-9]*\\) in tunnel \\([0-9]*\\)/\\2 \\1/p'").out
    tunnel, session = ids.split()
    show = "ip -o addr show wg0 | sed 's/^[0-9]*: //'; ip route show table all dev wg0; wg show wg0 peers"
    show += "; wg show wg0 public-key; ip l2tp show tunnel"
    before = bench.at(one, show).out
    for what, command in (
        ("wg0", "ip link del wg0"),
        ("a session", f"ip l2tp del session tunnel_id {tunnel} session_id {session}"),
        ("a tunnel", f"ip l2tp del tunnel tunnel_id {tunnel}"),
        ("an address", f"ip addr del {one.wg4}/24 dev wg0"),
        ("the bridge", "ip link del br-l2tp0"),
    ):
        bench.at(one, command)
        reaches(bench, two.member4, f"{what} made again")
    wait_for(lambda: bench.at(one, show).out == before, 60, 0.5, f"{before} as before")
    bench.at(one, "ip link set l2tpeth0 alias theirs")
    alias = "alias wirespan vpn01"
    wait_for(lambda: alias in bench.at(one, "ip -o link show l2tpeth0").out, 60, 0.5, "the mark of the session")

    taken = f"ip l2tp del session tunnel_id {tunnel} session_id {session}; ip link add l2tpeth0 type dummy"
    bench.at(one, PIDS + f"kill -STOP $(pids); {taken}; kill -CONT $(pids)")
    gone = "The interface l2tpeth0 is gone, and another one has its name"
    wait_for(lambda: gone in bench.at(one, "wirespan status vpn01").out, 60, 0.5, gone)
    bench.at(one, "ip link del l2tpeth0")
    reaches(bench, two.member4, "the session made again")

    bench.at(one, "sed -i 's/^MTU = auto/MTU = 1300/' /tmp/vpn01.conf; ip link del wg0")
    edited = "was edited since the site has read it"
    wait_for(lambda: edited in bench.at(one, "cat /tmp/log").out, 60, 0.5, edited)
    reaches(bench, two.member4, "wg0 made again")
    bench.at(one, "mv /tmp/vpn01.conf /tmp/away.conf; ip link del wg0")
    wait_for(lambda: "it cannot be restored" in bench.at(one, "cat /tmp/log").out, 60, 0.5, "the reason why not")
    text = bench.at(one, "wirespan status vpn01").out
    assert "There is no interface wg0" in text, text
    bench.at(one, "mv /tmp/away.conf /tmp/vpn01.conf; wirespan reload vpn01; ip -o link show wg0 | grep 'mtu 1300'")
    reaches(bench, two.member4, "member to member after the reload")
    both_down(bench)


# The kernel loads modules by this program, which refuses to while /tmp/blocked exists; as a blacklist would.
MODPROBE = '''#!/bin/sh
[ ! -e /tmp/blocked ] || exit 1
for name; do :; done
case $name in
*wireguard) module=wireguard ;;
*l2tp-type-5) module=l2tp_eth ;;
*) exit 1 ;;
esac
exec insmod /modules/$module.ko
'''


def unload(bench, module, name, delete):
    """Delete an interface and unload its module: the log, status and check have it, and it is made again later."""
    one = bench.sites[0]
    rmmod = f"for try in $(seq 100); do rmmod {module} && break; sleep 0.1; done; [ ! -d /sys/module/{module} ]"
    bench.at(one, f"{PIDS}: >/tmp/blocked; : >/tmp/log; kill -STOP $(pids); {delete}; {rmmod}; kill -CONT $(pids)")
    failed = f"There is no interface {name}, and it cannot be restored"

    def log():
        return bench.at(one, "cat /tmp/log").out.splitlines()

    lines = wait_for(lambda: [line for line in log() if failed in line], 60, 0.5, failed)
    assert len(lines) == 1 and module in lines[0] and "It is tried again." in lines[0], lines
    [found] = [d for d in bench.status(one)["differences"] if d["name"] == name]
    assert (found["kind"], found["remedy"]) == ("absent", "restore"), found
    assert "Restoring it fails, and is tried again" in found["hint"] and module in found["hint"], found
    assert any(finding["subject"] == name for finding in check(bench, 1)["differs"])
    bench.guest.sh("rm /tmp/blocked")
    restored = f"{name} is restored now"
    wait_for(lambda: any(restored in line for line in log()), 60, 0.5, restored)


def unloaded(bench):
    """A module is unloaded, with all that needs it, and cannot be loaded: that is reported, and what is missing is made again
    once it can be."""
    one, two = bench.sites
    bench.configure(one, wirespan_conf(one, two))
    bench.configure(two, wirespan_conf(two, one), "userspace")
    bench.up(two)
    up_logged(bench, one)
    reaches(bench, two.member4, "member to member")
    bench.guest.write("/tmp/modprobe", MODPROBE)
    bench.guest.sh("chmod +x /tmp/modprobe; cat /proc/sys/kernel/modprobe >/tmp/modprobe.before")
    bench.guest.sh("echo /tmp/modprobe >/proc/sys/kernel/modprobe")
    try:
        for module, name, delete in (
            ("wireguard", "wg0", "ip link del wg0"),
            ("l2tp_eth", "l2tpeth0", f"ip l2tp del tunnel tunnel_id {one.tunnel}"),
        ):
            unload(bench, module, name, delete)
            reaches(bench, two.member4, f"{name} made again")
    finally:
        load = "[ -d /sys/module/{0} ] || insmod /modules/{0}.ko\n"
        bench.guest.sh("rm -f /tmp/blocked; cat /tmp/modprobe.before >/proc/sys/kernel/modprobe")
        bench.guest.sh(load.format("wireguard") + load.format("l2tp_eth"))
    both_down(bench)


def moved(bench):
    """Interfaces that others move to another network namespace are reported and left there; `down` removes the rest."""
    one, two = bench.sites
    bench.configure(one, wirespan_conf(one, two))
    bench.configure(two, wirespan_conf(two, one))
    bench.up(two)
    up_logged(bench, one)
    reaches(bench, two.member4, "member to member")
    bench.guest.sh("ip netns add elsewhere")
    indexes = {name: bench.at(one, f"cat /sys/class/net/{name}/ifindex").out for name in ("wg0", "l2tpeth0")}
    assert not bench.at(one, "ip link set br-l2tp0 netns elsewhere", check=False).ok, "the kernel moves no bridge"
    for name in indexes:
        bench.at(one, f"ip link set {name} netns elsewhere")
        away = f"The interface {name} is in another network namespace"
        wait_for(lambda: away in bench.at(one, "wirespan status vpn01").out, 60, 0.5, away)
        wait_for(lambda: f"{away}: left so. Move it back" in bench.at(one, "cat /tmp/log").out, 60, 0.5, "the log")
    assert not bench.at(one, "ip link show wg0 || ip link show l2tpeth0", check=False).ok, "made again"
    for name, index in indexes.items():
        assert bench.guest.sh(f"ip -n elsewhere -o link show {name}").out.split(":")[0] == index.strip(), name
        bench.guest.sh(f"ip -n elsewhere link set {name} netns vpn01")
    reaches(bench, two.member4, "member to member, with both back")
    bench.at(one, "ip link del wg0")
    reaches(bench, two.member4, "member to member, with wg0 made again")
    bench.at(one, "ip link set wg0 netns elsewhere; ip link set l2tpeth0 netns elsewhere")
    bench.down(one)
    bench.is_as_before(one)
    left = bench.guest.sh("ip -n elsewhere -o link show").out
    assert "wg0" in left and "l2tpeth0" not in left, left
    bench.guest.sh("ip netns del elsewhere")
    bench.down(two)
    bench.is_as_before(two)


def reloaded(bench):
    """A reload changes what differs: no packet of the other session is lost."""
    one, two = bench.sites
    both_up(bench)
    bench.ping("member01", two.member4, "member to member")
    index = bench.at(one, "cat /sys/class/net/l2tpeth0/ifindex").out
    bench.guest.sh(f"ip netns exec member01 ping -n -q -i 0.1 -c 80 {two.member4} >/tmp/ping.out 2>&1 &")
    for site, far in ((one, two), (two, one)):
        bench.configure(site, second_session(wirespan_conf(site, far, keepalive=25)))
        bench.at(site, f"wirespan reload /tmp/{site.name}.conf")
    assert bench.at(one, "cat /sys/class/net/l2tpeth0/ifindex").out == index, "l2tpeth0 is another one"
    assert "every 25 seconds" in bench.at(one, "wg show wg0").out
    out = wait_for(lambda: bench.guest.sh("grep received /tmp/ping.out || true").out, 60, 0.5, "the pings")
    assert " 80 received" in out, out
    bench.at(one, "ip addr add 10.9.0.1/24 dev l2tpeth1; ip link set l2tpeth1 up")
    bench.at(two, "ip addr add 10.9.0.2/24 dev l2tpeth1; ip link set l2tpeth1 up")
    bench.ping("vpn01", "10.9.0.2", "the new session")

    bench.at(one, f"ip link add wg9 type wireguard; wg set wg9 listen-port {PORT + 1}; ip link set wg9 up")
    text = second_session(wirespan_conf(one, two, keepalive=25))
    bench.configure(one, text.replace(f"ListenPort = {PORT}", f"ListenPort = {PORT + 1}"))
    result = bench.at(one, f"wirespan reload /tmp/{one.name}.conf", check=False)
    assert result.status == 1 and f"UDP port {PORT + 1} is in use" in result.out, result.out
    text = bench.at(one, "wirespan status vpn01").out
    assert f"{PORT}; {PORT + 1} cannot be opened yet" in text, text
    bench.at(one, "ip link del wg9")
    port = "wg show wg0 listen-port"
    wait_for(lambda: bench.at(one, port).out.strip() == str(PORT + 1), 300, 0.5, "the port to be opened")
    both_down(bench)


def moved_name(bench):
    """The name of a peer gets another address: the endpoint moves there when the peer does not answer any longer. The peer
    itself does not know where this end is."""
    one, two = bench.sites
    hosts = "sed -i '/far.example/d' /etc/hosts; echo {} far.example >>/etc/hosts"
    move = "ip addr del 192.168.122.{}/24 dev eth0; ip addr add 192.168.122.{}/24 dev eth0"
    bench.guest.sh(hosts.format(two.underlay))
    bench.configure(one, wirespan_conf(one, two).replace(f"Endpoint = {two.underlay}", "Endpoint = far.example"))
    bench.configure(two, wirespan_conf(two, one, endpoint=False))
    bench.up(two)
    bench.up(one)
    reaches(bench, two.member4, "member to member")
    assert bench.status(one)["peers"][0]["endpoint"] == f"{two.underlay}:{PORT}"
    bench.down(two)
    bench.at(two, move.format(32, 33))
    bench.up(two)
    # a session is taken for dead by the age of its handshake: that is older for a process which does not know
    # that the clock was set
    bench.at(one, PIDS + "kill -9 $(pids vpn01); date -s @$(($(date +%s) + 300))")
    bench.up(one)
    wait_for(lambda: bench.status(one)["peers"][0]["endpoint_name"], what="the name's first answer")
    bench.guest.sh(hosts.format("192.168.122.33"))
    reaches(bench, two.member4, "member to member, at the new address")
    peer = bench.status(one)["peers"][0]
    assert (peer["endpoint"], peer["endpoint_name"]) == (f"192.168.122.33:{PORT}", f"far.example:{PORT}"), peer
    bench.at(one, f"wg show wg0 endpoints | grep 192.168.122.33:{PORT}")
    text = bench.at(one, "wirespan status vpn01").out
    assert f"192.168.122.33:{PORT}" in text and "far.example" in text, text
    bench.guest.sh("sed -i '/far.example/d' /etc/hosts")
    bench.down(one)
    bench.down(two)
    bench.at(two, move.format(33, 32))
    bench.is_as_before(one)
    bench.is_as_before(two)


def moved_addresses(bench):
    """The addresses of a session change by a reload: it is made again, and its port is as before."""
    one, two = bench.sites
    port = "[L2TPSession]\nSplitHorizon = yes"
    texts = [wirespan_conf(*sites).replace("[L2TPSession]", port) for sites in ((one, two), (two, one))]
    both_up(bench, texts=texts)
    reaches(bench, two.member4, "member to member")
    show = "bridge -d link show dev l2tpeth0 | sed 's/^[0-9]*: //'; cat /sys/class/net/l2tpeth0/address"
    before = bench.at(one, show).out
    assert "isolated on" in before and "state forwarding" in before, before
    for site, text in zip(bench.sites, texts):
        bench.configure(site, text.replace("10.0.1.", "10.0.3."))
        bench.at(site, f"wirespan reload {site.name}")
    assert "From 10.0.3.11 to 10.0.3.21" in bench.at(one, "ip l2tp show tunnel").out
    reaches(bench, two.member4, "member to member, by other addresses")
    assert bench.at(one, show).out == before, bench.at(one, show).out
    assert "10.0.1." not in bench.at(one, "ip addr; ip route show table all").out
    both_down(bench)


def networkd(bench):
    """The other end is systemd-networkd, by its own files. It leaves the guest's second gateway changed."""
    if not os.path.isfile(NETWORKD):
        raise Skip("systemd-networkd is not installed here")
    one, two = bench.sites
    bench.guest.sh("mkdir -p /run/systemd/network")
    for name, text in networkd_files(two, one).items():
        bench.guest.write(f"/run/systemd/network/{name}", text)
    bench.configure(one, wirespan_conf(one, two))
    bench.up(one)
    bench.at(two, RUN_NETWORKD)
    try:
        reaches(bench, two.member4, "member to member")
        bench.ping("vpn01", two.wg4, "gateway to the far wg0")
        bench.ping("member02", one.member4, "1500 bytes, DF", size=1472, dont_fragment=True)
    except AssertionError as e:
        raise AssertionError(bench.guest.sh("cat /tmp/networkd.log").out) from e
    finally:
        bench.guest.sh("kill $(cat /tmp/networkd.pid)")
    bench.down(one)
    bench.is_as_before(one)


# A site that this script plays journal and service manager for; a few seconds without an answer are a silence.
UP_WATCHED = """
mkdir -p /run/systemd/journal
/lib/datagrams /run/systemd/journal/socket /run/manager >/tmp/datagrams 2>&1 &
echo $! >/tmp/datagrams.pid
for try in $(seq 600); do grep -q bound /tmp/datagrams && break; sleep 0.1; done
: >/tmp/log
WIRESPAN_PEER_SILENCE=4 NOTIFY_SOCKET=/run/manager JOURNAL_STREAM=$(stat -c %d:%i /tmp/log) \\
	wirespan up /tmp/vpn01.conf >>/tmp/log 2>&1 &
for try in $(seq 600); do grep -q READY=1 /tmp/datagrams && exit; sleep 0.1; done
cat /tmp/log /tmp/datagrams
exit 1
"""


def peer_events(bench):
    """A peer that comes up, moves and goes down: entries of the journal, hooks, the service manager's line."""
    one, two = bench.sites
    hooks = "".join(f'Peer{word} = echo "$WIRESPAN_EVENT $WIRESPAN_PEER" >>/tmp/hooks\n' for word in ("Up", "Down"))
    text = wirespan_conf(one, two, keepalive=1).replace("[Peer]", f"{hooks}[Peer]\nName = far.example", 1)
    bench.configure(one, text)
    bench.configure(two, wirespan_conf(two, one, keepalive=1))
    bench.up(two)
    bench.at(one, "rm -f /tmp/hooks\n" + UP_WATCHED, timeout=90)

    def wait_event(event, *more):
        def seen():
            fields = (f"WIRESPAN_EVENT={event}", "WIRESPAN_PEER=far.example", "WIRESPAN_SITE=vpn01", *more)
            entries = bench.guest.sh("cat /tmp/datagrams").out.split("-- ")
            return any(all(field in entry.splitlines() for field in fields) for entry in entries)

        wait_for(seen, 60, 0.5, f"{event} {more}")

    def wait_text(path, line):
        wait_for(lambda: line in bench.guest.sh(f"cat {path} || true").out.splitlines(), 60, 0.5, f"{line} in {path}")

    wait_event("peer-up", f"WIRESPAN_ENDPOINT={two.underlay}:{PORT}")
    wait_text("/tmp/datagrams", "STATUS=running, 1 of 1 peers up")
    wait_text("/tmp/hooks", "peer-up far.example")
    move = "ip addr del 192.168.122.{}/24 dev eth0; ip addr add 192.168.122.{}/24 dev eth0"
    bench.at(two, move.format(32, 33))
    wait_event("peer-moved", f"WIRESPAN_ENDPOINT=192.168.122.33:{PORT}", f"WIRESPAN_ENDPOINT_BEFORE={two.underlay}:{PORT}")
    bench.at(two, move.format(33, 32))
    bench.down(two)
    bench.is_as_before(two)
    wait_event("peer-down")
    wait_text("/tmp/datagrams", "STATUS=running, 0 of 1 peers up")
    wait_text("/tmp/hooks", "peer-down far.example")
    bench.down(one)
    bench.guest.sh("kill $(cat /tmp/datagrams.pid); rm -r /run/systemd/journal /run/manager")
    bench.is_as_before(one)


def check(bench, expected_status=0):
    """Return: {check: [finding]} of `wirespan check` at the first gateway."""
    result = bench.at(bench.sites[0], "wirespan check --json /tmp/vpn01.conf", check=False, timeout=60)
    findings = {}
    for finding in json.loads(result.out)["findings"]:
        findings.setdefault(finding["check"], []).append(finding)
    assert result.status == expected_status, json.dumps(findings, indent=1)
    return findings


def top(bench):
    """Return: the screen of `wirespan top`, with the terminal's escape sequences."""
    script = (
        "mkdir -p /tmp/terminfo/v; cp /lib/vt100 /tmp/terminfo/v; export TERM=vt100 TERMINFO=/tmp/terminfo\n"
        "(for try in $(seq 300); do grep -q l2tpeth0 /tmp/top && break; sleep 0.1; done; printf q) |\n"
        "script -qfec 'stty cols 80 rows 24; wirespan top vpn01' /tmp/top >/dev/null; cat /tmp/top"
    )
    return bench.at(bench.sites[0], script, timeout=60).out


def verbs(bench):
    """status, metrics and check know what the kernel counts, and nothing else; check measures the exact size."""
    one, two = bench.sites
    both_up(bench)
    bench.ping("member01", two.member4, "member to member", count=3, size=1472)
    report = bench.status(one)
    session, wg, peer = report["sessions"][0], report["wireguard"], report["peers"][0]
    assert report["backend"] == "kernel" and report["backend_reason"], report
    shown = bench.at(one, "cat /sys/class/net/l2tpeth0/statistics/tx_packets; wg show wg0 transfer").out.split()
    assert 3 <= session["tx"]["packets"] <= int(shown[0]) and session["tx"]["bytes"] >= 3 * 1514, (session, shown)
    assert 0 < peer["rx_bytes"] <= int(shown[2]) and 0 < peer["tx_bytes"] <= int(shown[3]), (peer, shown)
    assert wg["tx"]["packets"] >= 6 and wg["dropped_rx"] == 0, wg  # two fragments each, and a handshake
    assert session["wrong_cookie"] == session["bad_length"] == session["reordered"] == 0, session
    for key in ("fragmented", "fragments_rx", "lost", "mss_clamped", "sublayer_suspected", "with_sequence"):
        assert session[key] is None, (key, session)
    for key in ("engine", "offloads"):
        assert report[key] is None, (key, report[key])
    assert "wg_replay" not in report["drops"] and report["drops"]["bridge_oversize"] == 0, report["drops"]
    assert report["tunnels"][0]["unknown_sessions"] is None
    assert peer["path"]["state"] == "route" and peer["path"]["probes"] is None, peer
    metrics = bench.at(one, "wirespan metrics vpn01").out
    assert 'wirespan_session_wrong_cookie_packets_total{site="vpn01",session="l2tpeth0"} 0' in metrics, metrics
    for name in ("session_fragments_total{", "engine_syscalls_total{", "wg_replay", "path_probes_total{"):
        assert name not in metrics, (name, metrics)
    assert "UDP checksum: enabled" in bench.at(one, "ip l2tp show tunnel").out
    text = top(bench)
    assert "l2tpeth0" in text and "vpn01" in text, text
    text = bench.at(one, "for verb in status mtu script; do wirespan $verb /tmp/vpn01.conf; done").out
    assert "back end        kernel" in text and "ip l2tp add tunnel" in text and "1386" in text, text
    findings = check(bench)
    assert any("has 1386 bytes, as computed" in f["text"] for f in findings["size"]), findings["size"]
    assert any("1500 bytes pass" in f["text"] for f in findings["full_size"]), findings["full_size"]
    assert findings["path_mtu"][0]["severity"] == "ok", findings["path_mtu"]
    assert "backend" in findings and "ports" not in findings and "sublayer" not in findings, findings.keys()
    both_down(bench)


def narrow_path(bench):
    """A path that cuts datagrams is measured by its fragments, and the MTU that check names ends that."""
    one, two = bench.sites
    both_up(bench, texts=(wirespan_conf(one, two), wirespan_conf(two, one, wg_mtu=1440)))
    route = "ip route change 192.168.122.0/24 dev eth0 proto kernel scope link src 192.168.122.32"
    bench.at(two, f"{route} mtu 1400")  # it cuts what its wg0 sends, as a router would
    bench.ping("member01", two.member4, "member to member", size=1472)
    [found] = check(bench, 1)["path_mtu"]
    assert found["severity"] == "warning" and "carries 1396 to 1403 bytes, and not 1500" in found["text"], found
    assert "Set MTU = 1336" in found["hint"], found
    for site, far in ((one, two), (two, one)):
        bench.configure(site, wirespan_conf(site, far, wg_mtu=1336))
    bench.at(one, "wirespan reload vpn01")
    bench.up(two)  # it runs without a process, as its MTU is a number
    bench.ping("member01", two.member4, "member to member", size=1472)
    findings = check(bench)
    assert "fragments" not in findings and "path_mtu" not in findings, findings
    bench.at(two, route)
    both_down(bench)


def mismatched(bench):
    """check names what differs at the other end, from the kernel's counters and from what it captures."""
    one, two = bench.sites
    ours, theirs = wirespan_conf(one, two), wirespan_conf(two, one)
    cookie = ours.replace("[L2TPSession]\n", "[L2TPSession]\nPeerCookie = 01020304\n")
    for name, texts in (
        ("sublayer", (ours, theirs.replace("Layer2SpecificHeader = default", "Layer2SpecificHeader = none"))),
        ("cookie", (cookie, theirs)),
        ("session_id", (ours, re.sub(r"PeerSessionId = \d+", "PeerSessionId = 9999", theirs))),
    ):
        assert texts != (ours, theirs), name
        both_up(bench, texts=texts)
        chatter = f"ping -n -q -c 100 -i 0.2 {one.member4}"
        bench.guest.sh(f"ip netns exec member02 {chatter} >/dev/null 2>&1 &\necho $! >/tmp/pid")
        findings = check(bench, 1)
        assert name in findings and ("sublayer" in findings) == (name == "sublayer"), (name, findings)
        assert (bench.status(one)["sessions"][0]["wrong_cookie"] > 0) == (name == "cookie"), name
        bench.guest.sh("kill $(cat /tmp/pid)", check=False)
        both_down(bench)
    both_up(bench)  # and a bridge or rule that lets the segment out in clear
    bench.at(one, "nft 'table netdev leak { chain c { type filter hook ingress device l2tpeth0 priority 0; dup to \"eth0\"; }; }'")
    bench.guest.sh(f"ip netns exec member02 ping -n -q -c 100 -i 0.2 {one.member4} >/dev/null 2>&1 &\necho $! >/tmp/pid")
    [found] = check(bench, 1)["clear"]
    assert "packets of the segment were seen in clear on eth0" in found["text"], found
    bench.guest.sh("kill $(cat /tmp/pid)", check=False)
    bench.at(one, "nft delete table netdev leak")
    both_down(bench)


def chosen(bench):
    """Without /dev/net/tun, `auto` takes the kernel's modules, and the log and status give the reason. If nothing has to be
    followed, no process stays. A name that is known later is found then."""
    one, two = bench.sites
    bench.configure(two, wirespan_conf(two, one, wg_mtu=1440))
    assert "vpn02 needs no process, and none stays" in bench.up(two)
    wait_for(lambda: not bench.guest.sh(PIDS + "pids vpn02").out.strip(), 60, 0.2, "no process")
    bench.configure(one, wirespan_conf(one, two).replace(f"Endpoint = {two.underlay}", "Endpoint = far.example"), "auto")
    bench.guest.sh("mv /dev/net/tun /dev/net/away")
    try:
        log = bench.up(one)
    finally:
        bench.guest.sh("mv /dev/net/away /dev/net/tun")
    reason = "Backend = auto: there is no /dev/net/tun, and the kernel has wireguard and l2tp"
    report = bench.status(one)
    assert report["backend"] == "kernel" and report["backend_reason"] == reason and f"kernel ({reason})" in log, (report, log)
    assert any("far.example is not found" in warning["text"] for warning in report["warnings"]), report["warnings"]
    bench.guest.sh("cp /etc/hosts /tmp/hosts; echo 192.168.122.32 far.example >>/etc/hosts")
    bench.at(one, "ip link add dummy9 type dummy; ip link del dummy9")  # an event: it is asked for again
    reaches(bench, two.member4, "member to member")
    bench.guest.sh("mv /tmp/hosts /etc/hosts")
    both_down(bench)


def undone(bench):
    """An `up` that fails in the middle undoes what it has made, and prints what it tried and the kernel's answer."""
    one, two = bench.sites
    bench.configure(one, wirespan_conf(one, two))
    bench.at(one, "ip link add wg9 type wireguard; wg set wg9 listen-port 1701; ip link set wg9 up")
    result = bench.at(one, "wirespan up -d /tmp/vpn01.conf", check=False)
    bench.at(one, "ip link del wg9")
    assert result.status == 1 and 'Cannot "ip l2tp add tunnel tunnel_id ' in result.out, result.out
    assert "Address already in use" in result.out and "ss -ulpn" in result.out, result.out
    bench.is_as_before(one)

    # a hook takes IPv6 away after the file was checked: the kernel's extended acknowledgement is part of the message
    sysctl = "sysctl -q -w net.ipv6.conf.default.disable_ipv6="
    text = wirespan_conf(one, two).replace(f"Address = {one.wg6}/64\n", f"PreUp = {sysctl}1\nPostDown = {sysctl}0\n")
    bench.configure(one, text)
    result = bench.at(one, "wirespan up -d /tmp/vpn01.conf", check=False)
    message = f'Cannot "ip route add {two.wg6}/128 dev wg0": Permission denied (IPv6 is disabled on nexthop device)'
    assert result.status == 1 and message in result.out, result.out
    bench.is_as_before(one)


def missing_module(bench):
    """A module that is missing is reported before anything is changed."""
    one, two = bench.sites
    bench.configure(one, wirespan_conf(one, two))
    for module in ("l2tp_eth", "wireguard"):
        bench.guest.sh(f"rmmod {module}")
        try:
            result = bench.at(one, f"wirespan up -d /tmp/{one.name}.conf", check=False)
        finally:
            bench.guest.sh(f"insmod /modules/{module}.ko")
        assert result.status == 1, result.out
        assert "Backend" in result.out and module in result.out, result.out
        bench.is_as_before(one)


def main():
    suite = Suite("kernel back end")
    box = {}
    if not suite.setup("a stock kernel boots in qemu", lambda: box.update(bench=Bench())):
        suite.finish()
    bench = box["bench"]
    suite.diagnose_with(bench.diagnostics)
    suite.diagnose_with(bench.clear)
    for other in ("kernel", "userspace"):
        suite.run(f"reference network, {other} at the other end", reference_network, bench, other)
    suite.run("TCP segments of members at 1500", segment_size, bench)
    suite.run("killed, and resumed", killed_and_resumed, bench)
    suite.run("replaced by others", replaced_by_others, bench)
    suite.run("deleted by others", deleted, bench)
    suite.run("a module is unloaded", unloaded, bench)
    suite.run("moved by others", moved, bench)
    suite.run("peers that come and go", peer_events, bench)
    suite.run("reloaded", reloaded, bench)
    suite.run("other addresses of a session", moved_addresses, bench)
    suite.run("a name with another address", moved_name, bench)
    for other in ("kernel", "userspace", "script"):
        suite.run(f"all variants, {other} at the other end", all_variants, bench, other)
    suite.run("status, metrics and check", verbs, bench)
    suite.run("check of a narrow path", narrow_path, bench)
    suite.run("check of two ends that differ", mismatched, bench)
    suite.run("check of a bridge that filters VLANs", vlans, bench, VLAN_FAULTS[:1])  # more: nightly/kernel_faults
    suite.run("no session, and no bridge", routed_only, bench)  # other sites: nightly/kernel_faults
    suite.run("a module is missing", missing_module, bench)
    suite.run("chosen, with a process and without", chosen, bench)
    suite.run("undone after an error", undone, bench)
    for verb in VERBS:
        suite.run(f"killed at each change of {verb}", killed, bench, verb)
    suite.run("systemd-networkd at the other end", networkd, bench)
    suite.finish()


if __name__ == "__main__":
    main()
