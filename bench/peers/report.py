# SPDX-License-Identifier: Apache-2.0
"""The table and the picture of a comparison."""
import statistics

QUIET_LOAD = 0.5
QUIET_INTERRUPTIONS = 0.05  # of all inferences


def times(result):
    return sorted(seconds for turn in result["turns"] for seconds in turn)


def is_timed(result):
    return bool(result["turns"]) and "failed" not in result


def ratio_to(result, other):
    """How many times as long as `other` it took: the median over the rounds, in which both ran within seconds of each other."""
    pairs = zip(result["turns"], other["turns"])
    return statistics.median(statistics.median(mine) / statistics.median(its) for mine, its in pairs)


def warnings(facts, measured):
    """Reasons not to trust the figures."""
    found = []
    if facts["load_before"] > QUIET_LOAD:
        found.append(f"the machine was not quiet: its load was {facts['load_before']:.1f} before the start")
    for network, results in measured.items():
        for name, result in results.items():
            count = len(times(result)) + 2 * len(result["turns"])
            if count and result["interruptions"] > QUIET_INTERRUPTIONS * count:
                found.append(f"{network}, {name}: the core was taken away {result['interruptions']} times in {count} inferences")
    return found


def last_cell(facts, result):
    """What says how right the answers are."""
    if facts["dtype"] == "fp32":
        return f"{result['difference']:.0e}"
    if "labels" not in result:  # floats beside files of 8 bits
        return ""
    differ, pictures = result["labels"]["differ"], result["labels"]["pictures"]
    return f"{100 * (1 - differ / pictures):.1f} % ({differ} of {pictures} differ)"


def network_table(facts, results):
    last = "difference from Keras" if facts["dtype"] == "fp32" else "same label as its own floats"
    lines = [f"| engine | best ms | median | 90 % | × fovea | % of peak | load ms | first run ms | peak RSS MiB | {last} |",
             "|--|--:|--:|--:|--:|--:|--:|--:|--:|--:|"]
    fovea = results.get("fovea")
    operations = 2 * next((start["multiply_adds"] for result in results.values() for start in result["starts"]
                           if start["multiply_adds"]), 0)
    for name, result in results.items():
        if not is_timed(result):
            reason = f"SKIP: {result['skipped']}" if "skipped" in result else f"not timed: {result.get('failed', 'no reason')}"
            lines.append(f"| {name} | {reason.replace('|', '/')} " + "| " * 8 + "|")
            continue
        all_times = times(result)
        peak = facts["peak_flops"]
        share = f"{100 * operations / all_times[0] / (peak * facts['threads']):.0f}" if peak and operations else ""
        ratio = f"{ratio_to(result, fovea):.2f}" if fovea is not None and is_timed(fovea) else ""
        starts = result["starts"]
        memory = f"{statistics.median(start['peak_bytes'] for start in starts) / 2**20:.1f}"
        if starts[0]["working_bytes"]:
            memory += f" (workspace {starts[0]['working_bytes'] / 2**20:.2f})"
        lines.append(
            f"| {name} {starts[0]['version']} | {1e3 * all_times[0]:.2f} | {1e3 * statistics.median(all_times):.2f} | "
            f"{1e3 * all_times[int(0.9 * (len(all_times) - 1))]:.2f} | {ratio} | {share} | "
            f"{1e3 * min(start['load_s'] for start in starts):.1f} | {1e3 * min(start['first_run_s'] for start in starts):.1f} | "
            f"{memory} | {last_cell(facts, result)} |")
    return "\n".join(lines)


def fastest_peer(results):
    """What part of the fastest peer's time fovea takes, and of its own floats'; empty where one is not there."""
    timed = {name: result for name, result in results.items() if is_timed(result)}
    fovea = timed.get("fovea")
    peers = {name: statistics.median(times(result)) for name, result in timed.items() if not name.startswith("fovea")}
    if fovea is None or not peers:
        return ""
    fastest = min(peers, key=peers.get)
    text = f"fovea takes {ratio_to(fovea, timed[fastest]):.2f} of the time of the fastest peer, {fastest}"
    floats = timed.get("fovea_floats")
    return text + (f", and {ratio_to(fovea, floats):.2f} of its own in floats." if floats else ".")


WORDS = {"fp32": "float32", "int8": "8 bits"}
ABOUT_CODES = (
    "Each engine has quantised the network of the shipped detector by its own tools on the same photos; labels are those of other photos, "
    "at the detector's default threshold, or, in another size than the detector's, at the median answer. `fovea_floats` is fovea with "
    "the network in floats.")


def markdown(facts, measured):
    threads = "one thread" if facts["threads"] == 1 else f"{facts['threads']} threads"
    peak = f", {facts['peak_flops'] * 1e-9:.1f} GFLOP/s by kernel_bench" if facts["peak_flops"] else ""
    parts = [
        "# The same network in six engines",
        f"{facts['cpu']}{peak}; {threads}, pinned; {WORDS[facts['dtype']]}; {facts['rounds']} rounds in which each engine had "
        "a turn. Called from Python, input ready in the engine's own layout. × fovea: the median over the rounds of how many times as long. "
        "Load and first run: the best of several processes, page cache warm. Peak RSS: beyond the process with the library imported, over load and first run; it "
        "holds the pages of the file that were read, or the engine's copy of the weights."]
    if facts["dtype"] == "int8":
        parts.append(ABOUT_CODES)
    found = warnings(facts, measured)
    if found:
        parts.append("**Do not quote these times:**\n" + "\n".join(f"- {line}" for line in found))
    for network, results in measured.items():
        parts.append("\n\n".join(part for part in (f"## {network}", network_table(facts, results), fastest_peer(results)) if part))
    return "\n\n".join(parts) + "\n"


def plot(facts, measured, path):
    """Bars of the best latency, one panel a network, with the median as a mark; fovea in another colour."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, len(measured), figsize=(4.2 * len(measured), 3.4), squeeze=False)
    for panel, (network, results) in zip(panels[0], measured.items()):
        timed = sorted((name for name in results if is_timed(results[name])), key=lambda name: -times(results[name])[0])
        best = [1e3 * times(results[name])[0] for name in timed]
        panel.barh(timed, best, color=["#c0392b" if name.startswith("fovea") else "#95a5a6" for name in timed])
        panel.plot([1e3 * statistics.median(times(results[name])) for name in timed], timed, "k|", markersize=14, label="median")
        for place, value in enumerate(best):
            panel.text(value, place, f" {value:.2f}", va="center", ha="right", color="white", fontsize=8)
        panel.set_title(network)
        panel.set_xlabel("ms, best; | median")
        panel.set_xlim(left=0)
    threads = "one thread" if facts["threads"] == 1 else f"{facts['threads']} threads"
    notes = " — NOT QUIET, do not quote" if warnings(facts, measured) else ""
    figure.suptitle(f"One inference, {WORDS[facts['dtype']]}, {threads}, {facts['cpu']}{notes}", fontsize=10)
    figure.tight_layout()
    figure.savefig(path, dpi=130)
    pyplot.close(figure)
