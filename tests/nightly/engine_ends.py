#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Ends of the confined engine, many in a row, amid TCP: sessions go on each time, and no counter is used twice.

usage: engine_ends.py [COUNT]. The default of 200 takes ten minutes. Prints a line for each twenty, and the times without
an answer at the end; the last result is in doc/reliability.md.
"""

import os
import re
import statistics
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "netns"))
from isolation_test import SIGNALS, SPACING, Bench, Wire, state_of
from lib.runner import wait_for

# Ends in a row with the same session, which is renewed after two minutes.
ROUND = 20


def answers(text):
    """Return: the times of ping's answers."""
    return [float(m.group(1)) for m in re.finditer(r"^\[([\d.]+)\] \d+ bytes", text, re.M)]


def longest_silence(times, since):
    """Return: the longest time without an answer that ended after `since`, in ms, within two seconds."""
    return max(1000 * (b - a) for a, b in zip(times, times[1:]) if since <= b <= since + 2)


def one_round(bench, count, first):
    """End the engine `count` times. Return: the times without an answer in ms."""
    near, members, to = bench.near, bench.net.member, bench.net.sites[1].member4
    bench.far.down()
    bench.far.up()
    bench.works()
    before = state_of(near.node)
    seconds = (count + 1) * SPACING
    server = members[1].popen("iperf3", "-s", "-1", stdout=-1)
    wait_for(lambda: ":5201" in members[1].run("ss", "-ltn").out, 5, what="iperf3 to listen")
    ends = []
    with Wire(near.node, "eth0") as wire, tempfile.TemporaryFile("w+") as output:
        client = members[0].popen("iperf3", "-t", str(seconds), "-b", "20M", "-c", to, stdout=-1)
        ping = members[0].popen("ping", "-D", "-i", "0.005", "-w", str(int(seconds) + 3), to, stdout=output)
        for i in range(count):
            time.sleep(SPACING)
            old = bench.pid("engine")
            ends.append(time.time())
            near.node.run("kill", f"-{SIGNALS[(first + i) % len(SIGNALS)]}", str(old))
            wait_for(lambda old=old: bench.pid("engine") not in (0, old), 10, step=0.05, what="another engine")
        client.communicate(timeout=100)
        server.communicate(timeout=100)
        ping.wait(timeout=100)
        output.seek(0)
        times = answers(output.read())
        assert client.returncode == 0, "TCP has broken off"
    wire.check(near.node)
    assert before == state_of(near.node), (before, state_of(near.node))
    return [longest_silence(times, since) for since in ends]


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    bench = Bench()
    silences = []
    while len(silences) < count:
        silences += one_round(bench, min(ROUND, count - len(silences)), len(silences))
        print(f"{len(silences)} ends, longest time without an answer: {max(silences):.0f} ms", flush=True)
    late = sum(silence > 100 for silence in silences)
    print(
        f"{count} ends of the engine: no handshake, no counter twice. Time without an answer {min(silences):.0f} to "
        f"{max(silences):.0f} ms, median {statistics.median(silences):.0f} ms, {late} longer than 100 ms"
    )
    assert not any("5 times in 10 seconds" in line for line in bench.near.log_text(0).splitlines())


if __name__ == "__main__":
    main()
