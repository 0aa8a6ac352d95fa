# SPDX-License-Identifier: Apache-2.0
"""The share of devices that are done after a time, one line a run, as SVG."""

import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 900, 520
LEFT, RIGHT, TOP, BOTTOM = 70, 250, 40, 60
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#332288", "#117733",
           "#882255", "#44aa99", "#999933", "#661100")
DASHES = {"provisioning": "6 4", "validation": "none"}


class Axes:
    def __init__(self, values):
        self.low = math.floor(math.log10(max(min(values), 0.1)))
        self.high = max(math.ceil(math.log10(max(values))), self.low + 1)

    def x(self, ms):
        at = (math.log10(max(ms, 0.1)) - self.low) / (self.high - self.low)
        return LEFT + at * (WIDTH - LEFT - RIGHT)

    @staticmethod
    def y(share):
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    def grid(self):
        parts = []
        for power in range(self.low, self.high + 1):
            x = self.x(10 ** power)
            label = f"{10 ** power / 1000:g} s" if power >= 3 else f"{10 ** power:g} ms"
            parts.append(f'<path class="grid" d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}"/>'
                         f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 20}" '
                         f'text-anchor="middle">{label}</text>')
        for percent in (0, 25, 50, 75, 95, 100):
            y = self.y(percent / 100)
            parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>'
                         f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{percent} %'
                         f'</text>')
        return "".join(parts)


def _line(axes, r, colour):
    values = r["ended_ms"]
    step = max(1, len(values) // 400)
    points = [(values[i], (i + 1) / len(values)) for i in range(0, len(values), step)]
    points.append((values[-1], 1))
    path = " ".join(f"{'L' if i else 'M'}{axes.x(ms):.1f} {axes.y(share * r['done'] / r['devices']):.1f}"
                    for i, (ms, share) in enumerate(points))
    return (f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="2" '
            f'stroke-dasharray="{DASHES[r["phase"]]}"/>')


def _legend(i, r, colour):
    y = TOP + 10 + 22 * i
    name = f"{r['dtls']} {r['store']} x{r['nodes']} {r['phase']}"
    return (f'<path d="M{WIDTH - RIGHT + 15} {y}h24" stroke="{colour}" stroke-width="2" '
            f'stroke-dasharray="{DASHES[r["phase"]]}"/>'
            f'<text x="{WIDTH - RIGHT + 45}" y="{y + 4}">{escape(name)}</text>')


def latencies(runs):
    runs = [r for r in runs if r["ended_ms"]]
    body = ""
    if runs:
        axes = Axes([v for r in runs for v in (r["ended_ms"][0], r["ended_ms"][-1])])
        body = axes.grid() + "".join(
            _line(axes, r, COLOURS[i % len(COLOURS)]) + _legend(i, r, COLOURS[i % len(COLOURS)])
            for i, r in enumerate(runs))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
            f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">'
            '<style>.grid{stroke:#ccc;fill:none}text{fill:#333}</style>'
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>'
            f'<text x="{LEFT}" y="24" font-size="15">Devices that are done, by the time since their '
            f'start</text>{body}</svg>\n')
