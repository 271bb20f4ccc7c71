#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Write the manual seeds of the corpus: fuzz/corpus/TARGET/seed-NAME. Inputs found by libFuzzer are left alone."""
import contextlib
import io
import pathlib
import runpy
import struct

ROOT = pathlib.Path(__file__).resolve().parent / "corpus"


def put(target, name, data):
    folder = ROOT / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"seed-{name}").write_bytes(data)


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def ethernet(kind, tags=0):
    macs = bytes.fromhex("020000000101020000000201")
    vlan = [b"\x81\x00\x00\x64", b"\x88\xa8\x00\x65\x81\x00\x00\x64"]
    return macs + (vlan[tags - 1] if tags else b"") + struct.pack("!H", kind)


def ip(version, proto, l4_len, ident=1, frag=0x4000, ext=b""):
    """IP header, and the sum of the pseudo header. `ext`: IPv4 options, or IPv6 extension headers of type 60."""
    if version == 4:
        src, dst = bytes([10, 0, 2, 12]), bytes([10, 0, 2, 22])
        total = 20 + len(ext) + l4_len
        head = struct.pack("!BBHHHBBH", 0x45 + len(ext) // 4, 0, total, ident, frag, 64, proto, 0) + src + dst + ext
        head = head[:10] + struct.pack("!H", ~checksum(head) & 0xFFFF) + head[12:]
    else:
        src, dst = bytes.fromhex("fd" + "00" * 14 + "01"), bytes.fromhex("fd" + "00" * 14 + "02")
        head = struct.pack("!IHBB", 0x60000000, len(ext) + l4_len, 60 if ext else proto, 64) + src + dst + ext
    return head, checksum(src + dst + struct.pack("!II", l4_len, proto))


def tcp(seq, flags, payload, options=b"", window=500, ack=1):
    return struct.pack("!HHIIBBHHH", 5001, 40000, seq, ack, (20 + len(options)) * 4, flags, window, 0, 0) + options + payload


def udp(payload):
    return struct.pack("!HHHH", 5001, 40000, 8 + len(payload), 0) + payload


def packet(version, l4, ethernet_tags=None, partial=False, ext=b"", **kw):
    """A whole frame. Return: frame, offset of its transport header."""
    is_udp = len(l4) >= 8 and struct.unpack("!H", l4[4:6])[0] == len(l4) and kw.pop("proto", 17) == 17
    proto = 17 if is_udp else 6
    kw.pop("proto", None)
    head, pseudo = ip(version, proto, len(l4), ext=ext, **kw)
    at = 6 if is_udp else 16
    total = pseudo if partial else ~checksum(struct.pack("!H", pseudo) + l4) & 0xFFFF
    l4 = l4[:at] + struct.pack("!H", total) + l4[at + 2:]
    l2 = b"" if ethernet_tags is None else ethernet({4: 0x0800, 6: 0x86DD}[version], ethernet_tags)
    return l2 + head + l4, len(l2) + len(head)


def vnet(flags=0, gso=0, hdr_len=0, size=0, start=0, offset=0):
    return struct.pack("<BBHHHH", flags, gso, hdr_len, size, start, offset)


PADN6 = {4: b"\x01\x01\x01\x01", 6: bytes([6, 0, 1, 4, 0, 0, 0, 0])}
TIMESTAMPS = bytes([1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2])
MSS = bytes([2, 4, 5, 0xB4, 1, 3, 3, 7])


def split_seeds():
    for version in (4, 6):
        for tags in (None, 0, 1, 2):
            name = f"v{version}-{'tun' if tags is None else f'tap{tags}'}"
            eth = bytes([tags is not None])
            frame, l4 = packet(version, tcp(7, 0x99, b"abcdefg" * 9, TIMESTAMPS), tags, partial=True)
            put("split", f"tcp-{name}", eth + vnet(1, {4: 1, 6: 4}[version], 0, 20, l4, 16) + frame)
            frame, l4 = packet(version, udp(b"abcdefg" * 9), tags, partial=True)
            put("split", f"udp-{name}", eth + vnet(1, 5, 0, 20, l4, 6) + frame)
            put("split", f"single-{name}", eth + vnet(1, 0, 0, 0, l4, 6) + frame)
            frame, l4 = packet(version, tcp(7, 0x18, b"x" * 40), tags, ext=PADN6[version])
            put("split", f"vouched-{name}", eth + vnet(2, {4: 1, 6: 4}[version], 0, 9) + frame)
            put("split", f"plain-{name}", eth + vnet() + frame)


def merge_seeds():
    def record(flow=0, form=2, flags=0, payload=100, ident=0, at=0, xor=0, frag=0):
        return bytes([flow, form, flags, payload, ident, at, xor, frag])

    for flow in range(0, 0xE0, 4):
        put("merge", f"train-{flow:02x}", b"\0" + record(flow) * 4 + record(flow, flags=8, payload=9))
    put("merge", "options-no-df", b"\0" + record(form=8) * 3 + record(form=8, ident=1))
    put("merge", "flows", b"\0" + (record(0) + record(1) + record(6)) * 4)
    put("merge", "ack-between", b"\0" + record() + record(payload=0) + record())
    put("merge", "flags", b"\0" + b"".join(record(flags=1 << bit) for bit in range(8)))
    put("merge", "corrupt", b"\0" + record() + record(at=60, xor=1) + record())
    put("merge", "fragments", b"\0" + record() + record(frag=0x20) + record(frag=1) + record())
    put("merge", "padding", b"\0" + record() + record(form=6, payload=3) + record())
    put("merge", "hosts-tags", b"\0" + b"".join(record(form=form) for form in (2, 3, 0x82, 2, 3, 0x82)))
    for version in (4, 6):
        for tags in (None, 0, 1, 2):
            raw = b""
            for n in range(3):
                frame, _ = packet(version, tcp(7 + 20 * n, 0x10, b"x" * (20 + (tags is not None))), tags)
                raw += bytes([0xFF, len(frame)]) + frame
            put("merge", f"raw-v{version}-{tags}", b"\0" + raw)


def inner(version, proto, payload, ident=1, at=0, more=False, whole=True):
    """A decrypted packet from the other gateway; `whole` = False: a fragment with `payload` at offset `at`."""
    src, dst = (bytes([10, 0, 1, 11]), bytes([10, 0, 1, 21])) if version == 4 else (
        bytes.fromhex("fd" + "00" * 14 + "11"), bytes.fromhex("fd" + "00" * 14 + "21"))
    if version == 6:
        if not whole:
            payload, proto = struct.pack("!BBHI", proto, 0, at | more, ident) + payload, 44
        return struct.pack("!IHBB", 0x60000000, len(payload), proto, 64) + src + dst + payload
    place = 0 if whole else at // 8 | (0x2000 if more else 0)
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), ident, place, 64, proto, 0) + src + dst
    return head + payload


