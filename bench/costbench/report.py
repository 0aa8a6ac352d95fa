# SPDX-License-Identifier: Apache-2.0
"""The tables, between their marks in docs/performance.md, and the plots beside it."""

import os
import re

from costbench import plot

OURS = "onboardd"


def _number(value, digits=0):
    return "-" if value is None else f"{value:,.{digits}f}"


def _table(head, rows):
    lines = ["| " + " | ".join(cells) + " |" for cells in [head, ["---"] + ["---:"] * (len(head) - 1), *rows]]
    return "\n".join(lines)


def _cell(found, method, rtt, loss):
    return next(r for r in found["links"] if (r["method"], r["rtt_ms"], r["loss"]) == (method, rtt, loss))


def _losses(found, rtt):
    return sorted({r["loss"] for r in found["links"] if r["rtt_ms"] == rtt})


def _methods(found):
    return list(dict.fromkeys(r["method"] for r in found["links"]))


def _ratio(value, ours, digits=2):
    return "-" if value is None or not ours else f"{value / ours:.{digits}f}"


def _times(found, rtt):
    rows = []
    for method in _methods(found):
        cells = [method]
        for loss in _losses(found, rtt):
            r, ours = _cell(found, method, rtt, loss), _cell(found, OURS, rtt, loss)
            failed = f" ({r['failed']} of {r['runs']} failed)" if r["failed"] else ""
            scale, digits = (1000, 0) if rtt == 1 else (1, 2)
            cells += [_number(r["p50_s"] and r["p50_s"] * scale, digits) + failed, _number(r["p90_s"] and r["p90_s"] * scale, digits),
                      _ratio(r["p50_s"], ours["p50_s"])]
        rows.append(cells)
    heads = [head for loss in _losses(found, rtt) for head in (f"{loss} %: p50", "p90", "×")]
    return _table([f"{rtt} ms round trip, {'ms' if rtt == 1 else 's'}", *heads], rows)


def _costs(found):
    rows = []
    ours = _cell(found, OURS, 300, 0)
    for method in _methods(found):
        r = _cell(found, method, 300, 0)
        instructions = found["instructions"].get(method)
        rows.append([method, _number(r["packets"]), _number(r["bytes"]), _ratio(r["bytes"], ours["bytes"]),
                     _number(r["p50_s"] / 0.3, 1) if r["p50_s"] else "-", _number(instructions, 1),
                     _ratio(instructions, found["instructions"][OURS]), _number(r["cpu_ms"], 1), _number(found["peaks"].get(method))])
    return _table(["no loss", "packets", "IP bytes", "×", "round trips", "million instructions", "×", "CPU ms", "peak RSS kB"], rows)


def _after(found):
    """What the gap leaves to do: the last request, with what has to come before it."""
    rows = []
    for method in _methods(found):
        cells = [method]
        for loss in _losses(found, 300):
            r = _cell(found, method, 300, loss)
            cells += [_number(r["after_p50_s"], 2), _number(r["after_p90_s"], 2)]
        rows.append(cells)
    heads = [head for loss in _losses(found, 300) for head in (f"{loss} %: p50", "p90")]
    return _table(["since the gap, 300 ms, s", *heads], rows)


def _sizes(found):
    return _table(["program", "its own code, bytes", "its libraries' code"],
                  [[name, _number(own), _number(libraries)] for name, (own, libraries) in found["sizes"].items()])


def _agent(found):
    cold, idle = found["cold_start"], found["idle"]
    rows = [[f"cold start to the claim token, {rtt} ms round trip", f"p50 {_number(c['p50_s'], 2)} s, max {_number(c['max_s'], 2)} s"]
            for rtt, c in cold.items()]
    rows += [["idle: RSS, PSS, of its own", f"{_number(idle['rss_kb'])}, {_number(idle['pss_kb'])}, {_number(idle['anonymous_kb'])} kB"],
             [f"idle hour, from {idle['watched_s']} s", f"{_number(idle['cpu_s_per_hour'], 2)} s of processor, "
              f"{_number(idle['wakeups_per_hour'])} wake-ups"]]
    return _table(["the agent", ""], rows)


def _made_of(found):
    text, memory = found["text_by_folder"], found["idle"]["made_of"]
    total = sum(text.values())
    return "\n\n".join([
        _table(["onboardd's own code", "bytes", "%"],
               [[name, _number(size), _number(100 * size / total)] for name, size in text.items()]),
        _table(["resident memory of the idle agent, kB", "RSS", "PSS", "of its own"],
               [[name, _number(row["rss_kb"]), _number(row["pss_kb"]), _number(row["anonymous_kb"])] for name, row in memory.items()])])


def _growth(found):
    return _table(["commands", "certificates in each", "wall s", "CPU ms", "UDP bytes", "datagrams", "peak RSS kB"],
                  [[str(r["commands"]), str(r["certificates"]), _number(r["wall_s"], 2), _number(r["cpu_ms"]), _number(r["bytes"]),
                    _number(r["datagrams"]), _number(r["peak_kb"])] for r in found["growth"]])


def text(found):
    head = f"{found['machine']}; {found['runs']} runs a cell; {'; '.join(v[:60] for v in found['versions'])}. × is against the first row."
    return "\n\n".join([head, _costs(found), _times(found, 300), _after(found), _times(found, 1), _sizes(found), _agent(found),
                        _made_of(found), _growth(found)])


def write(found, folder):
    for name, svg in (("performance-300ms", plot.spread(found, 300)), ("performance-growth", plot.growth(found))):
        os.makedirs(os.path.join(folder, "images"), exist_ok=True)
        with open(os.path.join(folder, "images", name + ".svg"), "w", encoding="utf-8") as f:
            f.write(svg)
    page = os.path.join(folder, "performance.md")
    marks = ("<!-- bench/costs writes from here -->\n", "\n<!-- to here -->")
    body = marks[0] + "\n" + text(found) + "\n" + marks[1]
    old = ""
    if os.path.exists(page):
        with open(page, encoding="utf-8") as f:
            old = f.read()
    pattern = re.escape(marks[0]) + ".*?" + re.escape(marks[1])
    new = re.sub(pattern, lambda _: body, old, flags=re.S) if marks[0] in old else old + body + "\n"
    with open(page, "w", encoding="utf-8") as f:
        f.write(new)
