# SPDX-License-Identifier: Apache-2.0
"""fovea-report: from the results of `fovea screen` to one page that people can read."""


class ReportError(Exception):
    """What stops a report; the message names file, line and cause (exit status 1)."""
