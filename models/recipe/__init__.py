# SPDX-License-Identifier: Apache-2.0
"""Trains the detectors shipped in models/detectors; `python -m recipe --help` starts it."""
