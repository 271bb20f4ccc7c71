#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Ends of the confined engine, many in a row, amid TCP: sessions go on each time, and no counter is used twice.

usage: engine_ends.py [COUNT [RATE]]. The default of 200 takes ten minutes. RATE, as iperf3 -b takes it, is that of TCP in
each direction: 20M, or 1G. Prints a line for each twenty, and the times without an answer and what TCP has carried at the
end; the last result is in doc/reliability.md.
"""

import json
import os
import re
import signal
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
    """Return: the longest time without an answer, in ms, that began within two seconds after `since`, or before."""
    return max(1000 * (b - a) for a, b in zip(times, times[1:]) if b >= since and a <= since + 2)


def carried(output):
    """Return: what TCP has carried, in Mbit/s, in both directions, from iperf3's report."""
    end = json.loads(output)["end"]
    return [end[name]["bits_per_second"] / 1e6 for name in ("sum_received", "sum_received_bidir_reverse")]


class FarEnd:
    """In place of a capture, at a rate that cannot be captured: what the far end counts. A context manager."""

    def __init__(self, bench):
        self.far = bench.far
        self.before = self.counts()

    def counts(self):
        """Return: handshake messages, and messages whose counter the session had had."""
        status = self.far.status()
        engine = status["engine"]
        return engine["handshakes_tx"], engine["handshakes_rx"], status["drops"].get("wg_replay", 0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.after = self.counts()

    def check(self, _node):
        """No handshake, and no counter twice."""
        assert self.before == self.after, f"handshakes sent and received, and replays: {self.before}, then {self.after}"


def one_round(bench, count, first, rate):
    """End the engine `count` times. Return: the times without an answer in ms, and what TCP has carried."""
    near, members, to = bench.near, bench.net.member, bench.net.sites[1].member4
    bench.far.down()
    bench.far.up()
    bench.works()
    before = state_of(near.node)
    seconds = (count + 1) * SPACING
    server = members[1].popen("iperf3", "-s", "-1", stdout=-1)
    wait_for(lambda: ":5201" in members[1].run("ss", "-ltn").out, 5, what="iperf3 to listen")
    ends = []
    with (Wire(near.node, "eth0") if rate == "20M" else FarEnd(bench)) as wire, tempfile.TemporaryFile("w+") as output:
        client = members[0].popen("iperf3", "-J", "--bidir", "-t", str(seconds), "-b", rate, "-c", to, stdout=-1)
        ping = members[0].popen("ping", "-D", "-i", "0.005", "-w", "1000", to, stdout=output)
        for i in range(count):
            time.sleep(SPACING)
            old = bench.pid("engine")
            ends.append(time.time())
            near.node.run("kill", f"-{SIGNALS[(first + i) % len(SIGNALS)]}", str(old))
            wait_for(lambda old=old: bench.pid("engine") not in (0, old), 10, step=0.05, what="another engine")
        report = client.communicate(timeout=100)[0]
        server.communicate(timeout=100)
        time.sleep(3)
        os.killpg(ping.pid, signal.SIGINT)
        ping.wait(timeout=100)
        output.seek(0)
        times = answers(output.read())
        assert client.returncode == 0, "TCP has broken off"
    wire.check(near.node)
    assert before == state_of(near.node), (before, state_of(near.node))
    return [longest_silence(times, since) for since in ends], carried(report)


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    rate = sys.argv[2] if len(sys.argv) > 2 else "20M"
    bench = Bench()
    silences, rates = [], []
    while len(silences) < count:
        some, both = one_round(bench, min(ROUND, count - len(silences)), len(silences), rate)
        silences += some
        rates.append(both)
        print(f"{len(silences)} ends, longest time without an answer: {max(silences):.0f} ms", flush=True)
    late = sum(silence > 100 for silence in silences)
    print(
        f"{count} ends of the engine: no handshake, no counter twice. Time without an answer {min(silences):.0f} to "
        f"{max(silences):.0f} ms, median {statistics.median(silences):.0f} ms, {late} longer than 100 ms. "
        f"TCP carried {min(r[0] for r in rates):.0f} to {max(r[0] for r in rates):.0f} Mbit/s, and in the other direction "
        f"{min(r[1] for r in rates):.0f} to {max(r[1] for r in rates):.0f}, of {rate} each"
    )
    assert not any("5 times in 10 seconds" in line for line in bench.near.log_text(0).splitlines())


if __name__ == "__main__":
    main()
