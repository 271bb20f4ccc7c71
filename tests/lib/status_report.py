# SPDX-License-Identifier: MIT
"""Status reports taken apart: what has been seen of each field, and whether text and metrics agree with JSON."""

import re

from .status_fields import SHOWN, No

_BLOCKS = {
    "wireguard": "interface: ",
    "budget": "MTU budget: ",
    "engine": "engine: ",
    "drops": "dropped: ",
    "drop_ages_ms": "dropped: ",
}
_ELEMENT_BLOCKS = {"peers": "peer: {}", "tunnels": "tunnel: {} ", "sessions": "session: {},", "bridges": "bridge: {}"}
_LABELS = {"peers": "peer", "tunnels": "tunnel", "sessions": "session", "bridges": "bridge", "members": "port"}
_UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
_SPANS = {"ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}


class Leaf:
    """One value of a report: its field's path ("sessions[].tx.bytes") and its own ("sessions[l2tpeth0].tx.bytes")."""

    def __init__(self, path, own, value, block, name, labels):
        self.path, self.own, self.value = path, own, value
        self.block, self.name, self.labels = block, name, labels


def _called(element, index):
    return str(element.get("name") or element.get("tunnel_id") or element.get("public_key") or index)


def _walk(value, path, own, block, name, labels):
    if path in ("drops", "drop_ages_ms"):
        for word, count in value.items():
            yield Leaf(path, f"{path}.{word}", count, block, word, {**labels, "reason": word})
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _walk(inner, f"{path}.{key}", f"{own}.{key}", block, name, labels)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        kind = path.split(".")[-1]
        for index, element in enumerate(value):
            called = _called(element, index)
            head = _ELEMENT_BLOCKS[kind].format(called) if kind in _ELEMENT_BLOCKS else block
            inner = {**labels, _LABELS[kind]: called} if kind in _LABELS else labels
            yield from _walk(element, f"{path}[]", f"{own}[{called}]", head, called, inner)
    else:
        yield Leaf(path, own, value, block, name, labels)


def leaves(report):
    """Return: {own path: Leaf} of a report as `status --json` prints it."""
    found = {}
    for key, value in report.items():
        for leaf in _walk(value, key, key, _BLOCKS.get(key, "site: "), "", {"site": report["site"]}):
            found[leaf.own] = leaf
    return found


class Ledger:
    """What has been seen of every field, in all reports of all sites."""

    def __init__(self, fields):
        self.fields = fields
        self.values = {path: set() for path in fields}
        self.lowest, self.rises = {}, {}

    def note(self, report):
        """Remember a report. Return: its leaves."""
        found = leaves(report)
        for leaf in found.values():
            if leaf.path not in self.fields:
                if leaf.value in (None, []):  # an object or array that this site does not have
                    continue
                raise AssertionError(f"the product's table does not have {leaf.path}")
            value = tuple(leaf.value) if isinstance(leaf.value, list) else leaf.value
            self.values[leaf.path].add(value)
            if isinstance(value, int):
                key = (report["site"], report["pid"], leaf.own)
                low = self.lowest.setdefault(key, value)
                key = leaf.own if self.fields[leaf.path].kind == "drops" else leaf.path
                self.rises[key] = max(self.rises.get(key, 0), value - low)
        return found

    def unmoved(self, reasons=(), paths=(), words=()):
        """Return: a sentence for each field that has not shown all that it can, but for these reasons for drops,
        these fields, and these words of choices, each (path, word). A counter has to rise, a choice to have been each of its words, a number and a truth to
        have been more than one, a text not to have been empty."""
        problems = []
        for path, field in self.fields.items():
            seen = self.values[path]
            if path in paths:
                continue
            if field.kind == "counter" and not self.rises.get(path):
                problems.append(f"{path} has never risen")
            elif field.kind == "drops":
                late = {w for w in field.words if not self.rises.get(f"{path}.{w}")} - set(reasons)
                problems += [f"{path}.{word} has never risen" for word in late]
            elif field.kind == "bool" and seen != {True, False}:
                problems.append(f"{path} has only been {seen}")
            elif field.kind == "choice" and (late := {w for w in field.words if (path, w) not in words} - seen):
                problems.append(f"{path} has never been {late}")
            elif field.kind == "number" and len(seen) < 2:
                problems.append(f"{path} has only been {seen}")
            elif field.kind in ("text", "list") and not any(seen):
                problems.append(f"{path} has always been empty")
        return problems


def _count(text):
    return float(text.replace(",", "")), 0


def _bytes(text):
    number, unit = text.split()
    return float(number) * _UNITS[unit], _UNITS[unit] * 0.01


def _span(text):
    words = text.split()
    parts = [float(n) * _SPANS[unit] for n, unit in zip(words[::2], words[1::2])]
    return sum(parts), _SPANS[words[-1]]


# In a pattern: how the number looks, and its meaning: a value, and how far below the true one that may be.
_HOLES = {
    "{n}": (r"([\d,]+)", _count),
    "{b}": (r"([\d.]+ [KMGT]?i?B)", _bytes),
    "{t}": (r"(\d+ (?:ms|s|min|h|d)(?: \d+ (?:s|min|h))?)", _span),
    "{x}": (r"([\da-f]+)", lambda text: (int(text, 16), 0)),
}


def _between(number, slack, values):
    low, high = min(values), max(values)
    return low - slack - 1e-6 <= number <= high + slack + 1e-6


def _plain(value):
    return ", ".join(value) if isinstance(value, list) else str(value)


def _text_problem(pattern, block, name, values):
    """Return: whether the block shows one of the values (None: they need not be shown), and what it has instead."""
    if isinstance(pattern, dict):
        hits = {v for v, p in pattern.items() if re.search(p.replace("{name}", re.escape(name)), block, re.M)}
        wanted = [{v} if v in pattern else set() for v in values]
        return (True if hits else None) if hits in wanted else False
    pattern = pattern.replace("{name}", re.escape(name))
    for hole, (looks, read) in _HOLES.items():
        if hole in pattern:
            match = re.search(pattern.replace(hole, looks), block, re.M)
            if not match:
                return False if all(values) else None
            return _between(*read(match[1]), values)
    shown = [re.search(pattern.replace("{}", re.escape(_plain(v))), block, re.M) for v in values if v]
    return True if any(shown) else None if not all(values) else False


def text_blocks(text):
    """Return: the blocks of `status`, as text."""
    return text.replace("→", "->").split("\n\n")


def check_text(text, before, after):
    """Hold what `status` printed between two reports against them. Return: (paths shown, problems by own path)."""
    shown, problems = set(), {}
    blocks = text_blocks(text)
    for own in before.keys() & after.keys():
        leaf = before[own]
        pattern = SHOWN[leaf.path][0] if leaf.path in SHOWN else No()
        if isinstance(pattern, No):
            continue
        block = next((b for b in blocks if b.startswith(leaf.block)), "")
        values = (leaf.value, after[own].value)
        verdict = _text_problem(pattern, block, leaf.name, values)
        if verdict:
            shown.add(leaf.path)
        elif verdict is False:
            problems[own] = f"text does not show that {own} is {values}:\n{block}"
    return shown, problems


def samples(text):
    """Return: {(name, labels as sorted pairs): number} of metrics in either format."""
    found = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        name, labels, number = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line).groups()
        pairs = re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels or "")
        found[name, tuple(sorted(pairs))] = float(number)
    return found


