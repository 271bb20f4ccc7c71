#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wg(8) against a running site and against wirespan-wg: every form of show and set, wireguard-go beside
them, mistakes, the end."""

import base64
import os
import random
import shutil
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib.drop_in import DropIn
from lib.node import Node, listening, need_root, veth
from lib.pings import Pings
from lib.runner import Skip, Suite, wait_for
from lib.wirespan import Gateway, difference, find_binary, snapshot

SOCKET = "/run/wireguard/wg0.sock"


def key(text):
    """Return: a public key that is easy to recognise."""
    return base64.b64encode(text.encode().ljust(32, b"\1")).decode()


def private_key():
    return subprocess.run(["wg", "genkey"], capture_output=True, text=True, check=True).stdout.strip()


def public_key(private):
    return subprocess.run(["wg", "pubkey"], input=private, capture_output=True, text=True, check=True).stdout.strip()


def to_hex(text):
    return base64.b64decode(text).hex()


class Bench:
    """Two gateways with a wg0 and no peer: everything else is wg(8)'s to do."""

    def __init__(self):
        need_root()
        find_binary()
        if not shutil.which("wg"):
            raise Skip("wg(8) is not installed: wireguard-tools")
        self.nodes = [Node(f"vpn0{n}") for n in (1, 2)]
        veth(self.nodes[0], "eth0", self.nodes[1], "eth0")
        self.private = [private_key(), private_key()]
        self.gateways = []
        for n, node in enumerate(self.nodes, 1):
            node.up("eth0", f"192.168.122.{n}/24", f"fe80::{n}/64")
        self.near = self.nodes[0]
        self.near.settle()
        self.before = snapshot(self.near)
        for n in (0, 1):
            self.start(n)

    def start(self, n):
        """Bring wg0 up in node `n`, with its key, port and address."""
        gateway = Gateway(self.nodes[n], f"vpn0{n + 1}")
        gateway.configure(
            f"[Interface]\nPrivateKey = {self.private[n]}\nListenPort = 8172\nAddress = 10.0.1.{n + 1}/24\n"
        )
        gateway.up()
        self.gateways[n : n + 1] = [gateway]

    def wait_end(self, n):
        """Wait until the process behind wg0 of node `n` has ended. Return: its exit status."""
        return self.gateways[n].wait_gone()

    def wg(self, *words, check=True, stdin=None, node=0):
        return self.nodes[node].run("wg", *words, check=check, stdin=stdin)

    def show(self, what, node=0):
        return self.wg("show", "wg0", what, node=node).out.rstrip("\n")

    def dump(self, node=0):
        return [line.split("\t") for line in self.show("dump", node).splitlines()]

    def forget_peers(self):
        for peer in self.show("peers").split():
            self.wg("set", "wg0", "peer", peer, "remove")

    def ask(self, text, node=0):
        """Send `text` to the socket as it is. Return: the answer, or what comes before the end."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(60)
            client.connect(self.nodes[node].path(SOCKET))
            client.sendall(text if isinstance(text, bytes) else text.encode())
            reply = b""
            while not reply.endswith(b"\n\n"):
                try:
                    part = client.recv(65536)
                except (TimeoutError, ConnectionResetError):
                    break
                if not part:
                    break
                reply += part
            return reply.decode()

    def diagnostics(self):
        return "\n".join(f"--- {gateway.name}\n{gateway.log_text()}" for gateway in self.gateways)

    def close(self):
        for node in self.nodes:
            node.close()


class DropInBench(Bench):
    """The same with wirespan-wg."""

    def start(self, n):
        gateway = DropIn(self.nodes[n]).start()
        gateway.wg(
            "set", "wg0", "listen-port", "8172", "private-key", "/dev/stdin", stdin=self.private[n] + "\n"
        )  # fmt: skip
        self.nodes[n].up("wg0", f"10.0.1.{n + 1}/24")
        self.gateways[n : n + 1] = [gateway]

    def wait_end(self, n):
        return self.gateways[n].wait_end()

    def diagnostics(self):
        return "\n".join(node.run("wg show", check=False).out for node in self.nodes)


def show_forms(bench):
    assert bench.wg("show", "interfaces").out.split() == ["wg0"]
    text = bench.wg("show").out
    assert "interface: wg0" in text and "listening port: 8172" in text, text
    assert bench.show("private-key") == bench.private[0]
    assert bench.show("public-key") == public_key(bench.private[0])
    assert bench.show("listen-port") == "8172"
    assert bench.show("fwmark") == "off"
    peer, psk = key("one"), key("psk")
    bench.wg(
        "set", "wg0", "peer", peer, "preshared-key", "/dev/stdin", "endpoint", "192.0.2.7:1234",
        "persistent-keepalive", "0", "allowed-ips", "10.7.0.0/16,fd07::/64", stdin=psk + "\n",
    )  # fmt: skip
    assert bench.show("peers") == peer
    assert bench.show("preshared-keys") == f"{peer}\t{psk}"
    assert bench.show("endpoints") == f"{peer}\t192.0.2.7:1234"
    shown, prefixes = bench.show("allowed-ips").split("\t")
    assert shown == peer and sorted(prefixes.split()) == ["10.7.0.0/16", "fd07::/64"], prefixes
    assert bench.show("latest-handshakes") == f"{peer}\t0"
    assert bench.show("transfer").split("\t")[0] == peer
    assert bench.show("persistent-keepalive") == f"{peer}\toff"
    device, line = bench.dump()
    assert device == [bench.private[0], public_key(bench.private[0]), "8172", "off"], device
    assert line[:3] == [peer, psk, "192.0.2.7:1234"] and line[4:] == ["0", "0", "0", "off"], line
    assert bench.wg("show", "all", "peers").out == f"wg0\t{peer}\n"
    assert bench.wg("show", "all", "dump").out.splitlines()[1] == "wg0\t" + "\t".join(line)
    for words in (["show"], ["show", "wg0"], ["show", "all"]):
        text = bench.wg(*words).out
        assert all(part in text for part in (f"peer: {peer}", "endpoint: 192.0.2.7:1234", "10.7.0.0/16")), text
    conf = bench.wg("showconf", "wg0").out
    assert all(part in conf for part in (bench.private[0], peer, psk, "ListenPort = 8172", "fd07::/64")), conf
    bench.forget_peers()
    assert bench.show("peers") == ""


def private_keys(bench):
    """A key reads back clamped; a zero key removes it; the same key again changes nothing."""
    bench.wg("set", "wg0", "private-key", "/dev/stdin", stdin=base64.b64encode(b"\xff" * 32).decode() + "\n")
    clamped = b"\xf8" + b"\xff" * 30 + b"\x7f"
    assert base64.b64decode(bench.show("private-key")) == clamped
    bench.wg("set", "wg0", "private-key", "/dev/stdin", stdin=base64.b64encode(bytes(32)).decode() + "\n")
    assert bench.show("private-key") == "(none)" and bench.show("public-key") == "(none)"
    bench.wg("set", "wg0", "private-key", "/dev/stdin", stdin=bench.private[0] + "\n")
    assert bench.show("private-key") == bench.private[0]


def own_public_key(bench):
    """A peer that is ourselves is ignored, and one that becomes ourselves is removed."""
    bench.wg("set", "wg0", "peer", public_key(bench.private[0]), "allowed-ips", "10.1.0.0/16")
    assert bench.show("peers") == ""
    other = private_key()
    bench.wg("set", "wg0", "peer", public_key(other), "allowed-ips", "10.1.0.0/16")
    bench.wg("set", "wg0", "private-key", "/dev/stdin", stdin=other + "\n")
    assert bench.show("peers") == ""
    bench.wg("set", "wg0", "private-key", "/dev/stdin", stdin=bench.private[0] + "\n")


def ports_and_marks(bench):
    def listens(port):
        return f":{port} " in bench.near.run("ss -ulpn").out

    bench.wg("set", "wg0", "listen-port", "9000")
    assert bench.show("listen-port") == "9000" and listens(9000) and not listens(8172)
    bench.wg("set", "wg0", "listen-port", "0")
    port = int(bench.show("listen-port"))
    assert port not in (0, 9000) and listens(port)

    def occupy():
        other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        other.bind(("0.0.0.0", 8173))
        return other

    with bench.near.call(occupy):
        result = bench.wg("set", "wg0", "listen-port", "8173", "fwmark", "5", check=False)
        assert result.status == 1 and "Address already in use" in result.out, result.out
        assert bench.show("listen-port") == str(port) and listens(port) and bench.show("fwmark") == "off"
    bench.wg("set", "wg0", "fwmark", "0xca6c", "listen-port", "8172")
    assert bench.show("fwmark") == "0xca6c" and bench.show("listen-port") == "8172"
    bench.wg("set", "wg0", "fwmark", "off")
    assert bench.show("fwmark") == "off"


def prefixes_move(bench):
    """A prefix has one owner: the last that asked."""
    one, two = key("one"), key("two")

    def owned():
        return dict(line.split("\t") for line in bench.show("allowed-ips").splitlines())

    bench.wg("set", "wg0", "peer", one, "allowed-ips", "10.1.0.0/16,10.2.0.0/16")
    bench.wg("set", "wg0", "peer", two, "allowed-ips", "10.2.3.4/16")
    assert owned() == {one: "10.1.0.0/16", two: "10.2.0.0/16"}, owned()
    bench.wg("set", "wg0", "peer", one, "allowed-ips", "")
    assert owned() == {one: "(none)", two: "10.2.0.0/16"}, owned()
    assert bench.ask(f"set=1\npublic_key={to_hex(two)}\nallowed_ip=-10.2.0.0/16\n\n") == "errno=0\n\n"
    assert owned()[two] == "(none)"
    assert bench.ask(f"set=1\npublic_key={to_hex(key('no'))}\nupdate_only=true\nallowed_ip=::/0\n\n") == "errno=0\n\n"
    assert set(owned()) == {one, two}
    bench.forget_peers()


def endpoints(bench):
    for endpoint in ("192.0.2.7:1", "[2001:db8::7]:65535", "[fe80::2%eth0]:8172"):
        bench.wg("set", "wg0", "peer", key("one"), "endpoint", endpoint)
        shown = bench.show("endpoints").split("\t")[1]
        assert shown == endpoint, shown
    bench.forget_peers()


def configuration_files(bench):
    """showconf's output, set again, is the same configuration; addconf adds; syncconf takes away."""
    bench.wg(
        "set", "wg0", "peer", key("one"), "allowed-ips", "10.1.0.0/16", "endpoint", "192.0.2.7:1",
        "persistent-keepalive", "30", "peer", key("two"), "allowed-ips", "fd07::/64,10.2.0.0/16",
    )  # fmt: skip
    conf = bench.wg("showconf", "wg0").out
    before = sorted(bench.dump())
    for verb in ("setconf", "syncconf", "addconf"):
        bench.wg(verb, "wg0", "/dev/stdin", stdin=conf)
        assert sorted(bench.dump()) == before, verb
    bench.wg("addconf", "wg0", "/dev/stdin", stdin=f"[Peer]\nPublicKey = {key('three')}\nAllowedIPs = 10.3.0.0/16\n")
    assert sorted(bench.show("peers").split()) == sorted(key(name) for name in ("one", "two", "three"))
    bench.wg("syncconf", "wg0", "/dev/stdin", stdin=conf)
    assert sorted(bench.dump()) == before
    bench.wg("setconf", "wg0", "/dev/stdin", stdin=f"[Interface]\nPrivateKey = {bench.private[0]}\nListenPort = 8172\n")
    assert bench.show("peers") == ""


