#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Latency under load: a ping between members is not delayed by bulk transfers through a link of 20 Mbit/s, whose buffer
would hold them for up to a second. Limits are generous, as the host may be busy; bench/latency.py measures."""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import load
from lib.network import Reference, Routed
from lib.node import need_root
from lib.runner import Suite, wait_for
from lib.wirespan import find_binary

SECONDS = 2
MEDIAN_MAX = 25  # ms; without the queue it is the buffer, or 46 ms of the smallest
SHARES = (10, 45)  # percent of each of four connections
USE_MIN = 0.6


def judge(result, buffer_ms):
    print(f"  {buffer_ms} ms: {result}")
    assert load.quantile(result.loaded, 50) < MEDIAN_MAX, result
    assert all(SHARES[0] <= share <= SHARES[1] for share in result.shares), result
    assert result.rate >= USE_MIN * load.RATE, result


def dropped(gateway):
    return gateway.status()["drops"]["tx_queue"]


def own_link(net, buffer_ms):
    """The link of the gateway itself is narrow; nothing is configured."""
    near, far = net.member
    load.narrow(net.vpn[0], "eth0", buffer_ms)
    before = dropped(net.gateway[0])
    judge(load.measure(near, far, net.sites[1].member4, SECONDS), buffer_ms)
    assert dropped(net.gateway[0]) > before
    load.widen(net.vpn[0], "eth0")


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


def behind(net):
    """The narrow link is behind the gateway, which a configured rate makes up for; as soon as it is configured."""
    near, far = net.member
    load.narrow(net.router, "eth2", 400)
    slow = load.measure(near, far, net.sites[1].member4, SECONDS)
    print(f"  without Bandwidth: {slow}")
    assert load.quantile(slow.loaded, 50) > 100, slow  # this link would show a fault
    limits(net, interface="Bandwidth = 19M\n")
    judge(load.measure(near, far, net.sites[1].member4, SECONDS), 400)


def download(net):
    """The narrow link is the last one to this site: the other end, ours too, sends it no more than it carries."""
    near, far = net.member
    load.narrow(net.router, "eth1", 400)
    limits(net, peer="Bandwidth = 19mbit\n")
    judge(load.measure(far, near, net.sites[0].member4, SECONDS), 400)
    limits(net)


def main():
    need_root()
    find_binary()
    suite = Suite("latency")
    with Reference() as net:
        suite.diagnose_with(net.diagnostics)
        suite.setup("both gateways", net.up)
        for buffer_ms in (50, 400, 1000):
            suite.run(f"own link, {buffer_ms} ms", own_link, net, buffer_ms)
        suite.run("the link is wide again", ceases, net)
    with Routed() as net:
        suite.diagnose_with(net.diagnostics)
        suite.setup("a router between", net.up)
        net.texts = [open(gateway.conf).read() for gateway in net.gateway]
        suite.run("behind the gateway", behind, net)
        suite.run("download", download, net)
    suite.finish()


if __name__ == "__main__":
    main()
