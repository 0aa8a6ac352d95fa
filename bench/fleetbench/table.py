# SPDX-License-Identifier: Apache-2.0
"""The figures of all runs as text."""

from fleetbench.simulator import HANDSHAKES

NOTE = """CPU: processor time of the service's processes, per device (ms). /s·core: devices per second of that time.
x library: against one handshake of coap-server with the same libcoap in this run; x floor: against one of
the service; /hs: the latter for each handshake contained, one for provisioning, two with the validation on
a second session. memory: what the service
grew by, per device; the session of provisioning is kept open, as a device that runs on keeps it.
database: processor time of PostgreSQL. latency: from the start of a device to its end, ms."""


def _row(cells, widths):
    return "  ".join(c.rjust(w) if i > 3 else c.ljust(w)
                     for i, (c, w) in enumerate(zip(cells, widths)))


def _number(value, digits=2):
    return "-" if value is None else f"{value:.{digits}f}"


def rate_per_core(r):
    return r["done"] / r["service_cpu_s"] if r["service_cpu_s"] > 0 else None


def cpu_ms(r):
    return 1000 * r["service_cpu_s"] / r["done"] if r["done"] else None


def _ratio(r, floor):
    return cpu_ms(r) / cpu_ms(floor) if floor and cpu_ms(r) else None


def _cells(r, floors):
    variant = (r["dtls"], r["store"], r["nodes"])
    ratio = _ratio(r, floors.get(("handshake", *variant)))
    handshakes = 2 if r["phase"] == "validation" else 1
    latency = r["ended"]
    return [r["dtls"], r["store"], str(r["nodes"]), r["phase"], f"{r['done']}/{r['devices']}",
            _number(cpu_ms(r)), _number(_ratio(r, floors.get(("library", *variant)))),
            _number(ratio), _number(ratio / handshakes if ratio else None),
            _number(rate_per_core(r), 0), _number(r["done"] / r["wall_s"], 0),
            _number(1000 * r["database_cpu_s"] / r["done"] if r["done"] else None),
            _number(r["memory_kb"] / r["done"] if r["done"] else None, 1),
            *(_number(latency[q], 0) for q in ("p50", "p95", "p99", "max"))]


HEAD = ["libcoap", "store", "nodes", "phase", "done", "CPU", "x library", "x floor", "/hs", "/s·core", "/s wall",
        "database", "KiB", "p50", "p95", "p99", "max"]


def text(options, found):
    floors = {(r["phase"], r["dtls"], r["store"], r["nodes"]): r for r in found}
    rows = [HEAD] + [_cells(r, floors) for r in found]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEAD))]
    lines = [_row(row, widths) for row in rows]
    lines.insert(1, "-" * len(lines[0]))
    for r in found:
        lines += _more(r)
    return "\n".join(lines) + f"\n\nseed {options.seed}, {options.devices} devices.\n" + NOTE


def _more(r):
    """What only some runs have to say."""
    name = f"{r['dtls']} {r['store']} {r['nodes']} {r['phase']}"
    lines = []
    if r["phase"] not in HANDSHAKES and (r["retries"] or r["restarts"] or r["network"]):
        lines.append(f"{name}: {r['restarts']} restarts, {r['retries']} cycles tried again, "
                     f"network {r['network']}")
    if r["phase"] not in HANDSHAKES and r["admitted_provisioned"]["p99"] is not None:
        for what, a in (("until provisioned", r["admitted_provisioned"]),
                        ("until the end", r["admitted"])):
            lines.append(f"{name}: from the ClientHello that was let in {what}: "
                         f"p50 {a['p50']:.0f} ms, p95 {a['p95']:.0f} ms, p99 {a['p99']:.0f} ms, "
                         f"max {a['max']:.0f} ms")
    if "killed_at_s" in r:
        lines.append(f"{name}: a node was killed at {r['killed_at_s']} s")
    return lines