def mistakes(bench):
    """Whatever is wrong with a request, nothing of it is applied."""
    bench.wg("set", "wg0", "peer", key("one"), "allowed-ips", "10.1.0.0/16")
    before = bench.dump()
    good = f"set=1\nlisten_port=7777\nfwmark=9\nreplace_peers=true\npublic_key={to_hex(key('x'))}\n"
    table = [
        ("rubbish\n\n", "errno=-71\n\n"),
        ("allowed_ip=10.0.0.0/33\n\n", "errno=-22\n\n"),
        ("endpoint=example.org:1\n\n", "errno=-22\n\n"),
        ("endpoint=[fe80::1%nowhere]:1\n\n", "errno=-22\n\n"),
        ("preshared_key=12\n\n", "errno=-22\n\n"),
        ("private_key=" + "0" * 64 + "\n\n", "errno=-22\n\n"),
        ("protocol_version=2\n\n", "errno=-22\n\n"),
        ("endpoint=" + "1" * 90000 + ":5\n\n", "errno=-22\n\n"),
        ("persistent_keepalive_interval=65536\n\n", "errno=-22\n\n"),
        ("allowed_ip=10.9.0.0/16\n", ""),  # no blank line: cut off
    ]
    for rest, reply in table:
        assert bench.ask(good + rest) == reply, (rest, reply)
        assert bench.dump() == before, rest
    for request in ("rubbish\n\n", "get=2\n\n", "\0\0\0\n", "x" * 9000):
        assert bench.ask(request) == "", request
    assert bench.ask("get=1\n\nget=1\n\n").count("public_key=") >= 1
    noise = random.Random(1)
    for _ in range(200):
        bench.ask(b"set=1\n" + noise.randbytes(noise.randrange(300)) + b"\n\n")
    assert bench.dump() == before
    bench.forget_peers()


