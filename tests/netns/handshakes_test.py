#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a handshake needs comes late, changes, or goes and comes again: with PersistentKeepalive, and nothing
else to send, the handshake begins by itself.

The near side is a site's wg0, wirespan-wg, and for comparison Debian's wireguard-go, which is also the far
side. All are made by wg(8) alone, but for the reload of a site.
"""

import base64
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib.drop_in import DropIn
from lib.node import Node, need_root, veth
from lib.reference import PORT, make_sites, new_key, new_site_keys
from lib.runner import Suite, wait_for
from lib.wireguard_go import WireguardGo
from lib.wirespan import Gateway, find_binary

KEEPALIVE = 150  # longer than a busy host is waited for: no handshake waits for it
NONE = base64.b64encode(bytes(32)).decode()  # no key, to wg(8)

# It takes a moment. What waits for a timer takes REKEY_TIMEOUT, 5 s, or the keepalive's interval.
LIMIT = 4


class Bench:
    """Node "near" with one kind of WireGuard, node "far" with wireguard-go, and nothing configured."""

    def __init__(self, kind):
        need_root()
        find_binary()
        self.kind = kind
        self.one, self.two = make_sites()
        self.other = new_site_keys()
        self.near, self.far = Node("near"), Node("far")
        veth(self.near, "eth0", self.far, "eth0")
        for node, site in ((self.near, self.one), (self.far, self.two)):
            node.up("eth0", f"{site.underlay}/24")
        self.go = WireguardGo(self.far, self.two)
        self.endpoint = f"{self.two.underlay}:{PORT}"
        self.start()

    def start(self):
        """wg0 on the near side, up, with a port."""
        self.gateway = None
        if self.kind == "wireguard-go":
            WireguardGo(self.near, self.one)
        elif self.kind == "wirespan-wg":
            DropIn(self.near).start().configure(self.one)
        else:
            self.gateway = Gateway(self.near, "near")
            self.site()
            self.gateway.up()

    def site(self, key=None, peer=""):
        """Write the site's file, with another key if one is given."""
        interface = f"[Interface]\nPrivateKey = {key or self.one.private}\nListenPort = {PORT}\n"
        self.gateway.configure(f"{interface}Address = {self.one.wg4}/24\n{peer}")

    def wg(self, *words, stdin=None):
        return self.near.run("wg", *words, stdin=stdin)

    def key(self, key):
        """Set our private key."""
        self.wg("set", "wg0", "private-key", "/dev/stdin", stdin=key + "\n")

    def peer(self, *words, stdin=None):
        """Add the far side, or change what is given."""
        self.wg("set", "wg0", "peer", self.two.public, *words, stdin=stdin)

    def give(self, *what):
        """What a handshake needs, in this order."""
        for thing in what:
            if thing == "key":
                self.key(self.one.private)
            elif thing == "endpoint":
                self.peer("endpoint", self.endpoint)
            elif thing == "keepalive":
                self.peer("persistent-keepalive", str(KEEPALIVE))
            elif thing == "up":
                self.near.run("ip link set wg0 up")
            else:
                self.peer(*thing)

    def forget(self, psk=None):
        """The far side has no session, and knows both of our keys."""
        for public, address in ((self.one.public, self.one.wg4), (self.other[1], "10.0.1.13")):
            self.far.run("wg", "set", "wg0", "peer", public, "remove")
            words = ["preshared-key", "/dev/stdin"] if psk else []
            self.far.run(
                "wg", "set", "wg0", "peer", public, "allowed-ips", f"{address}/32", *words, stdin=psk
            )

    def clear(self):
        """Neither key nor peer here, no session there."""
        self.wg("set", "wg0", "peer", self.two.public, "remove")
        self.key(NONE)
        self.near.run("ip link set wg0 up")
        self.forget()

    def meet(self):
        """A session, and then the far side forgets it: only a new handshake shows there."""
        self.give("key", ("endpoint", self.endpoint), "keepalive")
        self.await_handshake("to begin with")
        time.sleep(0.2)
        self.forget()

    def has_session(self, public=None):
        """Whether the far side has a session that we have asked for and proven."""
        out = self.far.run("wg show wg0 latest-handshakes").out
        times = dict(line.split("\t") for line in out.splitlines())
        return times[public or self.one.public] != "0"

    def check_silence(self, why="something is missing"):
        """wireguard-go looks after its interface once a second only, and so is not judged."""
        assert self.kind == "wireguard-go" or not self.has_session(), why

    def await_handshake(self, what, public=None, limit=LIMIT):
        """Return: seconds it took."""
        begun = time.monotonic()
        wait_for(lambda: self.has_session(public), limit, what=f"a handshake {what}")
        return time.monotonic() - begun

    def diagnostics(self):
        log = self.gateway.log_text() if self.gateway else ""
        return self.near.run("wg show").out + self.far.run("wg show").out + log

    def close(self):
        self.near.close()
        self.far.close()


