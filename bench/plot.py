# SPDX-License-Identifier: MIT
"""Plots as SVG, without libraries: horizontal bars in groups, and lines on logarithmic scales."""

import math
import os
from xml.sax.saxutils import escape

WIDTH, LABELS, RIGHT = 860, 210, 70  # pixels: the whole, the names on the left, room for a value on the right
BAR, GAP, TOP, LEGEND = 11, 10, 44, 26
COLORS = ("#1b5e9b", "#e08a1e", "#5a9e5a", "#a05195")
STYLE = (
    "text{font:12px sans-serif;fill:#222}.title{font-size:15px;font-weight:bold}.value{font-size:10px;fill:#444}"
    ".axis{stroke:#ccc}.ours{font-weight:bold}"
)


def _text(x, y, text, kind="", anchor="start"):
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(str(text))}</text>'


def _scale(values, logarithmic):
    """Return: (function from a value to a share of the width, values of the grid)."""
    top = max(values)
    if not logarithmic:
        step = 10 ** math.floor(math.log10(top))
        step = next(step * f for f in (0.2, 0.5, 1, 2) if top / (step * f) <= 6)
        return (lambda v: v / top), [step * i for i in range(1, int(top / step) + 1)]
    low = math.floor(math.log10(min(values)) - 0.01)
    high = math.ceil(math.log10(top) + 0.01)
    return (lambda v: (math.log10(v) - low) / (high - low)), [10**i for i in range(low + 1, high)]


def bars(title, unit, rows, series, note, logarithmic=False):
    """Return: an SVG text. rows: (name, one value for each of `series`; None: nothing measured)."""
    values = [v for _, row in rows for v in row if v]
    share, grid = _scale(values, logarithmic)
    room = WIDTH - LABELS - RIGHT
    height = BAR * len(series) + GAP
    bottom = TOP + LEGEND + height * len(rows)
    parts = [_text(10, 22, title, "title")]
    x = LABELS
    for color, name in zip(COLORS, series):
        parts.append(f'<rect x="{x}" y="{TOP - 8}" width="12" height="10" fill="{color}"/>' + _text(x + 17, TOP + 1, name))
        x += 34 + 7 * len(name)
    for value in grid:
        at = LABELS + room * share(value)
        parts.append(f'<line class="axis" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP + LEGEND - 8}" y2="{bottom}"/>')
        parts.append(_text(at, bottom + 14, f"{value:g}", "value", "middle"))
    parts.append(_text(WIDTH - 10, bottom + 14, unit, "value", "end"))
    for number, (name, row) in enumerate(rows):
        y = TOP + LEGEND + number * height
        kind = "ours" if name.startswith("wirespan") else ""
        parts.append(_text(LABELS - 8, y + height / 2, name, kind, "end"))
        for value, color in zip(row, COLORS):
            if value:
                width = max(1.0, room * share(value))
                parts.append(f'<rect x="{LABELS}" y="{y}" width="{width:.1f}" height="{BAR - 2}" fill="{color}"/>')
                shown = f"{value:.0f}" if value >= 100 else f"{value:.3g}"
                parts.append(_text(LABELS + width + 4, y + BAR - 2.5, shown, "value"))
            y += BAR
    parts.append(_text(10, bottom + 32, note, "value"))
    total = bottom + 42
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {total}" width="{WIDTH}" height="{total}">\n'
        f'<style>{STYLE}</style>\n<rect width="{WIDTH}" height="{total}" fill="#fff"/>\n{body}\n</svg>\n'
    )