def l2tp(session, rest, port=1701, encap="udp"):
    data = struct.pack("!I", session) + rest
    if encap == "ip":
        return data
    return struct.pack("!HHHHI", port, 1701, 12 + len(data), 0, 0x00030000) + data


def sequence_of(*packets, skip=0):
    return b"".join(struct.pack("!HB", len(p), skip) + p for p in packets)


def pieces(version, payload, ident, size):
    return [inner(version, 17, payload[at:at + size], ident, at, at + size < len(payload), False)
            for at in range(0, len(payload), size)]


def inner_packet_seeds():
    frame = ethernet(0x0800) + b"E" + bytes(45)
    cookie = bytes(range(1, 9))
    numbered = [inner(4, 17, l2tp(2, cookie + struct.pack("!I", 0x40000000 | n) + frame)) for n in (0, 1, 3, 2, 0xFFFFFF)]
    put("inner_packet", "udp", sequence_of(inner(4, 17, l2tp(1, bytes(4) + frame))))
    put("inner_packet", "udp6", sequence_of(inner(6, 17, l2tp(4, bytes(4) + frame))))
    put("inner_packet", "ip", sequence_of(inner(4, 115, l2tp(3, cookie[:4] + frame, encap="ip"))))
    put("inner_packet", "cookie-sequence", sequence_of(*numbered))
    put("inner_packet", "control", sequence_of(inner(4, 17, b"\x06\xa5\x06\xa5\0\x14\0\0\xc8\3\0\x0c" + bytes(8))))
    put("inner_packet", "unknown", sequence_of(inner(4, 17, l2tp(99, frame)), inner(4, 17, l2tp(0, frame))))
    for version in (4, 6):
        data = l2tp({4: 1, 6: 4}[version], bytes(4) + frame)
        cut = pieces(version, data, 5, 24)
        put("inner_packet", f"fragments{version}", sequence_of(*cut))
        put("inner_packet", f"fragments{version}-backwards", sequence_of(*cut[::-1]))
        put("inner_packet", f"fragments{version}-twice", sequence_of(*cut, *cut))
        put("inner_packet", f"fragments{version}-repeated", sequence_of(*[c for c in cut for _ in (0, 1)]))
        put("inner_packet", f"fragments{version}-slow", sequence_of(*cut, skip=0x80))
        put("inner_packet", f"fragments{version}-apart", sequence_of(*cut, skip=0x0D))
        put("inner_packet", f"fragments{version}-overlap", sequence_of(*cut[:2], *pieces(version, data, 5, 32)))
        two = pieces(version, data, 6, 48)
        put("inner_packet", f"fragments{version}-interleaved", sequence_of(*[p for pair in zip(cut, two) for p in pair]))
        foreign = pieces(version, l2tp(1, bytes(200), port=53), 7, 64)
        put("inner_packet", f"fragments{version}-foreign", sequence_of(*foreign, *foreign[::-1]))
        put("inner_packet", f"fragments{version}-many", sequence_of(*[pieces(version, data, n, 24)[0] for n in range(9)]))


