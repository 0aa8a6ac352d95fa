# SPDX-License-Identifier: Apache-2.0
"""What tests in the guest share: its message bus, its Bluetooth and Wi-Fi radios (../README.md)."""
