# SPDX-License-Identifier: Apache-2.0
"""Readers of trained networks, a folder for each framework."""
