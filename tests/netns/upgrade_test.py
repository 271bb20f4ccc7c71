#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A running site goes on with another program: no frame is lost, no handshake, and what fails changes nothing."""

import base64
import json
import os
import re
import shutil
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from isolation_test import ROLES, Bench, Wire, state_of
from lib.reference import new_key
from lib.runner import Skip, Suite, wait_for
from lib.sequence import Sequence
from lib.wirespan import difference, find_binary, scratch, snapshot
from secrets_test import clamp, find

# A trial, and a start of the engine, on a loaded host.
PATIENCE = 120

# Datagrams a second in each direction: a TAP's queue has room for a thousand frames, which must last while a loaded host
# gives no time to the engine.
RATE = 400


def tool(name):
    """Return: the path of a program that is built for tests."""
    build = os.environ.get("WIRESPAN_BUILD") or os.path.join(os.path.dirname(__file__), "..", "..", "build")
    path = os.path.join(build, "tests", "tools", name)
    if not os.access(path, os.X_OK):
        raise Skip(f"tests/tools/{name} is not built")
    return os.path.realpath(path)


def ask(bench, program):
    """Ask the near gateway to go on with a program. Return: its reply."""

    def connect():
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(PATIENCE)
        s.connect(bench.near.node.path("/run/wirespan/vpn01.sock"))
        return s

    with bench.near.node.call(connect) as s:
        s.sendall(json.dumps({"verb": "upgrade", "program": program}).encode() + b"\n")
        reply = b""
        while not reply.endswith(b"\n"):
            part = s.recv(65536)
            assert part, f"the connection was closed after {reply!r}"
            reply += part
    return json.loads(reply)


def monitor(bench):
    """Return: the pid of the near gateway's monitor."""
    return bench.near.status()["pid"]


def upgrade(bench, binary=None):
    """Let the near gateway go on with a program. Return: its output."""
    near = bench.near
    near.binary = binary or find_binary()
    return near.run("upgrade", near.conf, timeout=PATIENCE).out


def numbered(bench):
    """Numbered datagrams between the members, in both directions."""
    net = bench.net
    return Sequence(net.member[0], net.sites[0].member4, net.member[1], net.sites[1].member4, RATE)


def processes(bench):
    """Return: the titles of the near gateway's processes."""
    return [command for command in bench.near.node.processes().values() if command.startswith("wirespan: ")]


def nothing_lost(bench):
    near = bench.near
    before, pid, engine = state_of(near.node), monitor(bench), bench.pid("engine")
    hooks = near.log_text(0).count("PostUp")
    with Wire(near.node, "eth0") as wire, numbered(bench) as sequence:
        for _ in range(2):
            time.sleep(0.3)
            output = upgrade(bench)
            assert "has taken over" in output, output
        time.sleep(0.3)
    sequence.check()
    wire.check(near.node)
    assert before == state_of(near.node), (before, state_of(near.node))
    assert monitor(bench) == pid, "the process is another one"
    assert bench.pid("engine") not in (0, engine)
    assert near.log_text(0).count("PostUp") == hooks
    assert len(processes(bench)) == len(ROLES), processes(bench)


def changes_of_wg(bench):
    near = bench.near
    key = near.run("genkey").out.strip()
    public = near.run("pubkey", stdin=key).out.strip()
    near.node.run("wg", "set", "wg0", "peer", public, "allowed-ips", "10.9.9.9/32", "persistent-keepalive", "25")
    upgrade(bench)
    shown = near.node.run("wg", "show", "wg0", "dump").out
    assert f"{public}\t" in shown and "10.9.9.9/32\t" in shown, shown
    near.node.run("wg", "set", "wg0", "peer", public, "remove")
    assert near.run("reload", near.conf, timeout=PATIENCE).out
    bench.works()


