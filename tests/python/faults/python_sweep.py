# SPDX-License-Identifier: Apache-2.0
"""Run with fault_shim.so preloaded: a command of Python with one call of the C library failing, each time in a child of this process, which has
the libraries loaded. Only calls for files of the command's own folder count.

usage: python_sweep.py FOLDER MODULE REPORT.json ARGUMENT...; FOLDER holds the command's files, standard input the faults as
[call, number, how] each, null for none. REPORT.json receives an outcome for each."""
import ctypes
import importlib
import json
import os
import pathlib
import shutil
import sys
import tempfile
import traceback


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes().hex() for path in sorted(folder.rglob("*")) if path.is_file()}


def run(shim, main, arguments, source, fault):
    folder = source.with_name("run")
    shutil.copytree(source, folder)
    out, error = source.with_name("out"), source.with_name("err")
    child = os.fork()
    if child == 0:
        os.chdir(folder)
        if (folder / "tmp").is_dir():  # what a command writes for a while counts, too
            tempfile.tempdir = str(folder / "tmp")
        for path, descriptor in ((out, 1), (error, 2)):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
        call, number, how = fault or ("", 0, "")
        shim.fault_arm(call.encode(), ctypes.c_long(number), how.encode(), str(folder).encode())
        try:
            status = main(arguments)
        except SystemExit as stop:
            status = stop.code
        except BaseException:
            traceback.print_exc()
            status = 99
        sys.stdout.flush()
        sys.stderr.flush()
        shim.fault_report(str(source.with_name("hit")).encode())
        os._exit(status or 0)
    _, state = os.waitpid(child, 0)
    report = source.with_name("hit").read_text().splitlines()
    outcome = {"fault": fault, "status": os.waitstatus_to_exitcode(state), "out": out.read_text(), "messages": error.read_text(),
               "calls": {line.split()[1]: int(line.split()[2]) for line in report if line.startswith("calls ")},
               "hit": next((line.split(" ", 2)[2] for line in report if line.startswith("hit ")), None), "after": contents(folder)}
    shutil.rmtree(folder)
    return outcome


def main():
    folder, module, report, *arguments = sys.argv[1:]
    command = importlib.import_module(module).main
    shim = ctypes.CDLL(None)
    outcomes = []
    # Once without a fault, so that what the command imports on its way is loaded.
    warm = pathlib.Path(folder).with_name("warm")
    shutil.copytree(folder, warm)
    here = os.getcwd()
    os.chdir(warm)
    command(arguments)
    os.chdir(here)
    for fault in json.load(sys.stdin):
        outcomes.append(run(shim, command, arguments, pathlib.Path(folder), fault))
    pathlib.Path(report).write_text(json.dumps(outcomes))


if __name__ == "__main__":
    main()