def meet(bench):
    """Peers of each other, by wg(8) alone: keepalive turned on sends at once."""
    for n in (0, 1):
        bench.wg(
            "set", "wg0", "peer", public_key(bench.private[1 - n]), "allowed-ips", f"10.0.1.{2 - n}/32", node=n
        )  # fmt: skip
    peer = public_key(bench.private[1])
    bench.wg("set", "wg0", "peer", peer, "endpoint", "[fe80::2%eth0]:8172")
    assert bench.show("latest-handshakes").endswith("\t0")
    bench.wg("set", "wg0", "peer", peer, "persistent-keepalive", "1000")
    wait_for(lambda: not bench.show("latest-handshakes").endswith("\t0"), 5, what="a handshake on keepalive")


def patient_client(bench):
    """A connection may rest between requests for longer than a request may take."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(60)
        client.connect(bench.near.path(SOCKET))
        for pause in (0, 6):
            time.sleep(pause)
            client.sendall(b"get=1\n\n")
            assert client.recv(65536).endswith(b"errno=0\n\n"), pause


def talk(bench):
    """Keys and endpoints from wg(8) alone make a tunnel."""
    meet(bench)
    assert bench.near.ping("10.0.1.2", count=3).ok
    assert abs(time.time() - int(bench.show("latest-handshakes").split("\t")[1])) < 100
    received, sent = map(int, bench.show("transfer").split("\t")[1:])
    assert received > 3 * 96 and sent > 3 * 96, (received, sent)
    far = bench.show("endpoints", node=1).split("\t")[1]
    assert far.startswith("[fe80:") and far.endswith("%eth0]:8172"), far
    bench.forget_peers()


def sync_keeps_sessions(bench):
    """syncconf and an unchanged key leave a session alone; setconf starts anew, as the kernel does."""
    meet(bench)
    pings = Pings(bench.near, "10.0.1.2", interval=0.05)
    before = bench.show("latest-handshakes")
    conf = bench.wg("showconf", "wg0").out
    for _ in range(10):
        bench.wg("syncconf", "wg0", "/dev/stdin", stdin=conf)
        bench.wg("set", "wg0", "private-key", "/dev/stdin", stdin=bench.private[0] + "\n")
        bench.wg("set", "wg0", "peer", key("passing"), "allowed-ips", "10.9.0.0/16")
    lost = pings.lost(60)
    assert not lost, lost
    assert bench.show("latest-handshakes").splitlines()[0] == before
    counted = int(bench.show("transfer").splitlines()[0].split("\t")[2])
    bench.wg("setconf", "wg0", "/dev/stdin", stdin=conf)
    assert int(bench.show("transfer").split("\t")[2]) < counted, "counters start anew with the peer"
    assert bench.near.ping("10.0.1.2", count=2).ok, "a session again after setconf"
    bench.forget_peers()


def start_wireguard_go(bench):
    """Make the bench's third node one with wireguard-go."""
    if not shutil.which("wireguard-go"):
        raise Skip("wireguard-go is not installed")
    go = Node("go")
    go.popen("wireguard-go", "-f", "wg0", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: listening(go.path(SOCKET)), what="wireguard-go's socket")
    bench.nodes.append(go)


