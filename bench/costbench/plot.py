# SPDX-License-Identifier: Apache-2.0
"""The spread of times with losses, and the growth with commands, as SVG."""

from xml.sax.saxutils import escape

WIDTH, LEFT, RIGHT, ROW = 900, 230, 40, 26
COLOURS = {0: "#0072b2", 2: "#e69f00", 10: "#d55e00"}
HEAD = ('<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" viewBox="0 0 {w} {h}" font-family="sans-serif" font-size="12">'
        '<style>.grid{{stroke:#ccc}}text{{fill:#333}}</style><rect width="{w}" height="{h}" fill="#fff"/>'
        '<text x="20" y="24" font-size="15">{title}</text>')


def _scale(limit, step, height, unit):
    x = lambda v: LEFT + min(v, limit) * (WIDTH - LEFT - RIGHT) / limit  # noqa: E731
    marks, at = "", 0
    while at <= limit:
        marks += (f'<path class="grid" d="M{x(at):.1f} 40V{height - 30}"/>'
                  f'<text x="{x(at):.1f}" y="{height - 12}" text-anchor="middle">{at:g} {unit}</text>')
        at += step
    return x, marks


def spread(found, rtt):
    """A bar from the fastest to p90 and a mark at p50, a colour for each loss."""
    rows = [r for r in found["links"] if r["rtt_ms"] == rtt and r["walls_s"]]
    names = list(dict.fromkeys(r["method"] for r in rows))
    height = 80 + ROW * 3 * len(names)
    limit = max(r["p90_s"] for r in rows) * 1.02
    x, body = _scale(limit, 1 if limit < 12 else 5, height, "s")
    for r in rows:
        y = 50 + ROW * (3 * names.index(r["method"]) + list(COLOURS).index(r["loss"]))
        left, right = x(r["walls_s"][0]), x(r["p90_s"])
        body += (f'<rect x="{left:.1f}" y="{y}" width="{max(right - left, 2):.1f}" height="14" fill="{COLOURS[r["loss"]]}" opacity="0.6"/>'
                 f'<path d="M{x(r["p50_s"]):.1f} {y - 2}v18" stroke="#000" stroke-width="2"/>'
                 f'<text x="{LEFT - 10}" y="{y + 11}" text-anchor="end">{escape(r["method"]) if r["loss"] == 0 else ""} {r["loss"]} %</text>')
    return HEAD.format(w=WIDTH, h=height, title=f"One exchange at {rtt} ms of round trip, by loss: fastest to p90, p50 marked") + body + "</svg>\n"


def growth(found):
    rows = [r for r in found["growth"] if r["certificates"] == 1]
    limit, height = max(r["commands"] for r in rows), 420
    x, body = _scale(limit, limit / 5, height, "")
    for key, colour, label in (("bytes", "#0072b2", "UDP bytes"), ("cpu_ms", "#d55e00", "CPU"), ("wall_s", "#009e73", "time")):
        top = max(r[key] for r in rows)
        points = " ".join(f"{'L' if i else 'M'}{x(r['commands']):.1f} {height - 40 - (height - 100) * r[key] / top:.1f}" for i, r in enumerate(rows))
        unit = {"bytes": f"{top:,.0f} B", "cpu_ms": f"{top:,.0f} ms", "wall_s": f"{top:.2f} s"}[key]
        at = 60 + 22 * ("bytes", "cpu_ms", "wall_s").index(key)
        body += (f'<path d="{points}" fill="none" stroke="{colour}" stroke-width="2"/><path d="M20 {at}h24" stroke="{colour}" stroke-width="2"/>'
                 f'<text x="50" y="{at + 4}">{label}, up to {unit}</text>')
    return HEAD.format(w=WIDTH, h=height, title="The agent by the number of commands, a certificate in each") + body + "</svg>\n"
