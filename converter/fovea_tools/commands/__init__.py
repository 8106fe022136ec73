# SPDX-License-Identifier: Apache-2.0
"""The programs: what their command lines say, and what they print."""
