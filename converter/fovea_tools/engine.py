# SPDX-License-Identifier: Apache-2.0
"""What the engine gives: the pictures that it makes of photos, logits, and what any node makes of a picture."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import subprocess
import tempfile
from typing import Any, Callable, Dict, Iterator, List, Sequence, Tuple

import numpy as np

from .errors import EngineError
from .file.input_file import read_file
from .terminal import complain

EXPLAINED_AT_ONCE = 64  # maps that lie on disk at a time
TAPS_AT_ONCE = 512  # taps, of so many pictures as they are of, that lie on disk at a time


def _write(path: str, data: bytes) -> None:
    try:
        with open(path, "wb") as file:
            file.write(data)
    except OSError as error:
        raise EngineError(f"{path}: cannot be written ({error.strerror})") from error


def _read(path: str) -> bytes:
    try:
        return read_file(path)
    except OSError as error:
        raise EngineError(f"{path}: cannot be read ({error.strerror})") from error


def _remove(folder: str) -> None:
    """As far as it can be; not all that may fail here is among the errors that Python ignores. What is left is told at the end."""
    with contextlib.suppress(OSError):
        shutil.rmtree(folder, ignore_errors=True)


def _save(path: str, values: np.ndarray) -> None:
    """NumPy's own writing to a file tells no cause where it fails."""
    data = io.BytesIO()
    np.save(data, values)
    _write(path, data.getvalue())


def _load(path: str) -> np.ndarray:
    try:
        return np.load(io.BytesIO(_read(path)))
    except (ValueError, EOFError) as error:
        raise EngineError(f"{path}: cannot be read ({error})") from error


class Engine:
    """Calls the fovea program; keeps what it writes in a folder of its own, which close() removes."""

    def __init__(self, program: str, height: int, width: int) -> None:
        self.program = program
        self.size = f"{height}x{width}"
        self.folder = tempfile.mkdtemp(prefix="fovea-engine-")
        self.count = 0

    def close(self) -> None:
        _remove(self.folder)
        if os.path.exists(self.folder):
            complain("warning", f"{self.folder}: temporary files are left there, they cannot be removed")

    def output(self, *arguments: str) -> str:
        try:
            done = subprocess.run([self.program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        except OSError as error:
            raise EngineError(f"{self.program}: {error.strerror} (--fovea says where the program is)") from error
        if done.returncode != 0:
            raise EngineError(f"{self.program} {arguments[0]} failed: {'; '.join(done.stderr.strip().splitlines())[-2000:]}")
        return done.stdout

    def stored(self, data: bytes) -> str:
        """The path of a file with these bytes."""
        self.count += 1
        path = os.path.join(self.folder, f"model{self.count}.fovea")
        _write(path, data)
        return path

    def pictures(self, model: str, photos: Sequence[str], say: Callable[[str], None]) -> List[str]:
        """The network's pictures of photos, made by the model's own preset."""
        paths = []
        folder = tempfile.mkdtemp(dir=self.folder)
        for number, photo in enumerate(photos):
            paths.append(os.path.join(folder, f"{number}.png"))
            self.output("preprocess", "--model", model, photo, paths[-1])
            if (number + 1) % 32 == 0:
                say(f"pictures: {number + 1} of {len(photos)} photos")
        return paths

    def pixel_files(self, pixels: Sequence[bytes], shape: Sequence[int]) -> List[str]:
        folder = tempfile.mkdtemp(dir=self.folder)
        paths = [os.path.join(folder, f"{number}.npy") for number in range(len(pixels))]
        for path, data in zip(paths, pixels):
            _save(path, np.frombuffer(data, np.uint8).reshape(shape))
        return paths

    def float_files(self, pictures: Sequence[np.ndarray]) -> List[str]:
        folder = tempfile.mkdtemp(dir=self.folder)
        paths = [os.path.join(folder, f"{number}.npy") for number in range(len(pictures))]
        for path, values in zip(paths, pictures):
            _save(path, values.astype(np.float32))
        return paths

    @staticmethod
    def forget(paths: Sequence[str]) -> None:
        """Removes what pictures(), pixel_files() or float_files() made in one call."""
        _remove(os.path.dirname(paths[0]))

    def logits(self, model: str, pictures: Sequence[str]) -> np.ndarray:
        return self._told(model, pictures, "logits")

    def probabilities(self, model: str, pictures: Sequence[str]) -> np.ndarray:
        return self._told(model, pictures, "probabilities")

    def _told(self, model: str, pictures: Sequence[str], what: str) -> np.ndarray:
        rows = []
        for start in range(0, len(pictures), 100):
            text = self.output("run", "--model", model, "--size", self.size, *pictures[start:start + 100])
            rows += [json.loads(line)[what] for line in text.splitlines()]
        return np.asarray(rows, np.float64)

    def explained(self, model: str, inputs: Sequence[str], *options: str) -> Iterator[Tuple[Dict[str, Any], np.ndarray]]:
        """What `fovea explain` tells of each input, and the map as it is."""
        for start in range(0, len(inputs), EXPLAINED_AT_ONCE):
            some = list(inputs[start:start + EXPLAINED_AT_ONCE])
            folder = tempfile.mkdtemp(dir=self.folder)
            # Of one input the program writes the file of that name, of several a folder of files that begin with the input's number.
            text = self.output("explain", "--model", model, *options, "--raw", folder if len(some) > 1 else os.path.join(folder, "0_"), *some)
            paths = sorted(os.listdir(folder), key=lambda name: int(name.partition("_")[0]))
            for line, path in zip(text.splitlines(), paths):
                yield json.loads(line), _load(os.path.join(folder, path))
            _remove(folder)

    def taps(self, model: str, pictures: Sequence[str], names: Sequence[str],
             progress: Callable[[int], None] = lambda done: None) -> Iterator[Dict[str, np.ndarray]]:
        """What the nodes of these names make of each picture, picture after picture."""
        at_once = min(max(TAPS_AT_ONCE // len(names), 1), 64)
        for start in range(0, len(pictures), at_once):
            some = list(pictures[start:start + at_once])
            folder = tempfile.mkdtemp(dir=self.folder)
            self.output("run", "--model", model, "--size", self.size, "--taps", ",".join(names), "--dump", folder, *some)
            folders = sorted(os.listdir(folder), key=lambda name: int(name.partition("_")[0])) if len(some) > 1 else [""]
            for one in folders:
                place = os.path.join(folder, one)
                index = json.loads(_read(os.path.join(place, "index.json")))["taps"]
                yield {tap["name"]: _load(os.path.join(place, tap["file"])) for tap in index}
            _remove(folder)
            progress(start + len(some))
