# SPDX-License-Identifier: Apache-2.0
"""Rewrites of a built graph, whatever it was read from."""
