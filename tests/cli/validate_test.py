#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""validate on files that people write: what it accepts, and what it reports, with the hint."""

import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
from lib.runner import Suite, cleanup
from lib.wirespan import find_binary

PRIVATE = "+KR6xCvxk3MZ1Y/4a8R5sXS5I2mNzVZoa3Yox5n6qG0="
PEER = "plQhgah/od+4eyAutHMahlotYnHdMg3A2m7MGNzSqSo="

BASE = f"""[Interface]
PrivateKey = {PRIVATE}
ListenPort = 8172
Address = 10.0.1.11/24
[Peer]
PublicKey = {PEER}
Endpoint = 192.0.2.32:8172
AllowedIPs = 10.0.1.21/32
[L2TP]
TunnelId = 3939
PeerTunnelId = 3940
Remote = 10.0.1.21
[L2TPSession]
SessionId = 3941
PeerSessionId = 3942
[Bridge]
Address = 10.0.2.11/24
"""

WG_QUICK = f"""# a file of wg-quick(8), with what people write
[interface]
Address = 10.0.1.11/24,fd00:1::11/64
address=10.0.9.11
ListenPort=8172
PrivateKey={PRIVATE}
MTU = 1420
DNS = 10.0.1.1, corp.example
Table = 1234
FwMark = 0xca6c
SaveConfig = true
PreUp = true
PostUp = iptables -A FORWARD -i %i -j ACCEPT; iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE
PostDown = iptables -D FORWARD -i %i -j ACCEPT

[PEER]
PublicKey={PEER} # the office
PresharedKey = 4AIb6i+kAestJ85t7KYTtElDFGN5CGP3xeDaoYFsNkE=
AllowedIPs = 10.0.1.21/32, fd00:1::21/128
AllowedIPs =
Endpoint = office.example:8172
PersistentKeepalive = off
"""

# Mistakes: (line of BASE, what stands there instead, severity, a part of the message, a part of the hint).
MISTAKES = [
    (f"PublicKey = {PEER}", f"PublicKey = {PRIVATE}", "error", "PublicKey is this site's PrivateKey", "the other site's"),
    ("AllowedIPs = 10.0.1.21/32", f"AllowedIPs = 10.0.1.21/32\nPresharedKey = {PEER}", "warning", "is no secret", "genpsk"),
    ("Remote = 10.0.1.21", "Remote = 192.0.2.32\nLocal = 10.0.1.11", "error", "is the Endpoint of a [Peer]", "inside the tunnel"),
    ("AllowedIPs = 10.0.1.21/32", "AllowedIPs = 10.0.1.21/32, 192.0.2.0/24", "warning", "contains the Endpoint", "inside the"),
    ("AllowedIPs = 10.0.1.21/32", "AllowedIPs = 10.0.1.21/32, 10.0.2.0/24", "warning", "in the subnet of the [Bridge]", "remove it"),
    ("Endpoint = 192.0.2.32:8172", "Endpoint = 10.0.1.11:8172", "error", "this site's own Address", "outside of the tunnel"),
    ("Endpoint = 192.0.2.32:8172", "Endpoint = 10.0.1.21:8172", "warning", "the tunnel's own subnet", "outside of the tunnel"),
    ("Remote = 10.0.1.21", "Remote = 10.0.1.21\nLocal = dynamic", "error", "is static", "write auto"),
]


