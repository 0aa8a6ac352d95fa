# SPDX-License-Identifier: Apache-2.0
"""Enumerations of faults: which points there are, as many of them as the time allows tried side by
side, what became of them counted in a file of the build that scripts/test adds up."""

import argparse
import concurrent.futures
import json
import os
import sys
import time
import traceback

SIDE_BY_SIDE = 3 * os.cpu_count()
wanted = []  # names of points, when not all are
RESULTS = os.path.join(os.environ.get("ONBOARD_BUILD_DIR", "build/dev"), "faults")


class Violation(Exception):
    """What must never be, was."""


class NotReached(Exception):
    """The run ended before the point."""


def evenly(points, most):
    """At most `most` of them, the same ones each time, spread over all."""
    if wanted:
        return [p for p in points if str(p) in wanted]
    if os.environ.get("ONBOARD_FAULTS") == "all" or len(points) <= most:
        return points
    return [points[i * len(points) // most] for i in range(most)]


def try_all(kind, points, attempt, most, method=None):
    """attempt(point) for each, raising Violation or NotReached; the violations as texts. A point is
    whatever str() makes a name of, which --point finds again."""
    chosen = evenly(points, most)
    began = time.monotonic()
    tried, missed, violations = 0, 0, []
    with concurrent.futures.ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        for point, outcome in zip(chosen, pool.map(lambda p: _try_one(attempt, p), chosen)):
            if outcome == "":
                tried += 1
            elif outcome is None:
                missed += 1
            else:
                tried += 1
                violations.append(f"{kind} {point}: {outcome}")
    for text in violations:
        print("    VIOLATION " + text, flush=True)
    print(f"    {kind}: {tried} of {len(points)} points tried, {missed} not reached, {len(violations)} violations, "
          f"{time.monotonic() - began:.0f} s", flush=True)
    if wanted:
        return violations
    os.makedirs(RESULTS, exist_ok=True)
    with open(os.path.join(RESULTS, kind + ".json"), "w", encoding="utf-8") as f:
        json.dump({"kind": kind, "tried": tried, "points": len(points), "violations": violations, "method": method}, f)
    return violations


def _try_one(attempt, point):
    """"" when all held, None when the point was not reached, else what did not hold."""
    try:
        attempt(point)
        return ""
    except NotReached:
        return None
    except Violation as e:
        return str(e)
    except Exception:  # a broken test is not a proof
        return traceback.format_exc()


def main(case):
    """What a test file does: its cases, or with --point NAME... only these points of them."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--point", nargs="+", default=[])
    options, sys.argv[1:] = parser.parse_known_args()
    wanted.extend(options.point)
    case.main()
