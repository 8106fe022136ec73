# SPDX-License-Identifier: Apache-2.0
"""The folders of the converter: what a module may import. A reader of another format stands beside Keras's and nothing above it changes."""
import ast
import pathlib

PACKAGE = pathlib.Path(__file__).resolve().parents[2] / "converter" / "fovea_tools"

# Each folder, and each module that stands by itself, with those that it may import. Modules of one folder may import each other.
GROUND = ("", "errors", "checked", "tables", "terminal")
ROOMS = {
    "errors": (),
    "checked": ("errors",),
    "tables": ("errors",),
    "terminal": (),
    "label_sets": GROUND,
    "labels": (*GROUND, "label_sets"),
    "builder": GROUND,
    "passes": (*GROUND, "builder"),
    "file": (*GROUND, "builder"),
    "sources": (*GROUND, "builder"),
    "sources.keras": (*GROUND, "builder", "sources"),
    "sources.readers": (*GROUND, "sources", "sources.keras"),
    "conversion": (*GROUND, "builder", "passes", "file", "sources", "sources.readers"),
    "engine": (*GROUND, "file"),
    "quantization": (*GROUND, "engine", "file"),
    "calibration": GROUND,
    "progress": GROUND,
    "two_eyes": GROUND,
    "evaluation": (*GROUND, "label_sets", "labels", "calibration", "two_eyes"),
    "reporting": (*GROUND, "label_sets", "two_eyes", "evaluation", "file"),
    "calibration_data": (*GROUND, "labels", "calibration", "evaluation", "file"),
    "typicality": (*GROUND, "engine", "file"),
    "maps": (*GROUND, "engine", "file"),
    "attacks": (*GROUND, "engine"),
    "calibration_report": (*GROUND, "calibration", "calibration_data", "evaluation", "file"),
}


def modules(package):
    """Dotted name below the package -> path; a folder's __init__ bears the folder's name, the package's own is ''."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(package):
    """(module, module that it imports) for all imports, those inside functions too."""
    known = modules(package)
    pairs = set()
    for name, path in known.items():
        folder = path.parent.relative_to(package).parts
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                wanted = [alias.name for alias in node.names if alias.name.split(".")[0] == package.name]
                targets = [(wanted_name.split(".", 1) + [""])[1] for wanted_name in wanted]
            elif isinstance(node, ast.ImportFrom):
                if node.level:
                    assert node.level - 1 <= len(folder), f"{name}: leaves the package"
                    start = list(folder[: len(folder) - (node.level - 1)]) + (node.module or "").split(".")
                elif (node.module or "").split(".")[0] == package.name:
                    start = node.module.split(".")[1:]
                else:
                    continue
                start = ".".join(part for part in start if part)
                below = [f"{start}.{alias.name}".lstrip(".") for alias in node.names]
                targets = [full if full in known else start for full in below]
            else:
                continue
            pairs.update((name, target) for target in targets)
    return pairs


def room(module, rooms):
    """The room of a module: the longest name in the table that is its own or one of its folders'."""
    parts = module.split(".")
    return next((".".join(parts[:n]) for n in range(len(parts), 0, -1) if ".".join(parts[:n]) in rooms), parts[0])


def upward(package, rooms, highest="commands"):
    """Imports that lead where the table does not let them; nothing but the programs themselves may lie outside the table."""
    wrong = []
    for module, target in sorted(imports(package)):
        one, other = room(module, rooms), room(target, rooms)
        if one not in (other, highest, "") and other not in rooms.get(one, ()):
            wrong.append(f"{module} imports {target}")
    return wrong


def circles(package):
    """Modules that import themselves by way of others."""
    readers = {}
    for module, target in imports(package):
        readers.setdefault(module, set()).add(target)
    found = []
    for start in readers:
        seen, stack = set(), list(readers[start])
        while stack:
            module = stack.pop()
            if module not in seen:
                seen.add(module)
                stack.extend(readers.get(module, ()))
        if start in seen:
            found.append(start)
    return sorted(found)


def test_imports_point_one_way():
    assert upward(PACKAGE, ROOMS) == []


def test_no_module_imports_itself_by_way_of_others():
    assert circles(PACKAGE) == []


def test_only_the_readers_of_keras_know_its_libraries():
    holders = {name for name, path in modules(PACKAGE).items() if "h5py" in path.read_text()}
    assert holders and all(name.startswith("sources.keras") for name in holders)


def test_a_wrong_import_is_found(tmp_path):
    """The checks above, on a package that breaks both rules: in plain sight, inside a function, and by its full name."""
    package = tmp_path / "fovea_tools"
    files = {
        "__init__": "", "builder/__init__": "", "builder/builder": "from ..errors import Refusal\n", "errors": "",
        "builder/graph": "def late():\n    from ..commands import convert\n",
        "passes/__init__": "", "passes/fold": "import fovea_tools.commands.convert\nfrom ..builder import graph\n",
        "commands/__init__": "", "commands/convert": "from ..passes.fold import fold\n",
    }
    for name, text in files.items():
        path = package / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert upward(package, ROOMS) == ["builder.graph imports commands.convert", "passes.fold imports commands.convert"]
    assert circles(package) == ["builder.graph", "commands.convert", "passes.fold"]


def writers(package):
    """Modules that write to standard output or standard error themselves."""
    found = set()
    for name, path in modules(package).items():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
                found.add(name)
            if isinstance(node, ast.Attribute) and node.attr in ("stdout", "stderr") and isinstance(node.value, ast.Name) and node.value.id == "sys":
                found.add(name)
    return found


def test_whatever_is_told_goes_through_one_place():
    """Names from models and tables reach a terminal escaped; the bar of progress shows nothing but a number."""
    assert writers(PACKAGE) == {"terminal", "progress"}
