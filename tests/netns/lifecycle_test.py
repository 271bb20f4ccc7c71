#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Coming up, going down, crashing and failing: what is left behind is nothing."""

import json
import os
import re
import shutil
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib.network import Reference
from lib.node import need_root
from lib.reference import PORT, wirespan_conf
from lib.runner import Suite, wait_for
from lib.wirespan import Gateway, difference, find_binary, snapshot

class Bench:
    """The network with the far gateway up, and how the near one looks with nothing up."""

    def __init__(self):
        need_root()
        find_binary()
        self.net = Reference()
        self.net.configure()
        self.near = self.net.gateway[0]
        self.near.node.settle()
        self.before = snapshot(self.near.node)
        self.net.gateway[1].up()

    def check_clean(self, what):
        self.near.node.settle()
        left = difference(self.before, snapshot(self.near.node))
        assert not left, f"left behind {what}:\n{left}"
        assert not self.near.pids(), f"still running {what}"

    def ping(self):
        return self.net.member[0].ping(self.net.sites[1].member4, count=1, timeout=0.5)

    def works(self):
        """A member's ping crosses: needs both ends."""
        result = self.net.member[0].ping(self.net.sites[1].member4, count=3)
        assert result.ok, result.out


def down_after_up(bench):
    if not bench.near.pids():
        bench.near.up()
    bench.works()
    bench.near.down()
    bench.check_clean("by down")
    bench.near.up()
    bench.works()


def ended_by_signal(bench, name):
    if not bench.near.pids():
        bench.near.up()
    status = bench.near.stop(name)
    assert status == 0, f"exit status {status} after SIG{name}"
    bench.check_clean(f"by SIG{name}")


def ended_within_post_up(bench):
    """What PostUp is about to do is undone by PostDown, so that has to wait."""
    near = bench.near
    good = open(near.conf).read()
    begun = os.path.join(near.folder, "begun")
    hooks = (
        f"PostUp = touch {begun}; sleep 1; ip link add left type bridge\n"
        "PostUp = touch /run/second\n"
        "PostDown = ip link del left\nPostDown = rm -f /run/second\n"
    )
    near.configure(good.replace("[Interface]\n", "[Interface]\n" + hooks))
    try:
        with open(near.log, "ab") as log:
            near.process = near.node.popen(near.binary, "up", near.conf, stdout=log, stderr=log)
        wait_for(lambda: os.path.exists(begun), what="PostUp to begin")
        near.signal("TERM")
        assert near.wait_gone() == 1, near.log_text()
        time.sleep(1.2)  # by now PostUp is through, with or without a process that waits
        bench.check_clean("by SIGTERM within PostUp")
    finally:
        near.configure(good)


def children_ignored(bench):
    """Started by a program that ignores SIGCHLD: the ends of hooks are noticed all the same."""
    near = bench.near
    good = open(near.conf).read()
    near.configure(good.replace("[Interface]\n", "[Interface]\nPreUp = true\nPostUp = true\n"))
    try:
        words = [near.binary, "up", "-d", near.conf]
        code = f"import os, signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN); os.execv({words[0]!r}, {words!r})"
        near.node.run("python3", "-c", code)
        near.down()
        bench.check_clean("by down, with SIGCHLD ignored")
    finally:
        near.configure(good)


def detached(bench):
    near = bench.near
    result = near.run("up", near.conf, "-d")
    assert near.pids(), f"no process after up -d: {result.out}"
    links = near.node.run("ip -br link").out
    assert all(name in links for name in ("wg0", "l2tpeth0", "br-l2tp0")), links
    bench.works()
    near.down()
    bench.check_clean("by down after up -d")


def notified(bench):
    """What is there when it reports that it is ready; how soon that is, is measured by bench/startup.py."""
    near = bench.near
    near.up()
    assert near.status()["wireguard"]["listen_port"] == PORT
    links = near.node.run("ip -br link").out
    assert all(name in links for name in ("wg0", "l2tpeth0", "br-l2tp0")), links
    bench.works()
    near.stop()
    bench.check_clean("after READY=1")


