#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a site reports of its peers while it runs: lines of the journal with fields, hooks, the service manager's line.

vpn01 runs its engine in its own process, vpn02 in a confined one. Each has the other as a peer with a name, and one
that never answers. A silence of a few seconds stands for the 180 that are built in.
"""

import os
import re
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib.network import Reference
from lib.node import need_root
from lib.reference import PORT, new_site_keys, wirespan_conf
from lib.runner import Suite, wait_for
from lib.wirespan import find_binary

SILENCE = "4"
PATIENCE = 60
OTHER_ADDRESS = "192.168.122.33"
ABSENT = "192.168.122.99"


class Site:
    """A gateway with a journal and a service manager that this process plays."""

    def __init__(self, gateway):
        self.gateway = gateway
        self.name = gateway.name
        self.hooks = os.path.join(gateway.folder, "hooks")
        self.entries, self.states = [], []
        self.journal = self.socket(gateway.node.path("/run/systemd/journal/socket"))
        self.manager = self.socket(os.path.join(gateway.folder, "manager"))

    @staticmethod
    def socket(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        there = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        there.bind(path)
        there.setblocking(False)
        return there

    def configure(self, near, far, isolation):
        dead = new_site_keys()[1]
        words = "$WIRESPAN_EVENT $WIRESPAN_SITE $WIRESPAN_INTERFACE $WIRESPAN_PEER $WIRESPAN_PEER_KEY $WIRESPAN_ENDPOINT"
        hooks = f'PeerUp = echo "%i {words}" >>{self.hooks}\nPeerDown = echo "%i {words}" >>{self.hooks}\n'
        hooks += 'PeerDown = [ "$WIRESPAN_PEER" != dead ] || sleep 1234\n'
        text = wirespan_conf(near, far, keepalive=1)
        text = text.replace("[Peer]", f"{hooks}[Peer]\nName = {far.name}.example", 1)
        text += f"[Peer]\nName = dead\nPublicKey = {dead}\nEndpoint = {ABSENT}:9\nPersistentKeepalive = 1\n"
        text += "AllowedIPs = 10.9.9.9/32\n"
        self.gateway.configure(f"[Site]\nIsolation = {isolation}\n{text}")
        self.dead = dead

    def start(self):
        gateway = self.gateway
        with open(gateway.log, "ab") as log:
            stat = os.fstat(log.fileno())
            gateway.process = gateway.node.popen(
                gateway.binary, "up", gateway.conf, stdout=log, stderr=log,
                env={
                    **os.environ, "WIRESPAN_PEER_SILENCE": SILENCE, "NOTIFY_SOCKET": self.manager.getsockname(),
                    "JOURNAL_STREAM": f"{stat.st_dev}:{stat.st_ino}",
                },
            )  # fmt: skip

    def read(self):
        for there, into in ((self.journal, self.entries), (self.manager, self.states)):
            try:
                while True:
                    lines = there.recv(65536).decode().splitlines()
                    into.append(dict(line.split("=", 1) for line in lines))
            except BlockingIOError:
                pass

    def wait_entry(self, event, peer, **fields):
        """Wait for an entry of the journal with these fields. Return: it."""

        def found():
            self.read()
            for entry in self.entries:
                wanted = {"WIRESPAN_EVENT": event, "WIRESPAN_PEER": peer, "WIRESPAN_SITE": self.name, **fields}
                if all(entry.get(name) == value for name, value in wanted.items()):
                    return entry
            return None

        try:
            return wait_for(found, PATIENCE, 0.1, f"{self.name}: {event} of {peer}")
        except AssertionError as problem:
            peers = self.gateway.status()["peers"]
            raise AssertionError(f"{problem}\n{self.entries}\n{peers}\n{self.gateway.log_text()}") from None

    def wait_look(self, state):
        """Wait until the other site is in a state, and the daemon, which looks once a second, has seen that."""

        def uptime():
            report = self.gateway.status()
            peer = next(peer for peer in report["peers"] if peer["name"] != "dead")
            return report["uptime_ms"] if state(peer) else None

        since = wait_for(uptime, PATIENCE, 0.2, f"{self.name}: a state of the peer")
        wait_for(lambda: (uptime() or 0) > since + 2500, PATIENCE, 0.2, f"{self.name}: the daemon to have looked")

    def wait_hook(self, line):
        def ran():
            if not os.path.exists(self.hooks):
                return False
            with open(self.hooks) as file:
                return line in file.read().splitlines()

        wait_for(ran, PATIENCE, 0.1, f"{self.name}: the hook that writes {line!r}")

    def wait_status(self, text):
        def reported():
            self.read()
            return any(state.get("STATUS") == text for state in self.states)

        wait_for(reported, PATIENCE, 0.1, f"{self.name}: STATUS={text}")


def events(net):
    one, two = net.sites
    near, far = (Site(gateway) for gateway in net.gateway)
    near.configure(one, two, "no")
    far.configure(two, one, "yes")
    for site in (near, far):
        site.start()

    # up; and the one that never answers is down
    up = near.wait_entry("peer-up", "vpn02.example", WIRESPAN_PEER_KEY=two.public)
    assert up["WIRESPAN_ENDPOINT"] == f"{two.underlay}:{PORT}" and up["PRIORITY"] == "6", up
    assert up["MESSAGE"] == f"peer vpn02.example is up, at {two.underlay}:{PORT}", up
    far.wait_entry("peer-up", "vpn01.example", WIRESPAN_PEER_KEY=one.public)
    for site in (near, far):
        down = site.wait_entry("peer-down", "dead", WIRESPAN_PEER_KEY=site.dead, PRIORITY="4")
        seconds = int(re.search(r"no answer for (\d+) seconds", down["MESSAGE"]).group(1))
        assert seconds >= int(SILENCE), down
        site.wait_hook(f"wg0 peer-down {site.name} wg0 dead {site.dead} {ABSENT}:9")
        site.wait_status("running, 1 of 2 peers up")
    near.wait_hook(f"wg0 peer-up vpn01 wg0 vpn02.example {two.public} {two.underlay}:{PORT}")
    far.wait_hook(f"wg0 peer-up vpn02 wg0 vpn01.example {one.public} {one.underlay}:{PORT}")

    # a hook that runs holds nothing up
    for site in (near, far):
        assert any("sleep 1234" in words for words in site.gateway.node.processes().values())
    assert net.vpn[0].ping(two.wg4).ok

    # another address, another MTU, once the first one is known
    near.wait_look(lambda peer: peer["path"]["state"] == "complete")
    net.vpn[1].sh(f"ip -4 addr flush dev eth0; ip addr add {OTHER_ADDRESS}/24 dev eth0")
    moved = near.wait_entry("peer-moved", "vpn02.example", WIRESPAN_ENDPOINT=f"{OTHER_ADDRESS}:{PORT}")
    assert moved["WIRESPAN_ENDPOINT_BEFORE"] == f"{two.underlay}:{PORT}", moved
    near.wait_look(lambda peer: peer["path"]["state"] == "complete")
    net.vpn[0].run("ip link set eth0 mtu 1400")
    mtu = near.wait_entry("peer-mtu", "vpn02.example", WIRESPAN_MTU="1400")
    assert int(mtu["WIRESPAN_MTU_BEFORE"]) > 1400, mtu

    # a reload takes over other names and hooks; no hook runs for it
    with open(near.gateway.conf) as file:
        text = file.read()
    near.gateway.configure(text.replace("vpn02.example", "moved").replace("PeerDown = echo", "PeerDown = echo new"))
    near.gateway.run("reload", near.gateway.conf)

    # down, in the middle of a session, and up again
    assert far.gateway.stop() == 0
    near.wait_entry("peer-down", "moved")
    near.wait_hook(f"new wg0 peer-down vpn01 wg0 moved {two.public} {OTHER_ADDRESS}:{PORT}")
    near.entries.clear()
    far.start()
    near.wait_entry("peer-up", "moved")
    near.wait_hook(f"wg0 peer-up vpn01 wg0 moved {two.public} {OTHER_ADDRESS}:{PORT}")

    # the end of the site is that of its hooks
    assert near.gateway.stop() == 0
    wait_for(
        lambda: not any("sleep 1234" in words for words in net.vpn[0].processes().values()),
        PATIENCE, 0.1, "the hook to be killed",
    )  # fmt: skip
    far.gateway.stop()


def plain_lines(net):
    """Without the journal the same lines are in the log, and a peer without a name is called by its key."""
    one, two = net.sites
    near, far = net.gateway
    near.configure(wirespan_conf(one, two, keepalive=1))
    far.configure(wirespan_conf(two, one))
    near.up()
    far.up()
    wait_for(
        lambda: f"wirespan: peer {two.public} is up, at " in near.log_text(0), PATIENCE, what="the line of the log"
    )
    near.stop()
    far.stop()


def main():
    suite = Suite("peers")
    if suite.setup("root", need_root) and suite.setup("binary", find_binary):
        with Reference() as net:
            suite.run("without the journal", plain_lines, net)
            suite.run("journal, hooks and status", events, net)
    suite.finish()


if __name__ == "__main__":
    main()