def ether_seeds():
    def record(limit, frame, partial=False):
        return bytes([partial]) + struct.pack("<H", limit) + frame

    for version in (4, 6):
        for tags in (0, 1, 2):
            name = f"v{version}-{tags}"
            for odd in (b"", b"\x01"):
                options = (odd + MSS + b"\0" * 4)[: 12]
                frame, _ = packet(version, tcp(7, 2, b"", options), tags)
                put("ether", f"syn-{name}-{len(odd)}", record(1386, frame))
                frame, _ = packet(version, tcp(7, 0x12, b"", options), tags, partial=True, ext=PADN6[version])
                put("ether", f"synack-{name}-{len(odd)}", record(1386, frame, True))
            frame, _ = packet(version, udp(b"x" * 300), tags)
            put("ether", f"df-{name}", record(200, frame))
            frame, _ = packet(version, udp(b"x" * 300), tags, frag=0, ext=PADN6[version])
            put("ether", f"pieces-{name}", record(100, frame))
            frame, _ = packet(version, udp(b"x" * 300), tags, frag=0x2001)
            put("ether", f"piece-of-piece-{name}", record(100, frame))
    for version, proto in ((4, 1), (6, 58)):
        for kind in (3, 8, 1, 128, 137):
            head, _ = ip(version, proto, 104)
            frame = ethernet({4: 0x0800, 6: 0x86DD}[version]) + head + bytes([kind]) + b"\0" * 103
            put("ether", f"icmp-v{version}-{kind}", record(80, frame))


def wg_messages_seeds():
    def step(kind, end, arg, data=b""):
        return bytes([kind << 1 | end, arg]) + data

    raw, send, wait, load, keepalive, deliver, change, fix = range(8)
    call = step(send, 0, 1) + step(deliver, 1, 0)
    up = call + step(deliver, 0, 1) + step(deliver, 1, 2)
    talk = step(send, 0, 1) + step(deliver, 1, 3) + step(send, 1, 1) + step(deliver, 0, 4)
    put("wg_messages", "connect", up + talk)
    put("wg_messages", "rekey", up + talk + step(wait, 0, 110) + step(send, 0, 1) + step(deliver, 1, 6)
        + step(deliver, 0, 7) + step(deliver, 1, 0) + step(deliver, 1, 5))
    put("wg_messages", "expiry", up + step(wait, 0, 135) + step(send, 0, 1) + step(deliver, 1, 2) + step(wait, 0, 240))
    put("wg_messages", "cookie", step(load, 1, 1) + call + step(deliver, 0, 1) + step(wait, 0, 23)
        + step(deliver, 1, 2) + step(deliver, 0, 3) + step(deliver, 1, 4))
    put("wg_messages", "both", step(send, 0, 1) + step(send, 1, 1) + step(deliver, 0, 1) + step(deliver, 1, 0)
        + step(deliver, 0, 3) + step(deliver, 1, 2) + step(send, 0, 0) + step(send, 1, 0))
    put("wg_messages", "replay", up + talk + step(deliver, 1, 3) * 2 + step(deliver, 1, 0) + step(deliver, 0, 1))
    for at in (4, 8, 40, 90, 117, 133):
        put("wg_messages", f"change-{at}", step(send, 0, 1) + step(fix, 1, 0, bytes([at, 1, 0])) + step(deliver, 1, 0)
            + step(change, 0, 1, bytes([at % 92, 1, 128])) + step(fix, 0, 1, bytes([at % 92, 1, 1]))
            + step(deliver, 0, 1) + step(change, 1, 2, bytes([at % 32, 1, 128])) + step(deliver, 1, 2))
    put("wg_messages", "raw", b"".join(step(raw, 1, len(m), m) for m in (
        b"", b"\1", b"\1\0\0\0" + bytes(144), b"\2\0\0\0" + bytes(88), b"\3\0\0\0" + bytes(60),
        b"\4\0\0\0" + bytes(28), b"\5\0\0\0" + bytes(28), b"\1\0\0\1" + bytes(144))))
    put("wg_messages", "keepalive", step(keepalive, 0, 25) + up + step(wait, 0, 55) * 4 + step(keepalive, 0, 0))