def crash_then_down(bench):
    near = bench.near
    near.up()
    near.stop("KILL")
    near.run("down", near.conf)
    bench.check_clean("by down after kill -9")


def crash_then_up(bench):
    near = bench.near
    near.up()
    near.stop("KILL")
    near.up()
    bench.works()
    near.down()
    bench.check_clean("by down after kill -9 and up")


def run_folder_lost(bench):
    """The run folder is lost with the process: `up` knows its own engine, which still holds the interfaces, and ends it."""
    near = bench.near
    near.up()
    near.stop("KILL")
    near.node.run("rm -rf /run/wirespan")
    near.up()
    bench.works()
    near.down()
    bench.check_clean("by down after a lost run folder")


def run_folder_lost_under_it(bench):
    """The run folder is lost under a running site: `up` names its process, and works when that has ended."""
    near = bench.near
    near.up()
    near.node.run("rm -rf /run/wirespan")
    refused = near.run("up", near.conf, check=False)
    pid = next((p for p in near.pids() if f"({p})" in refused.out or f"(process {p})" in refused.out), None)
    assert refused.status == 1 and pid and "ip link del" not in refused.out, refused.out
    near.node.run("kill", str(pid))
    near.wait_gone()
    near.up()
    bench.works()
    near.down()
    bench.check_clean("by down after a run folder that was lost under it")


def run_folder_made_again(bench):
    """A running site makes a lost run folder again, or one file of it: every verb finds it, and so does the next `up`."""
    near = bench.near
    near.up()
    folder = near.node.path("/run/wirespan")
    files = sorted(os.listdir(folder))
    site = os.path.splitext(os.path.basename(near.conf))[0]

    def lose(path):
        near.node.run("rm", "-rf", path)
        wait_for(lambda: os.path.isdir(folder) and sorted(os.listdir(folder)) == files, 10, what=f"{path} to be there again")

    pid = near.run("status", "--json", near.conf).out
    for lost in ("/run/wirespan", f"/run/wirespan/{site}.sock", f"/run/wirespan/{site}.lock", f"/run/wirespan/{site}.state"):
        lose(lost)
        assert near.run("status", near.conf).ok
        assert near.run("reload", near.conf).ok
        refused = near.run("up", near.conf, check=False)
        assert refused.status == 1 and "is running already" in refused.out, refused.out
        bench.works()
    assert json.loads(pid)["pid"] == json.loads(near.run("status", "--json", near.conf).out)["pid"]
    assert near.log_text(0).count("were lost, and are made again") == 4, near.log_text(0)
    lose("/run/wirespan")  # also for the engine that goes on without its monitor
    near.stop("KILL")
    near.up()
    assert "runs on without its process: resuming it" in near.log_text(0), near.log_text(0)
    bench.works()
    lose("/run/wirespan")
    near.down()
    bench.check_clean("by down after a run folder that was made again")


def run_folder_blocked(bench):
    """The run folder is lost and cannot be made again: log, status, reload and check explain that; their advice works."""
    near = bench.near
    near.up()
    folder = near.node.path("/run/wirespan")

    def block():
        shutil.rmtree(folder)
        with open(folder, "w"):
            pass

    block()
    wait_for(lambda: "cannot be made again" in near.log_text(0), 10, what="the log to show it")
    for verb in ("status", "reload", "check"):
        result = near.run(verb, near.conf, check=False)
        assert result.status == 1 and "has its interfaces, but its control socket" in result.out, (verb, result.status, result.out)
    os.unlink(folder)
    wait_for(lambda: near.run("status", near.conf, check=False).ok, 10, what="the site to answer again")
    block()
    result = near.run("status", near.conf, check=False)
    assert "end its process (ps ax | grep wirespan)" in result.out, result.out
    listed = near.node.sh("ps ax | grep wirespan").out
    pid = next(p for p in near.pids() if re.search(rf"^ *{p} .*wirespan", listed, re.M) and " up " in listed)
    near.node.run("kill", str(pid))
    near.wait_gone()
    os.unlink(folder)
    near.run("down", near.conf, check=False)  # what is left, if anything is
    bench.check_clean("by the advice after a run folder that could not be made again")


