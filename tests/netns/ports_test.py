#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A UDP port that another program has: refused when wg(8) asks for it, beside wireguard-go; pending, shown and
tried again when there is nothing to refuse; and the ports that must go on working."""

import base64
import fcntl
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib.drop_in import DropIn
from lib.network import Reference
from lib.node import Node, listening, need_root, veth
from lib.pings import Pings
from lib.reference import PORT, make_sites, new_site_keys, wirespan_conf
from lib.runner import Skip, Suite, wait_for
from lib.wirespan import difference, find_binary, scratch, snapshot

TAKEN = 8200
FAMILIES = {4: (socket.AF_INET, "0.0.0.0"), 6: (socket.AF_INET6, "::")}

# A port that has become free is tried within 8 seconds.
RETRY = 30


def occupy(node, port, family=4):
    """Another program in the node takes the port in one family. Return: its socket."""

    def bind():
        kind, address = FAMILIES[family]
        sock = socket.socket(kind, socket.SOCK_DGRAM)
        if family == 6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((address, port))
        return sock

    return node.call(bind)


def to_hex(text):
    return base64.b64decode(text).hex()


class Bench:
    """Node "near" with nothing in it yet, node "far" with wirespan-wg, waiting to be called."""

    def __init__(self):
        need_root()
        if not shutil.which("wg"):
            raise Skip("wg(8) is not installed: wireguard-tools")
        self.one, self.two = make_sites()
        self.near, self.far = Node("near"), Node("far")
        veth(self.near, "eth0", self.far, "eth0")
        for node, site in ((self.near, self.one), (self.far, self.two)):
            node.up("eth0", f"{site.underlay}/24", f"{site.underlay6}/64")
        DropIn(self.far).start().configure(self.two).peer(self.one)
        wait_for(lambda: "fe80:" in self.near.run("ip -6 addr").out, what="the kernel's own addresses")
        self.near.settle()
        self.before = snapshot(self.near)
        self.folder = scratch()
        self.wg = DropIn(self.near, log=os.path.join(self.folder, "log"))

    def start(self, **options):
        """wirespan-wg with key and peer, down, with no port asked for. Return: it."""
        self.down()
        open(self.wg.log, "w").close()
        self.wg.start_by(["-f", "wg0"], **options)
        self.wg.wg("set", "wg0", "private-key", "/dev/stdin", stdin=self.one.private + "\n")
        return self.wg.peer(self.two, endpoint=f"{self.two.underlay}:{PORT}", keepalive=25)

    def set_up(self):
        self.near.up("wg0", f"{self.one.wg4}/24")

    def down(self):
        if self.wg.pids():
            self.wg.stop()

    def await_open(self, port):
        """The port opens by itself, it is logged, and the peer receives from us at once."""
        wait_for(lambda: self.wg.listens(port), RETRY, what=f"port {port} to be opened")
        wait_for(lambda: f"UDP port {port} is open" in self.wg.log_text(), what="the line in the log")
        assert self.wg.show("listen-port") == str(port)
        wait_for(self.wg.handshake_age, 4, what="a handshake by itself")

    def check_clean(self, what):
        left = difference(self.before, snapshot(self.near))
        assert left in ("", "+ ./wireguard"), f"left {what}: {left}"
        assert not self.wg.pids(), f"still running {what}"

    def diagnostics(self):
        log = self.wg.log_text() if os.path.exists(self.wg.log) else ""
        return log + self.near.sh("wg show; ss -uln; ip -br addr", check=False).out


# ---- asked for by wg-quick and wg ------------------------------------------------------------------------


def wg_quick(bench, verb, binary):
    """Run stock wg-quick. Return: Result."""
    path = os.path.join(bench.folder, "wg0.conf")
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(
            f"[Interface]\nPrivateKey = {bench.one.private}\nListenPort = {TAKEN}\n"
            f"Address = {bench.one.wg4}/24\n[Peer]\nPublicKey = {bench.two.public}\n"
            f"Endpoint = {bench.two.underlay}:{PORT}\nAllowedIPs = {bench.two.wg4}/32\n"
        )
    environment = {**os.environ, "WG_QUICK_USERSPACE_IMPLEMENTATION": binary}
    return bench.near.run("wg-quick", verb, path, env=environment, check=False)


def wg_quick_refused(bench, binary):
    """Run wg-quick up with a port that is taken, until nothing of it runs. Return: Result.

    wireguard-go opens its socket when it believes that its interface is up, which depends on which of its threads runs
    first: on a busy host the port may not be open yet when wg-quick configures it, and then nothing is refused."""
    stock = binary == "wireguard-go"
    for _ in range(10 if stock else 1):
        result = wg_quick(bench, "up", binary)
        refused = result.status != 0 and "Address already in use" in result.out
        if stock and not refused:
            wg_quick(bench, "down", binary)
        try:
            wait_for(lambda: not bench.near.processes(), 1, what=f"{binary} to end")
        except AssertionError:
            if not stock:
                raise
            # on a busy host it does not always notice that its interface was deleted
            bench.near.sh(f"kill -9 {' '.join(map(str, bench.near.processes()))}; rm -f /run/wireguard/wg0.sock")
        if refused:
            break
    return result


def quick(bench, family):
    """wg-quick fails, prints why, and leaves nothing; with the port free again it succeeds."""
    if not shutil.which("wg-quick"):
        raise Skip("wg-quick(8) is not installed: wireguard-tools")
    if bench.near.run("ip link add probe type wireguard", check=False).ok:
        bench.near.run("ip link del probe")
        raise Skip("this kernel has a WireGuard of its own, which wg-quick prefers")
    seen = {}
    for binary in ("wireguard-go", bench.wg.binary):
        if not shutil.which(binary):
            continue
        with occupy(bench.near, TAKEN, family):
            result = wg_quick_refused(bench, binary)
        last = result.out.splitlines()[-2:]
        seen[os.path.basename(binary)] = (result.status, last)
        assert result.status and "Address already in use" in last[0], result.out
        bench.check_clean("by wg-quick up")
    assert len(set(map(str, seen.values()))) == 1, seen
    result = wg_quick(bench, "up", bench.wg.binary)
    assert result.status == 0, result.out
    assert bench.wg.listens(TAKEN) and bench.near.ping(bench.two.wg4).ok
    result = wg_quick(bench, "down", bench.wg.binary)
    assert result.status == 0, result.out
    bench.wg.wait_end()
    bench.check_clean("by wg-quick down")


def refused_while_down(bench, family):
    """The port is not open while the interface is down, and yet one that is taken is refused."""
    wg = bench.start()
    wg.wg("set", "wg0", "listen-port", "8300")
    with occupy(bench.near, TAKEN, family):
        for more in ([], ["fwmark", "9"], ["peer", new_site_keys()[1], "allowed-ips", "10.9.0.0/16"]):
            result = wg.wg("set", "wg0", "listen-port", str(TAKEN), *more, check=False)
            assert result.status == 1 and "Address already in use" in result.out, result.out
            assert wg.show("listen-port") == "8300" and wg.show("fwmark") == "off"
            assert wg.show("peers") == bench.two.public, "nothing of the request is applied"
    wg.wg("set", "wg0", "listen-port", str(TAKEN))
    assert wg.show("listen-port") == str(TAKEN) and not wg.listens(TAKEN)
    bench.set_up()
    wait_for(lambda: wg.listens(TAKEN), what="the port")
    wait_for(wg.handshake_age, 4, what="a handshake by itself")


def ask(node, text):
    """Send a request to wg0's socket in the node. Return: the reply."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(10)
        client.connect(node.path("/run/wireguard/wg0.sock"))
        client.sendall(text.encode())
        reply = b""
        while not reply.endswith(b"\n\n"):
            reply += client.recv(65536)
        return reply.decode()


