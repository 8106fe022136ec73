# SPDX-License-Identifier: Apache-2.0
"""Keras files of versions 2 and 3, without TensorFlow or Keras."""
