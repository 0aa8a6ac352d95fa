# SPDX-License-Identifier: Apache-2.0
"""What the system tests share: real programs, a throw-away PKI, a relay that sees every datagram.

Standard library only. Nothing here sleeps: everything waits on a line, an exit or a datagram, with a
limit after which the test fails and shows what each program said.
"""