def start_wireguard_go():
    """Return: a node with wireguard-go, or None."""
    if not shutil.which("wireguard-go"):
        return None
    node = Node("go")
    node.popen("wireguard-go", "-f", "wg0", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: listening(node.path("/run/wireguard/wg0.sock")), what="wireguard-go")
    return node


def whole_configuration(bench, up):
    """A configuration with a port that is taken, as setconf sends it: none of its peers is added, as with
    wireguard-go. That loses its port and its key, too; here everything goes on as it was."""
    wg = bench.start()
    wg.wg("set", "wg0", "listen-port", "8300")
    private, public = new_site_keys()[0], new_site_keys()[1]
    go = start_wireguard_go()
    if go:
        ask(go, f"set=1\nprivate_key={to_hex(bench.one.private)}\nlisten_port=8300\n\n")
    if up:
        bench.set_up()
        wait_for(wg.handshake_age, 4, what="a handshake by itself")
        if go:
            go.up("wg0")
    before = wg.wg("showconf", "wg0").out
    request = (
        f"set=1\nprivate_key={to_hex(private)}\nlisten_port={TAKEN}\nfwmark=0\nreplace_peers=true\n"
        f"public_key={to_hex(public)}\nallowed_ip=10.9.0.0/16\n\n"
    )
    with occupy(bench.near, TAKEN):
        assert ask(bench.near, request) == "errno=-98\n\n"
    assert wg.wg("showconf", "wg0").out == before
    if go and up:  # down, it does not look at the port
        with occupy(go, TAKEN):
            assert ask(go, request) == "errno=-98\n\n"
        assert public not in go.run("wg show wg0 peers").out
    if up:
        age = wg.handshake_age()
        assert bench.near.ping(bench.two.wg4).ok and wg.handshake_age() == age, "the session goes on"
    assert ask(bench.near, request) == "errno=0\n\n"
    assert wg.show("listen-port") == str(TAKEN) and wg.show("peers") == public
    if go:
        go.close()


