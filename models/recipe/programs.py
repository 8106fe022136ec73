# SPDX-License-Identifier: Apache-2.0
"""Runs the programs that the recipe needs: fovea and fovea-convert."""
import subprocess


def output(command, error, accepted=(0,), show_progress=False):
    """Standard output of a command. error: the exception that says what went wrong; accepted: exit statuses that are no failure;
    show_progress: standard error goes to the terminal, not into the exception."""
    command = [str(part) for part in command]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=None if show_progress else subprocess.PIPE, text=True)
    except OSError as failure:
        raise error(f"{command[0]}: {failure.strerror}") from failure
    if done.returncode not in accepted:
        raise error(f"exit status {done.returncode} of {' '.join(command)}\n{(done.stderr or '').strip()}")
    return done.stdout