# ---- cases: each ends with what makes the handshake possible ---------------------------------------------


def key_last(bench):
    bench.give(("endpoint", bench.endpoint), "keepalive")
    time.sleep(1)
    bench.check_silence()
    bench.give("key")


def endpoint_last(bench):
    bench.give("key", "keepalive")
    time.sleep(1)
    bench.check_silence()
    bench.give("endpoint")


def keepalive_last(bench):
    bench.give("key", "endpoint")
    time.sleep(1)
    bench.check_silence()
    bench.give("keepalive")


def up_last(bench):
    bench.near.run("ip link set wg0 down")
    bench.give("key", "endpoint", "keepalive")
    time.sleep(1)
    bench.check_silence()
    bench.give("up")


def key_while_down(bench):
    """Set up without a key first: what that asks for cannot be had yet."""
    bench.near.run("ip link set wg0 down")
    bench.give("endpoint", "keepalive", "up")
    time.sleep(1)
    bench.give("key")


def down_and_up(bench):
    bench.meet()
    bench.near.run("ip link set wg0 down")
    time.sleep(0.5)
    bench.near.run("ip link set wg0 up")


def key_changes(bench):
    bench.meet()
    bench.key(bench.other[0])
    return bench.other[1]


def key_goes_and_comes(bench):
    bench.meet()
    bench.key(NONE)
    time.sleep(1)
    bench.check_silence()
    bench.key(bench.one.private)


def key_goes_and_comes_at_once(bench):
    """Without a pause: what the far side takes for a flood of initiations must not cost five seconds."""
    bench.meet()
    for _ in range(3):
        bench.key(NONE)
        bench.key(bench.one.private)


def peer_section(bench):
    return (
        f"[Peer]\nPublicKey = {bench.two.public}\nEndpoint = {bench.endpoint}\n"
        f"PersistentKeepalive = {KEEPALIVE}\nAllowedIPs = {bench.two.wg4}/32\n"
    )


def conf(bench, key):
    return f"[Interface]\nPrivateKey = {key}\nListenPort = {PORT}\n{peer_section(bench)}"


def syncconf(bench):
    """All but the key is as it was."""
    bench.meet()
    bench.wg("syncconf", "wg0", "/dev/stdin", stdin=conf(bench, bench.one.private))
    bench.wg("syncconf", "wg0", "/dev/stdin", stdin=conf(bench, bench.other[0]))
    return bench.other[1]


def setconf(bench):
    bench.meet()
    bench.wg("setconf", "wg0", "/dev/stdin", stdin=conf(bench, bench.one.private))


def peer_goes_and_comes(bench):
    bench.meet()
    bench.peer("remove")
    time.sleep(0.5)
    bench.give("endpoint", "keepalive")


