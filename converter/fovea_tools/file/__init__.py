# SPDX-License-Identifier: Apache-2.0
"""The .fovea file: its bytes, what lies in them, and how files are written."""