def bridge_left(bench):
    """After a crash of all its processes, status names both ways out of the bridge that is left, and each works."""
    near = bench.near
    for verb in ("up", "down"):
        near.up()
        near.node.run("kill", "-9", *(str(pid) for pid in near.all_pids()))
        near.wait_gone()
        wait_for(lambda: not near.all_pids(), 10, what="the end of the engine")
        result = near.run("status", near.conf, check=False)
        advice = re.search(rf"is not running, and has left its bridge: .*`wirespan {verb} (\w+)`", result.out)
        assert result.status == 1 and advice, result.out
        if verb == "up":
            near.up()
            bench.works()
            near.down()
        else:
            near.run("down", near.conf)
        bench.check_clean(f"by {verb} after a crash that has left a bridge")


def far_side_returns(bench, signal):
    """The far gateway ends and comes back with no memory of the session: traffic goes on by itself."""
    far = bench.net.gateway[1]
    if not bench.near.pids():
        bench.near.up()
    bench.works()
    far.stop(signal)
    far.up()
    start = time.monotonic()
    ping = bench.net.member[0].ping
    wait_for(
        lambda: ping(bench.net.sites[1].member4, count=1, timeout=0.5).ok, 25, what="the segment to heal"
    )
    print(f"  healed after {time.monotonic() - start:.1f} s")
    bench.works()


def interface_deleted(bench, name):
    """PostUp deletes an interface: it is made again when the hook has ended. (Later, too: see drift_test.py.)"""
    near = bench.near
    if near.pids():
        near.stop()
    with open(near.conf) as file:
        text = file.read()
    near.configure(text.replace("[Interface]\n", f"[Interface]\nPostUp = ip link del {name}; sleep 1\n", 1))
    try:
        near.up()
    finally:
        near.configure(text)
    wait_for(lambda: bench.ping().ok, 20, what=f"frames to cross after {name} was made again")
    assert f"There is no interface {name}: restored" in near.log_text(0), near.log_text()
    assert not near.status()["differences"], near.status()["differences"]
    near.down()
    bench.check_clean(f"after {name} was deleted")


def surroundings_deleted(bench):
    """The bridge and the members are not ours to lose: it goes on, and down leaves nothing."""
    near = bench.near
    near.up()
    near.node.run("ip link del br-l2tp0")
    near.node.run("ping -c 1 -W 2 10.0.1.21")
    assert near.status()
    near.down()
    bench.check_clean("after the bridge was deleted")


def idle(bench):
    """A site with nothing to do sleeps, and its memory is small and fixed."""
    near = bench.near
    if not near.pids():
        near.up()
    bench.works()
    # IPv6 on the members' side sends a packet now and then; a daemon that polls would be awake hundreds of times.
    first, start = near.status()["engine"], time.monotonic()
    time.sleep(5)
    last, seconds = near.status()["engine"], time.monotonic() - start
    wakeups = last["wakeups"] - first["wakeups"]
    files = [f"/proc/{pid}/smaps_rollup" for pid in near.all_pids()]
    kib = sum(int(line.split()[1]) for line in near.node.run("grep", "-h", "^Pss:", *files).out.splitlines())
    print(f"  {wakeups} wake-ups in {seconds:.1f} s; engine {last['memory_bytes'] >> 10} KiB, {len(files)} processes {kib} KiB")
    assert wakeups <= 8 * seconds, f"{wakeups} wake-ups in {seconds:.1f} idle seconds"
    assert last["memory_bytes"] <= 64 << 20
    assert kib <= 64 << 10


