# SPDX-License-Identifier: Apache-2.0
"""Keeps one detector's history off another's card: what the settings say in words must have been said of this detector."""
import pathlib
import re
import tomllib

from .settings import WORDS

SHIPPED = pathlib.Path(__file__).parent
LEAST_SENTENCE = 30     # characters
MOST_SHARED = 0.7       # of a text, by length, that another's may have: the detectors here, whose training had steps in common, share up to 0.63


class ProseError(Exception):
    pass


def _of_others(settings, folder):
    """[(name, sources, words)] of the settings files that this program ships."""
    found = []
    for path in sorted(pathlib.Path(folder).glob("*.toml")):
        other = tomllib.loads(path.read_text(encoding="utf-8"))
        card = other.get("card", {})
        base = tomllib.loads((path.parent / other["base"]).read_text(encoding="utf-8")) if "base" in other else {}
        sources = {**base.get("card", {}).get("data", {}), **card.get("data", {})}
        words = {key: card[key].strip() for key in WORDS if card.get(key, "").strip()}
        found.append((other["name"], set(sources), words))
    return found


def _sentences(text):
    """Of paragraphs, list items and table rows, however their lines are broken; without those too short to tell whose they are."""
    parts = re.split(r"\n\s*\n|\n(?=[-|*])", text.strip())
    flat = [" ".join(part.split()) for part in parts]
    return [sentence for part in flat for sentence in re.split(r"(?<=[.;:])\s+", part) if len(sentence) >= LEAST_SENTENCE]


def _are_words_of(text, other):
    """Whether most of the one text is in the other: as it is, with its lines broken elsewhere, with a sentence changed, added or left out."""
    if " ".join(text.split()) == " ".join(other.split()):
        return True

    def share(inner, outer):
        whole = " ".join(outer)
        return sum(len(sentence) for sentence in inner if sentence in whole) / max(sum(map(len, inner)), 1)

    ours, theirs = _sentences(text), _sentences(other)
    return bool(ours and theirs) and max(share(ours, theirs), share(theirs, ours)) > MOST_SHARED


def check(settings, sources, folder=SHIPPED):
    """Refuses to ship a detector whose card would say what is true of another one. sources: the names of --data."""
    described = settings["card"]["data"]
    silent = [source for source in sources if not described.get(source, "").strip()]
    if silent:
        raise ProseError(f"[card.data] does not say what the photos of {', '.join(silent)} are; copy the settings file under a new name "
                         "and say it there, in the detector's own words")
    for name, known, words in _of_others(settings, folder):
        same = [key for key, text in words.items() if _are_words_of(settings["card"][key], text)]
        if same and name != settings["name"]:
            raise ProseError(f"[card] {' and '.join(same)}: the words of {name}, and this is {settings['name']}; say what holds for it, or "
                             "leave them empty")
        if same and set(sources) != known:
            raise ProseError(f"[card] {' and '.join(same)}: said of {name} trained on {', '.join(sorted(known))}; this run has "
                             f"{', '.join(sorted(sources))}: give it a name and words of its own")


def training_data(rows):
    """What the detector file says of its photos. rows: [(source, positive, side)] of every photo."""
    parts = []
    for source in dict.fromkeys(source for source, _, _ in rows):
        sides = [side for name, _, side in rows if name == source]
        parts.append(f"{source}: {sides.count('train'):,} to train, {sides.count('validation'):,} to validate")
    return "; ".join(parts) + "; which is which in the split beside the model card"
