#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Confined processes: an attacker in one of them gets nothing, and a crash of one costs a moment."""

import base64
import os
import pwd
import re
import shutil
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib.capture import Capture, is_wireguard
from lib.drop_in import DropIn, find_drop_in
from lib.network import Reference
from lib.node import CommandFailed, listening, need_root
from lib.pings import Pings
from lib.reference import Pseudowire, new_key, new_site_keys
from lib.runner import Skip, Suite, wait_for
from lib.wirespan import Gateway, difference, find_binary, scratch, snapshot

ROLES = ("engine", "keys", "resolver")

# Each of these system calls ends the process that makes it.
FATAL = ("execve", "ptrace", "process_vm_readv", "setns", "mount")


SIGNALS = ("KILL", "SEGV", "ABRT", "KILL", "SEGV")

# Seconds between ends of the engine, so that five of them take longer than ten seconds.
SPACING = 2.6


class Bench:
    """The reference network; the near gateway is isolated."""

    def __init__(self):
        need_root()
        find_binary()
        self.net = Reference()
        self.net.configure(Pseudowire(preshared=new_key()))
        self.near, self.far = self.net.gateway
        self.near.env["WIRESPAN_ISOLATION"] = "yes"
        self.before = snapshot(self.near.node)
        self.far.up()
        self.near.up()

    def pid(self, role):
        """Return: the pid, in the node, of a process of the near gateway; 0: there is none."""
        title = f"wirespan: {role} vpn01"
        return next((p for p, command in self.near.node.processes().items() if command.strip() == title), 0)

    def works(self, seconds=10):
        """Members reach each other."""
        ping, to = self.net.member[0].ping, self.net.sites[1].member4
        wait_for(lambda: ping(to, count=1, timeout=0.5).ok, seconds, step=0.02, what="the segment to carry frames")


class Tunnel:
    """An interface of wirespan-wg on each gateway's node, with a session between both."""

    NAME, PORT = "wg9", 8199

    def __init__(self, bench):
        self.bench = bench
        self.nodes = [gateway.node for gateway in (bench.near, bench.far)]
        self.keys = [new_site_keys() for _ in self.nodes]
        self.ends = [DropIn(node, self.NAME, os.path.join(scratch(), f"wg9-{n}.log")) for n, node in enumerate(self.nodes)]
        self.psk = new_key()

    def up(self, number, **environment):
        """Start one end. Return: its interface."""
        end, site = self.ends[number], self.bench.net.sites[1 - number]
        end.start(WIRESPAN_ISOLATION="yes" if number == 0 else "no", **environment)
        end.wg("set", self.NAME, "listen-port", str(self.PORT), "private-key", "/dev/stdin", stdin=self.keys[number][0])
        end.node.up(self.NAME, f"10.77.0.{1 + number}/24")
        words = ["peer", self.keys[1 - number][1], "allowed-ips", f"10.77.0.{2 - number}/32"]
        words += ["endpoint", f"{site.underlay}:{self.PORT}", "preshared-key", "/dev/stdin"]
        end.wg("set", self.NAME, *words, stdin=self.psk)
        return end

    def pid(self, role):
        """Return: the pid, in the node, of a process of the near end; 0: there is none."""
        title = f"wirespan: {role} {self.NAME}"
        return next((p for p, command in self.nodes[0].processes().items() if command.strip() == title), 0)

    def works(self):
        ping = self.nodes[0].ping
        wait_for(lambda: ping("10.77.0.2", count=1, timeout=0.5).ok, 30, step=0.02, what="a ping through wirespan-wg")

    def stop(self):
        for end in self.ends:
            if end.pids():
                end.stop()


class Wire:
    """Captures the underlay, to look at the counters of the messages that a node sends."""

    def __init__(self, node, ifname):
        self.capture = Capture(node, ifname)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.packets = self.capture.stop()

    def check(self, node):
        """No handshake, and no two messages with the same key and counter."""
        own = node.run("cat", "/sys/class/net/eth0/address").out.strip()
        seen, handshakes = set(), 0
        for packet in self.packets:
            data = packet.payload
            if not is_wireguard(packet, (8172,)):
                continue
            handshakes += data[0] in (1, 2)
            if data[0] != 4 or packet.src_mac != own:
                continue
            index, counter = struct.unpack_from("<IQ", data, 4)
            assert (index, counter) not in seen, f"counter {counter} of session {index:x} was used twice"
            seen.add((index, counter))
        assert not handshakes, f"{handshakes} handshake messages"
        assert len(seen) > 100, f"only {len(seen)} messages were captured"