class Bench:
    """The binary, and a folder for files."""

    def __init__(self):
        self.binary = find_binary()
        self.folder = cleanup.enter_context(tempfile.TemporaryDirectory(prefix="wirespan-test-"))

    def write(self, name, text):
        with open(os.open(os.path.join(self.folder, name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)

    def validate(self, text, name="site.conf"):
        """Return: exit status, standard output and standard error of `validate --offline`."""
        self.write(name, text)
        result = subprocess.run(
            [self.binary, "validate", "--offline", name], cwd=self.folder, capture_output=True, text=True, timeout=300
        )
        return result.returncode, result.stdout, result.stderr


def mistakes(bench):
    assert bench.validate(BASE) == (0, "site.conf: fine: 1 peer, 1 tunnel, 1 session, 1 bridge\n", "")
    for line, instead, severity, problem, hint in MISTAKES:
        status, out, err = bench.validate(BASE.replace(line + "\n", instead + "\n", 1))
        assert status == (1 if severity == "error" else 0), (instead, out, err)
        found = err.splitlines()
        assert len(found) == 2 and f": {severity}: " in found[0] and problem in found[0] and hint in found[1], (instead, err)


def of_systemd(bench):
    """Local = static and auto mean the same, as every Address is static."""
    for word in ("static", "auto", "Static"):
        assert bench.validate(BASE.replace("Remote =", f"Local = {word}\nRemote ="))[0] == 0, word


def of_wg_quick(bench):
    bench.write("wg7.conf", WG_QUICK)
    rest = BASE[BASE.index("[L2TP]") :]
    status, out, err = bench.validate("[Site]\nWireGuard = wg7.conf\n" + rest)
    assert status == 0 and "; 1 warning" in out, (out, err)
    assert "wg7.conf:11: warning: SaveConfig: wirespan never writes to your file" in err, err


def many_mistakes(bench):
    """The first mistakes of a file that is something else are enough."""
    status, out, err = bench.validate("[Interface]\n" + "nonsense\n" * 140_000)
    assert status == 1 and "140001 errors" in out, out
    assert len(err) < 20_000 and "139901 more errors are not shown\n" in err, err[-200:]
    status, out, err = bench.validate("[Interface]\n" + "nonsense\n" * 100)
    assert "\n1 more error is not shown\n" in err, err[-200:]


def mistyped_name(bench):
    """A file that does not exist: the most similar one is named, by validate and by up."""
    bench.write("office.conf", BASE)
    for verb in ("validate", "up"):
        for name, nearest in (("ofice.conf", 'did you mean "office.conf"?'), ("unlike.conf", "check the path")):
            result = subprocess.run(
                [bench.binary, verb, name], cwd=bench.folder, capture_output=True, text=True, timeout=300
            )
            lines = result.stderr.splitlines()
            assert result.returncode == (2 if verb == "up" else 1), result.stderr
            assert "No such file or directory" in lines[0], result.stderr
            assert nearest in lines[1], result.stderr
        os.symlink("missing", os.path.join(bench.folder, "link.conf"))
        result = subprocess.run([bench.binary, verb, "link.conf"], cwd=bench.folder, capture_output=True, text=True, timeout=300)
        os.unlink(os.path.join(bench.folder, "link.conf"))
        assert result.returncode and "it is a link to a file that does not exist" in result.stderr, result.stderr


def users(bench):
    """[Site] User exists and is not root. Without --offline that is an error, also of `up`."""
    for name, problem in (("root", '"root" is root'), ("no-such-user", 'this host has no user "no-such-user"'), ("daemon", None)):
        status, out, err = bench.validate(f"[Site]\nUser = {name}\n" + BASE)
        found = f"site.conf:2: warning: User: {problem}" in err
        assert status == 0 and found == bool(problem), (name, out, err)
        for verb in ("validate", "up") if problem else ():
            result = subprocess.run(
                [bench.binary, verb, "site.conf"], cwd=bench.folder, capture_output=True, text=True, timeout=300
            )
            assert result.returncode != 0, (verb, result.stdout)
            assert f"site.conf:2: error: User: {problem}" in result.stderr, (verb, result.stderr)


def main():
    suite = Suite("validate")
    bench = Bench()
    for name, function in [
        ("mistakes", mistakes),
        ("words of systemd", of_systemd),
        ("a file of wg-quick", of_wg_quick),
        ("140,000 mistakes", many_mistakes),
        ("a mistyped name", mistyped_name),
        ("users", users),
    ]:
        suite.run(name, function, bench)
    suite.finish()


if __name__ == "__main__":
    main()