def lines(title, unit, series, note):
    """Return: an SVG text: how figures grow with a number, both on logarithmic scales. series: (name, [(number, value)]);
    each is drawn in relation to its first value."""
    relative = [(name, [(x, y / points[0][1]) for x, y in points]) for name, points in series]
    low_x, high_x = (f(x for _, points in relative for x, _ in points) for f in (min, max))
    low_y = min(1, *(y for _, points in relative for _, y in points)) / 1.1
    high_y = max(2, *(y for _, points in relative for _, y in points)) * 1.1
    left, top, width, height = 50, TOP, WIDTH - 300, 260

    def place(x, y):
        return (
            left + width * math.log(x / low_x) / math.log(high_x / low_x),
            top + height * (1 - math.log(y / low_y) / math.log(high_y / low_y)),
        )

    parts = [_text(10, 22, title, "title")]
    steps = (0.25, 0.5, 1, 1.5, 2, 3, 5, 10, 20, 50, 100)
    for y in (step for step in steps if low_y <= step <= high_y):
        at = place(low_x, y)[1]
        parts.append(f'<line class="axis" x1="{left}" x2="{left + width}" y1="{at:.1f}" y2="{at:.1f}"/>')
        parts.append(_text(left - 6, at + 4, f"{y:g} ×", "value", "end"))
    for x in sorted({x for _, points in relative for x, _ in points}):
        parts.append(_text(place(x, 1)[0], top + height + 16, f"{x:,}", "value", "middle"))
    parts.append(_text(left + width + 24, top + height + 16, unit, "value"))
    for number, (name, points) in enumerate(relative):
        color, dashes = COLORS[number // 2 % len(COLORS)], "" if number % 2 else ' stroke-dasharray="6 3"'
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in points))
        parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"{dashes}/>')
        y = top + 14 + 20 * number
        at = left + width + 24
        parts.append(f'<line x1="{at}" x2="{at + 26}" y1="{y - 4}" y2="{y - 4}" stroke="{color}" stroke-width="2"{dashes}/>')
        parts.append(_text(at + 32, y, name))
    parts.append(_text(10, top + height + 42, note, "value"))
    total = top + height + 52
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {total}" width="{WIDTH}" height="{total}">\n'
        f'<style>{STYLE}</style>\n<rect width="{WIDTH}" height="{total}" fill="#fff"/>\n{body}\n</svg>\n'
    )


# File, title, unit, logarithmic, and the series: (name, underlay, key of bench/lan.py).
PLOTS = (
    ("throughput", "One TCP stream between members", "Mbit/s", False,
     (("wire", "wire", "mbps"), ("wire, GRO at the receiver", "wire-gro", "mbps"), ("veth", "veth", "mbps"))),
    ("small", "UDP datagrams in frames of 64 bytes", "thousands a second", False,
     (("wire", "wire", "kpps"), ("wire, GRO at the receiver", "wire-gro", "kpps"), ("veth", "veth", "kpps"))),
    ("latency", "Round trip of a ping between members, 99th percentile", "ms", True,
     (("idle", "wire", "idle p99"), ("beside a TCP stream at full speed", "wire", "loaded p99"),
      ("beside 4 uploads through 20 Mbit/s", "wire", "slow p99"))),
    ("cpu", "CPU time of both gateways' processes for a gigabyte", "seconds", False,
     (("wire", "wire", "cpu/GB"), ("wire, GRO at the receiver", "wire-gro", "cpu/GB"), ("veth", "veth", "cpu/GB"))),
)


def write_plots(data, folder):
    """Write a file for each plot that there are values for. data: as bench/lan.py --json. Return: their paths."""
    paths = []
    for file, title, unit, logarithmic, series in PLOTS:
        def value(tunnel, underlay, key):
            found = data["underlays"].get(underlay, {}).get(tunnel, {}).get(key)
            return found if found and math.isfinite(found) else None

        rows = [(tunnel, [value(tunnel, *where) for _, *where in series]) for tunnel in data["tunnels"]]
        rows = [row for row in rows if any(row[1])]
        if not rows:
            continue
        path = os.path.join(folder, f"lan-{file}.svg")
        with open(path, "w") as out:
            out.write(bars(title, unit, rows, [name for name, *_ in series], data["conditions"], logarithmic))
        paths.append(path)
    return paths
