# SPDX-License-Identifier: Apache-2.0
"""What the service keeps its data in: a file, or a PostgreSQL that the bench starts."""

import os
import shutil

from fleetbench import usage


class Sqlite:
    name = "sqlite"

    def __init__(self, work):
        self.work = work

    def options(self):
        return []

    def start(self):
        return self

    def cpu_s(self):
        return 0.0

    def clear(self):
        shutil.rmtree(os.path.join(self.work, "service"), ignore_errors=True)

    def stop(self):
        self.clear()
