# SPDX-License-Identifier: Apache-2.0
"""Adds up what the enumerations of faults left in BUILD/faults: summary.py BUILD. The last line is
"faults: kill=N error=M lost-write=K violations=V"; fails when V is not 0 or a result is missing."""

import json
import os
import sys

KINDS = ("kill", "error", "lost-write")


def read(build, kind):
    try:
        with open(os.path.join(build, "faults", kind + ".json"), encoding="utf-8") as f:
            return json.load(f)
    except OSError as e:
        print(f"faults: {kind}: no result: {e}", file=sys.stderr)
        return None


def main(build):
    results = {kind: read(build, kind) for kind in KINDS}
    found = [r for r in results.values() if r]
    violations = [text for r in found for text in r["violations"]]
    for r in found:
        print(f"faults: {r['kind']}: {r['tried']} of {r['points']} points" + (f", {r['method']}" if r["method"] else ""))
    for text in violations:
        print("faults: violation: " + text.splitlines()[0])
    print("faults: " + " ".join(f"{kind}={results[kind]['tried'] if results[kind] else 0}" for kind in KINDS)
          + f" violations={len(violations)}")
    return 0 if len(found) == len(KINDS) and not violations else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
