#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A running site amid 10,000 netlink events a second, deleted interfaces, and a stop of 200 s: it goes on each time.

usage: disturbances.py [events|interfaces|stop]..., by default all, in about six minutes. Prints a line for each; the last
result is in doc/reliability.md. The clock is not stepped here, as it is that of all processes of the host.
"""

import os
import signal
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "netns"))
from isolation_test import Bench
from lib.runner import wait_for
from lib.sequence import Sequence
from lib.wirespan import scratch

EVENTS = 200_000  # routes added and deleted
RATE = 10_000  # of them in a second
DELETIONS = 20  # of interfaces
STOP = 200  # seconds: longer than a session lives
DATAGRAMS = 200  # a second in each direction


def datagrams(bench):
    net = bench.net
    return Sequence(net.member[0], net.sites[0].member4, net.member[1], net.sites[1].member4, DATAGRAMS)


def processes(bench):
    """Return: the pids of the monitor and the engine."""
    return bench.near.status()["pid"], bench.pid("engine")


def events(bench):
    """Routes are added and deleted, which the kernel reports to all that listen."""
    near = bench.near
    before = processes(bench)
    batch = os.path.join(scratch(), "batch")
    with open(batch, "w") as file:
        for i in range(RATE // 20):
            route = f"198.18.{i // 250}.{i % 250}/32 dev eth0"
            file.write(f"route add {route}\nroute del {route}\n")
    done, slowest = 0, 0.0
    with datagrams(bench) as sequence:
        start = time.monotonic()
        while done < EVENTS:
            near.node.run("ip", "-batch", batch, timeout=100)
            done += RATE // 10
            time.sleep(max(0.0, start + done / RATE - time.monotonic()))
            if done % RATE == 0:
                asked = time.monotonic()
                near.status()
                slowest = max(slowest, time.monotonic() - asked)
        rate = done / (time.monotonic() - start)
    sequence.check()
    assert processes(bench) == before, "a process was started again"
    sent = sum(d.sent for d in sequence.directions)
    print(f"events: {done} at {rate:.0f} a second; 0 of {sent} datagrams lost; `status` within {slowest:.2f} s", flush=True)


def interfaces(bench):
    """Both interfaces are deleted in turn amid datagrams, and made again."""
    node, times = bench.near.node, []
    before = processes(bench)
    with datagrams(bench):
        for i in range(DELETIONS):
            name = ("l2tpeth0", "wg0")[i % 2]
            start = time.monotonic()
            node.run("ip", "link", "del", name)
            bench.works(60)
            times.append(time.monotonic() - start)
            bench.near.run("reload", bench.near.conf, timeout=100)  # without one, it is left so after three times
    assert processes(bench) == before, "a process was started again"
    print(
        f"interfaces: {len(times)} deletions, frames again after {min(times):.2f} to {max(times):.2f} s, median "
        f"{statistics.median(times):.2f} s",
        flush=True,
    )


def stop(bench):
    """All processes of the site are stopped for longer than a session lives, and go on."""
    node = bench.near.node
    before = processes(bench)
    pids = bench.near.all_pids()
    for pid in pids:
        node.run("kill", f"-{signal.SIGSTOP.value}", str(pid))
    time.sleep(STOP)
    start = time.monotonic()
    for pid in pids:
        node.run("kill", f"-{signal.SIGCONT.value}", str(pid))
    bench.works(60)
    took = time.monotonic() - start
    wait_for(lambda: processes(bench) == before, 30, what="the same processes")
    print(f"stop: {len(pids)} processes for {STOP} s; frames again after {took:.2f} s", flush=True)


def main():
    known = {f.__name__: f for f in (events, interfaces, stop)}
    bench = Bench()
    bench.works()
    for name in sys.argv[1:] or known:
        known[name](bench)


if __name__ == "__main__":
    main()