# Values at the edge of what a key may have; set=1 and, for those of a peer, its public key come before them.
DEVICE_VALUES = {
    "private_key": ("", "0", "0" * 63, "0" * 64, "0" * 66, "G" * 64, "A" * 64),
    "listen_port": ("", "0", "-1", "+1", "65536", " 1", "1 ", "0x10", "1_000"),
    "fwmark": ("", "0", "off", "0x10", "4294967295", "4294967296"),
    "replace_peers": ("", "1", "True", "false", "true"),
    "public_key": ("", "0" * 64, "1" * 63),
    "preshared_key": ("1" * 64,),
    "protocol_version": ("1",),
    "errno": ("0",),
    "": ("", "x"),
}
PEER_VALUES = {
    "update_only": ("false", "true"),
    "remove": ("false", "true"),
    "preshared_key": ("", "f" * 64, "0" * 64, "0" * 62),
    "endpoint": (
        "", ":5", "1.2.3.4", "1.2.3.4:", "1.2.3.4:0", "1.2.3.4:05", "1.2.3.4:+5", "1.2.3.4:65536", "1.2.3.4:http",
        "[1.2.3.4]:5", "1.2.3.4%eth0:5", "::1:5", "[::1]", "[::1]:5", "[fe80::1%]:5", "1" * 5000 + ":5",
    ),
    "persistent_keepalive_interval": ("", "0", "off", "-1", "65535", "65536"),
    "replace_allowed_ips": ("", "false", "true"),
    "allowed_ip": (
        "", "/32", "-", "1.2.3.4", "1.2.3.4/", "1.2.3.4/-1", "1.2.3.4/33", "1.2.3.4/032", "01.2.3.4/32", "1.2.3/24",
        "1.2.3.4/32 ", "1.2.3.4/32\0", "::1/128", "::1/129", "::ffff:1.2.3.4/104", "fe80::1%eth0/128", "::/0",
        "0.0.0.0/0",
    ),
    "protocol_version": ("", "1", "2"),
    "private_key": ("1" * 64,),
    "listen_port": ("1",),
    "replace_peers": ("true",),
    "rx_bytes": ("1",),
    "set": ("1",),
}  # fmt: skip