# ---- taken at another time -------------------------------------------------------------------------------


def taken_at_set_up(bench, family):
    """Free when it is asked for, taken when the interface is set up: logged, not shown, opened later."""
    wg = bench.start()
    wg.wg("set", "wg0", "listen-port", str(TAKEN))
    with occupy(bench.near, TAKEN, family):
        bench.set_up()
        wait_for(lambda: f"Cannot listen on UDP port {TAKEN}" in wg.log_text(), what="the line in the log")
        line = next(text for text in wg.log_text().splitlines() if "Cannot listen" in text)
        assert "wg0" in line and "Address already in use" in line, line
        assert wg.show("listen-port") == "0" and "listening port" not in wg.wg("show").out
        # what else happens to the interface is no reason to try, and to log it, again
        for mtu in (1300, 1301, 1302):
            bench.near.run(f"ip link set wg0 mtu {mtu}")
        time.sleep(4)
        assert wg.log_text().count("Cannot listen") == 1, wg.log_text()
        bench.near.ping(bench.two.wg4, count=1, timeout=0.2)
        assert not wg.handshake_age()
    bench.await_open(TAKEN)
    assert bench.near.ping(bench.two.wg4).ok


def set_while_pending(bench):
    """Other settings are taken while the port is pending; another port opens at once."""
    wg = bench.start()
    wg.wg("set", "wg0", "listen-port", str(TAKEN))
    with occupy(bench.near, TAKEN):
        bench.set_up()
        wait_for(lambda: "Cannot listen" in wg.log_text(), what="the line in the log")
        wg.wg("set", "wg0", "fwmark", "0x17")
        wg.peer(bench.two, keepalive=20)
        assert wg.show("fwmark") == "0x17" and wg.show("persistent-keepalive").endswith("\t20")
        result = wg.wg("set", "wg0", "listen-port", str(TAKEN), check=False)
        assert result.status == 1 and "Address already in use" in result.out, result.out
        wg.wg("set", "wg0", "listen-port", "8300")
        assert wg.show("listen-port") == "8300" and wg.listens(8300)
        wait_for(wg.handshake_age, 4, what="a handshake by itself")
    time.sleep(3)
    assert wg.show("listen-port") == "8300", "nothing is pending any more"


def down_while_pending(bench):
    """Set down, it is not tried any more; set up, again."""
    wg = bench.start()
    wg.wg("set", "wg0", "listen-port", str(TAKEN))
    with occupy(bench.near, TAKEN):
        bench.set_up()
        wait_for(lambda: "Cannot listen" in wg.log_text(), what="the line in the log")
        bench.near.run("ip link set wg0 down")
        wait_for(lambda: wg.show("listen-port") == str(TAKEN), what="the number it will have")
    time.sleep(3)
    assert not wg.listens(TAKEN)
    bench.near.run("ip link set wg0 up")
    wait_for(lambda: wg.listens(TAKEN), what="the port")


