#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`validate` and `up` agree: what the host refuses is reported by both, with the line and a hint, and what only looks
wrong is a warning with which `up` succeeds."""

import os
import pty
import re
import select
import shutil
import socket
import sys
import termios

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib.node import CommandFailed, Node, need_root
from lib.reference import PORT, new_site_keys
from lib.runner import Skip, Suite, patience, wait_for
from lib.wirespan import Gateway, difference, find_binary, need_plain_program, snapshot

PEER = "192.168.122.32"


class Bench:
    """A host with an uplink, eth0, and a card for the LAN, eth1; nothing runs at first."""

    def __init__(self):
        need_root()
        find_binary()
        self.node = Node("vpn01")
        self.node.sh(
            """
ip link add eth0 type veth peer name far0; ip link add eth1 type veth peer name far1
for i in lo eth0 far0 eth1 far1; do ip link set $i up; done
"""
        )
        self.node.up("eth0", "192.168.122.24/24")
        self.site = Gateway(self.node, "site")
        self.private, _ = new_site_keys()
        _, self.public = new_site_keys()
        self.node.settle()
        self.before = snapshot(self.node)

    def text(
        self,
        interface="",
        endpoint=f"{PEER}:{PORT}",
        allowed="10.0.1.21/32",
        member="eth1",
        bridge="",
        top="",
        session="",
    ):
        return (
            f"{top}[Interface]\nPrivateKey = {self.private}\nListenPort = {PORT}\nAddress = 10.0.1.11/24\n{interface}\n"
            f"[Peer]\nPublicKey = {self.public}\nEndpoint = {endpoint}\nAllowedIPs = {allowed}\n"
            "[L2TP]\nTunnelId = 1\nPeerTunnelId = 2\nRemote = 10.0.1.21\n"
            f"[L2TPSession]\nSessionId = 1\nPeerSessionId = 2\n{session}\n"
            f"[Bridge]\nAddress = 10.0.2.11/24\nMember = {member}\n{bridge}\n"
        )

    def refused(self, problem, hint, **parts):
        """`validate` and `up` report an error, and nothing is left."""
        self.site.configure(self.text(**parts))
        for verb in ("validate", "up"):
            result = self.site.run(verb, self.site.conf, check=False)
            lines = result.out.splitlines()
            found = [i for i, line in enumerate(lines) if ": error: " in line and problem in line]
            assert result.status != 0 and found and hint in lines[found[0] + 1], (verb, result.status, result.out)
            assert f"{self.site.conf}:" in lines[found[0]], result.out

    def warned(self, problem, hint, **parts):
        """`validate` warns, and `up` succeeds."""
        self.site.configure(self.text(**parts))
        result = self.site.run("validate", self.site.conf)
        lines = result.out.splitlines()
        found = [i for i, line in enumerate(lines) if ": warning: " in line and problem in line]
        assert found and hint in lines[found[0] + 1], result.out
        self.site.up()
        # and of the site's own interfaces, nothing is reported
        running = self.site.run("validate", self.site.conf)
        assert "exists already" not in running.out and "error" not in running.out, running.out
        self.site.run("reload", self.site.conf)
        self.site.down()

    def fine(self, **parts):
        self.site.configure(self.text(**parts))
        out = self.site.run("validate", self.site.conf).out
        assert ": warning: " not in out and ": fine: " in out, out
        self.site.up()
        out = self.site.run("validate", self.site.conf).out
        assert ": warning: " not in out and ": fine: " in out, out
        self.site.down()

    def clean(self):
        self.node.settle()
        left = difference(self.before, snapshot(self.node))
        assert not left, left

    def add_link(self, words):
        if not self.node.run(*f"ip link add {words}".split(), check=False).ok:
            raise Skip(f"this kernel has no {words.split()[-1]}")


def right(bench):
    bench.fine()


def without_ipv6(bench):
    bench.node.sh("sysctl -qw net.ipv6.conf.default.disable_ipv6=1")
    try:
        for parts in (
            {"interface": "Address = fd00:1::11/64"},
            {"bridge": "Address = fd00:2::11/64"},
            {"allowed": "10.0.1.21/32, ::/0"},
        ):
            bench.refused("is IPv6, which this host has disabled", "disable_ipv6=0", **parts)
        bench.fine(allowed="10.0.1.21/32, ::/0", interface="Table = off")
        # PreUp may enable it
        bench.warned(
            "is IPv6, which this host has disabled",
            "disable_ipv6=0",
            interface="Address = fd00:1::11/64\nPreUp = sysctl -qw net.ipv6.conf.default.disable_ipv6=0",
        )
    finally:
        bench.node.sh("sysctl -qw net.ipv6.conf.default.disable_ipv6=0")


def members(bench):
    bench.node.run("ip link set eth1 mtu 1400")
    try:
        bench.warned('"eth1" has MTU 1400', "ip link set eth1 mtu 1500")
    finally:
        bench.node.run("ip link set eth1 mtu 1500")
    bench.warned('no interface "eth9"', "ip link", member="eth9")
    bench.refused("it is not an Ethernet interface", "name the interface", member="lo")
    bench.node.run("ip link add other type bridge")
    bench.node.run("ip link set far1 master other")
    try:
        bench.refused("it is a bridge itself", "name the interface", member="other")
        bench.refused('already a port of "other"', "ip link set far1 nomaster", member="far1")
    finally:
        bench.node.run("ip link del other")


def busy_card(bench):
    bench.add_link("link eth1 name mv0 type macvlan")
    try:
        bench.refused('busy: the macvlan interface "mv0"', "ip link del mv0")
    finally:
        bench.node.run("ip link del mv0")
    bench.fine()


def macvtap(bench):
    bench.add_link("link eth1 name mt0 type macvtap")
    try:
        bench.refused("of type macvtap", "attach the virtual machine", member="mt0")
        bench.refused('busy: the macvtap interface "mt0"', "ip link del mt0")
    finally:
        bench.node.run("ip link del mt0")


def uplink(bench):
    """The card that leads to the peer is no member, except of a gateway that has no other."""
    bench.refused(f'"eth0" leads to {PEER}', "name the LAN's card", member="eth0")
    bench.warned(
        f'"eth0" leads to {PEER}: the underlay becomes part of the LAN',
        "gateway with one card",
        member="eth0",
        bridge="Address = 192.168.122.24/24",
    )


def names(bench):
    for name in ("wg0", "l2tpeth0", "br-l2tp0"):
        bench.node.run("ip", "link", "add", name, "type", "bridge")
        try:
            hint = "Adopt = yes" if name == "br-l2tp0" else f"ip link del {name}"
            bench.refused(f'"{name}" exists already', hint)
        finally:
            bench.node.run("ip", "link", "del", name)
    bench.fine()


def alternative_names(bench):
    """A name that the kernel has given to an interface as a second one: it cannot be made, and is not what it seems."""
    for name, parts in (("wg0", {}), ("l2tpeth0", {}), ("br-l2tp0", {})):
        bench.node.run("ip", "link", "property", "add", "dev", "far1", "altname", name)
        try:
            bench.refused(f'"{name}" is an alternative name of the interface "far1"', "ip link property del", **parts)
        finally:
            bench.node.run("ip", "link", "property", "del", "dev", "far1", "altname", name)
    for card, name in (("eth1", "lan0"), ("eth0", "wan0")):
        bench.node.run("ip", "link", "property", "add", "dev", card, "altname", name)
        try:
            bench.refused(f'"{name}" is an alternative name of "{card}"', f"Member = {card}", member=name)
            bench.site.configure(bench.text())
            bench.site.up()
            bench.site.configure(bench.text(member=f"eth1, {name}"))
            bench.site.run("reload", bench.site.conf)
            log = bench.site.log_text(0)
            assert f"write Member = {card}" in log, log
            assert "master" not in bench.node.run("ip", "-o", "link", "show", "eth0").out
            bench.site.down()
        finally:
            bench.node.run("ip", "link", "property", "del", "dev", card, "altname", name)
    bench.fine()


def backend(bench):
    """What the kernel cannot do is refused, and so is a kernel without the modules (which this one may have)."""
    kernel = "[Site]\nBackend = kernel\n"
    bench.refused("Oversize = reject of l2tpeth0", "Oversize = fragment", top=kernel, session="Oversize = reject")
    if not os.path.exists("/sys/module/wireguard"):
        bench.refused("cannot make a WireGuard interface", "modprobe wireguard", top=kernel)


def port(bench):
    def occupy():
        taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        taken.bind(("0.0.0.0", PORT))
        return taken

    with bench.node.call(occupy):
        bench.refused(f"UDP port {PORT} is in use", "choose another port")
    bench.fine()


def networks(bench):
    """Subnets, endpoints and AllowedIPs of the underlay."""
    bench.warned("overlaps 192.168.122.24/24", "for the tunnel", interface="Address = 192.168.122.50/24")
    bench.warned("overlaps 192.168.122.24/24", "for the LAN", bridge="Address = 192.168.122.50/24")
    bench.refused(
        'a route to 192.168.122.0/24 already, by "eth0"', "narrow AllowedIPs", allowed="10.0.1.21/32, 192.168.122.0/24"
    )
    add = "ip route add"
    bench.node.sh(
        f"{add} blackhole 10.20.0.0/16; {add} unreachable fd20::/64 metric 1024\n"
        f"{add} 10.30.0.0/16 nexthop via 192.168.122.1 nexthop via 192.168.122.2"
    )
    bench.refused("which leads nowhere (blackhole)", "narrow", allowed="10.0.1.21, 10.20.0.0/16")
    bench.refused("which leads nowhere (unreachable)", "narrow", allowed="10.0.1.21, fd20::/64")
    bench.refused("by several next hops", "narrow", allowed="10.0.1.21, 10.30.0.0/16")
    bench.node.sh("ip route del 10.20.0.0/16; ip route del fd20::/64; ip route del 10.30.0.0/16")
    bench.warned('in the network 192.168.122.24/24 of "eth0"', "only addresses", allowed="10.0.1.21, 192.168.122.40/32")
    bench.refused("is this host itself, on eth0", "the peer's host", endpoint=f"192.168.122.24:{PORT}")
    bench.warned("is an address of this host", "proxy", endpoint="192.168.122.24:9999")
    bench.warned('the broadcast address of the network of "eth0"', "peer's host", endpoint=f"192.168.122.255:{PORT}")
    bench.fine(endpoint=f"[fe80::32%eth0]:{PORT}")
    bench.refused('"eth1" leads to fe80::32%eth1', "name the LAN's card", endpoint=f"[fe80::32%eth1]:{PORT}")
    bench.warned('no interface "eth7" on this host', "ip link", endpoint=f"[fe80::32%eth7]:{PORT}")
    bench.warned("link-local address without its interface", "%eth0", endpoint=f"[fe80::32]:{PORT}")


# ---- limits of the host ----


def faulty(bench, call, error, when, words):
    """Run the words with a fault in a system call, as strace injects it. Return: Result, or None if it is not made."""
    trace = os.path.join(bench.site.folder, "trace")
    inject = ["strace", "-f", "-qq", "-o", trace, "-e", f"trace={call}", "-e", f"inject={call}:error={error}:when={when}"]
    result = bench.node.run(*inject, *words, check=False)
    with open(trace) as file:
        return result if "INJECTED" in file.read() else None


def explained(bench, call, error, hint, steps, words, end):
    """If any one of the calls fails, there is a sentence with the hint, or all goes well until `end`; nothing is left.
    Return: how often there was a sentence."""
    failed = 0
    for when in steps:
        result = faulty(bench, call, error, when, words)
        if result is None:
            break
        last = result.out.strip().splitlines()[-1] if result.out.strip() else "(nothing)"
        goes_well = result.status == 124 or (end and end in result.out)
        assert result.status and (hint in last or goes_well), (call, when, result.status, result.out)
        failed += hint in last
        bench.clean()
    return failed


def limits(bench):
    """Limits of the host at each step of `up` and of wirespan-wg. PostUp ends what comes up nevertheless."""
    if not shutil.which("strace"):
        raise Skip("strace is not installed")
    bench.site.configure(bench.text(interface="PostUp = exit 7"))
    up = [bench.site.binary, "up", bench.site.conf]
    wg = ["timeout", "10", os.path.join(os.path.dirname(bench.site.binary), "wirespan-wg"), "-f", "wg0"]
    epoll = "fs.epoll.max_user_watches"
    assert explained(bench, "epoll_ctl", "ENOSPC", epoll, range(1, 16, 2), up, "exit 7") > 3
    assert explained(bench, "epoll_ctl", "ENOSPC", epoll, range(1, 4), wg, None) > 0
    assert explained(bench, "socket", "EMFILE", "ulimit -n", range(4, 20, 5), up, "exit 7") > 1


def process_limits(bench):
    """Limits of the process, and a run folder that cannot be used: a sentence with what to do, and nothing is left."""
    need_plain_program("it needs more memory than these limits allow")
    bench.site.configure(bench.text(interface="Address = fd00:1::11/64\nPostUp = exit 7"))
    up = [bench.site.binary, "up", bench.site.conf]
    in_namespace = ["unshare", "-m", "sh", "-ec"]
    for words, hint in (
        (["prlimit", "--fsize=0", "--"], "ulimit -f"),
        (["prlimit", "--fsize=4096", "--"], "ulimit -f|exit 7"),
        (["prlimit", "--data=8000000", "--"], "limits of memory|exit 7"),
        (["prlimit", "--stack=65536:", "--"], "exit 7"),
        (["prlimit", "--stack=65536:65536", "setpriv", "--bounding-set=-sys_resource", "--"], "ulimit -s"),
        ([*in_namespace, 'mount -n -t tmpfs -o size=4k t /run; head -c 4096 /dev/zero >/run/x; exec "$@"', "sh"], "Make room there"),
        ([*in_namespace, 'mount -n -t tmpfs t /run; mount -n -o remount,ro /run; exec "$@"', "sh"], "Make the file system writable"),
        ([*in_namespace, 'mount -n -t tmpfs t /run; touch /run/wirespan; exec "$@"', "sh"], "See what is at that path"),
        ([*in_namespace, 'mount -n -t tmpfs t /run; mkdir -p -m 755 /run/wirespan/site.lock; exec "$@"', "sh"], "no lock file of ours"),
        ([*in_namespace, 'mount -n -t tmpfs t /run; mkdir -p -m 755 /run/wirespan/site.sock; exec "$@"', "sh"], "no socket. See what"),
        ([*in_namespace, 'mount -n -t tmpfs t /dev/net; touch /dev/net/tun; exec "$@"', "sh"], "mknod -m 666 /dev/net/tun c 10 200"),
        ([*in_namespace, 'mount -n -t tmpfs t /dev/net; mkdir /dev/net/tun; exec "$@"', "sh"], "mknod -m 666 /dev/net/tun c 10 200"),
        ([*in_namespace, 'mount -n -t tmpfs t /proc; exec "$@"', "sh"], "Mount /proc"),
        ([*in_namespace, 'mount -n -t tmpfs t /proc/sys; exec "$@"', "sh"], "Mount /proc"),
    ):
        result = bench.node.run(*words, *up, check=False)
        assert result.status == 1 and re.search(hint, result.out), (words, result.status, result.out)
        bench.clean()
    for number in range(16, 40, 4):
        result = bench.node.run("prlimit", f"--nofile={number}", "--", *up, check=False)
        assert result.status == 1 and re.search("ulimit -n|exit 7", result.out), (number, result.out)
        assert ".." not in result.out, result.out
        bench.clean()


def served(bench):
    """A site that has no descriptor left answers its clients nevertheless, and goes down when it is asked to."""
    bench.site.configure(bench.text())
    for number in range(28, 40):  # the number that is just enough
        bench.site.prefix = ("prlimit", f"--nofile={number}", "--")
        try:
            bench.site.up()
            break
        except CommandFailed:
            bench.clean()
    else:
        raise AssertionError("it does not come up")
    bench.site.prefix = ()
    for _ in range(3):
        answer = bench.site.run("status", bench.site.conf, check=False)
        assert answer.ok, (number, answer.out, bench.site.log_text(0))
    bench.site.run("down", bench.site.conf)
    bench.site.wait_gone()
    bench.clean()


def unread_log(bench):
    """A reader of the log that has stopped stops no site: lines are lost, and a later one has their number."""
    bench.site.configure(bench.text())
    reader, writer = os.pipe()
    environment = {**os.environ, **bench.site.env}
    site = bench.node.popen(bench.site.binary, "up", bench.site.conf, stdout=writer, stderr=writer, env=environment)
    wait_for(lambda: bench.site.run("status", bench.site.conf, check=False).ok, 10, what="the site to come up")
    full = os.open(f"/proc/self/fd/{writer}", os.O_WRONLY | os.O_NONBLOCK)  # does not wait, unlike the site's
    for size in (4096, 1):
        try:
            while True:
                os.write(full, b"x" * size)
        except BlockingIOError:
            pass
    os.close(writer)
    os.close(full)
    is_up = "ip link show wg0 | grep -q ,UP"
    bench.node.sh("ip link set wg0 down")
    wait_for(lambda: bench.node.sh(is_up, check=False).ok, 10, what="wg0 to be up again, which is logged")
    assert bench.site.run("status", bench.site.conf).ok
    assert bench.site.run("reload", bench.site.conf).ok
    os.read(reader, 1 << 20)
    bench.node.sh("ip link set wg0 down")
    wait_for(lambda: bench.node.sh(is_up, check=False).ok, 10, what="wg0 to be up again, which is read")
    bench.site.run("down", bench.site.conf)
    assert site.wait(timeout=patience(10)) == 0
    with open(reader, errors="replace") as file:
        text = file.read()
    assert " of the log lost, as nothing read it" in text, text
    bench.clean()


def stopped_terminal(bench):
    """A terminal that nothing reads, or that its user stops with Ctrl-S, stops no site either, and stays as it is."""
    absent = "\n".join(f"Member = lan{i}" for i in range(100))  # a warning each
    reader, writer = pty.openpty()
    bench.site.configure(bench.text(bridge=absent))
    environment = {**os.environ, **bench.site.env}
    site = bench.node.popen(bench.site.binary, "up", bench.site.conf, stdout=writer, stderr=writer, env=environment)
    text = ""

    def drain():
        nonlocal text
        while select.select([reader], [], [], 0.2)[0]:
            text += os.read(reader, 1 << 16).decode(errors="replace")
        return text

    # what `up` itself writes is read
    wait_for(lambda: drain() and bench.site.run("status", bench.site.conf, check=False).ok, 10, what="the site to come up")
    for _ in range(20):  # a terminal has room for some 70 kB
        assert bench.site.run("reload", bench.site.conf).ok
    assert bench.site.run("status", bench.site.conf).ok
    drain()
    termios.tcflow(writer, termios.TCOOFF)
    bench.node.sh("ip link set wg0 down")
    is_up = "ip link show wg0 | grep -q ,UP"
    wait_for(lambda: bench.node.sh(is_up, check=False).ok, 10, what="wg0 to be up again, which is logged")
    assert bench.site.run("reload", bench.site.conf).ok
    termios.tcflow(writer, termios.TCOON)
    assert bench.site.run("reload", bench.site.conf).ok
    drain()
    assert os.get_blocking(writer), "the terminal of the user's shell does not wait any more"
    bench.site.run("down", bench.site.conf)
    assert site.wait(timeout=patience(10)) == 0
    assert " of the log lost, as nothing read it" in drain(), text[-2000:]
    os.close(writer)
    os.close(reader)
    bench.clean()


def without_getrandom(bench):
    """The same random bytes come from /dev/urandom; without both, it is logged why there is no key."""
    if not shutil.which("strace"):
        raise Skip("strace is not installed")
    bench.site.configure(bench.text(interface="PostUp = exit 7"))
    result = faulty(bench, "getrandom", "ENOSYS", "1+", [bench.site.binary, "genkey"])
    assert result is not None and result.status == 0 and len(result.out.strip()) == 44, result.out
    result = faulty(bench, "getrandom", "ENOSYS", "1+", [bench.site.binary, "up", bench.site.conf])
    assert "exit 7" in result.out, result.out
    bench.node.run("mount -n --bind /dev/null /dev/urandom")
    try:
        result = faulty(bench, "getrandom", "ENOSYS", "1+", [bench.site.binary, "genkey"])
    finally:
        bench.node.run("umount -n /dev/urandom")
    assert result.status and "gives no random bytes: getrandom(): Function not implemented" in result.out, result.out


def read_only_sysctls(bench):
    """A default route where /proc/sys cannot be written: up with a warning, or a hint where rp_filter is strict."""
    node = Node("vpn02")
    with node:
        node.sh("ip link add eth1 type veth peer name far1; ip link set eth1 up; ip link set far1 up")
        site = Gateway(node, "site")
        site.configure(bench.text(allowed="0.0.0.0/0"))
        node.sh("mount --bind /proc/sys /proc/sys; mount -o remount,bind,ro /proc/sys")
        site.up()
        assert "cannot set net.ipv4.conf.all.src_valid_mark to 1: Read-only file system" in site.log_text(1000)
        site.down()
        node.sh("mount -o remount,bind,rw /proc/sys; sysctl -qw net.ipv4.conf.all.rp_filter=1")
        node.sh("mount -o remount,bind,ro /proc/sys")
        result = site.run("up", site.conf, check=False)
        assert result.status == 1 and "Read-only file system. Set it before" in result.out, result.out
        assert "wg0" not in node.run("ip link").out and "51820" not in node.run("ip rule").out


def together(bench):
    """Files that are given together are compared: what is found, `up` of the second site refuses, too."""
    names = ["one", "two"]
    sites = [Gateway(bench.node, name, folder=bench.site.folder) for name in names]
    texts = ["Name = wg1\nTable = off", "Name = wg2\nTable = off"]
    for site, text in zip(sites, texts):
        site.configure(bench.text(interface=text))
    files = [site.conf for site in sites]
    result = bench.site.run("validate", *files, check=False)
    problems = [line.split(": error: ")[1] for line in result.out.splitlines() if ": error: " in line]
    with open(files[0]) as file:
        lines = file.read().splitlines()

    def at(text):
        return f"{files[0]}, line {lines.index(text) + 1}"

    expected = [f"ListenPort: UDP port {PORT} is also in {at(f'ListenPort = {PORT}')}"]
    for name, section in (("l2tpeth0", "[L2TPSession]"), ("br-l2tp0", "[Bridge]")):
        expected.append(f'Name: "{name}" is also the name in {at(section)}')
    expected += [f'Member: "eth1" is also a member in {at("Member = eth1")}']
    assert result.status == 1 and problems == expected, result.out
    assert f"{files[0]}: fine" in result.out, result.out
    assert bench.site.run("validate", "--offline", *files).ok
    sites[0].up()
    result = sites[1].run("up", files[1], check=False)
    assert result.status == 1 and "ListenPort" in result.out and "l2tpeth0" in result.out, result.out
    sites[0].down()


def main():
    suite = Suite("validate")
    bench = Bench()
    for name, function in [
        ("a file that is right", right),
        ("IPv6 that is disabled", without_ipv6),
        ("members", members),
        ("a card that another interface uses", busy_card),
        ("a macvtap interface", macvtap),
        ("the card that leads to the peer", uplink),
        ("names that exist", names),
        ("names that interfaces have as well", alternative_names),
        ("a back end that is not there", backend),
        ("a port that is taken", port),
        ("networks of the host", networks),
        ("files that are given together", together),
        ("limits of the host", limits),
        ("limits of the process", process_limits),
        ("no descriptor for clients", served),
        ("a log that nothing reads", unread_log),
        ("a terminal that nothing reads", stopped_terminal),
        ("a kernel without getrandom", without_getrandom),
        ("a default route and a read-only /proc/sys", read_only_sysctls),
    ]:
        suite.run(name, function, bench)
    suite.run("nothing is left", bench.clean)
    suite.finish()


if __name__ == "__main__":
    main()
