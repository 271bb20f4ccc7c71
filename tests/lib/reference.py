# SPDX-License-Identifier: MIT
"""The reference network's names and numbers, and two forms of one of its gateways.

`wirespan_conf` is the configuration file of wirespan; `handmade_commands` is the equivalent shell script, for a
kernel with wireguard and l2tp modules.  Both are made from the same Site and Pseudowire, so every variant of the
interoperability tests is one line.
"""

import base64
import dataclasses
import os
import subprocess
from typing import Optional

PORT = 8172
UNDERLAY_MTU = 1500


@dataclasses.dataclass(frozen=True)
class Site:
    """One gateway and the member behind it."""

    name: str
    underlay: str
    wg4: str
    wg6: str
    bridge4: str
    bridge6: str
    member4: str
    member6: str
    tunnel: int
    session: int
    private: str
    public: str
    underlay6: str = ""  # derived from `underlay` if not given

    def __post_init__(self):
        if not self.underlay6:
            object.__setattr__(self, "underlay6", "fd00:122::" + self.underlay.rsplit(".", 1)[1])

    def wg(self, family):
        return self.wg6 if family == 6 else self.wg4


@dataclasses.dataclass(frozen=True)
class Pseudowire:
    """Parameters of the pseudowire; the defaults are the reference network's. Cookies: (from 01, from 02)."""

    encap: str = "udp"
    family: int = 4
    cookies: tuple = ("", "")
    sublayer: str = "default"
    sequence: str = "none"
    preshared: Optional[str] = None
    session_mtu: Optional[int] = None

    @property
    def wg_mtu(self):
        return UNDERLAY_MTU - 20 - 8 - 32

    def largest_packet(self, sender):
        """Return: the largest IP packet in an untagged frame from `sender` (1 or 2) that is not fragmented."""
        inner = 40 if self.family == 6 else 20
        header = 4 if self.encap == "ip" else 8 + 4 + 4
        cookie = len(self.cookies[sender - 1]) // 2
        sublayer = 0 if self.sublayer == "none" else 4
        return self.wg_mtu - inner - header - cookie - sublayer - 14


def _wg(words, given=None):
    return subprocess.run(
        ["wg", *words], input=given, capture_output=True, text=True, check=True
    ).stdout.strip()


def new_key():
    """Return: a key (private, or preshared) as text."""
    return base64.b64encode(os.urandom(32)).decode()


def new_site_keys():
    """Return: (private key, public key) as text."""
    private = _wg(["genkey"])
    return private, _wg(["pubkey"], private)


def make_sites():
    """Return: (vpn01, vpn02) of the reference network with new keys."""
    sites = []
    for number, near, tunnel, session in ((1, "1", 3939, 3941), (2, "2", 3940, 3942)):
        private, public = new_site_keys()
        sites.append(
            Site(
                name=f"vpn0{number}",
                underlay="192.168.122.24" if number == 1 else "192.168.122.32",
                wg4=f"10.0.1.{near}1",
                wg6=f"fd00:1::{near}1",
                bridge4=f"10.0.2.{near}1",
                bridge6=f"fd00:2::{near}1",
                member4=f"10.0.2.{near}2",
                member6=f"fd00:2::{near}2",
                tunnel=tunnel,
                session=session,
                private=private,
                public=public,
            )
        )
    return tuple(sites)


def _cookie_pair(near, wire):
    number = int(near.name[-1])
    return wire.cookies[number - 1], wire.cookies[2 - number]


