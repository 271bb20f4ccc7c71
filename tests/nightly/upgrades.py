#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Upgrades of a running site, many in a row, amid numbered datagrams: none is lost, and how long they wait.

usage: upgrades.py [COUNT [LOAD]]. The default of 100 takes five to fifteen minutes. LOAD, as iperf3 -b takes it, is that of
TCP in each direction meanwhile: 1G; by default there is none. It must be less than the host can carry, or the members'
queues overflow. Prints a line for each ten, and the figures at the end; the last result is in doc/reliability.md. The longest delay of a datagram contains the pause of an upgrade; the
same without an upgrade shows what the host adds.
"""

import os
import re
import signal
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "netns"))
from engine_ends import FarEnd
from isolation_test import Bench, Wire, state_of
from lib.runner import wait_for
from lib.sequence import Sequence

# Upgrades in a row with the same session, which is renewed after two minutes.
ROUND = 10

RATE = 3000  # datagrams per second in each direction

PATIENCE = 120


def measure(bench, act):
    """Return: the datagrams sent, the lost ones, and the longest delay, in ms, around one call of `act`."""
    members, sites = bench.net.member, bench.net.sites
    with Sequence(members[0], sites[0].member4, members[1], sites[1].member4, RATE) as sequence:
        time.sleep(0.1)
        act()
        time.sleep(0.1)
    sequence.check()
    return sum(d.sent for d in sequence.directions), sequence.longest_delay()


class Load:
    """TCP in both directions between the members, of a rate in each. A context manager; None: no load."""

    def __init__(self, bench, rate):
        self.bench, self.rate, self.processes = bench, rate, []

    def __enter__(self):
        if self.rate:
            near, far = self.bench.net.member
            to = self.bench.net.sites[1].member4
            self.processes = [far.popen("iperf3", "-s", "-1", stdout=subprocess.DEVNULL)]
            wait_for(lambda: ":5201" in far.run("ss", "-ltn").out, 30, what="iperf3 to listen")
            words = ("iperf3", "--bidir", "-t", "3600", "-b", self.rate, "-c", to)
            self.processes += [near.popen(*words, stdout=subprocess.DEVNULL)]
            time.sleep(2)
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=PATIENCE)


def one_round(bench, count, result, rate):
    """Upgrade the near gateway `count` times, and measure as often without an upgrade."""
    near = bench.near
    bench.far.down()
    bench.far.up()
    bench.works()
    before = state_of(near.node)
    with (FarEnd(bench) if rate else Wire(near.node, "eth0")) as wire, Load(bench, rate):
        for _ in range(count):
            sent, delay = measure(bench, lambda: near.run("upgrade", near.conf, timeout=PATIENCE))
            result["sent"] += sent
            result["with"].append(delay)
            result["without"].append(measure(bench, lambda: time.sleep(0.5))[1])
    wire.check(near.node)
    assert before == state_of(near.node), (before, state_of(near.node))


def figures(values):
    """Return: smallest, median and largest, as text."""
    return f"{min(values):.1f} to {max(values):.1f} ms, median {statistics.median(values):.1f} ms"


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    rate = sys.argv[2] if len(sys.argv) > 2 else None
    bench = Bench()
    result = {"sent": 0, "with": [], "without": []}
    while len(result["with"]) < count:
        one_round(bench, min(ROUND, count - len(result["with"])), result, rate)
        print(f"{len(result['with'])} upgrades, longest delay {max(result['with']):.1f} ms", flush=True)
    pauses = [int(us) / 1000 for us in re.findall(r"the engine was replaced, within (\d+) us", bench.near.log_text(0))]
    assert len(pauses) == count, (len(pauses), count)
    print(
        f"{count} upgrades: 0 of {result['sent']} datagrams lost, no handshake, no counter twice. No engine runs for "
        f"{figures(pauses)}, {sum(pause > 20 for pause in pauses)} times longer than 20 ms. Longest delay of a datagram {figures(result['with'])}; without an upgrade "
        f"{figures(result['without'])}"
    )


if __name__ == "__main__":
    main()
