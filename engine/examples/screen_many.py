# SPDX-License-Identifier: Apache-2.0
"""Screens a list of photos on many machines with Dask: each photo once, in the order of the list, whichever workers die.

  dask scheduler                                   # on one machine
  dask worker --nthreads 1 --nworkers 4 tcp://HOST:8786   # on each machine; all see the photos, the model and fovea under the same paths
  python screen_many.py --scheduler tcp://HOST:8786 --model /data/small224.fovea --output results.jsonl /data/photos

Without --scheduler the cores of this machine do the work. Exit status: 0 done, 1 failed, 2 wrong usage, 3 some photos could not be read.
"""
import argparse
import csv
import os
import subprocess
import sys
import tempfile

from distributed import Client, KilledWorker, LocalCluster


def read_list(photos):
    """(header, rows, folder of the photos) of a CSV list with commas, or of all photos in a folder as fovea finds and sorts them."""
    photos = os.path.abspath(photos)
    if not os.path.isdir(photos):
        with open(photos, newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.reader(file) if row]
        return rows[:1], rows[1:], os.path.dirname(photos)
    found = []
    for folder, folders, names in os.walk(photos):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [os.path.join(folder, name) for name in names if not name.startswith(".")]
    found = [path for path in found if path.lower().endswith((".jpg", ".jpeg", ".png"))]
    return [["file"]], [[path] for path in sorted(found, key=os.fsencode)], photos


def screen(rows, header, command):
    """On a worker: the JSON lines of one part of the list. What is wrong with a photo is in its line; all else is an error."""
    with tempfile.NamedTemporaryFile("w", suffix=".csv", newline="", encoding="utf-8", errors="surrogateescape") as part:
        csv.writer(part).writerows(header + rows)
        part.flush()
        done = subprocess.run([*command, part.name], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode not in (0, 3) or done.stdout.count(b"\n") != len(rows):
        raise RuntimeError(f"fovea: exit status {done.returncode}, {len(rows)} photos: {done.stderr[-500:].decode(errors='replace')}")
    return done.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", help="a folder, or a CSV list with a column file, path, image or id_code")
    parser.add_argument("--model", required=True, type=os.path.abspath)
    parser.add_argument("--output", required=True, help="the JSON lines; written when all are there")
    parser.add_argument("--scheduler", help="address of the Dask scheduler")
    parser.add_argument("--fovea", default="fovea", help="the fovea program on the workers")
    parser.add_argument("--part", type=int, default=64, help="photos in one piece of work; a killed worker's piece is done again")
    options = parser.parse_args()
    header, rows, folder = read_list(options.photos)
    if not rows or options.part < 1:
        parser.error(f"no photo in {options.photos}" if not rows else "--part: 1 or more")
    # The list was read once: no worker can see another one. One thread a run: Dask gives every core its own.
    command = [options.fovea, "screen", "--model", options.model, "--format", "jsonl", "--no-timings", "--jobs", "1", "--images", folder]
    parts = [rows[start:start + options.part] for start in range(0, len(rows), options.part)]
    unread = 0
    with Client(options.scheduler or LocalCluster(threads_per_worker=1)) as client, open(options.output + ".part", "wb") as output:
        pieces = client.map(screen, parts, header=header, command=command, pure=False, retries=3)
        for number in range(len(pieces)):
            lines = pieces[number].result()
            pieces[number] = None  # written: the cluster may forget it
            output.write(lines)
            unread += lines.count(b'"status":"error"')
            print(f"\r{min((number + 1) * options.part, len(rows))}/{len(rows)} photos", end="", file=sys.stderr, flush=True)
    os.replace(options.output + ".part", options.output)
    print(f", {unread} could not be read", file=sys.stderr)
    return 3 if unread else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, RuntimeError, ValueError, csv.Error, KilledWorker) as error:
        sys.exit(f"screen_many: {error}")