def state_of(node):
    """What a crash must not change at the interfaces and the bridge."""
    interfaces = [
        [node.run("cat", f"/sys/class/net/{name}/{file}").out for file in ("ifindex", "carrier_changes", "carrier")]
        for name in ("wg0", "l2tpeth0")
    ]
    learned = set(re.findall(r"^(\S+) dev (\S+) master", node.run("bridge", "fdb").out, re.M))
    ports = re.findall(r"^\d+: (\S+).*state (\S+)", node.run("bridge", "link").out, re.M)
    return interfaces, sorted(ports), sorted(learned)


def status_of(node, pid):
    """Return: the lines of /proc/PID/status as a dict."""
    text = node.run("cat", f"/proc/{pid}/status").out
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def confined(bench):
    """What the kernel reports of the processes."""
    node = bench.near.node
    users = set()
    for role in ROLES:
        status = status_of(node, bench.pid(role))
        users.add(status["Uid"].split()[0])
        assert status["CapEff"] == status["CapPrm"] == status["CapBnd"] == "0" * 16, status
        assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2", status
        assert len(status["NSpid"].split()) > 1, "no process namespace of its own"
        assert "0" not in status["Uid"].split() + status["Gid"].split(), status
        assert not status["Groups"].strip(), status
    assert len(users) == len(ROLES), "some have the same user"
    for role in ("engine", "keys"):
        files = node.sh(f"ls -A /proc/{bench.pid(role)}/root/").out.split()
        assert not files, f"the process {role} sees {files}"


def shown(bench):
    """Status lists the processes with what confines each."""
    found = {p["role"]: p for p in bench.near.status()["processes"]}
    assert set(found) == set(ROLES), found
    for role in ROLES:
        process = found[role]
        assert process["pid"] == bench.pid(role), (process, bench.pid(role))
        assert str(process["user"]) in status_of(bench.near.node, process["pid"])["Uid"].split(), process
        for words in ("own user", "no capabilities", "no new privileges", "system call filter", "own processes"):
            assert words in process["confinement"], process
    text = bench.near.run("status", bench.near.conf).out
    assert re.search(r"confined +engine, pid \d+, user \d+: own user, ", text), text


def crash(bench, *signals):
    """The interfaces, the forwarding table and the sessions stay, and TCP goes on: without a handshake, without a
    counter that a key has had before."""
    near, members = bench.near, bench.net.member
    bench.far.down()
    bench.far.up()  # sessions are new, and not to be renewed for two minutes
    bench.works()
    before = state_of(near.node)
    server = members[1].popen("iperf3", "-s", "-1", stdout=-1)
    wait_for(lambda: ":5201" in members[1].run("ss", "-ltn").out, 5, what="iperf3 to listen")
    with Wire(near.node, "eth0") as wire:
        words = ("iperf3", "-J", "-t", str((len(signals) + 1) * SPACING), "-b", "20M", "-c", bench.net.sites[1].member4)
        client = members[0].popen(*words, stdout=-1)
        for signal in signals:
            time.sleep(SPACING)
            old = bench.pid("engine")
            near.node.run("kill", f"-{signal}", str(old))
            wait_for(lambda old=old: bench.pid("engine") not in (0, old), 10, step=0.02, what="another engine")
            bench.works()
        out, _ = client.communicate(timeout=100)
        server.communicate(timeout=100)
        assert client.returncode == 0, out
    wire.check(near.node)
    assert before == state_of(near.node), (before, state_of(near.node))
    warnings = [w["text"] for w in near.status()["warnings"]]
    assert any(f"has ended {len(signals)} times and was started again" in text for text in warnings), warnings
    port = near.status()["wireguard"]["listen_port"]
    assert port == 8172, port


