# SPDX-License-Identifier: Apache-2.0
"""From a network of floats to one of 8-bit codes, by photos: section QUNT of models/FORMAT.md."""
