# SPDX-License-Identifier: MIT
"""Sites with the kernel back end that are not the reference network: each is brought up, used, shown, checked, reloaded, and
brought down."""

import contextlib
import json

from lib.reference import wirespan_conf

BEYOND = "10.99.0.1"  # an address at vpn02 to which only a default route leads


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
