# SPDX-License-Identifier: MIT
"""Builds and parses Ethernet frames, byte by byte, with correct (or chosen) checksums."""

import ipaddress
import struct

ETH_IPV4, ETH_ARP, ETH_IPV6, ETH_8021Q, ETH_QINQ = 0x0800, 0x0806, 0x86DD, 0x8100, 0x88A8
BROADCAST = "ff:ff:ff:ff:ff:ff"
ICMP, TCP, UDP, ICMP6 = 1, 6, 17, 58


def mac_bytes(text):
    """Return: the 6 bytes of 'aa:bb:cc:dd:ee:ff'."""
    return bytes.fromhex(text.replace(":", ""))


def mac_text(raw):
    """Return: 'aa:bb:cc:dd:ee:ff' of 6 bytes."""
    return raw.hex(":")


def ip_bytes(text):
    """Return: the 4 or 16 bytes of an address."""
    return ipaddress.ip_address(text).packed


def checksum(data):
    """Return: the Internet checksum (RFC 1071) of `data`."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def eth(dst, src, ethertype, payload, tags=()):
    """An Ethernet frame without FCS. tags: VLAN tags from outer to inner, each (tpid, tci)."""
    head = mac_bytes(dst) + mac_bytes(src)
    for tpid, tci in tags:
        head += struct.pack("!HH", tpid, tci)
    return head + struct.pack("!H", ethertype) + payload


def arp(operation, sender_mac, sender_ip, target_mac, target_ip):
    """An ARP packet: operation 1 is a request, 2 a reply."""
    return (
        struct.pack("!HHBBH", 1, ETH_IPV4, 6, 4, operation)
        + mac_bytes(sender_mac)
        + ip_bytes(sender_ip)
        + mac_bytes(target_mac)
        + ip_bytes(target_ip)
    )


def ipv4(src, dst, protocol, payload, ttl=64, ident=1, df=True, more=False, offset=0, tos=0):
    """An IPv4 packet without options; `offset` of a fragment in bytes."""
    fragment = (0x4000 if df else 0) | (0x2000 if more else 0) | offset // 8
    length = 20 + len(payload)
    head = (
        struct.pack("!BBHHHBBH", 0x45, tos, length, ident, fragment, ttl, protocol, 0)
        + ip_bytes(src)
        + ip_bytes(dst)
    )
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def ipv6(src, dst, protocol, payload, hops=64, traffic_class=0):
    """An IPv6 packet without extension headers."""
    first = 0x60000000 | traffic_class << 20
    return struct.pack("!IHBB", first, len(payload), protocol, hops) + ip_bytes(src) + ip_bytes(dst) + payload


def _pseudo(src, dst, protocol, length):
    src, dst = ip_bytes(src), ip_bytes(dst)
    if len(src) == 4:
        return src + dst + struct.pack("!BBH", 0, protocol, length)
    return src + dst + struct.pack("!IHBB", length, 0, 0, protocol)


def udp(src, dst, sport, dport, payload, bad=False):
    """A UDP datagram (header and payload) for these addresses; bad: with a wrong checksum."""
    length = 8 + len(payload)
    plain = struct.pack("!HHHH", sport, dport, length, 0) + payload
    right = checksum(_pseudo(src, dst, UDP, length) + plain) or 0xFFFF
    if bad:
        right = right ^ 0x5A5A or 0x1234
    return plain[:6] + struct.pack("!H", right) + plain[8:]


def tcp(src, dst, sport, dport, seq, ack, flags, payload=b"", options=b"", window=65535, bad=False):
    """A TCP segment; the caller pads options to 4; flags as the byte on the wire (SYN 2, ACK 16)."""
    words = (20 + len(options)) // 4
    plain = (
        struct.pack("!HHIIBBHHH", sport, dport, seq, ack, words << 4, flags, window, 0, 0) + options + payload
    )
    right = checksum(_pseudo(src, dst, TCP, len(plain)) + plain)
    if bad:
        right ^= 0x5A5A
    return plain[:16] + struct.pack("!H", right) + plain[18:]


def icmp_echo(ident, seq, payload=b"", reply=False):
    """An ICMP echo message."""
    plain = struct.pack("!BBHHH", 0 if reply else 8, 0, 0, ident, seq) + payload
    return plain[:2] + struct.pack("!H", checksum(plain)) + plain[4:]


def icmp6(src, dst, kind, code, body):
    """An ICMPv6 message; body is everything after the checksum."""
    plain = struct.pack("!BBH", kind, code, 0) + body
    return plain[:2] + struct.pack("!H", checksum(_pseudo(src, dst, ICMP6, len(plain)) + plain)) + plain[4:]


class Packet:
    """The fields of a frame that the captures check; absent fields are None."""

    def __init__(self, frame):
        self.frame = frame
        self.tags = []
        self.src = self.dst = self.protocol = self.sport = self.dport = self.payload = None
        self.fragment = False
        self.dst_mac, self.src_mac = mac_text(frame[:6]), mac_text(frame[6:12])
        at = 12
        (kind,) = struct.unpack_from("!H", frame, at)
        while kind in (ETH_8021Q, ETH_QINQ) and len(frame) >= at + 6:
            tci, following = struct.unpack_from("!HH", frame, at + 2)
            self.tags.append((kind, tci))
            kind, at = following, at + 4
        self.ethertype = kind
        self.l3 = frame[at + 2 :]
        if kind == ETH_IPV4 and len(self.l3) >= 20:
            self._read_ipv4()
        elif kind == ETH_IPV6 and len(self.l3) >= 40:
            self._read_ipv6()

    def _read_ipv4(self):
        header = (self.l3[0] & 15) * 4
        length, _, fragment = struct.unpack_from("!HHH", self.l3, 2)
        self.protocol = self.l3[9]
        self.src, self.dst = (str(ipaddress.ip_address(self.l3[i : i + 4])) for i in (12, 16))
        self.fragment = bool(fragment & 0x3FFF)
        if not fragment & 0x1FFF:
            self._read_l4(self.l3[header:length] if length else self.l3[header:])

    def _read_ipv6(self):
        length, protocol = struct.unpack_from("!HB", self.l3, 4)
        self.src, self.dst = (str(ipaddress.ip_address(self.l3[i : i + 16])) for i in (8, 24))
        body = self.l3[40 : 40 + length] if length else self.l3[40:]
        while protocol in (0, 43, 60) and len(body) >= 8:  # hop-by-hop, routing, destination options
            protocol, body = body[0], body[(body[1] + 1) * 8 :]
        self.protocol, self.fragment = protocol, protocol == 44
        if not self.fragment:
            self._read_l4(body)

    def _read_l4(self, body):
        self.payload = body
        if self.protocol == UDP and len(body) >= 8:
            self.sport, self.dport = struct.unpack_from("!HH", body)
            self.payload = body[8:]
        elif self.protocol == TCP and len(body) >= 20:
            self.sport, self.dport = struct.unpack_from("!HH", body)
            self.payload = body[(body[12] >> 4) * 4 :]

    def __repr__(self):
        tags = "".join(f" vlan {tci & 4095}" for _, tci in self.tags)
        if self.src is None:
            return (
                f"<{self.src_mac}>{self.dst_mac}{tags} type {self.ethertype:#06x}, {len(self.frame)} bytes>"
            )
        ports = f" {self.sport}->{self.dport}" if self.sport is not None else ""
        fragment = " FRAGMENT" if self.fragment else ""
        return f"<{self.src}>{self.dst} protocol {self.protocol}{ports}{tags}{fragment}, {len(self.frame)} bytes>"
