#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every command in the pages of doc/howto/, run on hosts as the page describes them, with what the page shows of the
output. doc/start.md and README.md are followed by tests/package/, on booted hosts.

Theory of operation: a host is a node with its own /etc and /root. No systemd runs in it, so `systemctl` is a script that
runs the command of the unit (tests/package/ has the real one), and `scp` copies between the hosts' /etc/wirespan. The
programs from which users move, fastd, tinc, wg-quick and VXLAN, are Debian's and the kernel's. A line with PPPoE is a
link with its MTU of 1492, since this needs no PPP in the kernel: it drops what is larger, and sends no ICMP."""

import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib import documents
from lib.node import Node, need_root, veth
from lib.runner import Skip, Suite, wait_for
from lib.wirespan import find_binary, scratch

PUBLIC = {"tokyo": "203.0.113.1", "osaka": "198.51.100.7", "nagoya": "192.0.2.3"}
NOT_RUN = {"doc/howto/proxmox.md": 1, "doc/howto/openwrt.md": 3}  # blocks that need another system, by page

SYSTEMCTL = """#!/bin/sh
# enable, disable, start, stop or restart UNIT, of those that the pages name.
set -e
verb=$1
shift
[ "$1" != --now ] || shift
name=${1#*@}
stop() {
	kill "$(cat "/run/$1.pid")"
	while kill -0 "$(cat "/run/$1.pid")" 2>/dev/null; do sleep 0.1; done
}
case $verb:$1 in
enable:wirespan@* | start:wirespan@*) wirespan up -d "$name" ;;
disable:wirespan@* | stop:wirespan@*) wirespan down "$name" ;;
restart:wirespan@*) wirespan down "$name"; wirespan up -d "$name" ;;
enable:wg-quick@*) wg-quick up "$name" ;;
disable:wg-quick@*) wg-quick down "$name" ;;
enable:fastd@*) fastd -d --pid-file "/run/$1.pid" -c "/etc/fastd/$name/fastd.conf" >/run/fastd.log 2>&1 ;;
enable:tinc@*) tincd -n "$name" "--pidfile=/run/$1.pid" >/run/tinc.log 2>&1 ;;
disable:fastd@* | disable:tinc@*) stop "$1" ;;
*) echo "systemctl: the test has no $verb of $1" >&2; exit 1 ;;
esac
"""

SCP = """#!/bin/sh
# -p FILE root@HOST:/etc/wirespan/ or -p root@HOST:/etc/wirespan/FILE /etc/wirespan/
set -e
[ $# = 3 ] && [ "$1" = -p ]
place() { case $1 in root@*:/etc/wirespan/*) a=${1#root@}; echo "SHARED/${a%%:*}/${1##*/}" ;; *) echo "$1" ;; esac; }
exec cp -p "$(place "$2")" "$(place "$3")"
"""

PRIVATE = """
mkdir /run/etc /run/etc/upper /run/etc/work /run/lock
mount -t overlay overlay -o lowerdir=/etc,upperdir=/run/etc/upper,workdir=/run/etc/work /etc
mkdir -p /etc/wirespan
mount --bind {folder} /etc/wirespan
for f in /proc/sys/net/bridge/bridge-nf-call-*; do [ ! -e $f ] || echo 0 >$f; done
"""


class World:
    """The hosts of one page: gateways with members behind eth1, and what is between them."""

    def __init__(self):
        self.folder = scratch()
        self.nodes = {}
        os.mkdir(f"{self.folder}/bin")
        os.symlink(find_binary(), f"{self.folder}/bin/wirespan")
        for name, text in (("systemctl", SYSTEMCTL), ("scp", SCP)):
            with open(f"{self.folder}/bin/{name}", "w", encoding="utf-8") as file:
                file.write(text.replace("SHARED", self.folder))
            os.chmod(f"{self.folder}/bin/{name}", 0o755)
        self.environment = {
            "PATH": f"{self.folder}/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8"
        }  # fmt: skip
        self.internet = self.router("internet")

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        for name, node in self.nodes.items():
            if kind:
                print(f"--- {name}\n{node.run('ip -br addr', check=False).out}")
        for node in self.nodes.values():
            node.close()

    def router(self, name):
        node = self.nodes[name] = Node(name)
        node.run("sysctl -qw net.ipv4.ip_forward=1")
        return node

    def connect(self, node, ifname, address, other, mtu=None):
        """Connect a node to a router, whose end has the address .254 of the subnet of `address`."""
        subnet = address.rsplit(".", 1)[0]
        far = f"{ifname}-{node.name}"[:15]
        veth(node, ifname, other, far, mtu=mtu)
        other.up(far, f"{subnet}.254/24")
        node.up(ifname, f"{address}/24")
        node.run("ip", "route", "replace", "default", "via", f"{subnet}.254")

    def gateway(self, name, address, member, uplink=None, ifname="eth0", mtu=None):
        """A gateway with an address at a router, the internet by default, and its member with number `member`."""
        node = self.nodes[name] = Node(name, ("/run", "/root"))
        shared = f"{self.folder}/{address}"
        os.mkdir(shared, 0o700)
        node.sh(PRIVATE.format(folder=shared))
        self.connect(node, ifname, address, uplink or self.internet, mtu)
        self.member(node, name, "eth1", f"192.168.77.{member}/24")
        return node

    def member(self, gateway, name, port, address):
        node = self.nodes[f"member-{name}"] = Node(f"member-{name}")
        veth(gateway, port, node, "eth0")
        gateway.up(port)
        node.up("eth0", address)

    def public(self, *names, bridge=None):
        """Gateways with public addresses; with a bridge that is theirs, with eth1 and an address."""
        for number, name in enumerate(names, 1):
            node = self.gateway(name, PUBLIC[name], number)
            if bridge:
                node.bridge(bridge, "eth1")
                node.run("ip", "address", "add", f"192.168.77.{number}1/24", "dev", bridge)

    def nat(self, name, address, inside):
        """A router to the internet that translates the addresses of its inside, which begin with `inside`."""
        node = self.router(name)
        self.connect(node, "eth0", address, self.internet)
        node.sh(
            "nft add table ip nat; nft add chain ip nat out '{ type nat hook postrouting priority srcnat; }'\n"
            f"nft add rule ip nat out ip saddr {inside}.0/24 oifname eth0 masquerade"
        )
        return node

    def write(self, name, path, text):
        node = self.nodes[name]
        folder = os.path.dirname(path)
        node.sh(f"umask 077; mkdir -p {folder}; cat >{path}", stdin=text)

    def execute(self, name, script, where):
        result = self.nodes[name].sh(script, check=False, env=self.environment, timeout=60)
        assert result.ok, f"{where}: on {name}: status {result.status}\n{script}\n{result.out}"
        return result.out


def need(*programs):
    missing = [program for program in programs if not shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin")]
    if missing:
        raise Skip(f"not installed: {', '.join(missing)}")


def mesh(world):
    world.public("tokyo", "osaka", "nagoya")


def nat(world):
    need("nft")
    world.public("tokyo")
    router = world.nat("router", "198.51.100.7", "192.168.1")
    world.gateway("home", "192.168.1.2", 2, router)
    other = world.nat("router-cabin", "192.0.2.3", "192.168.2")
    world.gateway("cabin", "192.168.2.2", 3, other)


def pppoe(world):
    need("nft")
    world.public("tokyo")
    world.gateway("kyoto", "198.51.100.7", 2, ifname="ppp0", mtu=1492)
    router = world.router("router")
    world.connect(router, "ppp0", "192.0.2.3", world.internet, mtu=1492)
    world.gateway("osaka", "192.168.1.2", 3, router)
    for node in (world.internet, router):
        if node is router:
            node.sh(
                "nft add table ip nat; nft add chain ip nat out '{ type nat hook postrouting priority srcnat; }'\n"
                "nft add rule ip nat out oifname ppp0 masquerade"
            )
        node.sh(
            "nft add table ip quiet; nft add chain ip quiet out '{ type filter hook output priority 0; }'\n"
            "nft add rule ip quiet out meta l4proto icmp drop"
        )


def proxmox(world):
    """Each host is in a LAN with its router, and so are its vmbr0 and its virtual machines."""
    need("nft")
    for number, name, outside in ((1, "pve1", "192.0.2.3"), (2, "pve2", "198.51.100.7")):
        router = world.nat(f"router{number}", outside, "192.168.1")
        address = f"192.168.1.{number}0"
        host = world.nodes[name] = Node(name, ("/run", "/root"))
        shared = f"{world.folder}/{outside}"
        os.mkdir(shared, 0o700)
        host.sh(PRIVATE.format(folder=shared))
        veth(host, "enp1s0", router, "lan")
        router.up("lan", f"192.168.1.{number}/24")
        world.member(host, name, "tap100i0", f"192.168.1.10{number}/24")
        world.nodes[f"vm-{name}"] = world.nodes[f"member-{name}"]
        host.bridge("vmbr0", "enp1s0", "tap100i0")
        host.sh(f"ip address add {address}/24 dev vmbr0; ip route add default via 192.168.1.{number}")
        router.sh(
            "nft add chain ip nat pre '{ type nat hook prerouting priority dstnat; }'\n"
            f"nft add rule ip nat pre iifname eth0 udp dport 51820 dnat to {address}"
        )


def openwrt(world):
    world.public("tokyo")
    router = world.gateway("router", "198.51.100.7", 2)
    router.sh("ip link set eth1 down; ip link set eth1 name lan1")
    router.bridge("br-lan", "lan1")
    router.run("ip address add 192.168.77.254/24 dev br-lan")


def from_fastd(world):
    need("fastd")
    world.public("tokyo", "osaka", bridge="br0")


def from_tinc(world):
    need("tincd")
    world.public("tokyo", "osaka", bridge="br0")
    keys = {}
    for name in ("tokyo", "osaka"):
        node = world.nodes[name]
        node.sh(
            f"mkdir -p /etc/tinc/lan/hosts; echo 'Name = {name}' >/etc/tinc/lan/tinc.conf\n"
            f"echo 'Address = {PUBLIC[name]}' >/etc/tinc/lan/hosts/{name}; tincd -n lan -K 1024 </dev/null"
        )
        keys[name] = node.run("cat", f"/etc/tinc/lan/hosts/{name}").out
    for name, other in (("tokyo", "osaka"), ("osaka", "tokyo")):
        world.write(name, f"/etc/tinc/lan/hosts/{other}", keys[other])


def from_vxlan(world):
    need("wg-quick", "wireguard-go")
    world.public("tokyo", "osaka", bridge="br0")


def follow(page, prepare):
    """Follow a page in the network that it describes."""
    need_root()
    with World() as world:
        prepare(world)
        reasons = documents.run(page, {name: name for name in world.nodes}, world.write, world.execute)
        for reason in reasons:
            print(f"not run: {reason}")
        assert len(reasons) == NOT_RUN.get(page, 0), reasons


def complete(pages):
    """Each page of the folder is followed, and has a figure."""
    found = {f"doc/howto/{name}" for name in os.listdir(f"{documents.TOP}/doc/howto") if name.endswith(".md")}
    assert found == set(pages), found ^ set(pages)
    for page in pages:
        figure = f"({os.path.basename(page)[:-3]}.svg)"
        assert figure in documents.read(page), f"{page} has no figure {figure}"


def packages():
    """The packages that README.md lists for a build by hand, which no test carries out, are those of dist/packages.txt."""
    listed = {line.split()[0] for line in documents.read("dist/packages.txt").splitlines() if line and line[0] != "#"}
    (block,) = (block for block in documents.blocks("README.md") if block.reason.startswith("it builds"))
    lines = [line.partition("#")[0].split() for line in block.text.splitlines()]
    named = {word for line in lines if line[:2] == ["apt", "install"] for word in line[2:]}
    assert len(named) > 6 and named <= listed, named - listed


def refuses():
    """What the pages must not have is found: commands for no host, for no reason, output that does not come."""
    for text, problem in (
        ("```sh\ntrue\n```", "names no host"), ("```sh not run:\ntrue\n```", "without a reason"),
        ("```conf one\n```", "names no host and path"), ("```output\nx\n```", "output of no command"),
        ("a ```sh one\n```", "does not begin its line"), ("  ```sh one\ntrue\n  ```", "indented less"), ("```sh one\ntrue", "has no end"),
        ("```sh one\ntrue\n```\n```output\nb\na\n```", "the output has no line"), ("```sh two\n```", "has no host two"),
        ("```sh one\nfalse\n```", "status 1"),
    ):  # fmt: skip
        try:
            documents.run("page", {"one": "one"}, None, pretend, text=text)
        except AssertionError as error:
            assert problem in str(error), (text, error)
        else:
            raise AssertionError(f"accepted: {text}")
    text = "```sh one\ntrue\n```\n```output\na ... c\nb\n```\n```sh not run: it is a test\nfalse\n```\n```text\nx\n```"
    assert documents.run("page", {"one": "one"}, None, pretend, text=text) == ["page:8: it is a test"]


def pretend(_host, script, where):
    assert "\nfalse\n" not in script, f"{where}: status 1"
    return f"a  b c\nb\n{documents.MARKER}/\n"


def main():
    suite = Suite("documents")
    pages = {
        "doc/howto/mesh.md": mesh, "doc/howto/nat.md": nat, "doc/howto/pppoe.md": pppoe,
        "doc/howto/proxmox.md": proxmox, "doc/howto/openwrt.md": openwrt, "doc/howto/from-fastd.md": from_fastd,
        "doc/howto/from-tinc.md": from_tinc, "doc/howto/from-vxlan.md": from_vxlan,
    }  # fmt: skip
    suite.run("what a page must not have is found", refuses)
    suite.run("the packages in README.md", packages)
    suite.run("each page is followed, and has a figure", complete, pages)
    for page, prepare in pages.items():
        suite.run(page, follow, page, prepare)
    suite.finish()


if __name__ == "__main__":
    main()
