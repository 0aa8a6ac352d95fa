#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""boot.py TEST.py [ARGUMENT...]: runs one file of tests in a guest with the packages of HEAD, as tests/lab/boot.py does."""

import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))

disk = subprocess.run([os.path.join(HERE, "disk")], stdout=subprocess.PIPE, text=True, check=False)
if disk.returncode != 0:
    sys.exit(disk.returncode)
os.execv(sys.executable, [sys.executable, os.path.join(HERE, "..", "lab", "boot.py"), "--disk", disk.stdout.strip(), *sys.argv[1:]])
