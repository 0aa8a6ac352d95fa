# SPDX-License-Identifier: Apache-2.0
"""vmlinux.py BZIMAGE VMLINUX: takes the ELF kernel out of its self-extracting image.

QEMU starts an ELF kernel directly, and the guest need not unpack itself on an emulated processor: 3 s less.
"""

import subprocess
import sys

ELF = b"\x7fELF"
PACKED = {
    b"\xfd7zXZ\x00": ["xz", "-dc", "--single-stream"],
    b"\x28\xb5\x2f\xfd": ["zstd", "-dc"],
    b"\x1f\x8b\x08": ["gzip", "-dc"],
}


def unpacked(image):
    """The ELF file inside of image. What follows the packed part makes the tools fail at the end; that is fine."""
    for magic, tool in PACKED.items():
        at = image.find(magic)
        while at >= 0:
            data = subprocess.run(tool, input=image[at:], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                  check=False).stdout
            if data.startswith(ELF):
                return data
            at = image.find(magic, at + 1)
    return None


def main():
    source, target = sys.argv[1:]
    with open(source, "rb") as f:
        kernel = unpacked(f.read())
    if kernel is None:
        sys.exit(f"{source}: no packed ELF kernel in it")
    with open(target, "wb") as f:
        f.write(kernel)


main()
