#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The processes of engine and keys make only the system calls of their lists (src/confine/rules.c).

usage: confined.py SOURCE BUILD. The objects that run in that process leave symbols of the C library undefined; each is
in tools/pure-symbols.txt, where it makes none, or in tools/confined-calls.txt, with the calls that it makes or why it
is not used once the process is confined. The constants of ioctl() and setsockopt() in their sources are checked
likewise, as the list allows some of each only. They call functions of other objects of ours only if these are in
OTHERS. The objects that use keys are checked against their own, shorter list."""
import fnmatch
import glob
import os
import re
import sys

import purity
import tree

FOLDERS = ("base", "crypto", "pkt", "tap", "ether", "gso", "l2tp", "wg", "udp", "queue", "path", "mtu", "netlink", "conf",
           "ctlproto", "loop", "underlay", "capture", "driver")
BACKEND = ("engine_process", "engine_channel", "engine_message", "engine_store", "keys_client", "rendezvous", "userspace",
           "userspace_site")
# Objects of the process that holds the keys, and what they use before it is confined or with heap that it has then.
KEYS = ("keys_server", "key_table", "key_message", "noise", "aead", "aead_evp", "aead_evp_parts", "blake2s", "kdf", "x25519")
HEAP = {"malloc", "calloc", "free", "abort"}
# Libraries that make calls only when they are opened, before the process is confined, or use malloc() alone.
LIBRARIES = re.compile(r"^(EVP|OSSL|OPENSSL|CRYPTO|ERR|ChaCha20|Poly1305|json|lh|ll)_|^json_")
# Objects outside of these that they may call: the confinement itself, and what a site opens only without a monitor.
OTHERS = {("confine", "confine"), ("confine", "rules"), ("confine", "title"), ("backend", "wgsock")}
CONSTANT = re.compile(r"\b(?:SIOC|TUN[GS]ET|SO_|F_[GS]ET|UDP_(?:GRO|SEGMENT|CORK|ENCAP)|IP(?:V6)?_(?:MTU|PMTU|PKT|RECV|TOS|TCLASS|"
                      r"TTL|OPTIONS|TRANSPARENT|FREEBIND|HDRINCL|V6ONLY|MULTICAST|ADD_MEMBER|BIND|UNICAST))[A-Z0-9_]*\b")
ALLOWED = re.compile(r"\bALLOW(?:_IF)?\((\w+)")


def table(text):
    """Rows of confined-calls.txt: symbol, objects, calls."""
    rows = []
    for line in text.splitlines():
        words = line.split(None, 3)
        if words and not line.startswith("#"):
            if len(words) < 4:
                sys.exit(f"tools/confined-calls.txt: no reason given: {line}")
            rows.append(words[:3])
    return rows


def row_of(rows, symbol, name):
    return next((calls for s, objects, calls in rows if fnmatch.fnmatchcase(symbol, s) and
                 any(fnmatch.fnmatchcase(name, o) for o in objects.split(","))), None)


def of_symbols(used, rows, pure, rules, who="the engine"):
    """`used` maps the name of an object to its undefined symbols; `pure`: whether a symbol makes no call."""
    allowed = set(ALLOWED.findall(rules))
    problems = []
    for name, symbols in sorted(used.items()):
        for symbol in sorted(symbols):
            calls = row_of(rows, symbol, name)
            if calls is None and not pure(symbol):
                problems.append(f"{name}.c uses {symbol}, which is not in tools/confined-calls.txt")
            problems += [f"{name}.c uses {symbol}: {who} may not call {call}()"
                         for call in (calls or "-").split(",") if call not in ("-", "before") and call not in allowed]
    return problems


def of_constants(sources, rows, rules):
    """`sources` maps the name of a file to its text without comments."""
    known = set(CONSTANT.findall(rules))
    return [f"{name}.c uses {constant}, which the engine may not" for name, text in sorted(sources.items())
            for constant in sorted(set(CONSTANT.findall(text)))
            if constant not in known and row_of(rows, constant, name) is None]


def of_others(calls, where):
    """`calls` maps (folder, name) of an object to its undefined symbols, `where` a symbol of ours to its object."""
    return [f"{name}.c calls {symbol}() of {'/'.join(where[symbol])}.c, which does not run in the engine's process"
            for (_, name), symbols in sorted(calls.items()) for symbol in sorted(symbols)
            if symbol in where and where[symbol] not in calls and where[symbol] not in OTHERS]


def main(root, build):
    rows = table(tree.read(root, "tools/confined-calls.txt"))
    pure_rows = purity.table(root, "pure-symbols.txt", 2)
    rules = tree.read(root, "src/confine/rules.c")
    used, keys, sources, calls, where = {}, {}, {}, {}, {}
    for path in glob.glob(os.path.join(build, "src", "*", "lib*.a.p", "*.o")):
        undefined, defined, _ = purity.symbols(path)
        folder = path.split(os.sep)[-3]
        name = os.path.basename(path)[:-len(".c.o")]
        if "libtest_" in path:
            continue
        where.update(dict.fromkeys(defined, (folder, name)))
        if name in KEYS and folder in ("backend", "wg", "crypto"):
            keys[name] = undefined - HEAP
        if not (folder in FOLDERS or folder == "backend" and name in BACKEND):
            continue
        used[name] = undefined
        calls[folder, name] = undefined
        text = tree.read(root, f"src/{folder}/{name}.c")
        sources[name] = re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.S)
    used, keys = ({name: {s for s in symbols if s not in where and not LIBRARIES.match(s)} for name, symbols in some.items()}
                  for some in (used, keys))
    pure = lambda s: purity.allowed(s, "*", pure_rows)  # noqa: E731
    problems = of_symbols(used, rows, pure, rules)
    problems += of_symbols(keys, rows, pure, re.search(r"filter_rule keys\[\] = \{(.*?)#ifdef", rules, re.S)[1], "who holds keys")
    problems += [f"{name}.c is in no library of the process that holds the keys" for name in KEYS if name not in keys]
    problems += of_constants(sources, rows, rules)
    problems += of_others(calls, where)
    tree.end(problems, f"{len(used)} objects of the engine's process, {len(keys)} of that with the keys")


if __name__ == "__main__":
    main(*sys.argv[1:])
