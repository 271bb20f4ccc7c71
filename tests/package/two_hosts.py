#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The commands of doc/start.md and then those of README.md, as a new user types them, on two booted hosts with the
package.

Theory of operation: package_test.py runs this in network, mount and process namespaces of its own. Each host is a
systemd-nspawn container over an overlay of this host's file system, in memory; it has eth0 to a router, which is this
namespace, and eth1 to a member in a namespace of the host. Before the document begins, a host has what its reader has:
addresses, a default route, and ssh to the other one.

Usage: two_hosts.py FOLDER-OF-PACKAGES (by hand: unshare --net --mount --pid --fork --kill-child --mount-proc before it)
"""

import contextlib
import glob
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
from lib import documents, node
from lib.runner import patience, wait_for

TOP = documents.TOP
PAGE = "doc/start.md"
README = "README.md"

BOOT = """
mount -t tmpfs -o mode=755 tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay -o lowerdir=/,upperdir="$1/upper",workdir="$1/work" overlay "$1/root"
rm -f "$1/root/usr/sbin/policy-rc.d" "$1/root/var/lib/man-db/auto-update"
"""

# What is there before: the interface of nspawn gets the name of a card, and the host a member behind another.
BEFORE = """
hostname {name}
ip link set host0 name eth0
ip address add {address}/24 dev eth0
ip link set eth0 up
ip route add default via {router}
ip netns add member
ip link add eth1 type veth peer name eth0 netns member
ip link set eth1 up
ip -n member address add {member}/24 dev eth0
ip -n member link set lo up
ip -n member link set eth0 up
mkdir -p -m 700 /root/.ssh /etc/dropbear
"""

SSH_CLIENT = """
ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519
printf 'StrictHostKeyChecking accept-new\\nConnectTimeout 60\\n' >/root/.ssh/config
"""


class Host:
    """A booted container."""

    def __init__(self, name, address, member, packages):
        self.name, self.address, self.member = name, address, member
        self.router = address.rsplit(".", 1)[0] + ".254"
        self.folder = tempfile.mkdtemp(prefix="wirespan-host-")
        node.run(["sh", "-ec", BOOT, "sh", self.folder])
        self.log = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")
        self.process = subprocess.Popen(
            [
                "systemd-nspawn", "--quiet", "--boot", f"--directory={self.folder}/root", f"--machine={name}",
                "--register=no", "--keep-unit", "--network-veth", "--capability=all", "--link-journal=no",
                "--console=pipe", "--bind=/dev/net/tun", "--tmpfs=/root:mode=700",
                f"--bind-ro={TOP}:/root/wirespan", f"--bind-ro={packages}:/packages", "systemd.unit=basic.target",
            ],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
        )  # fmt: skip

    def boot(self):
        """Wait until systemd answers, and set up what a reader of the document has."""
        self.pid = wait_for(self._leader, 12, 0.2, f"{self.name} to start")
        wait_for(
            lambda: self.run("systemctl is-active basic.target", check=False).ok, 12, 0.5, f"{self.name} to boot"
        )
        link = f"ve-{self.name}"
        node.run(["ip", "address", "add", f"{self.router}/24", "dev", link])
        node.run(["ip", "link", "set", link, "up"])
        self.run(BEFORE.format(**vars(self)))

    def _leader(self):
        """Return: the process 1 of the container, a child of systemd-nspawn, or 0."""
        assert self.process.poll() is None, f"{self.name} has ended:\n{self.console()}"
        for path in glob.glob("/proc/[0-9]*/stat"):
            with contextlib.suppress(OSError), open(path, encoding="utf-8") as file:
                pid, rest = file.read().split(" (", 1)
                name, rest = rest.rsplit(") ", 1)
                if name == "systemd" and int(rest.split()[1]) == self.process.pid:
                    return int(pid)
        return 0

    def enter(self, words):
        return ["nsenter", f"--target={self.pid}", "--all", "--root", "--wd", "env", "-i", "HOME=/root", "LC_ALL=C.UTF-8",
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive",
                *words]  # fmt: skip

    def run(self, script, namespace=None, **options):
        """Run a shell script in the host, or in a network namespace of it. Return: Result."""
        words = ["sh", "-ec", script]
        return node.run(
            self.enter(["ip", "netns", "exec", namespace, *words] if namespace else words), timeout=60, **options
        )

    def close(self):
        self.process.kill()
        self.process.wait(timeout=patience(20))
        self.log.close()
        node.run(["umount", "-R", "--lazy", self.folder], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def console(self):
        self.log.seek(0)
        return self.log.read()


def connect(one, two):
    """ssh from the first host to the second, which has only the programs of a server."""
    one.run(SSH_CLIENT)
    key = one.run("cat /root/.ssh/id_ed25519.pub").out
    two.run(f"umask 077; cat >/root/.ssh/authorized_keys <<'END'\n{key}END\ndropbear -R -s")


def execute(hosts):
    """Return: the function that runs a block of the document on a host."""

    def run(name, script, where):
        if name == "builder":  # package_test.py has built the packages by this command, so they are not built again
            assert "\ndist/build-deb\n" in script, f"{where}: the command that builds is not dist/build-deb"
            return ""
        host, _, namespace = name.partition("/")
        result = hosts[host].run(script, namespace, check=False)
        print(f"{where}: on {name}:{script}{result.out}", flush=True)
        assert result.ok, f"{where}: on {name}: status {result.status}\n{hosts[host].console()}"
        return result.out

    return run


SOURCE = """
mkdir -p /run/source/dist
cp -r /root/wirespan/debian /run/source
cp -r /packages /run/source/build-deb
printf '#!/bin/sh\\nls build-deb/*.deb\\n' >/run/source/dist/build-deb # package_test.py has built them by this command
chmod +x /run/source/dist/build-deb
"""


def removed(host):
    """After the last commands, nothing of the site and the program is left but the file."""
    left = host.run("ip -o link | grep -e wg0 -e l2tpeth -e br-l2tp || true; command -v wirespan || true").out
    assert not left.strip(), f"{host.name}: {left}"
    files = host.run("ls /etc/wirespan").out.split()
    assert files == [f"{host.name}.conf"], files


def refuse(host, path, _text):
    raise AssertionError(f"no file is written by hand: {host} {path}")


def main():
    packages = os.path.realpath(sys.argv[1])
    node.run(["sysctl", "-qw", "net.ipv4.ip_forward=1"])
    # The run folder of systemd-nspawn has names of containers: other runs of this test have the same.
    node.run(["sh", "-ec", "mkdir -p /run/systemd/nspawn; mount -t tmpfs tmpfs /run/systemd/nspawn"])
    tokyo = Host("tokyo", "203.0.113.1", "192.168.77.1", packages)
    osaka = Host("osaka", "198.51.100.7", "192.168.77.2", packages)
    try:
        for host in (tokyo, osaka):
            host.boot()
        connect(tokyo, osaka)
        tokyo.run(SOURCE)
        osaka.run(SOURCE)
        names = {"tokyo": "tokyo", "osaka": "osaka", "builder": "builder", "member-tokyo": "tokyo/member"}
        folders = {"tokyo": "/run/source", "builder": "/run/source"}
        reasons = documents.run(PAGE, names, refuse, execute({"tokyo": tokyo, "osaka": osaka}), folders)
        assert not reasons, reasons
        removed(tokyo)
        removed(osaka)
        folders = {"tokyo": "/run/source", "osaka": "/run/source"}
        reasons = documents.run(README, names, refuse, execute({"tokyo": tokyo, "osaka": osaka}), folders)
        assert len(reasons) == 2, reasons
    finally:
        for host in (tokyo, osaka):
            host.close()
    print("two hosts: done", flush=True)


if __name__ == "__main__":
    main()
