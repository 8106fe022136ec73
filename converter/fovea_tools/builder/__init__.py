# SPDX-License-Identifier: Apache-2.0
"""The network between reading and writing, and what readers of any format build it with."""
