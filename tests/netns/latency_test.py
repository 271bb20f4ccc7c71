#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Latency under load: a ping between members is not delayed by bulk transfers through a link of 20 Mbit/s, whose buffer
would hold them for up to a second. Limits are generous, as the host may be busy; bench/latency.py measures."""

import json
import os
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import load
from lib.network import Reference, Routed
from lib.node import need_root
from lib.runner import Suite, wait_for
from lib.wirespan import find_binary

SECONDS = 1.5
CHECK_SECONDS = 15
ATTEMPTS = 5
MEDIAN_MAX = 25  # ms; without the queue it is the buffer, or 46 ms of the smallest
SHARES = (10, 45)  # percent of each of four connections
USE_MIN = 0.6


def problem_of(result):
    """Return: what is wrong with it, or an empty text."""
    if load.quantile(result.loaded, 50) >= MEDIAN_MAX:
        return "the ping is delayed"
    if not all(SHARES[0] <= share <= SHARES[1] for share in result.shares):
        return "the shares are not equal"
    return "" if result.rate >= USE_MIN * load.RATE else "the link is not used"


def judge(net, sender, buffer_ms):
    """Load the link from a member to the other, again if the host was too busy for it. A fault shows each time."""
    near, far = net.member[sender], net.member[1 - sender]
    for _ in range(ATTEMPTS):
        result = load.measure(near, far, net.sites[1 - sender].member4, SECONDS)
        problem = problem_of(result)
        print(f"  {buffer_ms} ms: {result} {problem}")
        if not problem:
            return
    raise AssertionError(f"{problem}: {result}")


def dropped(gateway):
    return gateway.status()["drops"]["tx_queue"]


def own_link(net, buffer_ms):
    """The link of the gateway itself is narrow; nothing is configured."""
    load.narrow(net.vpn[0], "eth0", buffer_ms)
    before = dropped(net.gateway[0])
    judge(net, 0, buffer_ms)
    assert dropped(net.gateway[0]) > before
    load.widen(net.vpn[0], "eth0")


def isolated(net):
    """The engine is confined in a process of its own: it can look at its sockets all the same."""
    gateway = net.gateway[0]
    gateway.stop()
    gateway.env["WIRESPAN_ISOLATION"] = "yes"
    gateway.up()
    net.forget_neighbours()
    wait_for(lambda: net.member[0].ping(net.sites[1].member4, count=1, timeout=1).ok, 10, what="the members")
    own_link(net, 400)


def ceases(net):
    """When the link is wide again, so is the tunnel."""
    near, far = net.member
    with load.Bulk(near, far, net.sites[1].member4) as bulk:

        def is_fast():
            before, since = sum(bulk.received), time.monotonic()
            time.sleep(0.3)
            return (sum(bulk.received) - before) * 8 > 4 * load.RATE * (time.monotonic() - since)

        wait_for(is_fast, 10, what="four times the rate of the narrow link")


def limits(net, interface="", peer=""):
    """Give vpn01 lines of [Interface], and both gateways lines of [Peer]."""
    for gateway, text, lines in zip(net.gateway, net.texts, (interface, "")):
        text = text.replace("[Interface]\n", f"[Interface]\n{lines}")
        gateway.configure(text.replace("[Peer]\n", f"[Peer]\n{peer}"))
        gateway.run("reload", gateway.conf)


def check_load(net):
    """Let `check --load` measure on vpn01. Return: its finding, if there is one, and what was measured of the session."""
    gateway, far = net.gateway[0], net.sites[1].member4
    result = gateway.run("check", "--json", "--load", "--target", far, gateway.conf, check=False, timeout=CHECK_SECONDS)
    report = json.loads(result.out)
    findings = [f for f in report["findings"] if f["check"] == "load"]
    print(f"  {findings}")
    return findings[0] if findings else None, report["sessions"][0]


def advice(net, direction, hint):
    """Return: the line that `check --load` advises to write. Again if the host was too busy to fill the link."""
    for _ in range(ATTEMPTS):
        finding, session = check_load(net)
        measured = session[direction]
        found = finding and finding["severity"] == "warning" and re.match(hint, finding["hint"])
        delayed = measured["loaded_us"] > measured["idle_us"] + 50_000
        if found and delayed and 0.9 * load.RATE < measured["rate"] < 1.02 * load.RATE:
            return found[1] + "\n"
    raise AssertionError(f"the buffer of 400 ms is not named: {finding}, {session}")


def behind(net):
    """The narrow link is behind the gateway. A check names the rate that makes up for it, as soon as it is configured."""
    load.narrow(net.router, "eth2", 400)
    try:
        limits(net, interface=advice(net, "load_out", r"(Bandwidth = \S+) in \[Interface\] here"))
        judge(net, 0, 400)
    finally:
        load.widen(net.router, "eth2")
        limits(net)


def download(net):
    """The narrow link is the last one to this site: the other end, ours too, sends it no more than it carries."""
    load.narrow(net.router, "eth1", 400)
    limits(net, peer=advice(net, "load_both", r"(Bandwidth = \S+) there, in the \[Peer\] of this site"))
    judge(net, 1, 400)
    limits(net)


def main():
    need_root()
    find_binary()
    suite = Suite("latency")
    with Reference() as net:
        suite.diagnose_with(net.diagnostics)
        net.gateway[0].env["WIRESPAN_ISOLATION"] = "no"
        suite.setup("both gateways", net.up)
        for buffer_ms in (50, 400, 1000):
            suite.run(f"own link, {buffer_ms} ms", own_link, net, buffer_ms)
        suite.run("the link is wide again", ceases, net)
        suite.run("own link, isolated", isolated, net)
    with Routed() as net:
        suite.diagnose_with(net.diagnostics)
        suite.setup("a router between", net.up)
        net.texts = [open(gateway.conf).read() for gateway in net.gateway]
        suite.run("behind the gateway", behind, net)
        suite.run("download", download, net)
    suite.finish()


if __name__ == "__main__":
    main()
