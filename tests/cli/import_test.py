#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`wirespan import`: the inverse of `wirespan script`, each format, and what it refuses."""

import base64
import os
import re
import stat
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import foreign
from lib.reference import Pseudowire, handmade_commands, make_sites, new_key, wirespan_conf
from lib.runner import Suite
from lib.wirespan import find_binary
from vm.interop_test import VARIANTS

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


class Bench:
    """A folder that only root can enter, and two sites with keys."""

    def __init__(self):
        self.binary = find_binary()
        self.canonical = os.path.join(os.path.dirname(self.binary), "..", "..", "tests", "tools", "canonical")
        self.holder = tempfile.TemporaryDirectory()
        self.folder = self.holder.name
        self.one, self.two = make_sites()

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(os.open(self.path(name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
        return self.path(name)

    def read(self, name):
        with open(self.path(name)) as file:
            return file.read()

    def run(self, *words):
        """Return: exit status, stdout, stderr."""
        result = subprocess.run(
            [self.binary, *words], cwd=self.folder, capture_output=True, text=True, timeout=60
        )
        return result.returncode, result.stdout, result.stderr

    def take(self, *files, name="out", status=0):
        """Import files. Return: the notes."""
        code, out, err = self.run("import", "--force", "--name", name, *files)
        assert code == status, f"exit {code}\n{out}{err}"
        return out

    def meaning(self, name):
        """Return: the canonical text of a file, with its keys."""
        result = subprocess.run([self.canonical, name], cwd=self.folder, capture_output=True, text=True, timeout=60)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def same(self, expected, got, what):
        wanted, found = self.meaning(expected), self.meaning(got)
        assert found == wanted, f"{what}\n--- expected\n{wanted}--- found\n{found}"


ALL = {
    **VARIANTS,
    "plain": Pseudowire(),
    "a session at 1500": Pseudowire(session_mtu=1500),
    "a session at 1500, IPv6 inside": Pseudowire(session_mtu=1500, family=6),
    "everything": Pseudowire(
        cookies=("01020304", "a1a2a3a4a5a6a7a8"), sequence="send", preshared=new_key(), encap="ip"
    ),
}


def script_and_back(bench):
    """import(script(file)) equals the file, with keys in the script and without, whatever the path's MTU."""
    for name, wire in ALL.items():
        bench.write("site.conf", wirespan_conf(bench.one, bench.two, wire, keepalive=25, extra="SplitHorizon = yes"))
        more = (("--keys",), ("--underlay", "1400"), ("--underlay", "9000")) if name == "plain" else ()
        for options in ((), *more):
            code, text, err = bench.run("script", *options, "site.conf")
            assert code == 0, err
            bench.write("site.sh", text)
            bench.take("site.sh")
            bench.same("site.conf", "out.conf", f"{name} {options}\n{text}")


HOOKS = """[Interface]
Name = wg7
PrivateKey = {one.private}
Address = 10.0.1.11/24
FwMark = {mark}
Table = {table}
MTU = 1440
DNS = 10.0.0.53, example.org, example.com
PreUp = echo before; echo 'two' # a comment
PreUp = echo again
PostUp = for i in 1 2; do echo $i; done
PreDown = echo "down" && true
PostDown = echo after
[Peer]
PublicKey = {two.public}
Endpoint = [2001:db8::1]:8172
AllowedIPs = 10.0.1.21/32, 10.9.0.0/16, {prefix}
[Peer]
PublicKey = +KR6xCvxk3MZ1Y/4a8R5sXS5I2mNzVZoa3Yox5n6qG0=
Endpoint = vpn.example.org:1
AllowedIPs = 10.0.1.31/32
[L2TP]
TunnelId = 1
PeerTunnelId = 2
Remote = 10.0.1.21
UDPSourcePort = 1702
UDPDestinationPort = 1703
UDPChecksum = yes
[L2TPSession]
Name = pw0
SessionId = 3
PeerSessionId = 4
Bridge = br0
[L2TPSession]
Name = pw1
SessionId = 5
PeerSessionId = 6
MTU = 1386
Bridge = none
[L2TP]
TunnelId = 7
PeerTunnelId = 8
Remote = 10.0.1.31
[L2TPSession]
Name = pw2
SessionId = 9
PeerSessionId = 10
Bridge = br1
[Bridge]
Name = br0
Address = 10.0.2.11/24
Member = eth1
Member = eth2
STP = yes
MulticastSnooping = yes
ForwardControl = lldp, eapol
[Bridge]
Name = br1
Adopt = yes
Member = eth3
"""


def script_and_back_in_full(bench):
    """Hooks, routes, tables, DNS, and bridges of ours and of others."""
    for mark, table, prefix in (
        ("off", "auto", "10.8.0.0/16"),
        ("off", "auto", "0.0.0.0/0"),
        ("0x10", "auto", "::/0"),
        ("0x10", "42", "0.0.0.0/0"),
        ("off", "off", "10.8.0.0/16"),
    ):
        text = HOOKS.format(one=bench.one, two=bench.two, mark=mark, table=table, prefix=prefix)
        bench.write("site.conf", text)
        code, script, err = bench.run("script", "site.conf")
        assert code == 0, err
        bench.write("site.sh", script)
        bench.take("site.sh")
        bench.same("site.conf", "out.conf", f"{mark} {table}\n{script}")


def handmade(bench):
    """The scripts that the tests set up a kernel with, for each variant: the same site as our own file."""
    for name, wire in ALL.items():
        near, far = bench.two, bench.one
        bench.write("vpn02.key", near.private + "\n")
        bench.write("vpn02.psk", (wire.preshared or near.private) + "\n")
        bench.write("hand.sh", handmade_commands(near, far, wire, folder=bench.folder))
        notes = bench.take("hand.sh")
        conf = wirespan_conf(near, far, wire)
        conf = conf.replace(f"PrivateKey = {near.private}", f"PrivateKeyFile = {bench.path('vpn02.key')}")
        if wire.preshared:
            conf = conf.replace(f"PresharedKey = {wire.preshared}", f"PresharedKeyFile = {bench.path('vpn02.psk')}")
        bench.write("site.conf", conf)
        bench.same("site.conf", "out.conf", f"{name}\n{notes}")


SHELL = """#!/bin/bash
# our line to the other site
set -e
WG=wg0
REMOTE=10.0.1.21
sysctl -w net.ipv4.ip_forward=1
ip l2tp add tunnel tunnel_id 3939 peer_tunnel_id 3940 local 10.0.1.11 remote "$REMOTE" \\
    encap udp udp_sport 1701 udp_dport 1701   # the tunnel
ip l2tp add session tunnel_id 3939 session_id 3941 peer_session_id 3942 cookie $(cat /etc/cookie)
ip link set l2tpeth0 mtu 1386 up && ip link set dev l2tpeth0 master vmbr0
ip link set eth1 master vmbr0
ip addr add 192.168.7.1/24 dev eth0
iptables -A INPUT -i ${WG} -j ACCEPT
"""


def wg_quick_and_script(bench):
    """wg-quick's file with SaveConfig and a script make one site, which validates; the report has each line."""
    bench.write(
        "wg0.conf",
        f"""[Interface]
Address = 10.0.1.11/24
SaveConfig = true
ListenPort = 8172
PrivateKey = {bench.one.private}
PostUp = iptables -A INPUT -p udp --dport 8172 -j ACCEPT
Jc = 4

[Peer]
# the other site
PublicKey = {bench.two.public}
AllowedIPs = 10.0.1.21/32
Endpoint = 192.168.122.32:8172
""",
    )
    bench.write("line.sh", SHELL)
    notes = bench.take("wg0.conf", "line.sh", name="vpn01")
    assert bench.one.private not in notes, "keys are hidden"
    expected = """wg0.conf: wg-quick
line.sh: shell script
wg0.conf:1: imported: [Interface] Name = wg0
wg0.conf:2: imported: [Interface] Address = 10.0.1.11/24
wg0.conf:3: dropped: SaveConfig: wirespan never writes to the file: edit it and run wirespan reload
wg0.conf:4: imported: [Interface] ListenPort = 8172
wg0.conf:5: imported: [Interface] PrivateKey = (hidden)
wg0.conf:6: imported: [Interface] PostUp = (hidden)
wg0.conf:7: dropped: Jc: it is of AmneziaWG, whose messages are not WireGuard's: the peer must use WireGuard
wg0.conf:11: imported: [Peer] PublicKey = %s
wg0.conf:12: imported: [Peer] AllowedIPs = 10.0.1.21/32
wg0.conf:13: imported: [Peer] Endpoint = 192.168.122.32:8172
line.sh:3: dropped: a part of the script, not of the network
line.sh:6: dropped: the site sets what it needs itself; if this is for something else, add it as PostUp
line.sh:7: imported: [L2TP] EncapsulationType = udp, Local = 10.0.1.11, PeerTunnelId = 3940, Remote = 10.0.1.21, TunnelId = 3939, UDPDestinationPort = 1701, UDPSourcePort = 1701
line.sh:9: imported: [L2TPSession] Name = l2tpeth0, PeerSessionId = 3942, SessionId = 3941
line.sh:9: dropped: Cookie: its value is known only while the script runs
line.sh:10: imported: [L2TPSession] Bridge = vmbr0
line.sh:10: changed: [Bridge] Name = vmbr0, Adopt = yes: it exists without the site, which joins it and does not own it
line.sh:10: changed: [L2TPSession] MTU = auto: wirespan carries larger frames in fragments, so members keep MTU 1500
line.sh:11: imported: [Bridge] Member = eth1
line.sh:12: dropped: Address of "eth0": the interface is not a part of the site
line.sh:13: dropped: "iptables" is not a command of the network: if the site needs it, add it as PostUp

./vpn01.conf
""" % bench.two.public
    assert notes == expected, notes
    status, _, err = bench.run("validate", "--offline", "vpn01.conf")
    assert status == 0, err
    mode = stat.S_IMODE(os.stat(bench.path("vpn01.conf")).st_mode)
    assert mode == 0o600, oct(mode)


def dead_keys(bench):
    """Keys that can never work, which wg(8) takes or leaves out in silence, are reported as `validate` does."""
    own = subprocess.run(
        [bench.binary, "pubkey"], input=bench.one.private + "\n", capture_output=True, text=True, timeout=60
    ).stdout.strip()
    peer = f"[Peer]\nPublicKey = {own}\nAllowedIPs = 10.9.0.0/16\n"
    bench.write("wg0.conf", f"[Interface]\nPrivateKey = {bench.one.private}\n{peer}")
    status, out, err = bench.run("import", "--force", "--name", "own", "wg0.conf")
    assert status == 1 and "PublicKey is this site's own" in err, out + err
    zero = base64.b64encode(bytes(32)).decode()
    bench.write("wg0.conf", f"[Interface]\nPrivateKey = {bench.one.private}\n{peer.replace(own, zero)}")
    status, out, err = bench.run("import", "--force", "--name", "own", "wg0.conf")
    assert status == 1 and "PublicKey is all zero" in err, out + err


def refusals(bench):
    """Nothing is overwritten or written for a file that is not understood; an incomplete site is reported."""
    bench.write("full.conf", "keep me\n")
    bench.write("hand.sh", "ip link add wg0 type wireguard\nwg set wg0 listen-port 1\n")
    status, out, err = bench.run("import", "--name", "full", "hand.sh")
    assert status == 1 and "is there already: nothing was written" in err, err
    assert bench.read("full.conf") == "keep me\n"
    status, out, err = bench.run("import", "--name", "new", "hand.sh")
    assert status == 1 and "was written, but is not complete" in err and "PrivateKey" in err, err
    assert "ListenPort = 1" in bench.read("new.conf")
    status, out, err = bench.run("import", "--dry-run", "--name", "dry", "hand.sh")
    assert not os.path.exists(bench.path("dry.conf")), out
    for text, words in (
        ("hello\n", "its format is not recognised"),
        ("", "its format is not recognised"),
        ("[Interface]\nPrivateKey = x\n[L2TP]\nTunnelId = 1\n", "a file of wirespan already"),
        ("#!/bin/sh\0\n", "binary"),
        ("ip a a 1 dev a\n" * ((1 << 19) + 1), "state more than 524288 things: nothing was written"),
        ("#" * (17 << 20), "larger than 16 MiB"),
    ):
        bench.write("bad", text)
        status, out, err = bench.run("import", "--name", "bad", "bad")
        assert status == 1 and words in err, (text[:40], err)
        assert not os.path.exists(bench.path("bad.conf"))
    status, out, err = bench.run("import", "--name", "bad", "missing")
    assert status == 1 and "cannot read missing: No such file" in err, err
    status, out, err = bench.run("import", "--interface", "wg9", "--name", "bad", "hand.sh")
    assert status == 1 and "no file has the WireGuard interface wg9" in err, err
    for words, problem in (
        ((), "name one file or more"),
        (("-n", "a/b", "x"), "not a path"),
        (("-i", "a b", "x"), "the name of an interface"),
    ):
        status, out, err = bench.run("import", *words)
        assert status == 2 and problem in err, err


PREFIXES = {"%K1%": 1, "%K2%": 2, "%P1%": 3, "%P2%": 4, "%PSK%": 5}


def with_keys(text):
    """Return: the text of foreign.py, with keys in place of their names."""
    for name, number in PREFIXES.items():
        text = text.replace(name, base64.b64encode(bytes([8 * number]) * 31 + b"\x40").decode())
    return text


def lines_with_values(text):
    """Return: the numbers of lines that have a value or are a command: a note is due on each."""
    numbers, continued, heads = set(), False, ("#", ";", "[", "}", "/*", "//", "\ufeff", "config ")
    sections = re.search(r"^\ufeff?\[", text, re.M)
    for number, line in enumerate(text.split("\n"), 1):
        line = line.strip()
        head = line.startswith(heads) or line.endswith("{") or re.fullmatch(r"/[a-z0-9 /-]+|", line)
        assigns = not sections and re.fullmatch(r"\w+=\S*", line)
        if not head and not assigns and not continued:
            numbers.add(number)
        continued = line.endswith("\\")
    return numbers


def noted(notes, name):
    """Return: the numbers of the lines of a file that notes are on."""
    numbers = set()
    for first, last in re.findall(rf"^{re.escape(name)}:(\d+)(?:-(\d+))?: (?:imported|changed|dropped): ", notes, re.M):
        numbers.update(range(int(first), int(last or first) + 1))
    return numbers


def foreign_files(bench):
    """Files as people have them: no line with a value is without a note, and no note has a key that is secret."""
    sets = [(what, {name: text}, lines, notes) for what, name, text, lines, notes in foreign.FILES]
    sets.append(("systemd-networkd's", foreign.NETWORKD, foreign.NETWORKD_LINES, foreign.NETWORKD_NOTES))
    for what, files, lines, expected in sets:
        for name, text in files.items():
            bench.write(name, with_keys(text))
        code, out, err = bench.run("import", "--force", "--name", "out", *files)
        assert code == 0 or "was written, but is not complete" in err, f"{what}: {out}{err}"
        for name, text in files.items():
            missing = lines_with_values(text) - noted(out, name)
            shown = [text.split("\n")[number - 1] for number in missing]
            assert not missing, f"{what}: no note on {name}:{missing}: {shown}\n{out}"
        written = bench.read("out.conf").splitlines()
        for line in lines:
            assert line in written, f"{what}: {line} is not in\n" + "\n".join(written) + f"\n{out}"
        for note in expected:
            assert re.search(rf"^(\S+:)?{re.escape(note)}", out, re.M), f"{what}: {note}: not in\n{out}"
        for secret in ("%K1%", "%K2%", "%PSK%"):
            assert with_keys(secret) not in out + err, what


def main():
    suite = Suite("import")
    box = {}
    if not suite.setup("two sites with keys", lambda: box.update(bench=Bench())):
        suite.finish()
    for name, case in (
        ("script and back", script_and_back),
        ("script and back, in full", script_and_back_in_full),
        ("handmade scripts", handmade),
        ("a wg-quick file and a script", wg_quick_and_script),
        ("files as people have them", foreign_files),
        ("keys that never work", dead_keys),
        ("refusals", refusals),
    ):
        suite.run(name, case, box["bench"])
    suite.finish()


if __name__ == "__main__":
    main()
