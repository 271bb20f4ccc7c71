#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How long frames wait while wg(8) shows a site with many peers, and as long without it: the ratio is what counts.

Numbered datagrams go through both gateways all the time. For each show the longest delay of one of them counts, and the
longest in the same time without a show, in turn; of these the median and the worst. Other work on the host adds to both.
WIRESPAN names another binary to compare with.
"""

import argparse
import base64
import hashlib
import os
import statistics
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from segment import print_conditions, print_table

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests"))
from lib.network import Reference
from lib.node import need_root
from lib.runner import install_cleanup
from lib.sequence import Sequence
from lib.wirespan import find_binary

PATIENCE = 300


def peers(count):
    """Return: that many peers, as wg(8) reads them."""
    for number in range(count):
        key = base64.b64encode(hashlib.sha256(b"peer %d" % number).digest()).decode()
        address = f"10.{100 + (number >> 16)}.{number >> 8 & 255}.{number & 255}/32"
        yield f"[Peer]\nPublicKey = {key}\nAllowedIPs = {address}\n"


def measure(net, act):
    """Return: the longest delay of a datagram, in ms, while `act` runs, and how long that took, in ms."""
    with Sequence(net.member[0], net.sites[0].member4, net.member[1], net.sites[1].member4, 1000) as sequence:
        time.sleep(0.1)
        start = time.monotonic()
        act()
        took = time.monotonic() - start
        time.sleep(0.05)
    return sequence.longest_delay(), took * 1000


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--peers", type=int, default=30000, help="of the near gateway (30000)")
    options.add_argument("--rounds", type=int, default=20, help="shows (20)")
    options.add_argument("--isolation", default="yes", choices=("yes", "no"), help="of the near gateway (yes)")
    options = options.parse_args()
    install_cleanup()
    need_root()
    find_binary()
    print_conditions()
    with Reference() as net:
        net.configure()
        near, far = net.gateway
        near.env["WIRESPAN_ISOLATION"] = options.isolation
        far.up()
        near.up()
        near.node.run("wg", "addconf", "wg0", "/dev/stdin", stdin="\n".join(peers(options.peers)), timeout=PATIENCE)
        shown = near.node.run("wg", "show", "wg0", "dump", timeout=PATIENCE).out
        assert len(shown.splitlines()) == options.peers + 2, len(shown.splitlines())
        rows = {"with": [], "without": [], "show": []}
        for _ in range(options.rounds):
            delay, took = measure(net, lambda: near.node.run("wg", "show", "wg0", "dump", timeout=PATIENCE))
            rows["with"].append(delay)
            rows["show"].append(took)
            rows["without"].append(measure(net, lambda took=took: time.sleep(took / 1000))[0])
    titles = {"with": "longest delay beside a show", "without": "longest delay without", "show": "the show itself"}
    print_table(
        ["", "best ms", "median ms", "worst ms"],
        [
            [titles[name], *(f"{value:.1f}" for value in (min(all_of), statistics.median(all_of), max(all_of)))]
            for name, all_of in rows.items()
        ],
    )
    print(f"ratio of the medians: {statistics.median(rows['with']) / statistics.median(rows['without']):.1f}")


if __name__ == "__main__":
    main()
