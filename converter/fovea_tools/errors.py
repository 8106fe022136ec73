# SPDX-License-Identifier: Apache-2.0
"""The two ways in which a command can fail."""


class ConversionError(Exception):
    """The model is damaged or holds something that cannot be converted (exit status 4)."""


class UsageError(Exception):
    """The command line asks for something that makes no sense (exit status 2)."""