def keepalive_again(bench):
    """Off, the session expires as far as the far side is concerned; on again."""
    bench.give("key", "endpoint")
    time.sleep(0.5)
    bench.peer("persistent-keepalive", "9")
    bench.await_handshake("with the first interval")
    bench.forget()
    bench.peer("persistent-keepalive", "0")
    bench.key(NONE)
    bench.key(bench.one.private)
    time.sleep(1)
    bench.check_silence("without a keepalive there is nothing to send")
    bench.give("keepalive")


def other_endpoint(bench):
    """The first address is wrong: no host answers there."""
    bench.give("key", ("endpoint", "192.168.122.99:1"), "keepalive")
    time.sleep(1)
    bench.give("endpoint")


def preshared_key(bench):
    """A wrong preshared key first."""
    right = new_key()
    bench.forget(psk=right)
    bench.give("key")
    bench.peer("preshared-key", "/dev/stdin", stdin=new_key())
    bench.give("endpoint", "keepalive")
    time.sleep(1)
    bench.check_silence()
    bench.peer("preshared-key", "/dev/stdin", stdin=right)


def pending_packet(bench):
    """Without a keepalive, a packet that waits for its session does."""
    bench.give(("endpoint", bench.endpoint, "allowed-ips", f"{bench.two.wg4}/32"))
    bench.near.ping(bench.two.wg4, count=1, timeout=0.2)
    bench.give("key")


def reload(bench):
    """A site's file with another key, and nothing else changed."""
    bench.meet()
    bench.site(peer=peer_section(bench))
    bench.gateway.run("reload", bench.gateway.name)
    bench.site(key=bench.other[0], peer=peer_section(bench))
    bench.gateway.run("reload", bench.gateway.name)
    return bench.other[1]


def reload_with_peer(bench):
    """A site's file with a peer that was not there."""
    bench.give("key")
    bench.site(peer=peer_section(bench))
    bench.gateway.run("reload", bench.gateway.name)


CASES = {
    "the key comes last": key_last,
    "the endpoint comes last": endpoint_last,
    "the keepalive comes last": keepalive_last,
    "up first, then the key": key_while_down,
    "another key": key_changes,
    "the key goes and comes": key_goes_and_comes,
    "the key goes and comes at once": key_goes_and_comes_at_once,
    "another key by syncconf": syncconf,
    "the same by setconf": setconf,
    "the peer goes and comes": peer_goes_and_comes,
    "the keepalive goes and comes": keepalive_again,
    "another endpoint": other_endpoint,
    "another preshared key": preshared_key,
    "a pending packet and no keepalive": pending_packet,
}
RELOADS = {"another key by reload": reload, "a new peer by reload": reload_with_peer}
LINKS = {"the interface is set up last": up_last, "down and up": down_and_up}


def judge(bench, function):
    """Ours does it in time. How long the other one takes is printed: it may wait for a timer."""
    bench.clear()
    public = function(bench)
    if bench.kind != "wireguard-go":
        print(f"  {bench.await_handshake('by itself', public):.1f} s")
        return
    begun = time.monotonic()
    while not bench.has_session(public) and time.monotonic() < begun + 2 * LIMIT:
        time.sleep(0.05)
    took = time.monotonic() - begun
    print(f"  {took:.1f} s" if bench.has_session(public) else f"  more than {took:.0f} s")


def main():
    suite = Suite("handshakes")
    for kind in ("wirespan", "wirespan-wg", "wireguard-go"):
        box = {}
        if not suite.setup(f"two nodes, {kind}", lambda: box.update(bench=Bench(kind))):
            continue
        suite.diagnose_with(box["bench"].diagnostics)
        # a site's wg0 is its own: what others do to the link is not followed
        for name, function in {**CASES, **(RELOADS if kind == "wirespan" else LINKS)}.items():
            suite.run(f"{kind}: {name}", judge, box["bench"], function)
        box["bench"].close()
    suite.finish()


if __name__ == "__main__":
    main()
