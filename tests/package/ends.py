#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run by tests/nightly/unit_ends.py in a container that it boots: the engine of a site under systemd ends, many times in
a row amid TCP at 1 Gbit/s in each direction, and systemd starts the next one. Its argument: how many times."""

import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from booted import FAR, answer_times, begin, carries, confined, install, network, run, show, start
from lib.runner import patience, wait_for

SPACING = 2.6  # seconds: more than five ends in ten seconds are answered with a pause
SIGNALS = (signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT)
PING = ("ip", "netns", "exec", "member1", "ping", "-D", "-i", "0.005", "10.0.2.22")
SERVER = ("ip", "netns", "exec", "member2", "iperf3", "-s", "-1")
STREAM = ("ip", "netns", "exec", "member1", "iperf3", "-c", "10.0.2.22", "--bidir", "-b", "1G", "-t")


def handshakes():
    """Return: what the far end has sent and received, and messages whose counter it had had before."""
    far = json.loads(run("ip", "netns", "exec", "far", "wirespan", "status", "--json", "vpn02", env=FAR)[1])
    return far["engine"]["handshakes_tx"], far["engine"]["handshakes_rx"], far["drops"].get("wg_replay", 0)


def one_round(count, first):
    """End the engine `count` times, with the same session. Return: the longest times without an answer, in ms."""
    run("systemctl", "restart", "wirespan@vpn01.service")
    carries()
    before, ends = handshakes(), []
    with contextlib.ExitStack() as stack:
        answers = stack.enter_context(tempfile.TemporaryFile("w+"))  # a pipe that is not read would stop ping
        processes = []
        stream = (*STREAM, str(int((count + 1) * SPACING)))
        for words, to in ((SERVER, subprocess.DEVNULL), (stream, subprocess.PIPE), (PING, answers)):
            process = stack.enter_context(subprocess.Popen(words, stdout=to, text=True))
            stack.callback(process.kill)
            processes.append(process)
            time.sleep(0.3)
        _, stream, ping = processes
        for i in range(count):
            time.sleep(SPACING)
            old = confined()["engine"]["pid"]
            ends.append(time.time())
            os.kill(old, SIGNALS[(first + i) % len(SIGNALS)])
            time.sleep(0.5)  # without questions, which take time of the processors
            wait_for(lambda old=old: confined().get("engine", {}).get("pid", old) != old, 12, 0.1, "another engine")
        out = stream.communicate(timeout=patience(60))[0]
        assert stream.returncode == 0, out
        time.sleep(1)
        ping.send_signal(signal.SIGINT)
        ping.wait(patience(10))
        answers.seek(0)
        lines = answers.readlines()
    assert handshakes() == before, (before, handshakes())
    assert show("NRestarts") == "0"
    print("\n".join(line for line in out.splitlines() if "receiver" in line), flush=True)
    times = answer_times(lines)
    return [max(1000 * (b - a) for a, b in zip(times, times[1:]) if b >= end and a <= end + 2) for end in ends]


def ends(total):
    silences = []
    while len(silences) < total:
        silences += one_round(min(20, total - len(silences)), len(silences))
    late = sum(silence > 100 for silence in silences)
    print(
        f"{total} ends of the engine under systemd: no handshake, no counter twice. Time without an answer "
        f"{min(silences):.0f} to {max(silences):.0f} ms, median {statistics.median(silences):.0f} ms, {late} longer than "
        "100 ms",
        flush=True,
    )


def main():
    total = int(sys.argv.pop(1))
    suite = begin("ends")
    if suite.setup("the reference network", network) and suite.setup("the package is installed", install):
        if suite.setup("a site is enabled and starts", start):
            suite.run(f"{total} ends of the engine", ends, total)
    print("booted: done", flush=True)
    suite.finish()


if __name__ == "__main__":
    main()
