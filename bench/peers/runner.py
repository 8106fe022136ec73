# SPDX-License-Identifier: Apache-2.0
"""One engine with one network in a process of its own, told what to do line by line.

usage: runner.py ENGINE FOLDER THREADS

Loads and runs once at the start, then reads commands from standard input and answers each with one line of JSON:
    check [N]   probabilities of the first N or all pictures of FOLDER/expected.npz
    run N       N inferences: seconds of each, and how often the system took the core away meanwhile
    count N     instructions of N inferences and of 2 N; needs an emulator that counts into FOVEA_COUNTER
"""
import json
import mmap
import os
import resource
import struct
import sys
import time

import numpy as np

from engines import ENGINES


def resident_bytes(field):
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith(field):
                return int(line.split()[1]) * 1024
    return 0


def reset_peak():
    """From here on the peak is that of what follows; not in every sandbox."""
    try:
        with open("/proc/self/clear_refs", "w") as control:
            control.write("5")
    except OSError:
        pass


def read_whole(folder):
    """Puts the files into the page cache: load times are those of a warm one."""
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), "rb") as file:
            while file.read(1 << 20):
                pass


class Runner:
    def __init__(self, name, folder, threads):
        with np.load(os.path.join(folder, "expected.npz")) as expected:
            self.pixels = expected["pixels"]
        read_whole(folder)
        self.engine = ENGINES[name](threads)
        reset_peak()
        before = resident_bytes("VmRSS")
        start = time.perf_counter()
        self.engine.load(folder)
        loaded = time.perf_counter()
        self.engine.set_input(self.pixels[:1])
        ready = time.perf_counter()
        self.engine.run()
        end = time.perf_counter()
        self.started = {
            "engine": name, "version": self.engine.version(), "load_s": loaded - start, "first_run_s": end - ready,
            "peak_bytes": resident_bytes("VmHWM") - before, "working_bytes": getattr(self.engine, "working_bytes", None),
            "multiply_adds": getattr(self.engine, "multiply_adds", None)}

    def check(self, count=None):
        answers = []
        for picture in self.pixels[:count]:
            self.engine.set_input(picture[None])
            answers.append([float(value) for value in self.engine.run()])
        self.engine.set_input(self.pixels[:1])
        return {"probabilities": answers}

    def run(self, count):
        run, clock = self.engine.run, time.perf_counter
        seconds = []
        taken = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw
        for _ in range(count):
            start = clock()
            run()
            seconds.append(clock() - start)
        return {"seconds": seconds, "interruptions": resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw - taken}

    def count(self, runs):
        with open(os.environ["FOVEA_COUNTER"], "rb") as file:
            page = mmap.mmap(file.fileno(), 4096, prot=mmap.PROT_READ)

        def measure(times):
            start, = struct.unpack_from("=Q", page)
            for _ in range(times):
                self.engine.run()
            return struct.unpack_from("=Q", page)[0] - start

        return {"runs": runs, "n_runs": measure(runs), "two_n_runs": measure(2 * runs)}


def main():
    if len(sys.argv) != 4 or sys.argv[1] not in ENGINES:
        print(f"usage: runner.py {{{','.join(ENGINES)}}} FOLDER THREADS", file=sys.stderr)
        return 2
    # The answers go out on a descriptor of their own: libraries print on standard output.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    try:
        runner = Runner(sys.argv[1], sys.argv[2], int(sys.argv[3]))
        answers.write(json.dumps(runner.started) + "\n")
        for line in sys.stdin:
            command, *arguments = line.split()
            answer = getattr(runner, command)(*map(int, arguments))
            answers.write(json.dumps(answer) + "\n")
    except Exception as error:  # any fault of an engine is a result of the comparison, not its end
        answers.write(json.dumps({"error": f"{type(error).__name__}: {error}"}) + "\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
