# SPDX-License-Identifier: Apache-2.0
"""From a read network, and what the user says about it, to a whole model file."""