def moved(bench):
    """The interface moves to another network namespace, and the port is taken there."""
    wg = bench.start()
    wg.wg("set", "wg0", "listen-port", str(TAKEN))
    bench.set_up()
    wait_for(lambda: wg.listens(TAKEN), what="the port")
    try:
        bench.near.sh("ip netns add inner; ip link set wg0 netns inner")
        wait_for(lambda: not wg.listens(TAKEN), what="the port to be closed: it arrives there down")
        with occupy(bench.near, TAKEN):
            bench.near.sh(f"ip -n inner addr add {bench.one.wg4}/24 dev wg0; ip -n inner link set wg0 up")
            wait_for(lambda: "Cannot listen" in wg.log_text(), what="the line in the log")
            time.sleep(4)  # it is looked after once a second there
            assert wg.log_text().count("Cannot listen") == 1, wg.log_text()
        bench.await_open(TAKEN)
        bench.near.run(*"ip netns exec inner ping -c 1 -W 2".split(), bench.two.wg4)
    finally:
        bench.near.sh("ip netns del inner", check=False)
        wg.wait_end()


def chosen_port_taken(bench):
    """No port was asked for, and the one that the kernel chose is taken meanwhile: another is as good."""
    wg = bench.start()
    bench.set_up()
    wait_for(lambda: wg.show("listen-port") != "0", what="a port")
    first = int(wg.show("listen-port"))
    bench.near.run("ip link set wg0 down")
    wait_for(lambda: not wg.listens(first), what="the port to be closed")
    bench.near.run("ip link set wg0 up")
    wait_for(lambda: wg.listens(first), what="the same port again")
    bench.near.run("ip link set wg0 down")
    wait_for(lambda: not wg.listens(first), what="the port to be closed")
    with occupy(bench.near, first):
        bench.near.up("wg0")
        wait_for(lambda: wg.show("listen-port") not in ("0", str(first)), what="another port")
        assert "Cannot" not in wg.log_text(), wg.log_text()


# ---- other reasons ---------------------------------------------------------------------------------------


def need_capsh(bench):
    if not bench.near.run("which", "capsh", check=False).ok:
        raise Skip("capsh is not installed: libcap2-bin")


def privileged_port(bench):
    """A port that needs a privilege is refused without it, and had with it."""
    need_capsh(bench)
    for capable in (False, True):
        wg = bench.start(without="" if capable else "cap_net_bind_service")
        wg.wg("set", "wg0", "listen-port", str(TAKEN))
        for up in (False, True):
            if up:
                bench.set_up()
                wait_for(lambda: wg.listens(TAKEN), what="the port")
            result = wg.wg("set", "wg0", "listen-port", "80", check=False)
            assert result.ok == capable, result.out
            if not capable:
                assert "Permission denied" in result.out, result.out
            assert wg.show("listen-port") == ("80" if capable else str(TAKEN))
            wg.wg("set", "wg0", "listen-port", str(TAKEN))


def open_tun(name):
    """Return: the descriptor of a new TUN."""
    fd = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(fd, 0x400454CA, struct.pack("16sH22x", name.encode(), 0x1001))  # TUNSETIFF, IFF_TUN, IFF_NO_PI
    return fd


def forbidden_mark(bench):
    """A firewall mark needs a privilege: without it the request is refused, and nothing of it applied."""
    need_capsh(bench)
    tun = bench.near.call(lambda: open_tun("wg0"))
    try:
        wg = bench.start(without="cap_net_admin,cap_net_raw", pass_fds=[tun], WG_TUN_FD=str(tun))
    finally:
        os.close(tun)
    wg.wg("set", "wg0", "listen-port", str(TAKEN))
    for up in (False, True):
        if up:
            bench.set_up()
            wait_for(lambda: wg.listens(TAKEN), what="the port")
        for words in (["fwmark", "9"], ["fwmark", "9", "listen-port", "8300"]):
            result = wg.wg("set", "wg0", *words, check=False)
            assert result.status == 1 and "Operation not permitted" in result.out, result.out
            assert wg.show("fwmark") == "off" and wg.show("listen-port") == str(TAKEN)
    assert bench.near.ping(bench.two.wg4).ok