def keys_by_wg(bench):
    """The keys of wg(8) go on, in the process that holds them alone, and new handshakes use them."""
    near, far = bench.near, bench.far
    peer = near.node.run("wg", "show", "wg0", "peers").out.strip()
    private = near.node.run("wg", "show", "wg0", "private-key").out.strip()
    from_file = open(far.conf).read()
    psk, added = new_key(), new_key()
    public = near.run("pubkey", stdin=new_key()).out.strip()
    for name, key in ((peer, psk), (public, added)):
        near.node.run("wg", "set", "wg0", "peer", name, "preshared-key", "/dev/stdin", stdin=key)
    upgrade(bench)
    shown = near.node.run("wg", "show", "wg0", "preshared-keys").out
    assert sorted(shown.splitlines()) == sorted((f"{peer}\t{psk}", f"{public}\t{added}")), shown
    assert near.node.run("wg", "show", "wg0", "private-key").out.strip() == private
    secret = {"private": clamp(private), "psk": base64.b64decode(psk), "added": base64.b64decode(added)}
    outside = f"{near.node.pid}/root/proc"
    found = find(f"{outside}/{bench.pid('engine')}", secret)
    assert not found, f"the engine has keys: {found}"
    found = find(f"{outside}/{bench.pid('resolver')}", secret)
    assert not found, f"the resolver has keys: {found}"
    assert set(find(f"{outside}/{bench.pid('keys')}", secret)) == set(secret), "the search finds nothing where they are"
    far.down()
    far.configure(re.sub("PresharedKey = .*", f"PresharedKey = {psk}", from_file))
    far.up()
    bench.works(60)  # with a new handshake
    near.run("reload", near.conf)
    far.down()
    far.configure(from_file)
    far.up()
    bench.works(60)
    assert near.node.run("wg", "show", "wg0", "peers").out.strip() == peer, "a reload returns to the file"


def handshake_meanwhile(bench):
    """Until the new engine takes over, the old one makes handshakes, with the process that holds its keys."""
    near, far = bench.near, bench.far
    engine, keys, pid = bench.pid("engine"), bench.pid("keys"), monitor(bench)
    waiting, program = "/run/upgrade-waits", tool("waits_to_adopt")
    near.node.run("touch", waiting)
    try:
        job = near.node.popen(program, "upgrade", near.conf, stdout=-1, stderr=-1)
        exe = f"{near.node.pid}/root/proc/{pid}/exe"
        wait_for(lambda: os.path.basename(os.readlink(f"/proc/{exe}")) == "waits_to_adopt", PATIENCE, what="it to wait")
        far.down()
        far.up(timeout=60)
        bench.works(60)  # with a new handshake
        assert bench.pid("engine") == engine and bench.pid("keys") == keys
        assert os.path.basename(os.readlink(f"/proc/{exe}")) == "waits_to_adopt"
    finally:
        near.node.run("rm", waiting)
    out, err = job.communicate(timeout=PATIENCE)
    assert job.returncode == 0 and b"has taken over" in out, (out, err)
    assert bench.pid("engine") not in (0, engine) and bench.pid("keys") not in (0, keys)
    wait_for(lambda: len(processes(bench)) == len(ROLES), 60, what="the processes of before to end")
    bench.works(60)
    upgrade(bench)


def programs(folder):
    """Return: programs that cannot take a site over, and a word of the reason."""
    script = os.path.join(folder, "script")
    with open(os.open(script, os.O_WRONLY | os.O_CREAT, 0o755), "w") as file:
        file.write("#!/bin/sh\nexit 3\n")
    writable = os.path.join(folder, "writable")
    shutil.copy(find_binary(), writable)
    os.chmod(writable, 0o777)
    return {
        os.path.realpath("/bin/false"): "ended with status 1",
        os.path.realpath("/bin/true"): "ended with status 0",
        script: "cannot take over",
        writable: "Not safe",
        os.path.join(folder, "missing"): "Cannot open the program",
        folder: "",
        tool("cannot_adopt"): "the old one carries on: A test lets this fail",
    }


def failing_successors(bench):
    folder = scratch()
    os.chmod(folder, 0o755)
    pid = monitor(bench)
    with Wire(bench.near.node, "eth0") as wire, numbered(bench) as sequence:
        for program, reason in programs(folder).items():
            reply = ask(bench, program)
            assert not reply["ok"] and reason in reply["error"], (program, reply)
    sequence.check()
    wire.check(bench.near.node)
    assert monitor(bench) == pid
    wait_for(lambda: len(processes(bench)) == len(ROLES), 20, what="processes of those programs to end")
    assert "has taken over" in upgrade(bench), "a good program cannot take over after that"


