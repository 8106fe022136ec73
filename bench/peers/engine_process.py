# SPDX-License-Identifier: Apache-2.0
"""A process that answers questions line by line with JSON: an engine of compare.py, a chain of chain.py."""
import json
import os
import subprocess

from environments import BenchError


class EngineProcess:
    def __init__(self, name, command, cores, variables):
        self.name = name
        self.process = subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, **variables}, preexec_fn=lambda: os.sched_setaffinity(0, cores))
        self.started = self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            self.process.stdin.close()
            errors = self.process.stderr.read().strip()[-1000:]
            raise BenchError(f"{self.name} died (exit status {self.process.wait()})" + (f": {errors}" if errors else ""))
        answer = json.loads(line)
        if "error" in answer:
            raise BenchError(f"{self.name}: {answer['error']}")
        return answer

    def ask(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self.answer()

    def is_running(self):
        return self.process.poll() is None

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.stderr.close()
        self.process.wait()
