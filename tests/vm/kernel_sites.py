# SPDX-License-Identifier: MIT
"""Sites with the kernel back end that are not the reference network: each is brought up, used, shown, checked, reloaded, and
brought down."""

import contextlib
import json

from lib.reference import PORT, wirespan_conf
from lib.runner import wait_for

BEYOND = "10.99.0.1"  # an address at vpn02 to which only a default route leads
HOOKS = "".join(f"{when} = echo {when} %i >>/tmp/hooks\n" for when in ("PreUp", "PostUp", "PreDown", "PostDown"))


@contextlib.contextmanager
def host_state(bench, *commands):
    """Run commands at a gateway, each `(site, command, its opposite)`, for the time of a case; then all is as before."""
    with contextlib.ExitStack() as stack:
        for site, command, opposite in commands:
            bench.at(site, command)
            stack.callback(bench.at, site, opposite)
        yield
        for site in bench.sites:
            bench.down(site)
    for site in bench.sites:
        bench.is_as_before(site)


def beyond(two):
    """An address at vpn02 that is not in the tunnel's network."""
    return two, f"ip addr add {BEYOND}/32 dev lo", f"ip addr del {BEYOND}/32 dev lo"


def check_finds_nothing(bench, site):
    """`wirespan check` has no error."""
    result = bench.at(site, f"wirespan check --json /tmp/{site.name}.conf", check=False, timeout=60)
    errors = [f for f in json.loads(result.out)["findings"] if f["severity"] == "error"]
    assert result.status == 0 and not errors, errors


def rules(bench, site):
    """Return: what decides on routes, without what every host has."""
    return bench.at(site, "ip rule; ip -6 rule; ip -4 route show table all dev wg0; ip -6 route show table all dev wg0").out


def default_route(bench):
    """A default route through the tunnel, for both families: rules, mark and filter; then by other reloads a mark of its
    own, no routes at all, and a table of its own."""
    one, two = bench.sites
    text = wirespan_conf(one, two).replace(f"AllowedIPs = {two.wg4}/32, {two.wg6}/128", "AllowedIPs = 0.0.0.0/0, ::/0")
    with host_state(bench, beyond(two)):
        try_default_route(bench, text)


def try_default_route(bench, text):
    one, two = bench.sites
    bench.configure(two, wirespan_conf(two, one))
    bench.up(two)
    bench.configure(one, text)
    log = bench.up(one)
    assert "Hosts on the underlay can send" not in log, log
    bench.ping("member01", two.member4, "member to member")
    bench.ping("vpn01", BEYOND, "through the default route")
    shown = rules(bench, one)
    for line in ("not from all fwmark 0xca6c lookup 51820", "from all lookup main suppress_prefixlength 0", "default table 51820"):
        assert shown.count(line) == 2, (line, shown)  # IPv4 and IPv6
    assert "fwmark: 0xca6c" in bench.at(one, "wg show wg0").out
    tables = bench.at(one, "nft list tables; cat /proc/sys/net/ipv4/conf/all/src_valid_mark").out
    assert "table ip wirespan-wg0" in tables and "table ip6 wirespan-wg0" in tables and tables.endswith("1\n"), tables
    assert bench.status(one)["backend"] == "kernel"
    check_finds_nothing(bench, one)

    for setting, present, absent in (
        ("FwMark = 77", ("fwmark 0x4d lookup 77", "default table 77"), ("51820",)),
        ("Table = off", (), ("default table", "lookup 77", "suppress_prefixlength")),
        ("Table = 99", ("default table 99",), ("lookup 99", "suppress_prefixlength")),
    ):
        bench.configure(one, text.replace("MTU = auto", f"MTU = auto\n{setting}"))
        bench.at(one, "wirespan reload vpn01")
        shown = rules(bench, one)
        assert all(line in shown for line in present) and not any(line in shown for line in absent), (setting, shown)
        bench.ping("member01", two.member4, f"member to member, {setting}")
        check_finds_nothing(bench, one)
    assert "table ip" not in bench.at(one, "nft list tables").out


def second_site(near, far, name, wg4, far4, session):
    """Return: one more [Peer], tunnel and session at `near`, or with `name` a site of its own."""
    return f"""
[Interface]
Name = {name}
PrivateKey = {near.private}
ListenPort = {PORT + 1}
Address = {wg4}/24

[Peer]
PublicKey = {far.public}
AllowedIPs = {far4}/32
Endpoint = [{far.underlay6}]:{PORT}

{tunnel(wg4, far4, 41, 40, session, 50, 51)}"""


def tunnel(local, remote, own, peer, session, session_id, peer_session_id):
    """Return: a tunnel with a session outside bridges."""
    return f"""[L2TP]
TunnelId = {own}
PeerTunnelId = {peer}
Local = {local}
Remote = {remote}

[L2TPSession]
Name = {session}
SessionId = {session_id}
PeerSessionId = {peer_session_id}
Bridge = none
"""