# What the number of a sample is, where it is not the field's own value.
_NUMBERS = {
    "peers[].state": lambda state: state == "established",
    "peers[].route.leads": ("out", "unknown", "segment", "tunnel").index,
    "bridges[].members[].state": (
        "forwarding learning listening blocking disabled down no_carrier outside elsewhere absent".split().index
    ),
    "uptime_ms": lambda ms: ms / 1000,
    "peers[].path.rtt_us": lambda us: us / 1_000_000,
    "peers[].path.jitter_us": lambda us: us / 1_000_000,
    "peers[].queue.rate": lambda bits: bits / 8,
    "peers[].queue.delay_p50_us": lambda us: us / 1_000_000,
    "peers[].queue.delay_p99_us": lambda us: us / 1_000_000,
}


def _info_problem(spec, found, values):
    """Whether a sample with one label of the field's value is there."""
    name, label = spec.rstrip("=}").split("{")
    return any(n == f"wirespan_{name}" and (label, str(v)) in labels for n, labels in found for v in values)


def check_metrics(text, before, after):
    """The same for `metrics`."""
    shown, problems, found = set(), {}, samples(text)
    for own in before.keys() & after.keys():
        leaf = before[own]
        spec = SHOWN[leaf.path][1] if leaf.path in SHOWN else No()
        values = (leaf.value, after[own].value)
        if isinstance(spec, No):
            continue
        if spec.endswith("=}"):
            good = _info_problem(spec, found, values)
        else:
            name, _, direction = spec.rstrip("}").partition("{")
            labels = {**leaf.labels, **({"direction": direction} if direction else {})}
            number = found.get((f"wirespan_{name}", tuple(sorted(labels.items()))))
            numbers = [_NUMBERS.get(leaf.path, lambda v: v)(v) or 0 for v in values]
            good = not any(numbers) if number is None else _between(number, 0, numbers)
        if good and any(values):
            shown.add(leaf.path)
        elif not good:
            problems[own] = f"metrics do not show that {own} is {values} ({spec})"
    return shown, problems