def without_ipv6(bench):
    """IPv6 switched off on the host: the port opens, is refused when it is taken, and is tried again."""
    sysctl = "sysctl -qw net.ipv6.conf.all.disable_ipv6={0} net.ipv6.conf.default.disable_ipv6={0}"
    bench.near.run(*sysctl.format(1).split())
    try:
        taken_at_set_up(bench, 4)
        with occupy(bench.near, 8300):
            result = bench.wg.wg("set", "wg0", "listen-port", "8300", check=False)
            assert result.status == 1 and "Address already in use" in result.out, result.out
        assert bench.wg.listens(TAKEN) and bench.near.ping(bench.two.wg4).ok
    finally:
        bench.down()
        bench.near.run(*sysctl.format(0).split())
        bench.near.run("ip", "addr", "replace", f"{bench.one.underlay6}/64", "dev", "eth0", "nodad")


# ---- a site ----------------------------------------------------------------------------------------------


class Site:
    """The reference network, both gateways up."""

    def __init__(self):
        need_root()
        find_binary()
        self.net = Reference()
        self.near = self.net.gateway[0]
        self.text = wirespan_conf(*self.net.sites, keepalive=25)
        self.net.up(keepalive=25)
        self.works()

    def works(self):
        result = self.net.member[0].ping(self.net.sites[1].member4, count=3)
        assert result.ok, result.out

    def reload(self, port=PORT, keepalive=25, check=True):
        """Another file, while a member pings: not one packet may be lost. Return: what reload printed."""
        text = self.text.replace(f"ListenPort = {PORT}", f"ListenPort = {port}")
        text = text.replace("PersistentKeepalive = 25", f"PersistentKeepalive = {keepalive}")
        self.near.configure(text)
        pings = Pings(self.net.member[0], self.net.sites[1].member4)
        pings.wait(5)
        result = self.near.run("reload", self.near.name, check=check)
        lost = pings.lost(20)
        assert not lost, f"echoes {lost} were lost while reloading"
        return result

    def port(self):
        """Return: (port in use, port that is pending) by the status."""
        wg = self.near.status()["wireguard"]
        return wg["listen_port"], wg["pending_port"]


def reload_to_taken(site, family):
    """All the rest of the file is applied, the old port stays, and the new one is opened once it is free."""
    node = site.near.node
    with occupy(node, TAKEN, family):
        result = site.reload(TAKEN, keepalive=17, check=False)
        assert result.status == 1, result.out
        assert f"UDP port {TAKEN}" in result.out and "Address already in use" in result.out, result.out
        assert f"port {PORT}" in result.out and "trying again" in result.out, result.out
        assert site.port() == (PORT, TAKEN), site.port()
        assert site.near.status()["peers"][0]["persistent_keepalive"] == 17
        text = site.near.run("status", site.near.name).out
        assert f"{TAKEN} cannot be opened yet" in text and "Address already in use" in text, text
        warnings = [w["text"] for w in site.near.status()["warnings"]]
        assert any(f"UDP port {TAKEN}" in w for w in warnings), warnings
        metrics = site.near.run("metrics", site.near.name).out
        assert f'wirespan_pending_port{{site="{site.near.name}"}} {TAKEN}\n' in metrics, metrics
        findings = json.loads(site.near.run("check", "--json", "--quick", site.near.name, check=False).out)
        assert any(f"UDP port {TAKEN}" in f["text"] for f in findings["findings"]), findings
        assert node.run("wg show wg0 listen-port").out == f"{PORT}\n"
        assert f"wg0: Cannot listen on UDP port {TAKEN}" in site.near.log_text(), site.near.log_text()
        site.works()
    wait_for(lambda: site.port() == (TAKEN, 0), RETRY, what="the port to be opened")
    assert f"UDP port {TAKEN} is open" in site.near.log_text()
    # with a keepalive the far side learns of it at once
    far = site.net.gateway[1]
    wait_for(lambda: far.status()["peers"][0]["endpoint"].endswith(f":{TAKEN}"), 4, what="the far side to follow")
    site.works()
    site.reload()
    assert site.port() == (PORT, 0)