def another_layout(bench):
    """There and back: each falls back to a handshake, reports it, and goes on."""
    before = state_of(bench.near.node)
    for binary in (tool("other_layout"), find_binary()):
        output = upgrade(bench, binary)
        assert "they begin with new handshakes" in output, output
        bench.works()
        assert before == state_of(bench.near.node)
    with numbered(bench) as sequence:
        assert "they begin" not in upgrade(bench)
        time.sleep(0.5)
    sequence.check()


def ends_after_upgrade(bench):
    """What follows an upgrade is as before: the engine is started again, and `down` leaves nothing."""
    near = bench.near
    engine = bench.pid("engine")
    near.node.run("kill", "-KILL", str(engine))
    wait_for(lambda: bench.pid("engine") not in (0, engine), 60, what="another engine")
    bench.works()
    near.down()
    near.node.settle()
    left = difference(bench.before, snapshot(near.node))
    assert not left, left
    near.up()
    bench.works()


def hooks(bench):
    """PeerUp does not run again for a peer that was up, and PostUp does not either."""
    near = bench.near
    text, marks = open(near.conf).read(), os.path.join(scratch(), "marks")
    near.down()
    lines = f"[Interface]\nPeerUp = echo peer >> {marks}\nPostUp = echo post >> {marks}"
    near.configure(text.replace("[Interface]", lines, 1))
    near.up()
    bench.works()

    def ran():
        return sorted(open(marks).read().split()) if os.path.exists(marks) else []

    wait_for(lambda: ran() == ["peer", "post"], 60, what="both hooks to run")
    wait_for(lambda: near.run("upgrade", near.conf, check=False, timeout=PATIENCE).ok, 60, what="an upgrade, when no hook runs")
    time.sleep(2.5)  # the daemon looks at its peers once a second
    assert ran() == ["peer", "post"], ran()
    near.configure(text)
    near.down()
    near.up()
    bench.works()


def kill_monitor(bench):
    """Return: the pid of the engine, which goes on."""
    near, engine = bench.near, bench.pid("engine")
    near.stop("KILL")
    return engine


def orphan_is_adopted(bench):
    """The monitor is killed, and the next `up` adopts the engine: no frame lost, no handshake, no hook."""
    near = bench.near
    bench.far.down()
    bench.far.up()  # sessions are new, and not to be renewed for two minutes
    bench.works()
    before, size = state_of(near.node), len(near.log_text(0))
    with Wire(near.node, "eth0") as wire, numbered(bench) as sequence:
        for _ in range(2):
            time.sleep(0.3)
            engine = kill_monitor(bench)
            time.sleep(0.3)
            assert bench.pid("engine") == engine, "the engine has not outlived its monitor"
            near.up(timeout=60)
            assert bench.pid("engine") not in (0, engine), "no other engine has taken over"
        time.sleep(0.3)
    sequence.check()
    wire.check(near.node)
    assert before == state_of(near.node), (before, state_of(near.node))
    log = near.log_text(0)[size:]
    assert "cannot be adopted" not in log and log.count("the engine was replaced") == 2, log
    wait_for(lambda: len(near.all_pids()) == len(ROLES) + 1, 60, what="the processes of before to end")


def orphan_with_another_file(bench):
    """What has changed in the file is applied as a difference when the orphan is adopted."""
    near = bench.near
    with open(near.conf) as file:
        text = file.read()
    index = near.node.run("cat", "/sys/class/net/l2tpeth0/ifindex").out
    for changed, there in ((f"{text}\n[L2TPSession]\nName = more0\nSessionId = 77\nPeerSessionId = 78\n", True), (text, False)):
        kill_monitor(bench)
        near.configure(changed)
        with numbered(bench) as sequence:
            near.up(timeout=60)
            time.sleep(0.5)
        sequence.check()
        assert near.node.run("ip", "link", "show", "more0", check=False).ok == there
        assert near.node.run("cat", "/sys/class/net/l2tpeth0/ifindex").out == index
        bench.works()