def two_peers(bench):
    """One site has two peers, by IPv6 on the underlay: these are two sites of one host, which know nothing of each other. Its
    hooks run once each."""
    command = "ip addr {} {}/64 dev eth0 {}"
    commands = [(s, command.format("add", s.underlay6, "nodad"), command.format("del", s.underlay6, "")) for s in bench.sites]
    commands.append((bench.sites[1], "true", "wirespan down /tmp/other.conf || true"))
    with host_state(bench, *commands):
        try_two_peers(bench)
    hooks = bench.guest.sh("cat /tmp/hooks").out
    assert hooks.split() == [word for hook in ("PreUp", "PostUp", "PreDown", "PostDown") for word in (hook, "wg0")], hooks


def try_two_peers(bench):
    one, two = bench.sites
    other_private, other_public = bench.guest.sh("wg genkey | tee /tmp/key; wg pubkey </tmp/key; rm /tmp/key").out.split()
    text = wirespan_conf(one, two, underlay_family=6).replace("[Peer]", f"Address = 10.0.4.11/24\n{HOOKS}[Peer]")
    text += f"\n[Peer]\nPublicKey = {other_public}\nAllowedIPs = 10.0.4.21/32\nEndpoint = [{two.underlay6}]:{PORT + 1}\n"
    text += tunnel("10.0.4.11", "10.0.4.21", 40, 41, "l2tpeth5", 51, 50)
    second = second_site(two, one, "wg5", "10.0.4.21", "10.0.4.11", "l2tpeth6").replace(two.private, other_private)
    bench.guest.sh("rm -f /tmp/hooks")
    bench.guest.write("/tmp/other.conf", f"[Site]\nBackend = kernel\n{second}")
    bench.configure(two, wirespan_conf(two, one, underlay_family=6))
    bench.configure(one, text)
    bench.up(two)
    bench.at(two, "wirespan up -d /tmp/other.conf")
    bench.up(one)
    for site, name, host in ((one, "l2tpeth5", 1), (two, "l2tpeth6", 2)):
        bench.at(site, f"ip addr add 10.9.0.{host}/24 dev {name}; ip link set {name} up")

    def both_reached(what):
        bench.ping("member01", two.member4, f"{what}: member to member")
        bench.ping("vpn01", "10.9.0.2", f"{what}: the session with the other site", size=1472, dont_fragment=True)

    both_reached("up")
    report = bench.status(one)
    assert sorted(peer["endpoint"] for peer in report["peers"]) == [f"[{two.underlay6}]:{PORT}", f"[{two.underlay6}]:{PORT + 1}"]
    assert "1420" in bench.at(one, "ip -o link show wg0").out, "20 bytes less than by IPv4"
    result = bench.at(one, "wirespan check --json vpn01", check=False, timeout=60)  # two sessions: long on a busy host
    assert not any(f["check"] == "bridge" and f["subject"] == "l2tpeth5" for f in json.loads(result.out)["findings"]), result.out
    bench.at(two, "wirespan down other")  # the other site goes on, and the peer without its site is reported
    bench.ping("member01", two.member4, "member to member, without the other site")
    bench.at(two, "wirespan up -d /tmp/other.conf; ip addr add 10.9.0.2/24 dev l2tpeth6; ip link set l2tpeth6 up")
    wait_for(lambda: bench.guest.ping("10.9.0.2", netns="vpn01", count=1, timeout=2).ok, 100, 0.2, "the other site again")
    bench.configure(one, text.replace("10.0.4.21/32", "10.0.4.21/32, 10.98.0.0/16"))
    bench.at(one, "wirespan reload vpn01; ip route show dev wg0 | grep 10.98.0.0/16")
    both_reached("reload")
    assert bench.guest.sh("cat /tmp/hooks").out.split("\n")[:-1] == ["PreUp wg0", "PostUp wg0"]


def routed_only(bench):
    """No session at all, and no bridge: wg0 is routed."""
    one, two = bench.sites
    texts = [wirespan_conf(near, far, keepalive=5).split("[L2TP]")[0] for near, far in ((one, two), (two, one))]
    with host_state(bench, beyond(two)):
        try_routed_only(bench, texts)


def try_routed_only(bench, texts):
    one, two = bench.sites
    for site, text in zip(bench.sites, texts):
        bench.configure(site, text)
        bench.up(site)
    bench.ping("vpn01", two.wg4, "gateway to the far wg0", size=1412, dont_fragment=True)
    bench.ping("vpn02", one.wg6, "gateway to the far wg0, IPv6")
    assert not bench.at(one, "ip l2tp show tunnel; nft list tables; ip -o link show type bridge").out.strip()
    report = bench.status(one)
    assert (report["backend"], report["tunnels"], report["sessions"]) == ("kernel", [], []), report
    bench.at(one, "wirespan status vpn01; wirespan metrics vpn01 | grep wirespan_peer_bytes")
    check_finds_nothing(bench, one)
    bench.configure(one, texts[0].replace(f"{two.wg4}/32", f"{two.wg4}/32, {BEYOND}/32"))
    bench.at(one, "wirespan reload vpn01")
    bench.ping("vpn01", BEYOND, "the address that was added")