def allowedips_seeds():
    """what[1] len[1] addr[4]: see allowedips.c."""
    insert, remove, remove_peer, move = range(4)

    def step(operation, peer, length, addr, v6=False):
        return bytes([operation | v6 << 2 | peer << 3, length]) + bytes(addr)

    for v6 in (False, True):
        name = "6" if v6 else "4"
        lens = [32, 0, 16, 24, 8, 31, 1, 17, 23, 9, 28, 30] + ([128, 64, 63, 65, 127, 96, 33, 112] if v6 else [])
        nest = [(i % 8, n, (10, 97, 255, 3), v6) for i, n in enumerate(lens)]
        put("allowedips", "nested-" + name, b"".join(
            [step(insert, *x) for x in nest] + [step(move, 0, 0, (0,) * 4)] + [step(remove, *x) for x in nest]))
        hosts = [(i % 8, 128 if v6 else 32, (10, 0, i // 4, i * 7 % 256), v6) for i in range(40)]
        put("allowedips", "hosts-" + name, b"".join(
            [step(insert, *x) for x in hosts] + [step(insert, 7, 0, (0,) * 4, v6), step(remove_peer, 3, 0, (0,) * 4)]
            + [step(remove, 7, 0, (0,) * 4, v6), step(move, 0, 0, (0,) * 4)]))
    put("allowedips", "taken-over", step(insert, 0, 24, (10, 1, 2, 3)) + step(insert, 1, 24, (10, 1, 2, 9))
        + step(remove, 0, 24, (10, 1, 2, 3)) + step(insert, 0, 25, (10, 1, 2, 200)) + step(remove, 1, 24, (10, 1, 2, 0)))


def own_seeds():
    """Frames with data messages of session 0x04030201, and like them, to 192.0.2.2 and 2001:db8::2, port 8172."""

    def frame(version, payload, tags=0, ident=1, at=0, more=False, fragment=False, proto=17):
        if version == 4:
            head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), ident, (0x2000 if more else 0) | at // 8, 64, proto, 0)
            head += bytes([192, 0, 2, 1]) + bytes([192, 0, 2, 2])
        else:
            ext = struct.pack("!BBHI", proto, 0, at | more, ident) if fragment else b""
            head = struct.pack("!IHBB", 0x60000000, len(ext) + len(payload), 44 if fragment else proto, 64)
            head += bytes.fromhex("20010db8" + "00" * 11 + "01" + "20010db8" + "00" * 11 + "02") + ext
        return (b"" if tags is None else ethernet({4: 0x0800, 6: 0x86DD}[version], tags)) + head + payload

    def message(index=0x04030201, counter=7, kind=4):
        return struct.pack("<IIQ", kind, index, counter) + b"sealed" * 20

    def datagram(data, port=8172):
        return struct.pack("!HHHH", 8172, port, 8 + len(data), 0) + data

    def put_frames(name, *frames, tun=False):
        put("own", name, bytes([not tun]) + b"".join(struct.pack("!H", len(f)) + f for f in frames))

    for version in (4, 6):
        for tags in (None, 0, 1, 2):
            name = f"v{version}-{'tun' if tags is None else f'tap{tags}'}"
            put_frames(name, frame(version, datagram(message()), tags), tun=tags is None)
        whole = datagram(message())
        put_frames(f"fragments-v{version}", *(
            frame(version, whole[at : at + 64], at=at, more=at + 64 < len(whole), fragment=True) for at in (0, 64, 128)))
        put_frames(f"others-v{version}", frame(version, datagram(message(index=0x04030202))),
            frame(version, datagram(message(counter=256))), frame(version, datagram(message(kind=1))),
            frame(version, datagram(message(), port=8173)), frame(version, datagram(message()), proto=6),
            frame(version, whole[64:128], at=64, fragment=True))


def netlink_seeds():
    """Answers of the kernel: a family, WireGuard's interface in two messages, L2TP, and a refusal with its text."""
    def attr(kind, *parts):
        data = b"".join(struct.pack(*p) if isinstance(p, tuple) else p for p in parts)
        return struct.pack("<HH", 4 + len(data), kind) + data + b"\0" * (-len(data) % 4)

    def answer(name, kind, cmd, *attrs, fixed=None, flags=2):
        body = (struct.pack("<BBH", cmd, 1, 0) if fixed is None else fixed) + b"".join(attrs)
        put("netlink", name, struct.pack("<IHHII", 16 + len(body), kind, flags, 1, 2) + body)

    nested, key = 0x8000, bytes(range(32))
    allowed = {4: attr(nested, attr(1, ("<H", 2)), attr(2, b"\x0a\0\1\0"), attr(3, b"\x18")),
               6: attr(nested, attr(1, ("<H", 10)), attr(2, b"\xfd" + bytes(15)), attr(3, b"\x40"))}
    endpoint = {4: struct.pack("<H", 2) + b"\xca\x6c\xc0\0\2\1" + bytes(8),
                6: struct.pack("<H", 10) + b"\xca\x6c" + bytes(4) + b"\xfe\x80" + bytes(13) + b"\1\3\0\0\0"}
    peers = [attr(nested, attr(1, key), attr(2, key), attr(4, endpoint[v]), attr(5, ("<H", 25)), attr(6, ("<qq", 1, 2)),
                  attr(7, ("<Q", 1)), attr(8, ("<Q", 2)), attr(9 | nested, allowed[v])) for v in (4, 6)]
    rest = attr(nested, attr(1, key), attr(9 | nested, allowed[4], allowed[6]))
    answer("family", 16, 1, attr(2, b"wireguard\0"), attr(1, ("<H", 31)))
    answer("wireguard", 31, 0, attr(1, ("<I", 5)), attr(2, b"wg0\0"), attr(3, key), attr(4, key), attr(6, ("<H", 51820)),
           attr(7, ("<I", 7)), attr(8 | nested, *peers))
    answer("wireguard-rest", 31, 0, attr(2, b"wg0\0"), attr(8 | nested, rest))
    stats = attr(30, *(attr(kind, ("<Q", kind)) for kind in (1, 2, 3, 4, 5, 6, 7, 8, 10, 11)))
    ids = attr(9, ("<I", 1)), attr(10, ("<I", 2))
    answer("tunnel", 32, 4, attr(7, b"\3"), *ids, attr(2, ("<H", 0)), stats, attr(13, b"\1"), attr(26, ("<H", 5000)),
           attr(27, ("<H", 5001)), attr(24, b"\x0a\0\1\1"), attr(25, b"\x0a\0\1\2"))
    answer("tunnel6", 32, 4, attr(7, b"\3"), *ids, attr(2, ("<H", 1)), attr(31, bytes(16)), attr(32, bytes(16)), attr(33),
           attr(34))
    answer("session", 32, 8, *ids, attr(11, ("<I", 10)), attr(12, ("<I", 20)), attr(1, ("<H", 5)), attr(8, b"l2tpeth0\0"),
           attr(15, key[:8]), attr(16, key[:4]), attr(18, b"\1"), attr(19, b"\1"), stats)
    answer("link", 16, 0, attr(3, b"wg0\0"), attr(4, ("<I", 1420)), attr(18, attr(1, b"wireguard\0")),
           fixed=struct.pack("<BxHiII", 0, 65534, 5, 1, 0))
    answer("refused", 2, 0, attr(1, b"Attribute failed policy validation\0"),
           fixed=struct.pack("<iIHHII", -22, 16, 31, 5, 1, 2), flags=0x300)


def engine_packet(kind, body=b"", seq=1, code=0, value=0, time=0, offset=0, port=0, fds=0, total=None):
    """A packet of struct engine_head (src/backend/engine_message.h) and a part of the body."""
    length = len(body) if total is None else total
    return struct.pack("=IIiIQIIII", kind, seq, code, value, time, length, offset, port, fds) + body


RESULT = 17  # of enum engine_message_type


def engine_message_seeds():
    result = struct.pack("=5I", 4, 1420, 1500, 1500, 0) + b"Cannot do it.\0Try again.\0"
    for name, first, packet in (
        ("hand-over", 0, engine_packet(1, time=1 << 40)),
        ("text", 1, engine_packet(2, b"a text")),
        ("await", 0, engine_packet(7, time=1 << 40)),
        ("apply", 4, engine_packet(9, b"[Interface]\n", fds=1)),
        ("apply-second-part", 10, engine_packet(9, b"x" * 32, offset=32, fds=2, total=64)),
        ("port-result", 8, engine_packet(6, value=15, port=51820, fds=2)),
        ("result", 1, engine_packet(RESULT, result, code=-5)),
        ("result-without-mtus", 1, engine_packet(RESULT, struct.pack("=I", 0) + b"a\0b\0")),
        ("result-mtu", 1, engine_packet(RESULT, struct.pack("=5I", 4, 0, 1, 2, 3) + b"\0\0")),
        ("events", 1, engine_packet(3, struct.pack("=2I", 1, 1400), value=1)),
        ("port", 1, engine_packet(5, code=-2, value=7, port=51820)),
        ("log", 1, engine_packet(4, b"a line", value=6)),
    ):
        put("engine_message", name, bytes([first]) + packet)


def error_queue_seeds():
    """Messages of a socket's error queue: too-big errors, others, and one whose datagram had no port."""
    def message(origin, kind, code, mtu, v6=False, port=51820, quote=bytes(range(16)), level=None, more=b""):
        address = bytes.fromhex("20010db8" + "00" * 11 + "02") if v6 else bytes([192, 0, 2, 2]) + bytes(12)
        level = level or ((41, 25) if v6 else (0, 11))
        error = struct.pack("=IBBBBII", 90, origin, kind, code, 0, mtu, 0) + bytes(16)
        control = more + struct.pack("=Qii", 16 + len(error), *level) + error
        return bytes([v6, len(control), len(quote)]) + struct.pack("!H", port) + address + control + quote

    big, big6 = message(2, 3, 4, 1400), message(3, 2, 0, 1280, v6=True)
    put("error_queue", "too-big", big)
    put("error_queue", "too-big6", big6)
    put("error_queue", "unreachable", message(2, 3, 3, 0) + message(3, 1, 4, 0, v6=True))
    put("error_queue", "local", message(1, 0, 0, 1300) + message(1, 0, 0, 1300, v6=True))
    put("error_queue", "no-mtu", message(2, 3, 4, 0))
    put("error_queue", "no-port-after-others", big + big6 + message(2, 3, 4, 600, port=0) + message(3, 2, 0, 600, True, 0))
    put("error_queue", "no-quote-or-a-long-one", message(2, 3, 4, 1400, quote=b"") + message(2, 3, 4, 1400, quote=bytes(60)))
    put("error_queue", "other-control-first",
        message(2, 3, 4, 1400, more=struct.pack("=QiiII", 20, 0, 8, 2, 0)) + message(2, 3, 4, 1400, level=(1, 2)))
    put("error_queue", "short-control", bytes([0, 24, 0]) + struct.pack("!H", 9) + bytes(16) + struct.pack("=QiiQ", 24, 0, 11, 0))
    put("error_queue", "twenty", (big + big6) * 10)


def capture_seeds():
    """Packets of every kind of session in both directions, datagrams, interfaces, and a ring that fills."""
    frame = ethernet(0x0800) + b"E" + bytes(45)
    cookie = bytes(range(1, 9))

    def step(operation, data, out=False, interface=0, read=15):
        return bytes([operation | out << 2 | interface << 3 | read << 4]) + struct.pack("!H", len(data)) + data

    udp4 = inner(4, 17, l2tp(1, bytes(4) + frame))
    ip6 = inner(6, 115, l2tp(2, cookie + bytes(4) + frame, encap="ip"))
    bare = inner(4, 17, l2tp(3, frame))
    for out in (False, True):
        for name, data in (("udp4", udp4), ("ip6", ip6), ("bare", bare)):
            # the tunnel's ends change places
            size = 4 if name != "ip6" else 16
            at = {4: 12, 16: 8}[size]
            sent = data[:at] + data[at + size:at + 2 * size] + data[at:at + size] + data[at + 2 * size:] if out else data
            put("capture", f"inner-{name}-{'out' if out else 'in'}", step(0, sent, out, 1) + step(0, sent, out, 0))
    put("capture", "datagrams", step(1, b"x" * 100) + step(1, b"x" * 101, True) + step(1, b"", interface=1))
    put("capture", "interfaces", step(2, b"name") + step(2, b"n" * 300) + step(2, b"") + step(3, b"cut", interface=1))
    put("capture", "full", b"".join(step(number % 2, udp4 * 3, interface=number % 2, read=0) for number in range(40)))
    put("capture", "around", b"".join(step(1, bytes(number), read=number % 7) for number in range(60, 120)))


def store_seeds():
    """The memory of an engine with sessions; and others, of another layout."""
    def endpoint(v6=False):
        return struct.pack("=H16sHI", 10 if v6 else 2, bytes(range(1, 17)), 8172, 0)

    def session(age, index, tx=256, rx=17, initiator=1):
        return struct.pack("=QQQQIIII", tx, rx, age, 1700000000, 5, index, 99, initiator) + bytes(range(64)) + bytes(16)

    def record(state, key, sessions, second=bytes(80)):
        details = endpoint().ljust(80, b"\0")
        return (struct.pack("=II", state, 0) + bytes([key]) * 32 + details + second).ljust(256, b"\0") + b"".join(sessions)

    def store(what, used, *records, magic=0x57475354, version=1, size=896, capacity=6):
        header = struct.pack("=QIIII", magic, version, size, capacity, used)
        return bytes([what]) + header.ljust(64, b"\0") + b"".join(records)

    used, details = 1 << 31, 1 << 25
    five = [session(age, index) for age, index in ((1, 11), (5, 12), (100, 13), (150, 14), (190, 15))]
    good = record(used | details | 0x54321, 0, five)
    other = record(used | details | 1 << 24 | 1, 1, [session(2, 21, tx=2**64 - 8193)] + five[1:], endpoint(True).ljust(80, b"\0"))
    for what in (7, 0x47, 0xFF):
        put("store", f"two-peers-{what}", store(what, 2, good, other))
    put("store", "same-index", store(7, 3, good, record(used | 0x21, 1, five), record(used | 1, 2, five)))
    put("store", "same-peer", store(7, 3, good, good, record(used | 0x2, 0, five)))
    put("store", "roles-outside", store(7, 2, record(used | 0xF6611, 0, five), record(used | 0xFFFFF, 1, five)))
    put("store", "not-in-use", store(7, 4, record(0, 0, five), good, record(1, 1, five), other))
    put("store", "counters", store(7, 1, record(used | 0x321, 0, [session(1, 5 + n, 2**64 - 1 - n, 2**64 - 1 - n) for n in range(5)])))
    put("store", "old", store(3, 1, good))
    put("store", "of-another-layout", store(6, 2, good, other, version=9))
    put("store", "too-many-used", store(6, 7, good, other))
    put("store", "none", b"\7")


def handover_seeds():
    """What an engine passes on: see handover.c and src/path/handover.c."""
    def text(*records, magic=0x57534830, version=1, more=0):
        body = b"".join(records)
        return struct.pack("=IIQ", magic, version, 16 + len(body) + more) + body

    def window(index=5, end=1000, size=1080):
        return struct.pack("=IIIIQ4Q", 1, size, index, 0, end, 990, 8, 7, 1) + bytes(range(256)) * 4

    def numbers(session=7, port=1701, ns=0xFFFFFFFF):
        return struct.pack("=IIIHH16sIIHH", 2, 44, session, 2, port, bytes([10, 0, 0, 2]), ns, 9, 5, 1)

    def counters(key=0x40):
        return struct.pack("=II32s6Q", 3, 88, bytes([key]) * 32, 1, 2, 3, 4, 5, 6)

    put("handover", "whole", text(counters(), window(), numbers()))
    put("handover", "others", text(counters(1), window(6), window(end=999), numbers(8), numbers(port=1)))
    put("handover", "short-record", text(window(size=1079), numbers()))
    put("handover", "too-long", text(counters(), more=8))
    put("handover", "another-version", text(counters(), version=2))
    put("handover", "empty", text())


def saved_state_seeds():
    """What a daemon saves for another program: see src/ctlproto/saved_state.h."""
    items = (b"site 5\ntokyo\n", b"conf 6\na\nb 3\n\n", b"fd-tap 1\n7\n", b"begun 20\n18446744073709551615\n", b"empty 0\n\n")
    put("saved_state", "items", b"".join(items))
    put("saved_state", "cut", b"".join(items)[:-9])
    put("saved_state", "too-long", items[0] + b"conf 99999999999999999999\n")


def wg_key_messages_seeds():
    """kind[1] packet: see wg_key_messages.c and src/wg/key_message.h."""
    with contextlib.redirect_stdout(io.StringIO()):
        reference = runpy.run_path(str(ROOT.parent.parent / "src" / "wg" / "handshake_vectors.py"))
    v, public = reference["exchange"](), lambda key: reference["x25519"](key, reference["BASE"])

    def request(seq, kind, index=0, peer=bytes(32), timestamp=bytes(12), message=b""):
        return b"\0" + struct.pack("=QII", seq, kind, index) + peer + timestamp + message.ljust(148, b"\0")

    def change(kind, peer=bytes(32), secret=bytes(32)):
        return b"\1" + struct.pack("=I", kind) + peer + secret

    def answer(seq, kind, code=0, peer=bytes(32), timestamp=bytes(12), message=b"", keys=bytes(64)):
        return (b"\2" + struct.pack("=QIi", seq, kind, code) + peer + timestamp + message.ljust(148, b"\0") + keys)

    initiator, responder = public(v["STATIC_I"]), public(v["STATIC_R"])
    put("wg_key_messages", "respond", change(1, secret=v["STATIC_R"]) + change(2, initiator, v["PSK"])
        + request(5, 2, message=v["INITIATION"]) + request(6, 3, 0xAABBCCDD) + request(7, 3, 1))
    put("wg_key_messages", "initiate", change(1, secret=v["STATIC_I"]) + change(2, responder, v["PSK"])
        + request(5, 1, 0x11223344, responder, v["TIMESTAMP"])
        + request(6, 4, peer=responder, message=v["RESPONSE"]) + request(7, 4, peer=responder, message=v["RESPONSE"]))
    put("wg_key_messages", "forget", request(5, 1, 9, bytes([18]) + bytes(31), v["TIMESTAMP"])
        + request(6, 5, peer=bytes([18]) + bytes(31)) + request(7, 6) + request(8, 2, message=v["INITIATION"]))
    put("wg_key_messages", "changes", change(3, bytes([18]) + bytes(31)) + change(2, bytes([99]) * 32) + change(2, initiator)
        + change(2, responder) + change(1) + request(5, 1, 9, responder, v["TIMESTAMP"]) + change(4) + change(1, initiator))
    put("wg_key_messages", "answers", b"".join((
        answer(1, 3, message=v["RESPONSE"][:4] + struct.pack("<I", 9) + v["RESPONSE"][8:], keys=b"k" * 64),
        answer(0, 3), answer(2, 3), answer(1, 1), answer(1, 3, -5), answer(1, 3, -5, keys=b"k" * 64), answer(1, 3, 5),
        request(2, 2, message=v["INITIATION"]), answer(2, 2, peer=initiator, timestamp=v["TIMESTAMP"]),
        request(3, 4, peer=responder, message=v["RESPONSE"]), answer(3, 4, keys=b"k" * 64))))


split_seeds()
merge_seeds()
own_seeds()
inner_packet_seeds()
ether_seeds()
wg_messages_seeds()
allowedips_seeds()
netlink_seeds()
engine_message_seeds()
wg_key_messages_seeds()
error_queue_seeds()
capture_seeds()
store_seeds()
handover_seeds()
saved_state_seeds()