def values_beside_wireguard_go(bench):
    """What a value is answered with, and what becomes of it, is as with wireguard-go."""
    start_wireguard_go(bench)
    peer = f"public_key={to_hex(key('edge'))}\n"
    requests = [f"set=1\n{name}={value}\n\n" for name, values in DEVICE_VALUES.items() for value in values]
    requests += [f"set=1\n{peer}{name}={value}\n\n" for name, values in PEER_VALUES.items() for value in values]
    requests += [f"set=1\n{peer}{text}\n\n" for text in ("rubbish", "\0", "x" * 5000 + "=", "allowed_ip")]
    requests += ["get=1\nx\n", "set=1\n\n", "get=2\n\n", "\n", "set=1\n" + peer + "\n"]

    def state(node):
        device, *peers = bench.dump(node)
        return device[:2] + device[3:], sorted([*row[:3], sorted(row[3].split(",")), row[7]] for row in peers)

    for node in (0, 2):
        bench.ask("set=1\nprivate_key=" + "0" * 64 + "\nreplace_peers=true\nfwmark=0\n\n", node)
    for request in requests:
        # the peer is there before: wireguard-go keeps what came before a mistake, we do not
        replies = [bench.ask(f"set=1\n{peer}\n", node) + bench.ask(request, node) for node in (0, 2)]
        assert replies[0] == replies[1], (request[:200], replies)
        assert state(0) == state(2), f"{request[:200]}\n{state(0)}\n{state(2)}"
    bench.nodes.pop().close()
    text = f"set=1\nprivate_key={to_hex(bench.private[0])}\nlisten_port=8172\nreplace_peers=true\nfwmark=0\n\n"
    assert bench.ask(text) == "errno=0\n\n"


