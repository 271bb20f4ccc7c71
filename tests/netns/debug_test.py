#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What `wirespan up -v` and wirespan-wg with LOG_LEVEL log, beside wireguard-go; no secret in it; a process that
can be debugged."""

import base64
import os
import re
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib.drop_in import DropIn, find_drop_in
from lib.network import Reference
from lib.node import Node, need_root, veth
from lib.reference import PORT, Pseudowire, make_sites, new_key, new_site_keys, wirespan_conf
from lib.runner import Suite, wait_for
from lib.wireguard_go import WireguardGo
from lib.wirespan import need_plain_program, scratch

OTHER_ADDRESS = "192.168.122.200"
HOOK_SECRET = "a-token-in-a-hook"


def send(node, to, data):
    """Send one datagram from the node."""

    def body():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.sendto(data, (to, PORT))

    node.call(body)


def wait_lines(read, patterns, timeout=8):
    """Wait until each pattern matches a line of read()."""

    def missing():
        text = read()
        return [p for p in patterns if not re.search(p, text, re.M)]

    try:
        wait_for(lambda: not missing(), timeout, what="lines of the log")
    except AssertionError:
        raise AssertionError(f"the log lacks {missing()}:\n{read()}") from None


def assert_no_secret(text, secrets):
    """No key is in the text, as base64 (without its end) or hex."""
    for secret in secrets:
        number = base64.b64decode(secret).hex()
        assert secret[:40] not in text and number not in text.lower(), "the log contains a secret key"
    assert HOOK_SECRET not in text, "the log contains the text of a hook"


# ---- wirespan up ---------------------------------------------------------------------------------


def log_of_site():
    """A site logs every kind of line at level debug, and no secret."""
    wire = Pseudowire(preshared=new_key())
    with Reference() as net:
        net.configure(wire, keepalive=1)
        near, far = net.gateway
        one, two = net.sites
        with open(near.conf, "a") as file:
            file.write(f"[Peer]\nPublicKey = {new_site_keys()[1]}\nAllowedIPs = 10.9.9.9/32\n")
            file.write("Endpoint = localhost:9\n")
        with open(near.conf) as file:
            text = file.read()
        near.configure(text.replace("[Peer]", f"PostUp = : {HOOK_SECRET}\nPostDown = : {HOOK_SECRET}\n[Peer]\nName = far.example", 1))
        far.up()
        near.up("-v")

        def log():
            return near.log_text(0)

        peer = re.escape(f"peer far.example at {two.underlay}:{PORT}: ")
        wait_lines(
            log,
            [
                "^wirespan: host: ip link set wg0 up$",
                "host: ip address add .* dev wg0$",
                "host: running a PostUp command$",
                peer + "(sent|received) a handshake initiation$",
                peer + "(sent|received) a handshake response$",
                peer + "a new session is established$",
                peer + "sent a keepalive$",
                "name localhost: its addresses are .*127.0.0.1",
                "peer .* at 127.0.0.1:9: this is the peer's endpoint now$",
            ],
        )
        send(net.vpn[1], one.underlay, b"\7" * 40)
        send(net.vpn[1], one.underlay, b"\1" + bytes(147))
        net.vpn[0].run("ip link set eth0 mtu 1400")
        net.vpn[1].sh(f"ip -4 addr flush dev eth0; ip addr add {OTHER_ADDRESS}/24 dev eth0")
        wait_lines(
            log,
            [
                f"{re.escape(two.underlay)}:[0-9]+: rejected a handshake message: wg_mac1 \\(",
                "dropped [0-9]+ packets?: wg_type \\(",
                re.escape(f"peer far.example at ") + "[^ ]*: packets of up to 13[0-9][0-9] bytes reach the peer",
                "host: ip link set wg0 mtu 13[0-9][0-9]$",
                re.escape(f"peer far.example at {OTHER_ADDRESS}:{PORT}: this is the peer's endpoint now"),
            ],
        )
        far.stop()
        wait_lines(log, [re.escape(f"peer far.example at {OTHER_ADDRESS}:{PORT}: no answer: starting another")], 20)
        near.stop()
        wait_lines(log, ["host: ip link set wg0 down$|host: ip link del|host: running a PostDown command$"])
        assert_no_secret(log(), [one.private, two.private, wire.preshared])


def quiet_site():
    """Without -v none of these lines is there."""
    with Reference() as net:
        net.up(keepalive=1)
        near = net.gateway[0]
        wait_for(lambda: near.status()["peers"][0].get("handshake_age_ms") is not None, what="a session")
        near.stop()
        text = near.log_text(0)
        assert "is up" in text and "host:" not in text and "handshake" not in text, text


def log_level_of_site():
    """LOG_LEVEL=debug is -v."""
    with Reference() as net:
        net.configure()
        near = net.gateway[0]
        near.env = {"LOG_LEVEL": "debug"}
        near.up()
        near.stop()
        assert "wirespan: host: ip link set wg0 up" in near.log_text(0), near.log_text()


def unknown_level():
    """A level that does not exist is reported, and info is used."""
    with Reference() as net:
        net.configure()
        near = net.gateway[0]
        near.env = {"LOG_LEVEL": "loud"}
        near.up()
        near.stop()
        text = near.log_text(0)
        assert "LOG_LEVEL=loud is no level" in text and "is up" in text and "host:" not in text, text


# ---- wirespan-wg beside wireguard-go -------------------------------------------------------------


class Pair:
    """Node "ours" with wirespan-wg, node "theirs" with wireguard-go, both with the given LOG_LEVEL."""

    def __init__(self, level):
        self.folder = scratch()
        self.one, self.two = make_sites()
        self.ours, self.theirs = Node("ours"), Node("theirs")
        veth(self.ours, "eth0", self.theirs, "eth0")
        for node, site in ((self.ours, self.one), (self.theirs, self.two)):
            node.up("eth0", f"{site.underlay}/24")
        self.psk = new_key()
        self.wg = DropIn(self.ours, log=f"{self.folder}/ours").start(LOG_LEVEL=level)
        self.wg.configure(self.one, mtu=1420)
        self.go = WireguardGo(self.theirs, self.two, log=f"{self.folder}/theirs", level=level)
        self.wg.peer(self.two, endpoint=f"{self.two.underlay}:{PORT}", psk=self.psk, keepalive=1)
        self.go.peer(self.one, endpoint=False, psk=self.psk)
        wait_for(lambda: self.ours.ping(self.two.wg4).ok, what="a ping")

    def close(self):
        self.ours.close()
        self.theirs.close()


def log_of_drop_in(level):
    """Both programs show handshakes and endpoints; each of our lines has the program, the interface and the port."""
    pair = Pair(level)
    start = f"^wirespan-wg: wg0 port {PORT}: peer {re.escape(pair.two.public)} at {pair.two.underlay}:{PORT}: "
    wait_lines(
        pair.wg.log_text,
        [
            start + "this is the peer's endpoint now$",
            start + "sent a handshake initiation$",
            start + "received a handshake response$",
            start + "a new session is established$",
            start + "sent a keepalive$",
            f"^wirespan-wg: wg0 port {PORT}: the interface is up$",
        ],
    )
    theirs = "eceived handshake initiation", "ending handshake response", "UAPI: Updating endpoint|wg0"
    wait_lines(pair.go.log_text, theirs)
    send(pair.theirs, pair.one.underlay, b"\7" * 40)
    pair.ours.run("ip link set wg0 mtu 1300")
    pair.ours.run("ip link set wg0 down")
    wait_lines(
        pair.wg.log_text,
        [
            f"^wirespan-wg: wg0 port {PORT}: dropped 1 packet: wg_type \\(",
            "the MTU of the interface is 1300 now$",
            "^wirespan-wg: wg0: the interface is down$",
        ],
    )
    for line in pair.wg.log_text().splitlines():
        assert re.match("wirespan-wg: wg0(: | port)", line), line
    assert_no_secret(pair.wg.log_text(), [pair.one.private, pair.two.private, pair.psk])
    pair.close()


def silent_drop_in():
    """LOG_LEVEL=error shows none of it."""
    pair = Pair("error")
    assert pair.wg.log_text() == "", pair.wg.log_text()
    pair.close()


# ---- a process that can be debugged --------------------------------------------------------------


def limits(pid):
    """Return: (locked kB, soft limit of core files) of the process."""
    with open(f"/proc/{pid}/status") as file:
        locked = int(re.search(r"VmLck:\s+([0-9]+)", file.read())[1])
    with open(f"/proc/{pid}/limits") as file:
        return locked, re.search(r"Max core file size\s+(\S+)", file.read())[1]


def dumpable():
    """WIRESPAN_DUMPABLE=1 leaves core dumps as they are, locks nothing, and is logged; gdb sees the functions."""
    node = Node("bug")
    for on in (True, False):
        wg = DropIn(node, log=f"{scratch()}/log")
        environment = {"WIRESPAN_DUMPABLE": "1"} if on else {}
        words = ["sh", "-c", f"ulimit -c unlimited; exec {wg.binary} -f wg0"]
        with open(wg.log, "w") as log:
            wg.process = node.popen(*words, env={**os.environ, **environment}, stderr=log)
        wait_for(lambda: os.path.exists(wg.socket), what="wirespan-wg")
        pid = wg.outer_pid()
        locked, core = limits(pid)
        warned = [line for line in wg.log_text().splitlines() if "WIRESPAN_DUMPABLE=1" in line]
        if on:
            assert (locked, core) == (0, "unlimited") and len(warned) == 1, (locked, core, warned)
            if has("gdb"):
                out = node.run("gdb", "-p", str(wg.pids()[0]), "-batch", "-ex", "bt", timeout=30).out
                assert "loop_run_once" in out, out
        else:
            assert core == "0" and not warned, (core, warned)
        wg.stop()
    node.close()


def user_namespace():
    """Where the limit of locked memory applies in spite of CAP_IPC_LOCK, both programs start, and report it."""
    need_plain_program("it locks no memory")
    with Reference() as net:
        net.configure()
        near = net.gateway[0]
        inside = ["unshare", "--user", "--map-root-user", "--net", "sh", "-c"]
        for words in ([near.binary, "up", near.conf], [find_drop_in(), "-f", "wg0"]):
            script = f"""