def wireguard_file(bench):
    """[Site] WireGuard = names a wg-quick file; [Interface] and [Peer] come from there."""
    near = bench.near
    one, two = bench.net.sites
    if near.pids():
        near.down()
    text = wirespan_conf(one, two)
    start = text.index("[L2TP]")
    path = os.path.join(near.folder, "wg0.conf")
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
        file.write(text[:start].replace("Name = wg0\n", "").replace("MTU = auto\n", ""))
    near.configure(f"[Site]\nWireGuard = {path}\n\n{text[start:]}")
    try:
        near.up()
        bench.works()
        near.down()
    finally:
        near.configure(text)
    bench.check_clean("by a site with a wg-quick file")


def repeated(bench):
    """Ten rounds: no slow leak of links, files or processes."""
    for _ in range(10):
        bench.near.run("up", bench.near.conf, "-d")
        bench.near.down()
    bench.check_clean("by ten rounds of up and down")


def second_up_refused(bench):
    near = bench.near
    near.up()
    result = near.run("up", near.conf, check=False)
    assert result.status == 1 and result.out.strip(), f"a second up: status {result.status}, {result.out!r}"
    bench.works()
    near.down()
    bench.check_clean("by down after a refused second up")


def without_process(bench):
    near = bench.near
    result = near.run("down", near.conf, check=False)
    assert result.status in (0, 1), result.out
    result = near.run("status", near.conf, check=False)
    assert (
        result.status == 1 and result.out.strip()
    ), f"status of what is not up: {result.status} {result.out!r}"


def usage(bench):
    near = bench.near
    for words in (["frobnicate"], ["up"], ["up", near.conf, "--frobnicate"]):
        result = near.run(*words, check=False)
        assert result.status == 2, f"wirespan {' '.join(words)}: status {result.status}, {result.out}"
    assert near.run("--help").out.strip()
    result = near.run("up", "/nonexistent/vpn09.conf", check=False)
    assert result.status == 2 and "vpn09" in result.out, result.out


# ---- up that fails -------------------------------------------------------------------------------


def refuse(bench, text=None, prepare="", undo="", mention=""):
    """`up` with this configuration, on a node prepared like this, fails with a reason and changes nothing."""
    near = bench.near
    one, two = bench.net.sites
    good = wirespan_conf(one, two)
    if prepare:
        near.node.sh(prepare)
    bench.near.node.settle()
    before = snapshot(near.node)
    near.configure(text(good) if text else good)
    try:
        for words in (["up", near.conf, "-d"], ["up", near.conf]):
            result = near.run(*words, check=False, timeout=15)
            expected = 2 if text else 1  # mistakes in the file, or the host
            assert result.status == expected, f"status {result.status}: {result.out}"
            assert mention.lower() in result.out.lower(), f"{mention!r} is not in: {result.out}"
            bench.near.node.settle()
            left = difference(before, snapshot(near.node))
            assert not left, f"a failed up left:\n{left}\n{result.out}"
    finally:
        if near.pids():
            near.stop("TERM")
        if undo:
            near.node.sh(undo)
        near.configure(good)


def port_taken(bench):
    near = bench.near

    def bind():
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("0.0.0.0", PORT))
        return sock

    with near.node.call(bind):
        refuse(bench, mention=str(PORT))


REFUSALS = {
    "/run is full": dict(
        prepare="mkdir -p /run/wirespan; mount -t tmpfs -o size=4k,mode=700 none /run/wirespan; "
        "head -c 4096 /dev/zero > /run/wirespan/full",
        undo="umount /run/wirespan; rmdir /run/wirespan; rm -rf /run/mount",  # mount(8) makes it
        mention="No space left",
    ),
    "wg0 exists already": dict(
        prepare="ip link add wg0 type dummy || ip link add wg0 type bridge",
        undo="ip link del wg0",
        mention="wg0",
    ),
    "l2tpeth0 exists already": dict(
        prepare="ip link add l2tpeth0 type bridge", undo="ip link del l2tpeth0", mention="l2tpeth0"
    ),
    "the member is in another bridge": dict(
        prepare="ip link add other type bridge; ip link set eth1 master other",
        undo="ip link del other",
        mention="eth1",
    ),
    "a broken key": dict(
        text=lambda good: good.replace("PrivateKey = ", "PrivateKey = x"), mention="PrivateKey"
    ),
    "an unknown key": dict(text=lambda good: good.replace("ListenPort", "LisenPort"), mention="ListenPort"),
    "a Remote no peer covers": dict(
        text=lambda good: good.replace("Remote = 10.0.1.21", "Remote = 10.0.9.9"), mention="10.0.9.9"
    ),
}