def beside_wireguard_go(bench):
    """A random sequence of requests leaves us and wireguard-go with the same configuration."""
    start_wireguard_go(bench)
    noise = random.Random(7)
    keys = [to_hex(key(name)) for name in "abcd"] + [to_hex(public_key(bench.private[0]))]
    private = f"private_key={to_hex(bench.private[0])}\n"

    def prefix():
        length = noise.choice((0, 8, 16, 24, 32))
        return f"10.{noise.randrange(3)}.{noise.randrange(3)}.{noise.randrange(2)}/{length}"

    def line():
        return noise.choice(
            (
                lambda: f"allowed_ip={prefix()}\n",
                lambda: f"allowed_ip={prefix()}\n",
                lambda: f"allowed_ip=fd00:{noise.randrange(4)}::/{noise.choice((0, 32, 33, 64))}\n",
                lambda: f"endpoint=192.0.2.{noise.randrange(9)}:{noise.randrange(1, 9)}\n",
                lambda: f"endpoint=[2001:db8::{noise.randrange(9)}]:1\n",
                lambda: f"preshared_key={noise.randbytes(32).hex()}\n",
                lambda: f"preshared_key={'0' * 64}\n",
                lambda: f"persistent_keepalive_interval={noise.choice((0, 0, 3600))}\n",
                lambda: "replace_allowed_ips=true\n",
                lambda: "update_only=true\n",
                lambda: "remove=true\n" if noise.random() < 0.3 else "protocol_version=1\n",
            )
        )()

    def request():
        text = "set=1\n" + noise.choice((private, "", "", f"fwmark={noise.randrange(3)}\n"))
        text += "replace_peers=true\n" if noise.random() < 0.05 else ""
        for _ in range(noise.randrange(3)):
            text += f"public_key={noise.choice(keys)}\n"
            text += "".join(line() for _ in range(noise.randrange(6)))
        return text + "\n"

    def state(node):
        rows = bench.dump(node)
        device = [rows[0][0], rows[0][1], rows[0][3]]
        return device, sorted([*row[:3], ",".join(sorted(row[3].split(","))), row[7]] for row in rows[1:])

    for node in (0, 2):
        assert bench.ask("set=1\n" + private + "replace_peers=true\nfwmark=0\n\n", node) == "errno=0\n\n"
    for number in range(150):
        text = request()
        replies = [bench.ask(text, node) for node in (0, 2)]
        assert replies[0] == replies[1], (number, text, replies)
        assert state(0) == state(2), f"{number}:\n{text}\n{state(0)}\n{state(2)}"
    bench.nodes.pop().close()
    bench.ask("set=1\nreplace_peers=true\nfwmark=0\n\n")


