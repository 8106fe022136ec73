# SPDX-License-Identifier: Apache-2.0
"""One chain from the bytes of a photo to its verdict in a process of its own, told what to do line by line.

usage: chain_runner.py CHAIN FOLDER THREADS PHOTO...

FOLDER holds what chain_prepare.py wrote. Answers like `screen_bench --serve`:
    check         the score and the verdict of each photo
    run N INDEX   N times a photo: seconds of each, and how often the system took the core away meanwhile

Each chain decodes, crops the lit box, reduces it by means of areas, takes off a Gaussian blur, blackens the corners and runs the
network, by the fastest calls of its libraries. No quality is judged and no damage looked for, which fovea's time includes. A
chain that ends in _reduced decodes at the smallest of the JPEG decoder's scales at which the photo is at least twice as wide and high as
the network's input.
"""
import io
import json
import math
import os
import pathlib
import resource
import sys
import time

import numpy as np

from engines import Litert, Onnxruntime


def reduction(width, height, size):
    """1, 2, 4 or 8."""
    return max(divisor for divisor in (1, 2, 4, 8) if divisor == 1 or min(width, height) >= 2 * size * divisor)


def selected(image, rows, columns):
    """The rows and columns that are lit; no copy where they lie together."""
    rows, columns = np.flatnonzero(rows), np.flatnonzero(columns)
    if len(rows) == 0:
        return image
    box = image[rows[0]:rows[-1] + 1, columns[0]:columns[-1] + 1]
    return box if box.shape[:2] == (len(rows), len(columns)) else np.ascontiguousarray(image[np.ix_(rows, columns)])


class OpenCv:
    name = "opencv"

    def __init__(self, facts, threads, is_reduced):
        import cv2

        self.cv2, self.facts, self.is_reduced = cv2, facts, is_reduced
        cv2.setNumThreads(threads)
        size = facts["size"]
        self.mask = np.zeros((size, size, 1), np.uint8)
        cv2.circle(self.mask, (size // 2, size // 2), size // 2, 1, thickness=-1)

    def version(self):
        return self.cv2.__version__

    def pixels(self, data, shape):
        """The network's RGB pixels, (S, S, 3) uint8."""
        cv2, facts = self.cv2, self.facts
        divisor = reduction(*shape, facts["size"]) if self.is_reduced else 1
        flag = {1: cv2.IMREAD_COLOR, 2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4,
                8: cv2.IMREAD_REDUCED_COLOR_8}[divisor]
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        brightest = [cv2.reduce(grey, axis, cv2.REDUCE_MAX).ravel() for axis in (1, 0)]
        image = selected(image, *(values > facts["tolerance"] for values in brightest))
        image = cv2.resize(image, (facts["size"], facts["size"]), interpolation=cv2.INTER_AREA)
        image = cv2.addWeighted(image, 4, cv2.GaussianBlur(image, (0, 0), facts["sigma"] or 10), -4, 128)
        if facts["circle_mask"]:
            image *= self.mask
        return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


class Pillow:
    name = "pillow"

    def __init__(self, facts, threads, is_reduced):
        import PIL.Image
        import PIL.ImageDraw
        import PIL.ImageFilter

        self.pil, self.facts, self.is_reduced = PIL, facts, is_reduced
        size = facts["size"]
        disc = PIL.Image.new("L", (size, size))
        radius = size // 2
        PIL.ImageDraw.Draw(disc).ellipse((0, 0, 2 * radius, 2 * radius), fill=1)
        self.mask = np.asarray(disc)[..., None]

    def version(self):
        return self.pil.__version__

    def pixels(self, data, shape):
        facts, size = self.facts, self.facts["size"]
        image = self.pil.Image.open(io.BytesIO(data))
        if self.is_reduced:
            divisor = reduction(*shape, size)
            image.draft("RGB", (image.width // divisor, image.height // divisor))
        image = image.convert("RGB")
        lit = image.convert("L").point([0] * (facts["tolerance"] + 1) + [255] * (255 - facts["tolerance"]))
        columns, rows = map(np.array, lit.getprojection())
        small = self.pil.Image.fromarray(selected(np.asarray(image), rows, columns))
        small = small.resize((size, size), self.pil.Image.Resampling.BOX)
        # A blur by repeated means: within a few levels of the Gaussian.
        blurred = np.asarray(small.filter(self.pil.ImageFilter.GaussianBlur(facts["sigma"] or 10)), np.int16)
        pixels = np.clip(4 * (np.asarray(small, np.int16) - blurred) + 128, 0, 255).astype(np.uint8)
        return pixels * self.mask if facts["circle_mask"] else pixels


READERS = {"opencv": OpenCv, "pillow": Pillow}
NETWORKS = {"litert": Litert, "onnxruntime": Onnxruntime}


class Chain:
    def __init__(self, name, folder, threads, paths):
        reader, network, *rest = name.split("_")
        self.facts = json.loads((pathlib.Path(folder) / "decision.json").read_text())
        self.reader = READERS[reader](self.facts, threads, rest == ["reduced"])
        self.network = NETWORKS[network](threads)
        self.network.load(folder)
        self.photos = []
        for path in paths:
            data = pathlib.Path(path).read_bytes()
            self.photos.append((data, jpeg_shape(data)))
        self.started = {"version": f"{self.reader.version()} + {self.network.version()}"}

    def score(self, photo):
        """The probability of signs after temperature."""
        self.network.set_input(self.reader.pixels(*photo)[None])
        probabilities = self.network.run()
        tiny = float(np.finfo(np.float32).tiny)
        margin = math.log(max(float(probabilities[1]), tiny)) - math.log(max(float(probabilities[0]), tiny))
        return 1 / (1 + math.exp(-margin / self.facts["temperature"]))

    def check(self):
        scores = [self.score(photo) for photo in self.photos]
        return {"scores": scores, "found": [int(score >= self.facts["threshold"]) for score in scores]}

    def run(self, count, index):
        seconds = []
        taken = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw
        for _ in range(count):
            start = time.perf_counter()
            self.score(self.photos[index])
            seconds.append(time.perf_counter() - start)
        return {"seconds": seconds, "interruptions": resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw - taken}


def jpeg_shape(data):
    """(width, height) from the frame header."""
    at = 2
    while data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2:at + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(data[at + 7:at + 9], "big"), int.from_bytes(data[at + 5:at + 7], "big")
        at += 2 + length
    raise ValueError("no frame header where one should be: the chains are for plain JPEG files")


def main():
    if len(sys.argv) < 5:
        print("usage: chain_runner.py CHAIN FOLDER THREADS PHOTO...", file=sys.stderr)
        return 2
    # The answers go out on a descriptor of their own: libraries print on standard output.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    try:
        chain = Chain(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4:])
        answers.write(json.dumps(chain.started) + "\n")
        for line in sys.stdin:
            command, *arguments = line.split()
            answers.write(json.dumps(getattr(chain, command)(*map(int, arguments))) + "\n")
    except Exception as error:  # any fault of a chain is a result of the comparison, not its end
        answers.write(json.dumps({"error": f"{type(error).__name__}: {error}"}) + "\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
