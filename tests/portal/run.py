# SPDX-License-Identifier: Apache-2.0
"""Runs one file of browser tests (test_*.mjs) with node, beside the stage that it asks for devices."""

import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import case  # noqa: E402
from harness.process import SLOWER  # noqa: E402
from stage import Stage  # noqa: E402

LIMIT_S = 280 * SLOWER


class Portal(case.Case):
    file = None

    def test_pages_in_chromium(self):
        node = shutil.which("node") or shutil.which("nodejs")
        self.assertTrue(node, "node is not here: scripts/install-deps test")
        stage = Stage(self)
        screenshots = os.path.join(os.environ["ONBOARD_BUILD_DIR"], "screenshots")
        os.makedirs(screenshots, exist_ok=True)
        env = {**os.environ, "PORTAL_STAGE": stage.serve(), "PORTAL_FOLDER": self.path("browser"), "PORTAL_SCREENSHOTS": screenshots,
               "PORTAL_PACKAGES": os.path.join(os.environ["ONBOARD_BUILD_DIR"], "portal", "node_modules")}
        os.makedirs(env["PORTAL_FOLDER"])
        done = subprocess.run([node, self.file], env=env, timeout=LIMIT_S, check=False)
        self.assertEqual(done.returncode, 0, f"{os.path.basename(self.file)} failed; what the tests say is above")


if __name__ == "__main__":
    Portal.file = os.path.abspath(sys.argv.pop(1))
    case.main()