def orphan_ends_with_down(bench):
    """`down` ends the orphan, and leaves the host as before."""
    near = bench.near
    engine = kill_monitor(bench)
    assert bench.pid("engine") == engine
    status = near.run("status", near.conf, check=False)
    assert status.status == 1 and "goes on without its monitor" in status.out, status.out
    near.run("down", near.conf)
    assert not near.all_pids(), near.node.processes()
    near.node.settle()
    left = difference(bench.before, snapshot(near.node))
    assert not left, left
    near.up()
    bench.works()


def orphan_that_hangs(bench):
    """An orphan that does not answer is ended, and the site is made again."""
    near, size = bench.near, len(bench.near.log_text(0))
    engine = kill_monitor(bench)
    near.node.run("kill", "-STOP", str(engine))
    near.up(timeout=60)
    assert "cannot be adopted" in near.log_text(0)[size:], near.log_text()
    wait_for(lambda: len(near.all_pids()) == len(ROLES) + 1, 60, what="the orphan to end")
    bench.works(60)


def many_sessions(bench):
    """More interfaces than descriptors fit into a packet: an upgrade, and an adoption, pass all of them on."""
    near = bench.near
    with open(near.conf) as file:
        text = file.read()
    more = "".join(f"\n[L2TPSession]\nName = m{n}\nSessionId = {1000 + n}\nPeerSessionId = {2000 + n}\n" for n in range(100))
    near.configure(text + more)
    near.run("reload", near.conf, timeout=PATIENCE)
    names = [f"m{n}" for n in range(100)] + ["l2tpeth0", "wg0"]

    def indexes():
        return near.node.sh("cd /sys/class/net; cat " + " ".join(f"{name}/ifindex {name}/carrier_changes" for name in names)).out

    before, size = indexes(), len(near.log_text(0))
    with numbered(bench) as sequence:
        upgrade(bench)
        engine = kill_monitor(bench)
        near.up(timeout=PATIENCE)
    sequence.check()
    assert bench.pid("engine") not in (0, engine) and indexes() == before, "other interfaces"
    log = near.log_text(0)[size:]
    assert "cannot be adopted" not in log and log.count("the engine was replaced") == 2, log
    near.configure(text)
    near.run("reload", near.conf, timeout=PATIENCE)
    assert not near.node.run("ip", "link", "show", "m99", check=False).ok
    bench.works()


def not_isolated(bench):
    far = bench.far
    far.stop()
    with open(far.conf) as file:
        text = file.read()
    far.configure(f"[Site]\nIsolation = no\n{text}")
    far.up()
    reply = far.run("upgrade", far.conf, check=False, timeout=PATIENCE)
    assert reply.status == 1 and "Isolation = yes" in reply.out, (reply.status, reply.out)
    bench.works()


def main():
    suite = Suite("upgrade")
    box = {}
    if not suite.setup("the network", lambda: box.update(bench=Bench())):
        suite.finish()
    bench = box["bench"]
    suite.diagnose_with(bench.net.diagnostics)
    suite.run("the segment carries frames", bench.works)
    suite.run("two upgrades: no frame lost, no handshake, no counter twice", nothing_lost, bench)
    suite.run("changes of wg(8) go on, and a reload", changes_of_wg, bench)
    suite.run("keys of wg(8) go on, and the engine does not have them", keys_by_wg, bench)
    suite.run("a handshake while the new program starts", handshake_meanwhile, bench)
    suite.run("programs that cannot take over: the running one carries on", failing_successors, bench)
    suite.run("another layout of the stored sessions: a handshake", another_layout, bench)
    suite.run("after an upgrade: a crash of the engine, and down", ends_after_upgrade, bench)
    suite.run("hooks do not run again", hooks, bench)
    suite.run("the monitor is killed: the next `up` adopts its engine", orphan_is_adopted, bench)
    suite.run("the monitor is killed, and the file changes", orphan_with_another_file, bench)
    suite.run("the monitor is killed: down", orphan_ends_with_down, bench)
    suite.run("the monitor is killed, and the engine hangs", orphan_that_hangs, bench)
    suite.run("a hundred sessions more", many_sessions, bench)
    suite.run("without isolation, it is refused", not_isolated, bench)
    suite.finish()


if __name__ == "__main__":
    main()