def peer_made_by_wg(bench):
    """What wg(8) has changed is repeated to the next engine."""
    near = bench.near
    key = base64.b64encode(bytes(range(32))).decode()
    near.node.run("wg", "set", "wg0", "peer", key, "allowed-ips", "10.9.9.9/32", "persistent-keepalive", "25")
    old = bench.pid("engine")
    near.node.run("kill", "-KILL", str(old))
    wait_for(lambda: bench.pid("engine") not in (0, old), 10, step=0.02, what="another engine")
    wait_for(lambda: key in near.node.run("wg", "show", "wg0").out, 10, what="the peer to be repeated")
    near.run("reload", near.conf)
    assert key not in near.node.run("wg", "show", "wg0").out, "a reload returns to the file"
    bench.works()


def interface_deleted(bench, name):
    """The monitor makes it again, and passes it on; the engine goes on."""
    near, engine = bench.near, bench.pid("engine")
    before = near.node.run("cat", f"/sys/class/net/{name}/ifindex").out
    near.node.run("ip", "link", "del", name)

    def is_back():
        now = near.node.run("cat", f"/sys/class/net/{name}/ifindex", check=False)
        return now.ok and now.out != before

    wait_for(is_back, 10, what=f"{name} to be made again")
    bench.works()
    assert bench.pid("engine") == engine, "another engine"


def resolver_ends(bench):
    """It is started again; the engine does not notice."""
    engine, old = bench.pid("engine"), bench.pid("resolver")
    bench.near.node.run("kill", "-KILL", str(old))
    wait_for(lambda: bench.pid("resolver") not in (0, old), 10, what="another resolver")
    assert bench.pid("engine") == engine
    bench.works()


def keys_end(bench):
    """Another process has the same keys: traffic and sessions do not notice, and new handshakes work."""
    near, to = bench.near, bench.net.sites[1].member4
    engine = bench.pid("engine")
    bench.far.down()
    bench.far.up()  # sessions are new, and not to be renewed for two minutes
    bench.works(60)
    with Wire(near.node, "eth0") as wire:
        for _ in range(3):
            old = bench.pid("keys")
            pings = Pings(bench.net.member[0], to, interval=0.01)
            near.node.run("kill", "-KILL", str(old))
            lost = pings.lost(50)
            assert not lost, f"echoes {lost} were lost"
            wait_for(lambda old=old: bench.pid("keys") not in (0, old), 20, step=0.02, what="another process")
    wire.check(near.node)
    bench.far.down()
    bench.far.up()
    bench.works(60)  # with a new handshake
    assert bench.pid("engine") == engine, "another engine"
    text = near.node.run("wg", "showconf", "wg0").out
    for key in re.findall(r"^(?:PrivateKey|PresharedKey) *= *(\S+)", open(near.conf).read(), re.M):
        assert key in text, "wg(8) shows another key"


def keys_changed_by_wg(bench):
    """A change reaches the process with the keys, also one that is not running just then."""
    near, far = bench.near, bench.far
    peer = near.node.run("wg", "show", "wg0", "peers").out.strip()
    from_file = open(far.conf).read()
    for key in (new_key(), new_key()):
        far.down()
        far.configure(re.sub("PresharedKey = .*", f"PresharedKey = {key}", from_file))
        old = bench.pid("keys")
        near.node.run("kill", "-KILL", str(old))
        near.node.run("wg", "set", "wg0", "peer", peer, "preshared-key", "/dev/stdin", stdin=key)
        assert near.node.run("wg", "show", "wg0", "preshared-keys").out.split() == [peer, key]
        far.up()
        bench.works(60)
    near.run("reload", near.conf)
    far.down()
    far.configure(from_file)
    far.up()
    bench.works(60)


def backs_off(bench):
    """After five ends within ten seconds it waits, logs that, and status has it."""
    near = bench.near
    assert "5 times in 10 seconds" not in near.log_text(0), "it has waited before"

    def end():
        pid = bench.pid("engine")
        if pid:
            near.node.run("kill", "-KILL", str(pid), check=False)
        return "5 times in 10 seconds" in near.log_text(0)

    wait_for(end, 10, step=0.1, what="the monitor to back off")
    assert any("has ended" in w["text"] for w in near.status()["warnings"]), near.status()["warnings"]
    wait_for(lambda: bench.pid("engine"), 20, what="the engine after the pause")
    bench.works()