def reload_back(site):
    """A file with the old port again: nothing is pending any more, also once the other is free."""
    with occupy(site.near.node, TAKEN):
        assert site.reload(TAKEN, check=False).status == 1
        assert site.port() == (PORT, TAKEN)
        site.reload()
        assert site.port() == (PORT, 0)
    time.sleep(3)
    assert site.port() == (PORT, 0)


def by_signal(site):
    """SIGHUP has no answer: the log has it, and the status."""
    before = site.near.log_text().count("Cannot listen")
    with occupy(site.near.node, TAKEN):
        site.near.configure(site.text.replace(f"ListenPort = {PORT}", f"ListenPort = {TAKEN}"))
        site.near.signal("HUP")
        wait_for(lambda: site.port() == (PORT, TAKEN), what="SIGHUP to be followed")
        assert site.near.log_text().count("Cannot listen") > before
    wait_for(lambda: site.port() == (TAKEN, 0), RETRY, what="the port to be opened")
    site.reload()


def wg_on_a_site(site):
    """wg(8) is refused a port that is taken; one that is free ends the wait for the file's."""
    node = site.near.node
    with occupy(node, TAKEN):
        result = node.run("wg", "set", "wg0", "listen-port", str(TAKEN), check=False)
        assert result.status == 1 and "Address already in use" in result.out, result.out
        assert site.port() == (PORT, 0)
        assert site.reload(TAKEN, check=False).status == 1
        node.run("wg", "set", "wg0", "listen-port", "8300")
        assert site.port() == (8300, 0)
    site.works()
    site.reload()


def up_refused(site, family):
    """`up` with a port that is taken fails with a sentence, and leaves nothing."""
    near = site.near
    near.down()
    near.node.settle()
    before = snapshot(near.node)
    with occupy(near.node, PORT, family):
        for words in (["up", near.conf, "-d"], ["up", near.conf]):
            result = near.run(*words, check=False, timeout=30)
            assert result.status == 1, result.out
            assert f"UDP port {PORT} is in use" in result.out and "ss -ulpn" in result.out, result.out
            near.node.settle()
            left = difference(before, snapshot(near.node))
            assert not left, left
    near.up()
    wait_for(lambda: site.net.member[0].ping(site.net.sites[1].member4, count=1).ok, 20, what="the segment")


CASES = {
    **{f"wg-quick up, IPv{n} taken": (quick, n) for n in (4, 6)},
    **{f"refused while down, IPv{n} taken": (refused_while_down, n) for n in (4, 6)},
    "a whole configuration, down": (whole_configuration, False),
    "a whole configuration, up": (whole_configuration, True),
    **{f"taken at set-up, IPv{n}": (taken_at_set_up, n) for n in (4, 6)},
    "settings while it is pending": (set_while_pending,),
    "set down while it is pending": (down_while_pending,),
    "moved while it is taken": (moved,),
    "the kernel's choice is taken": (chosen_port_taken,),
    "a port that needs a privilege": (privileged_port,),
    "a firewall mark that needs one": (forbidden_mark,),
    "without IPv6": (without_ipv6,),
}
SITE_CASES = {
    **{f"reload to a port taken for IPv{n}": (reload_to_taken, n) for n in (4, 6)},
    "reload there and back": (reload_back,),
    "reload by SIGHUP": (by_signal,),
    "wg on a site": (wg_on_a_site,),
    **{f"up refused, IPv{n} taken": (up_refused, n) for n in (4, 6)},
}


def main():
    suite = Suite("ports")
    box = {}

    def case(function, *args):
        try:
            function(box["bench"], *args)
        finally:
            bench = box["bench"]
            bench.down()
            wait_for(lambda: "wg0" not in bench.near.run("ip", "-br", "link").out, what="wg0 to be removed")

    if suite.setup("two nodes", lambda: box.update(bench=Bench())):
        suite.diagnose_with(box["bench"].diagnostics)
        for name, (function, *args) in CASES.items():
            suite.run(f"wirespan-wg: {name}", case, function, *args)
    if suite.setup("the reference network", lambda: box.update(site=Site())):
        suite.diagnose_with(box["site"].net.diagnostics)
        for name, (function, *args) in SITE_CASES.items():
            suite.run(f"wirespan: {name}", function, box["site"], *args)
    suite.finish()


if __name__ == "__main__":
    main()