ip link add eth1 type veth peer name far
ulimit -l 8192
{" ".join(words)} >/run/out 2>&1 &
while kill -0 $! && ! [ -e /run/wireguard/wg0.sock ]; do sleep 0.05; done
grep VmLck /proc/$!/status
kill $!
wait $! || echo failed: $?
cat /run/out"""
            out = net.vpn[0].run(*inside, script).out
            assert "memory is not locked" in out and "failed" not in out, out
            assert re.search(r"VmLck:\s+0 kB", out), out


def has(program):
    return subprocess.run(["sh", "-c", f"command -v {program}"], capture_output=True).returncode == 0


def main():
    suite = Suite("debug")
    if suite.setup("root", need_root):
        suite.run("up -v", log_of_site)
        suite.run("up with LOG_LEVEL=debug", log_level_of_site)
        suite.run("up without", quiet_site)
        suite.run("a level that does not exist", unknown_level)
        for level in ("debug", "verbose"):
            suite.run(f"wirespan-wg and wireguard-go with LOG_LEVEL={level}", log_of_drop_in, level)
        suite.run("wirespan-wg with LOG_LEVEL=error", silent_drop_in)
        suite.run("WIRESPAN_DUMPABLE", dumpable)
        suite.run("a limit of locked memory in a user namespace", user_namespace)
    suite.finish()


if __name__ == "__main__":
    main()
