# SPDX-License-Identifier: Apache-2.0
"""What bench/fleet is made of: the service's nodes, runs of the simulator, tables and plots."""
