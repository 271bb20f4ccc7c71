#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""One whole WireGuard exchange computed from the papers alone, as golden bytes for noise_test.c.

Shares no line and no library with src/: X25519 from RFC 7748, ChaCha20-Poly1305 from RFC 8439, XChaCha20 from
draft-irtf-cfrg-xchacha-03, HKDF and the handshake from the WireGuard whitepaper; only BLAKE2s is hashlib's.
Prints handshake_vectors.h; given a file's name, compares that file instead (which is a test).
"""
import hashlib
import hmac
import struct
import sys

P = 2**255 - 19


def x25519(k, u):
    k = bytearray(k)
    k[0] &= 248
    k[31] = k[31] & 127 | 64
    k = int.from_bytes(k, "little")
    x1 = int.from_bytes(u, "little") & (2**255 - 1)
    x2, z2, x3, z3, swap = 1, 0, x1, 1, 0
    for t in reversed(range(255)):
        bit = k >> t & 1
        if swap ^ bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        da, cb, aa, bb = d * a, c * b, a * a, b * b
        e = aa - bb
        x3, z3 = (da + cb) ** 2 % P, x1 * (da - cb) ** 2 % P
        x2, z2 = aa * bb % P, e * (aa + 121665 * e) % P
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, P - 2, P) % P).to_bytes(32, "little")


BASE = bytes([9]) + bytes(31)


def rotl(v, n):
    return (v << n | v >> 32 - n) & 0xFFFFFFFF


def rounds(s):
    for _ in range(10):
        for a, b, c, d in ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
                           (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)):
            for x, y, z, n in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
                s[x] = (s[x] + s[y]) & 0xFFFFFFFF
                s[z] = rotl(s[z] ^ s[x], n)
    return s


SIGMA = struct.unpack("<4I", b"expand 32-byte k")


def chacha_block(key, counter, nonce):
    start = [*SIGMA, *struct.unpack("<8I", key), counter, *struct.unpack("<3I", nonce)]
    end = rounds(list(start))
    return struct.pack("<16I", *((a + b) & 0xFFFFFFFF for a, b in zip(start, end)))


def chacha(key, nonce, data):
    out = b""
    for i in range(0, len(data), 64):
        stream = chacha_block(key, 1 + i // 64, nonce)
        out += bytes(a ^ b for a, b in zip(data[i:i + 64], stream))
    return out


def poly1305(key, msg):
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    acc = 0
    for i in range(0, len(msg), 16):
        acc = (acc + int.from_bytes(msg[i:i + 16] + b"\1", "little")) * r % (2**130 - 5)
    return ((acc + int.from_bytes(key[16:], "little")) % 2**128).to_bytes(16, "little")


def pad16(b):
    return b + bytes(-len(b) % 16)


def seal(key, nonce, plain, aad):
    text = chacha(key, nonce, plain)
    mac = pad16(aad) + pad16(text) + struct.pack("<QQ", len(aad), len(text))
    return text + poly1305(chacha_block(key, 0, nonce)[:32], mac)


def aead(key, counter, plain, aad):
    return seal(key, bytes(4) + struct.pack("<Q", counter), plain, aad)


def xaead(key, nonce, plain, aad):
    s = rounds([*SIGMA, *struct.unpack("<8I", key), *struct.unpack("<4I", nonce[:16])])
    subkey = struct.pack("<8I", *s[:4], *s[12:])
    return seal(subkey, bytes(4) + nonce[16:], plain, aad)


def hash_(*parts):
    return hashlib.blake2s(b"".join(parts)).digest()


def mac(key, *parts):
    return hashlib.blake2s(b"".join(parts), key=key, digest_size=16).digest()


def kdf(n, chain, data):
    prk = hmac.new(chain, data, hashlib.blake2s).digest()
    out, t = [], b""
    for i in range(1, n + 1):
        t = hmac.new(prk, t + bytes([i]), hashlib.blake2s).digest()
        out.append(t)
    return out


def counted(first):
    return bytes((first + i) & 255 for i in range(32))


def exchange():
    si, sr, ei, er, psk = (counted(i * 32 + 1) for i in range(5))
    si_pub, sr_pub, ei_pub, er_pub = (x25519(k, BASE) for k in (si, sr, ei, er))
    timestamp = bytes.fromhex("400000006553f10a12000000")
    index_i, index_r = 0x11223344, 0xAABBCCDD
    v = {"STATIC_I": si, "STATIC_R": sr, "EPHEMERAL_I": ei, "EPHEMERAL_R": er, "PSK": psk,
         "TIMESTAMP": timestamp}

    ck = hash_(b"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s")
    h = hash_(hash_(ck, b"WireGuard v1 zx2c4 Jason@zx2c4.com"), sr_pub)
    msg = struct.pack("<II", 1, index_i) + ei_pub
    h = hash_(h, ei_pub)
    ck, = kdf(1, ck, ei_pub)
    ck, key = kdf(2, ck, x25519(ei, sr_pub))
    sealed = aead(key, 0, si_pub, h)
    msg, h = msg + sealed, hash_(h, sealed)
    ck, key = kdf(2, ck, x25519(si, sr_pub))
    sealed = aead(key, 0, timestamp, h)
    msg, h = msg + sealed, hash_(h, sealed)
    mac1 = mac(hash_(b"mac1----", sr_pub), msg)
    v["INITIATION"] = msg + mac1 + bytes(16)

    # The responder is under load: a cookie for 192.0.2.1 port 8172, and the initiation with it.
    secret, nonce = counted(200), counted(100)[:24]
    cookie = mac(secret, bytes([192, 0, 2, 1]), struct.pack(">H", 8172))
    v["COOKIE_SECRET"], v["COOKIE_NONCE"] = secret, nonce
    v["COOKIE_REPLY"] = struct.pack("<II", 3, index_i) + nonce + xaead(
        hash_(b"cookie--", sr_pub), nonce, cookie, mac1)
    v["INITIATION_WITH_COOKIE"] = msg + mac1 + mac(cookie, msg, mac1)

    msg = struct.pack("<III", 2, index_r, index_i) + er_pub
    h = hash_(h, er_pub)
    ck, = kdf(1, ck, er_pub)
    ck, = kdf(1, ck, x25519(er, ei_pub))
    ck, = kdf(1, ck, x25519(er, si_pub))
    ck, tau, key = kdf(3, ck, psk)
    h = hash_(h, tau)
    msg += aead(key, 0, b"", h)
    v["RESPONSE"] = msg + mac(hash_(b"mac1----", si_pub), msg) + bytes(16)

    v["KEY_I_TO_R"], v["KEY_R_TO_I"] = kdf(2, ck, b"")
    packet = bytes.fromhex("4500001c0000000040110000" "0a00010b0a000115") + b"eight by"
    v["PACKET"] = packet + bytes(4)
    v["DATA"] = struct.pack("<IIQ", 4, index_r, 7) + aead(v["KEY_I_TO_R"], 7, v["PACKET"], b"")
    v["KEEPALIVE"] = struct.pack("<IIQ", 4, index_i, 0) + aead(v["KEY_R_TO_I"], 0, b"", b"")
    return v


def header():
    out = ["/* SPDX-License-Identifier: MIT */",
           "/* Generated by handshake_vectors.py: one complete exchange, byte for byte. */",
           "#pragma once", "",
           "#include <stdint.h>", "", "/* clang-format off */",
           "#define VECTOR_INDEX_I 0x11223344u", "#define VECTOR_INDEX_R 0xaabbccddu", "#define VECTOR_COUNTER 7"]
    for name, value in exchange().items():
        out += ["", f"static const uint8_t VECTOR_{name}[{len(value)}] = {{"]
        out += ["\t" + " ".join(f"0x{b:02x}," for b in value[i:i + 16]) for i in range(0, len(value), 16)]
        out.append("};")
    return "\n".join(out + ["/* clang-format on */", ""])


if len(sys.argv) > 1:
    with open(sys.argv[1]) as f:
        sys.exit(0 if f.read() == header() else "the vectors differ from " + sys.argv[1])
sys.stdout.write(header())
