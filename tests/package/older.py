#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run by tests/nightly/older_package.py in a container that it boots: /results/before.deb is the package of an older
version, /results/now.deb that of this one. A site runs with the older one, with its example, and is upgraded amid
traffic; then the package is removed and purged."""

import contextlib
import json
import os
import shutil
import subprocess
import time

from booted import FAR, FILE, UNIT, answer_times, begin, carries, interfaces, network, pid, removal, run, show
from lib.runner import patience, wait_for

PING = ("ip", "netns", "exec", "member1", "ping", "-D", "-i", "0.02", "10.0.2.22")
SERVER = ("ip", "netns", "exec", "member2", "iperf3", "-s", "-1")
STREAM = ("ip", "netns", "exec", "member1", "iperf3", "-c", "10.0.2.22", "-b", "4M", "-t", "40", "--json")


def install():
    """The older package runs its own example at both ends."""
    run("dpkg", "--no-triggers", "-i", "/results/before.deb")
    os.makedirs("/etc/wirespan", 0o700, exist_ok=True)  # which the first packages did not make
    for site in ("vpn01", "vpn02"):
        shutil.copy(f"/usr/share/doc/wirespan/examples/{site}.conf", "/etc/wirespan/")
        os.chmod(f"/etc/wirespan/{site}.conf", 0o600)
    run("ip", "netns", "exec", "far", "wirespan", "up", "-d", "vpn02", env=FAR)
    run("systemctl", "enable", "--now", UNIT)
    carries()


@contextlib.contextmanager
def traffic():
    """Pings and a TCP stream between the members, which both outlast what is done meanwhile; prints what was lost."""
    with contextlib.ExitStack() as stack:
        processes = []
        for words in (SERVER, STREAM, PING):
            process = stack.enter_context(subprocess.Popen(words, stdout=subprocess.PIPE, text=True))
            stack.callback(process.kill)
            processes.append(process)
            time.sleep(0.5)
        _, stream, ping = processes
        yield
        assert stream.poll() is None, "the stream ended early"
        out = stream.communicate(timeout=patience(60))[0]
        assert stream.returncode == 0 and json.loads(out)["end"]["sum_received"]["bytes"] > 1 << 20, out
        ping.send_signal(2)
        out = ping.communicate(timeout=patience(10))[0]
    times = answer_times(out.splitlines())
    gap = max(after - before for before, after in zip(times, times[1:]))
    print(f"{out.splitlines()[-2]}; longest time without an answer: {gap:.1f} s", flush=True)


def upgrade():
    """The site changes to the new program, or is restarted with it, without an edit of its file; the stream goes on."""
    with open(FILE, encoding="utf-8") as file:
        text = file.read()
    with traffic():
        before = pid()
        print(run("dpkg", "--no-triggers", "-i", "/results/now.deb")[1], flush=True)
        wait_for(lambda: show("ActiveState") == "active", 12, 0.2, "the unit to be active")
        assert os.readlink(f"/proc/{pid()}/exe") == "/usr/sbin/wirespan"
        print(f"process {before} before, {pid()} now", flush=True)
        carries()
    assert len(interfaces()) == 3, interfaces()
    with open(FILE, encoding="utf-8") as file:
        assert file.read() == text
    run("wirespan", "validate", "vpn01")


def far():
    """The new program undoes a site of the older one, whose program is gone, and starts it."""
    run("ip", "netns", "exec", "far", "wirespan", "down", "vpn02", env=FAR)
    left = run("ip", "-n", "far", "-o", "link")[1]
    assert not any(name in left for name in ("wg0", "l2tpeth0", "br-l2tp0")), left
    run("ip", "netns", "exec", "far", "wirespan", "up", "-d", "vpn02", env=FAR)
    carries()


def main():
    suite = begin("older")
    if suite.setup("the reference network", network) and suite.setup("a site of the older package", install):
        if suite.setup("its upgrade, amid traffic", upgrade):
            suite.run("the far end follows", far)
        suite.run("removal and purge", removal)
    print("booted: done", flush=True)
    suite.finish()


if __name__ == "__main__":
    main()