def many(bench):
    """1,000 peers and 130,000 allowed IPs load, show and go; bench/wg-tables measures how fast."""
    lines = [f"[Interface]\nPrivateKey = {bench.private[0]}\nListenPort = 8172\n"]
    for peer in range(1000):
        prefixes = ", ".join(f"10.{peer >> 2}.{(peer & 3) << 6 | i >> 2}.{(i & 3) << 6}/26" for i in range(130))
        lines.append(f"[Peer]\nPublicKey = {key(f'peer-{peer}')}\nAllowedIPs = {prefixes}\n")
    start = time.monotonic()
    bench.wg("setconf", "wg0", "/dev/stdin", stdin="\n".join(lines))
    loaded = time.monotonic()
    rows = bench.dump()
    shown = time.monotonic()
    assert len(rows) == 1001 and sum(len(row[3].split(",")) for row in rows[1:]) == 130000
    print(f"  loaded in {loaded - start:.1f} s, shown in {shown - loaded:.1f} s")
    bench.ask("set=1\nreplace_peers=true\n\n")
    assert bench.show("peers") == ""


def nothing_left(bench):
    left = difference(bench.before, snapshot(bench.near))
    assert left in ("", "+ ./wireguard"), left


def removed_socket(bench):
    """Removing the socket's file ends it, and nothing is left behind."""
    bench.near.run("rm", SOCKET)
    assert bench.wait_end(0) == 0
    nothing_left(bench)


def removed_interface(bench):
    """Deleting the interface ends wirespan-wg; a site makes it again, with the same port and key."""
    if not os.path.exists(bench.near.path(SOCKET)):
        bench.start(0)
    assert bench.show("listen-port") == "8172"
    before = index(bench)
    bench.near.run("ip link del wg0")
    if type(bench) is DropInBench:
        assert bench.wait_end(0) == 0
    else:
        wait_for(lambda: index(bench) not in ("", before), what="another wg0")
        assert bench.show("listen-port") == "8172"
        assert bench.show("public-key") == public_key(bench.private[0])
        bench.gateways[0].stop()
    assert not os.path.exists(bench.near.path(SOCKET))
    nothing_left(bench)


def index(bench):
    """The ifindex of wg0, or "" while there is none."""
    return bench.near.run("cat /sys/class/net/wg0/ifindex", check=False).out


def stopped(bench):
    """Ending it by a signal takes the socket away."""
    bench.gateways[1].stop()
    assert not os.path.exists(bench.nodes[1].path(SOCKET))


CASES = [
    ("show in all its forms", show_forms),
    ("private keys", private_keys),
    ("our own public key", own_public_key),
    ("ports and marks", ports_and_marks),
    ("allowed IPs move between peers", prefixes_move),
    ("endpoints", endpoints),
    ("showconf, setconf, addconf, syncconf", configuration_files),
    ("mistakes change nothing", mistakes),
    ("a patient client", patient_client),
    ("a tunnel by wg alone", talk),
    ("syncconf keeps sessions", sync_keeps_sessions),
    ("the same as wireguard-go", beside_wireguard_go),
    ("values as wireguard-go takes them", values_beside_wireguard_go),
    ("1,000 peers, 130,000 allowed IPs", many),
    ("removing the socket ends it", removed_socket),
    ("deleting the interface", removed_interface),
    ("a signal ends it", stopped),
]


def main():
    suite = Suite("uapi")
    for program, kind in (("wirespan", Bench), ("wirespan-wg", DropInBench)):
        bench = kind()
        suite.diagnose_with(bench.diagnostics)
        for name, function in CASES:
            suite.run(f"{program}: {name}", function, bench)
        bench.close()
    suite.finish()


if __name__ == "__main__":
    main()