def monitor_ends(bench):
    """Before the site is ready, the other processes end with the monitor, and the next `up` undoes what is left."""
    near = bench.near
    with open(near.conf) as file:
        text = file.read()
    near.down()
    near.configure(text.replace("[Interface]", "[Interface]\nPostUp = sleep 1000", 1))
    environment = {**os.environ, **near.env}
    with open(near.log, "ab") as log:
        process = near.node.popen(near.binary, "up", near.conf, stdout=log, stderr=log, env=environment)
    wait_for(lambda: any(c.startswith("sleep 1000") for c in near.node.processes().values()), 60, what="PostUp")
    assert all(bench.pid(role) for role in ROLES), near.node.processes()
    near.signal("KILL")
    wait_for(lambda: not any(bench.pid(role) for role in ROLES), 60, what="the confined processes to end")
    process.wait(timeout=60)
    for pid, command in near.node.processes().items():
        if command.startswith("sleep 1000"):
            near.node.run("kill", str(pid))
    near.configure(text)
    near.up()
    bench.works()


def leaves_nothing(bench):
    near = bench.near
    near.down()
    near.node.settle()
    left = difference(bench.before, snapshot(near.node))
    assert not left, left
    assert not any(bench.pid(role) for role in ROLES)
    near.up()


def less(bench, privileges, user):
    """With few privileges the site is confined by what these allow; a line of the log and the status have what is
    missing."""
    if not shutil.which("setpriv"):
        raise Skip("setpriv is not installed")
    near = bench.near
    near.down()
    size = len(near.log_text(0))
    near.prefix = ("setpriv", "--bounding-set=-all," + ",".join(f"+{name}" for name in privileges))
    near.up()
    near.prefix = ()
    bench.works()
    for process in near.status()["processes"]:
        assert ("own user" in process["confinement"]) == user, process
        for words in ("no capabilities", "no new privileges", "system call filter"):
            assert words in process["confinement"], process
    log = near.log_text(0)[size:]
    assert log.count("is confined less than it could be") == 1, log
    assert all(bench.pid(role) for role in ROLES)
    near.down()  # also if the processes have another user
    near.node.settle()
    left = difference(bench.before, snapshot(near.node))
    assert not left, left
    near.up()


def named_user(bench):
    """[Site] User is the user of all confined processes, also of those that are started later. With a limit of locked
    memory, these cannot lock theirs, and a line of the log reports it."""
    if not shutil.which("setpriv"):
        raise Skip("setpriv is not installed")
    near, user = bench.near, pwd.getpwnam("daemon")
    with open(near.conf) as file:
        text = file.read()
    near.down()
    size = len(near.log_text(0))
    near.configure("[Site]\nUser = daemon\n" + text)
    near.prefix = ("prlimit", "--memlock=8000000:8000000", "setpriv", "--bounding-set=-sys_resource")
    near.up(timeout=60)
    near.prefix = ()
    for role in ROLES:
        old = bench.pid(role)
        near.node.run("kill", "-KILL", str(old))
        wait_for(lambda role=role, old=old: bench.pid(role) not in (0, old), 30, step=0.02, what=f"another {role}")
    wait_for(lambda: len(near.status()["processes"]) == len(ROLES), 30, what="all processes")
    bench.works(60)
    for process in near.status()["processes"]:
        assert process["user"] == user.pw_uid and "own user" in process["confinement"], process
        status = status_of(near.node, process["pid"])
        assert status["Uid"].split() == [str(user.pw_uid)] * 4, status
        assert status["Gid"].split() == [str(user.pw_gid)] * 4 and not status["Groups"].strip(), status
        assert status["VmLck"].split()[0] == "0", status
    log = near.log_text(0)[size:]
    assert log.count("The memory of the confined processes is not locked") == 1, log
    near.down()
    near.node.settle()
    left = difference(bench.before, snapshot(near.node))
    assert not left, left
    near.configure(text)
    near.up(timeout=60)