def shared_run(bench):
    """Two sites whose /run is one: as two namespaces on one host, each with a wg0 of its own."""
    with Reference(private=()) as net:
        # Only the names of the sites distinguish the control sockets.
        gateways = []
        for number, site in enumerate(net.sites):
            gateway = Gateway(net.vpn[number], f"t{os.getpid()}-{site.name}")
            gateway.configure(wirespan_conf(site, net.sites[1 - number]))
            gateways.append(gateway)
        try:
            for gateway in gateways:
                gateway.up()
            assert net.member[0].ping(net.sites[1].member4, count=3).ok
            for gateway in gateways:
                assert gateway.status()
            gateways[0].down()
            assert gateways[1].status(), "the other one goes on"
            gateways[0].up()
            assert net.member[0].ping(net.sites[1].member4, count=3).ok
        finally:
            for gateway in gateways:
                gateway.run("down", gateway.conf, check=False)
        for gateway in gateways:
            gateway.wait_gone()
        left = (
            [name for name in os.listdir("/run/wirespan") if f"t{os.getpid()}-" in name]
            if os.path.isdir("/run/wirespan")
            else []
        )
        assert not left, f"left in /run/wirespan: {left}"


def main():
    suite = Suite("lifecycle")
    box = {}
    if not suite.setup("the network", lambda: box.update(bench=Bench())):
        suite.finish()
    bench = box["bench"]
    suite.diagnose_with(bench.net.diagnostics)
    suite.run("down leaves nothing behind", down_after_up, bench)
    suite.run("SIGTERM ends it cleanly", ended_by_signal, bench, "TERM")
    suite.run("SIGINT ends it cleanly", ended_by_signal, bench, "INT")
    for name, case in (
        ("SIGTERM within PostUp", ended_within_post_up),
        ("started by a program that ignores SIGCHLD", children_ignored),
        ("up -d returns when traffic can flow", detached),
        ("READY=1 when traffic can flow", notified),
        ("down after kill -9 leaves nothing", crash_then_down),
        ("up after kill -9 works", crash_then_up),
        ("up after kill -9 and a lost run folder works", run_folder_lost),
        ("up of a running site whose run folder is lost", run_folder_lost_under_it),
        ("a lost run folder is made again", run_folder_made_again),
        ("a lost run folder that cannot be made again", run_folder_blocked),
        ("a bridge that a crash has left", bridge_left),
        ("ten rounds leave nothing", repeated),
        ("a second up is refused and harms nothing", second_up_refused),
        ("down and status of a site that is not up", without_process),
        ("usage errors exit with 2", usage),
        ("refused: the port is taken", port_taken),
    ):
        suite.run(name, case, bench)
    for name, how in REFUSALS.items():
        suite.run(f"refused: {name}", refuse, bench, **how)
    suite.run("a site from a wg-quick file", wireguard_file, bench)
    for name in ("wg0", "l2tpeth0"):
        suite.run(f"{name} is deleted", interface_deleted, bench, name)
    suite.run("the bridge is deleted", surroundings_deleted, bench)
    suite.run("still works after all refusals", down_after_up, bench)
    suite.run("idle: it sleeps, and is small", idle, bench)
    suite.run("the far gateway restarts", far_side_returns, bench, "TERM")
    suite.run("the far gateway crashes and comes back", far_side_returns, bench, "KILL")
    suite.run("two sites on one host, one /run", shared_run, bench)
    suite.finish()


if __name__ == "__main__":
    main()
