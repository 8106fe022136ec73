# SPDX-License-Identifier: Apache-2.0
"""Pictures that are changed by less than anybody sees so that a detector says something else."""