def alone(bench, call):
    """Where a call is missing that confined processes need, the site runs in one process, and reports that."""
    if not shutil.which("strace"):
        raise Skip("strace is not installed")
    near = bench.near
    near.down()
    near.prefix = ("strace", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:error=ENOSYS")
    near.up()
    near.prefix = ()
    bench.works()
    status = near.status()
    assert not status["processes"] and not any(bench.pid(role) for role in ROLES), status["processes"]
    assert any("no process of its own" in w["text"] for w in status["warnings"]), status["warnings"]
    assert "Isolation = yes has no effect on this host" in near.log_text(0), near.log_text()
    near.run("reload", near.conf)
    bench.works()
    near.down()
    near.up()


def keys_are_wiped(bench):
    """At `down` the engine ends in order, whatever it is doing: its last act is to wipe its keys."""
    if not shutil.which("strace"):
        raise Skip("strace is not installed")
    near, trace = bench.near, os.path.join(scratch(), "trace")
    near.down()
    near.prefix = ("strace", "-f", "-qq", "-o", trace, "-e", "trace=exit_group")
    try:
        near.up()
    finally:
        near.prefix = ()
    engine = bench.pid("engine")
    bench.works()
    near.down()
    with open(trace) as file:
        ends = [line.split(None, 1)[1] for line in file if line.split()[0] == str(engine)]
    assert ends, "the end of the engine is not in the trace"
    assert "exit_group(0)" in ends[0] or "SIGKILL" in ends[-1], ends  # it is killed if it is slow
    near.up()


def attacked():
    """Return: the path of the program with an attacker in it."""
    build = os.environ.get("WIRESPAN_BUILD") or os.path.join(os.path.dirname(__file__), "..", "..", "build")
    path = os.path.join(build, "tests", "tools", "attacked")
    if not os.access(path, os.X_OK):
        raise Skip("tests/tools/attacked is not built")
    return os.path.realpath(path)


def attack(bench, role, attempt=""):
    """Run the far gateway with an attacker in one of its processes. Return: lines of results as a dict."""
    far = bench.far
    if far.pids():
        far.down()
    results = os.path.join(scratch(), "results")
    with open(results, "wb") as file:
        file.write(bytes(65536))
    conf = open(far.conf).read()
    keys = [re.search(rf"^{name} *= *(\S+)", conf, re.M).group(1) for name in ("PrivateKey", "PresharedKey")]
    env = {
        "WIRESPAN_ISOLATION": "yes",
        "ATTACK_RESULTS": results,
        "ATTACK_ROLE": role,
        "ATTACK": attempt,
        "ATTACK_CONF": far.conf,
        "ATTACK_SOCKET": "/run/wirespan/vpn02.sock",
        "ATTACK_KEYS": "".join(base64.b64decode(key).hex() for key in keys),
    }
    gateway = Gateway(far.node, far.name, far.folder, env)
    gateway.binary = attacked()
    try:
        gateway.up()
        if attempt == "capture":
            client = gateway.run("capture", gateway.conf, check=False, timeout=60)
            assert not client.ok and "wirespan" in client.out, client.out
            assert gateway.status()["processes"], "the site has ended"
        gateway.down()
    except CommandFailed as failed:
        assert attempt, failed
    with open(results, "rb") as file:
        lines = file.read().rstrip(b"\0").decode().splitlines()
    return dict(line.split(": ", 1) for line in lines)


def attempts_are_refused(bench, role):
    got = attack(bench, role)
    assert got.pop("done", "") == "yes", f"it did not come to an end: {got}"
    if role == "keys":
        assert got.pop("keys are found where they are") == "yes", "the search for keys finds none at all"
    wrong = {name: value for name, value in got.items() if value == "SUCCEEDED"}
    assert not wrong, wrong
    assert len(got) >= 19, got
    for name, value in sorted(got.items()):
        print(f"  {name}: {value}")


def client_of_capture(bench):
    """The engine has the connection of a client of root: it can send a false capture, which the client refuses."""
    got = attack(bench, "engine", "capture")
    assert got.pop("done", "") == "yes", f"it did not come to an end: {got}"
    assert got.pop("send what is no capture") == "done", got
    assert len(got) == 8 and "SUCCEEDED" not in got.values(), got


def attempt_is_fatal(bench, role, attempt):
    got = attack(bench, role, attempt)
    got.pop("keys are found where they are", None)
    assert got == {attempt: "tried"}, got


def drop_in_confined(bench, box):
    """wirespan-wg is confined as a site is; the process that was started holds no key of a session."""
    box["tunnel"] = tunnel = Tunnel(bench)
    tunnel.up(1)
    end = tunnel.up(0)
    tunnel.works()
    users = set()
    for role in ("engine", "keys"):
        status = status_of(end.node, tunnel.pid(role))
        users.add(status["Uid"].split()[0])
        assert status["CapEff"] == status["CapPrm"] == status["CapBnd"] == "0" * 16, status
        assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2", status
        assert "0" not in status["Uid"].split() + status["Gid"].split(), status
        assert not end.node.sh(f"ls -A /proc/{tunnel.pid(role)}/root/").out.split()
    assert len(users) == 2, "both have the same user"
    assert end.log_text().count("is confined: own user, no capabilities") == 1, end.log_text()


def drop_in_ends(bench, box):
    """Its processes are started again: interface, port, peers and sessions stay; also while the interface is down."""
    tunnel = box["tunnel"]
    end = tunnel.ends[0]
    index = end.node.run("cat", "/sys/class/net/wg9/ifindex").out
    before, config = end.handshake_age(), end.wg("showconf", "wg9").out
    for role in ("engine", "engine", "keys"):
        old = tunnel.pid(role)
        end.node.run("kill", "-KILL", str(old))
        wait_for(lambda role=role, old=old: tunnel.pid(role) not in (0, old), 20, step=0.02, what=f"another {role}")
        tunnel.works()
        wait_for(lambda: end.wg("showconf", "wg9", check=False).out == config, 20, what="the same configuration")
        assert end.node.run("cat", "/sys/class/net/wg9/ifindex").out == index, "another interface"
    assert end.handshake_age() - before <= 1, "another handshake"  # the age is of the wall clock
    end.node.run("ip", "link", "set", "wg9", "down")
    wait_for(lambda: not end.listens(tunnel.PORT), 20, what="the port to be closed")
    end.wg("set", "wg9", "listen-port", "8198", "fwmark", "7")
    old = tunnel.pid("engine")
    end.node.run("kill", "-KILL", str(old))
    wait_for(lambda: tunnel.pid("engine") not in (0, old), 20, step=0.02, what="another engine")
    end.node.run("ip", "link", "set", "wg9", "up")
    wait_for(lambda: end.listens(8198), 20, what="the port to be opened")
    assert end.show("fwmark") == "0x7", end.show("fwmark")
    tunnel.works()  # with a new handshake
    assert not [line for line in end.log_text().splitlines() if "could be repeated" in line], end.log_text()


def drop_in_any_port(bench):
    """A port that the kernel has chosen is not insisted on, also by an engine that was started again."""
    node = bench.near.node
    end = DropIn(node, "wg8", os.path.join(scratch(), "wg8.log")).start(WIRESPAN_ISOLATION="yes")

    def engine():
        return next((p for p, command in node.processes().items() if command.strip() == "wirespan: engine wg8"), 0)

    def occupy():
        other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        other.bind(("0.0.0.0", port))
        return other

    node.up("wg8")
    wait_for(lambda: end.show("listen-port") != "0" and end.listens(int(end.show("listen-port"))), 20, what="a port")
    port, old = int(end.show("listen-port")), engine()
    node.run("kill", "-KILL", str(old))
    wait_for(lambda: engine() not in (0, old), 20, step=0.02, what="another engine")
    wait_for(lambda: end.wg("show", "wg8", "listen-port", check=False).out.strip() == str(port), 20, what="the same port")
    node.run("ip", "link", "set", "wg8", "down")
    wait_for(lambda: not end.listens(port), 20, what="the port to be closed")
    with node.call(occupy):
        node.run("ip", "link", "set", "wg8", "up")
        wait_for(lambda: end.show("listen-port") not in ("0", str(port)), 20, what="another port")
        assert end.listens(int(end.show("listen-port")))
    end.stop()


def drop_in_here(bench, box):
    """Without isolation, and where no process can be started, it is one process."""
    tunnel = box["tunnel"]
    assert tunnel.ends[1].pids() and not any("wg9" in c and "wirespan: " in c for c in tunnel.nodes[1].processes().values())
    tunnel.stop()
    if not shutil.which("strace"):
        raise Skip("strace is not installed")
    end = tunnel.ends[0]
    words = ("strace", "-qq", "-o", "/dev/null", "-e", "trace=clone", "-e", "inject=clone:error=ENOSYS", end.binary, "-f", "wg9")
    with open(end.log, "ab") as log:
        end.process = end.node.popen(*words, stderr=log)
    wait_for(lambda: listening(end.socket), 30, what="wirespan-wg in one process")
    assert end.log_text().count("this host allows no confined one") == 1, end.log_text()
    assert end.show("listen-port") == "0" and len(end.pids()) == 1
    end.stop()


def drop_in_attacked(bench, box, role):
    """An attacker in a process of wirespan-wg is refused what one in a site's is refused."""
    tunnel = box["tunnel"]
    results, program = os.path.join(scratch(), "results"), os.path.join(scratch(), "wirespan-wg")
    with open(results, "wb") as file:
        file.write(bytes(65536))
    if not os.path.lexists(program):
        os.symlink(attacked(), program)
    end = tunnel.ends[0]
    end.binary = program
    conf = bench.near.conf
    tunnel.up(0, ATTACK_RESULTS=results, ATTACK_ROLE=role, ATTACK_CONF=conf, ATTACK_SOCKET="/run/wireguard/wg9.sock")
    end.stop()
    end.binary = find_drop_in()
    with open(results, "rb") as file:
        got = dict(line.split(": ", 1) for line in file.read().rstrip(b"\0").decode().splitlines())
    assert got.pop("done", "") == "yes", f"it did not come to an end: {got}"
    wrong = {name: value for name, value in got.items() if value == "SUCCEEDED"}
    assert not wrong and len(got) >= 19, got


def main():
    suite = Suite("isolation")
    box = {}
    if not suite.setup("the network", lambda: box.update(bench=Bench())):
        suite.finish()
    bench = box["bench"]
    suite.diagnose_with(bench.net.diagnostics)
    suite.run("the kernel confines the processes", confined, bench)
    suite.run("status shows them", shown, bench)
    suite.run("the engine ends five times: sessions, interfaces and TCP stay", crash, bench, *SIGNALS)
    suite.run("changes of wg(8) survive the engine", peer_made_by_wg, bench)
    for name in ("wg0", "l2tpeth0"):
        suite.run(f"{name} is deleted and made again", interface_deleted, bench, name)
    suite.run("the resolver ends and is started again", resolver_ends, bench)
    suite.run("the process with the keys ends and is started again", keys_end, bench)
    suite.run("wg(8) changes keys", keys_changed_by_wg, bench)
    suite.run("five ends of the engine: it waits", backs_off, bench)
    suite.run("the monitor is killed", monitor_ends, bench)
    suite.run("down leaves nothing", leaves_nothing, bench)
    suite.run("the keys are wiped at the end", keys_are_wiped, bench)
    suite.run("NET_ADMIN alone", less, bench, ("net_admin",), False)
    suite.run("a monitor that cannot signal others", less, bench, ("net_admin", "setuid", "setgid"), False)
    suite.run("the privileges of the unit", less, bench, ("net_admin", "setuid", "setgid", "kill"), True)
    suite.run("a user of the configuration", named_user, bench)
    suite.run("no process can be started", alone, bench, "clone")
    suite.run("a kernel without getrandom", alone, bench, "getrandom")
    for role in ROLES:
        suite.run(f"an attacker in the {role}: all attempts are refused", attempts_are_refused, bench, role)
        if role == "engine":
            suite.run("an attacker in the engine, with the client of a capture", client_of_capture, bench)
        for attempt in FATAL:
            suite.run(f"an attacker in the {role}: {attempt} ends it", attempt_is_fatal, bench, role, attempt)
    suite.run("wirespan-wg: the kernel confines its processes", drop_in_confined, bench, box)
    suite.run("wirespan-wg: its processes end and are started again", drop_in_ends, bench, box)
    suite.run("wirespan-wg: a port that the kernel has chosen", drop_in_any_port, bench)
    suite.run("wirespan-wg: one process without isolation", drop_in_here, bench, box)
    for role in ("engine", "keys"):
        suite.run(f"wirespan-wg: an attacker in the {role}", drop_in_attacked, bench, box, role)
    suite.finish()


if __name__ == "__main__":
    main()