def wirespan_conf(
    near,
    far,
    wire=Pseudowire(),
    member="eth1",
    keepalive=0,
    endpoint=True,
    extra="",
    wg_mtu="auto",
    underlay_family=4,
):
    """Return: the configuration file of the gateway `near`.

    extra: lines for the [L2TPSession] section; endpoint False: the other side must connect first.
    """
    sent, expected = _cookie_pair(near, wire)
    lines = ["[Interface]", "Name = wg0", f"PrivateKey = {near.private}", f"ListenPort = {PORT}"]
    lines += [f"Address = {near.wg4}/24", f"Address = {near.wg6}/64", f"MTU = {wg_mtu}"]
    lines += ["", "[Peer]", f"PublicKey = {far.public}", f"AllowedIPs = {far.wg4}/32, {far.wg6}/128"]
    if wire.preshared:
        lines.append(f"PresharedKey = {wire.preshared}")
    if endpoint:
        address = f"[{far.underlay6}]" if underlay_family == 6 else far.underlay
        lines.append(f"Endpoint = {address}:{PORT}")
    if keepalive:
        lines.append(f"PersistentKeepalive = {keepalive}")
    lines += ["", "[L2TP]", f"TunnelId = {near.tunnel}", f"PeerTunnelId = {far.tunnel}"]
    lines += [
        f"Local = {near.wg(wire.family)}",
        f"Remote = {far.wg(wire.family)}",
        f"EncapsulationType = {wire.encap}",
    ]
    if wire.encap == "udp":
        lines += ["UDPSourcePort = 1701", "UDPDestinationPort = 1701"]
    lines += [
        "",
        "[L2TPSession]",
        "Name = l2tpeth0",
        f"SessionId = {near.session}",
        f"PeerSessionId = {far.session}",
    ]
    lines += [f"Layer2SpecificHeader = {wire.sublayer}", f"Sequence = {wire.sequence}"]
    if sent or expected:
        lines += [f"Cookie = {sent}", f"PeerCookie = {expected}"]
    if wire.session_mtu:
        lines.append(f"MTU = {wire.session_mtu}")
    lines += [extra] if extra else []
    lines += [
        "",
        "[Bridge]",
        "Name = br-l2tp0",
        f"Address = {near.bridge4}/24",
        f"Address = {near.bridge6}/64",
    ]
    lines += [f"Member = {member}"] if member else []
    return "\n".join(lines) + "\n"


def handmade_commands(near, far, wire=Pseudowire(), member="eth1", folder="/tmp", endpoint=True):
    """Return: the shell script that sets up the gateway `near` with the kernel's own modules.

    It reads the key files NAME.key and NAME.psk from `folder`.  The addresses of the underlay and the interface
    `member` must exist.
    """
    sent, expected = _cookie_pair(near, wire)
    peer = f"peer {far.public} allowed-ips {far.wg4}/32,{far.wg6}/128"
    peer += f" endpoint {far.underlay}:{PORT}" if endpoint else ""
    peer += f" preshared-key {folder}/{near.name}.psk" if wire.preshared else ""
    mtu = wire.session_mtu or min(wire.largest_packet(1), wire.largest_packet(2))
    tunnel = f"tunnel_id {near.tunnel} peer_tunnel_id {far.tunnel} encap {wire.encap}"
    tunnel += f" local {near.wg(wire.family)} remote {far.wg(wire.family)}"
    tunnel += " udp_sport 1701 udp_dport 1701" if wire.encap == "udp" else ""
    session = f"name l2tpeth0 tunnel_id {near.tunnel} session_id {near.session} peer_session_id {far.session}"
    session += f" cookie {sent}" if sent else ""
    session += f" peer_cookie {expected}" if expected else ""
    session += f" seq {wire.sequence}" if wire.sequence != "none" else ""
    session += f" l2spec_type {wire.sublayer}"
    return f"""
ip link add wg0 type wireguard
wg set wg0 listen-port {PORT} private-key {folder}/{near.name}.key {peer}
ip addr add {near.wg4}/24 dev wg0
ip addr add {near.wg6}/64 dev wg0 nodad
ip link set wg0 mtu {wire.wg_mtu} up
ip l2tp add tunnel {tunnel}
ip l2tp add session {session}
ip link set l2tpeth0 mtu {mtu} up
ip link add br-l2tp0 type bridge stp_state 0 forward_delay 0
ip link set l2tpeth0 master br-l2tp0
ip link set {member} master br-l2tp0 up
ip addr add {near.bridge4}/24 dev br-l2tp0
ip addr add {near.bridge6}/64 dev br-l2tp0 nodad
ip link set br-l2tp0 up
"""


def handmade_removal(near, member="eth1"):
    """Return: the script that removes what handmade_commands() created."""
    return f"""
ip link set {member} nomaster 2>/dev/null || true
ip link del br-l2tp0 2>/dev/null || true
ip l2tp del session tunnel_id {near.tunnel} session_id {near.session} 2>/dev/null || true
ip l2tp del tunnel tunnel_id {near.tunnel} 2>/dev/null || true
ip link del wg0 2>/dev/null || true
"""
