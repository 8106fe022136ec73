# SPDX-License-Identifier: Apache-2.0
"""The options by which a command is told the labels: one file, or one or more for each source."""

from __future__ import annotations

import argparse
from typing import Dict, List, Optional, Tuple

from ..label_sets import OWN_ROLES
from ..labels import LabelFile, read_file

TAKEN = "pooled"  # what reports call all sources together


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("label_file", metavar="LABELS.csv", nargs="?", help="the labels, where there is one source")
    parser.add_argument("--labels", metavar="SOURCE=FILE", action="append", default=[],
                        help="labels of one source; once for each file, several files may be of one source")
    parser.add_argument("--columns", metavar="ROLE=COLUMN,...", default="",
                        help=f"columns of a label file with other headers; roles: {', '.join(OWN_ROLES)}")
    parser.add_argument("--no-errata", action="store_true", help="leave Messidor's labels as they were first published")


def _roles(parser: argparse.ArgumentParser, text: str) -> Dict[str, str]:
    roles: Dict[str, str] = {}
    for item in filter(None, text.split(",")):
        role, separator, column = item.partition("=")
        if not separator or role not in OWN_ROLES or not column or role in roles:
            parser.error(f"--columns {item}: expected ROLE=COLUMN, each role once; roles: {', '.join(OWN_ROLES)}")
        roles[role] = column
    return roles


def check(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    """Adds what read() needs: label_paths, [(source, file)], where the positional file's source is its data set; and roles."""
    paths: List[Tuple[Optional[str], str]] = [(None, arguments.label_file)] if arguments.label_file else []
    for item in arguments.labels:
        source, separator, path = item.partition("=")
        if not separator or not source or not path:
            parser.error(f"--labels {item}: expected SOURCE=FILE")
        if source == TAKEN:
            parser.error(f"--labels: the name '{TAKEN}' is taken")
        paths.append((source, path))
    if not paths:
        parser.error("no labels: give LABELS.csv or --labels SOURCE=FILE")
    arguments.label_paths, arguments.roles = paths, _roles(parser, arguments.columns)


def read(arguments: argparse.Namespace, patient_column: Optional[str] = None) -> List[Tuple[str, LabelFile]]:
    """[(source, labels)]"""
    files = [(source, read_file(path, not arguments.no_errata, arguments.roles, patient_column)) for source, path in arguments.label_paths]
    return [(source or file.data_set, file) for source, file in files]
