# SPDX-License-Identifier: Apache-2.0
"""Every method over every link: times, datagrams, bytes."""

import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from costbench import methods
from harness.link import Link

CELLS = [(rtt, loss) for rtt in (1, 300) for loss in (0, 2, 10)]
FEW_CELLS = [(1, 0), (300, 0), (300, 2)]
IP_COUNTED = ("packets", "bytes")


def quantile(values, q):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))] if ordered else None


class Lane:
    """A link of its own, on which runs follow each other."""

    numbers = iter(range(1, 1000))

    def __init__(self, case, servers, nat=False):
        self.link = Link(case, next(Lane.numbers), nat=nat)
        self.place = methods.Place(self.link.device.argv_prefix(), self.link.server.v4, servers["coap"].port,
                                   servers["https"].port, case.pki().root)

    def gap(self, name):
        def pause():
            if name == methods.LOST:
                self.link.rebind()
            time.sleep(methods.GAP_S)
        return pause

    def run(self, name):
        before = self.link.stats()
        outcome = methods.run(name, self.place, self.gap(name))
        time.sleep(self.delay_s * 2 + 0.02)  # for what is still on its way
        after = self.link.stats()
        counted = {key: sum(after[way][key] - before[way][key] for way in ("up", "down")) for key in IP_COUNTED}
        return outcome, counted

    def set(self, rtt_ms, loss, seed):
        self.delay_s = rtt_ms / 2000
        self.link.set(delay=rtt_ms / 2, loss=loss, seed=seed)


def _summary(name, rtt, loss, runs):
    good = [(o, c) for o, c in runs if o.ok]
    walls = [o.wall_s for o, _ in good]
    return {
        "method": name, "rtt_ms": rtt, "loss": loss, "runs": len(runs), "failed": len(runs) - len(good),
        "p50_s": quantile(walls, 0.5), "p90_s": quantile(walls, 0.9), "max_s": max(walls, default=None),
        "after_p50_s": quantile([o.after_s for o, _ in good], 0.5), "after_p90_s": quantile([o.after_s for o, _ in good], 0.9),
        "packets": statistics.mean(c["packets"] for _, c in good) if good else None,
        "bytes": statistics.mean(c["bytes"] for _, c in good) if good else None,
        "cpu_ms": 1000 * statistics.median(o.cpu_s for o, _ in good) if good else None,
        "walls_s": sorted(walls),
    }


def measure(case, servers, cells, runs, lanes, say):
    """`runs` of each method in each cell; rows."""
    plain = [Lane(case, servers) for _ in range(lanes)]
    natted = [Lane(case, servers, nat=True) for _ in range(lanes)]
    rows, lock = [], threading.Lock()

    for rtt, loss in cells:
        # Where nothing is waited for, runs beside each other would wait for the processor.
        width = lanes if rtt > 10 or loss > 0 else 1
        for name in methods.METHODS:
            some = (natted if name == methods.LOST else plain)[:width]
            results, left = [], iter(range(runs))

            def work(numbered, name=name, some=some, results=results, left=left, rtt=rtt, loss=loss):
                number, lane = numbered
                lane.set(rtt, loss, 1 + number)
                while True:
                    with lock:
                        if next(left, None) is None:
                            return
                    result = lane.run(name)
                    with lock:
                        results.append(result)

            with ThreadPoolExecutor(width) as pool:
                list(pool.map(work, enumerate(some)))
            rows.append(_summary(name, rtt, loss, results))
            say(rows[-1], [o.said for o, _ in results if not o.ok][:1])
    return rows
