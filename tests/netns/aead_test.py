#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The choice of an AEAD provider at start: the fastest that works on this host, named by log and status; by option;
and what happens if the optional library is not there or is damaged."""

import glob
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib.node import Node, need_root
from lib.reference import PORT, make_sites
from lib.runner import Skip, Suite
from lib.wirespan import Gateway

LIBRARY = "/usr/lib/*/libIPSec_MB.so.1"


class Bench:
    """One node, and the file of a site without peers."""

    def __init__(self):
        need_root()
        self.node = Node("cipher")
        site, _ = make_sites()
        self.gateway = Gateway(self.node, "cipher")
        self.gateway.configure(
            f"[Interface]\nPrivateKey = {site.private}\nListenPort = {PORT}\nAddress = {site.wg4}/24\n"
        )

    def start(self, options="", log_level="debug"):
        """Start the site, and stop it. Return: the provider that status names, and the log."""
        gateway = self.gateway
        gateway.env = {"WIRESPAN_OPTIONS": options, "LOG_LEVEL": log_level}
        if os.path.exists(gateway.log):
            os.unlink(gateway.log)
        gateway.up()
        name = gateway.status()["aead"]
        assert f"ChaCha20-Poly1305 by {name}\n" in gateway.run("status", gateway.conf).out
        gateway.stop()
        return name, gateway.log_text()

    def library(self):
        """Return: the real path of the optional library; Skip if it is not installed, or not asked for."""
        found = glob.glob(LIBRARY)
        if not found:
            raise Skip("libipsec-mb1 is not installed")
        if "AEAD provider ipsec-mb" not in self.start()[1]:
            raise Skip("this build has no ipsec-mb")
        return os.path.realpath(found[0])


def fastest(bench):
    """The one that is chosen has the smallest sum of times, and is named where each start is logged."""
    name, log = bench.start()
    times = {}
    for line in log.splitlines():
        if "AEAD provider" in line and " ns for " in line:
            words = line.split("AEAD provider ", 1)[1].replace(":", "").replace(",", "").split()
            numbers = [int(word) for word in words if word.isdigit()]
            times[words[0]] = numbers[0] + numbers[2]
    assert {"evp", "evp-parts"} <= set(times), log
    assert name == min(times, key=times.get), (name, times)
    name, log = bench.start(log_level="info")
    assert "AEAD provider" not in log and f"is up (wg0 {name}, " in log, (name, log)


def by_option(bench):
    """aead=NAME takes this one, and measures nothing."""
    for wanted in ("evp", "evp-parts"):
        name, log = bench.start(f"aead={wanted}")
        assert name == wanted and "AEAD provider" not in log, (name, log)


def unknown(bench):
    """A name that no provider has: an error that quotes it, and a hint."""
    bench.gateway.env = {"WIRESPAN_OPTIONS": "aead=rot13"}
    result = bench.gateway.run("up", bench.gateway.conf, check=False)
    assert not result.ok and "aead=rot13" in result.out and "Leave it out" in result.out, result.out


def without_library(bench):
    """A library that is missing, damaged or another one: the next best is taken, and the log has the reason."""
    path = bench.library()
    no_such_functions = os.path.realpath(glob.glob("/usr/lib/*/libmnl.so.0")[0])
    build = os.path.dirname(os.path.dirname(os.path.dirname(bench.gateway.binary)))
    other_version = os.path.join(os.environ.get("WIRESPAN_BUILD") or build, "tests", "tools", "other_ipsec_mb.so")
    for hidden, error in (
        ("/dev/null", "Can not access"),
        ("/etc/passwd", "Can not access"),
        (no_such_functions, "corrupted"),
        (other_version, "corrupted"),
    ):
        bench.node.run("mount", "--bind", hidden, path)
        try:
            name, log = bench.start()
            assert name != "ipsec-mb", name
            assert f"AEAD provider ipsec-mb cannot be used: " in log and error in log, log
            bench.gateway.env = {"WIRESPAN_OPTIONS": "aead=ipsec-mb"}
            result = bench.gateway.run("up", bench.gateway.conf, check=False)
            assert not result.ok and "aead=ipsec-mb" in result.out and error in result.out, result.out
        finally:
            bench.node.run("umount", path)
    assert bench.start("aead=ipsec-mb")[0] == "ipsec-mb"


def main():
    suite = Suite("aead")
    box = {}
    if not suite.setup("a node", lambda: box.update(bench=Bench())):
        suite.finish()
    for name, function in (
        ("the fastest is chosen", fastest),
        ("one is chosen by option", by_option),
        ("a name that none has", unknown),
        ("without its library", without_library),
    ):
        suite.run(name, function, box["bench"])
    suite.finish()


if __name__ == "__main__":
    main()
