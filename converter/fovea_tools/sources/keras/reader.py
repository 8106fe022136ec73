# SPDX-License-Identifier: Apache-2.0
"""Opens a Keras file (.h5 of Keras 2, .keras of Keras 2 and 3) with h5py and the standard library.

The file is taken for hostile: sizes are checked before anything is read, and links that lead out of the
file are refused. Which Keras wrote it is decided by the version in the file, never by its ending.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import h5py
import numpy as np

from ... import checked
from ...errors import ConversionError

LARGEST_WEIGHTS = 2 << 30
# The largest configurations of published networks are below 2 MiB.
LARGEST_CONFIG = 16 << 20
LARGEST_ARRAY_ELEMENTS = 1 << 28
LARGEST_ARCHIVE_MEMBERS = 10_000
# Keras stores archives without compression; packed again by hand, weights shrink by a tenth.
LARGEST_EXPANSION = 16
# Slashes in a layer's name.
DEEPEST_NAME = 32
# Groups and arrays looked at in one layer's part of the file.
MOST_GROUPS = 200_000

# Containers of layers inside model.weights.h5: Keras 2.15 and 3; Keras 2.12 to 2.14.
LAYER_CONTAINERS = ("layers", "_layer_checkpoint_dependencies")

# h5py reports damage in the HDF5 structures by any of these.
HDF5_ERRORS = (OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError, OverflowError,
               UnicodeError, NotImplementedError)


@dataclass
class KerasFile:
    """What a Keras file says. weights finds the arrays of a layer."""

    keras_version: Tuple[int, ...]
    framework: str
    model_config: Mapping[str, Any]
    training_config: Optional[Mapping[str, Any]]
    weights: "Weights"
    names_no_modules: bool  # whether a class is Keras's is not in the file
    stored_bytes: int  # of the HDF5 part, which bounds what its arrays can hold

    @property
    def major(self) -> int:
        return self.keras_version[0]


def snake_case(name: str) -> str:
    """The class name as Keras spells it in the paths of a .keras file."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def read_array(group: h5py.Group, name: str, shape: Sequence[int], what: str) -> np.ndarray:
    """The float array of that shape, in double precision. what names it in messages."""
    dataset = child(group, name, what)
    if not isinstance(dataset, h5py.Dataset):
        raise ConversionError(f"{what}: the file holds no array")
    if dataset.external or dataset.is_virtual:
        raise ConversionError(f"{what}: the array lies in another file; save the model as one file")
    if tuple(dataset.shape or ()) != tuple(shape):
        raise ConversionError(f"{what}: shape {dataset.shape} in the file, {tuple(shape)} by the layer's settings")
    if dataset.dtype.kind != "f" or dataset.dtype.itemsize not in (2, 4, 8):
        raise ConversionError(f"{what}: element type {dataset.dtype} is not read; save float32 weights")
    elements = 1
    for size in shape:
        elements *= size
    if elements > LARGEST_ARRAY_ELEMENTS:
        raise ConversionError(f"{what}: {elements} values are more than this converter takes")
    check_stored(dataset, elements, what)
    try:
        values = np.asarray(dataset[()], dtype=np.float64)
    except (*HDF5_ERRORS, MemoryError) as error:
        raise ConversionError(f"{what}: the array cannot be read ({one_line(error)})") from error
    if not np.isfinite(values).all():
        raise ConversionError(f"{what}: the weights hold NaN or infinity; the training diverged or the file is damaged")
    return values


def check_stored(dataset: h5py.Dataset, elements: int, what: str) -> None:
    """Refuses an array that is compressed or not all there: a few bytes could stand for any amount of memory."""
    try:
        stored = dataset.id.get_storage_size()
        filters = dataset.id.get_create_plist().get_nfilters()
    except HDF5_ERRORS as error:
        raise ConversionError(f"{what}: the array cannot be read ({one_line(error)})") from error
    if filters:
        raise ConversionError(f"{what}: the array is compressed, which Keras never does; save the model with model.save(...)")
    if stored < elements * dataset.dtype.itemsize:
        raise ConversionError(f"{what}: only {stored} bytes are stored of {elements} values; the file is damaged")


def child(group: h5py.Group, name: str, what: str) -> Any:
    """group[name], never through a link to another file."""
    try:
        current: Any = group
        for part in name.split("/"):
            if not isinstance(current, h5py.Group) or part not in current:
                raise ConversionError(f"{what}: missing from the file")
            if not isinstance(current.get(part, getlink=True), h5py.HardLink):
                raise ConversionError(f"{what}: the file holds a link instead of the array")
            current = current[part]
        return current
    except HDF5_ERRORS as error:
        raise ConversionError(f"{what}: the file is damaged ({one_line(error)})") from error


def one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__


@dataclass
class LayerPlace:
    """Where a layer lies: the names of the nested models around it, and its place in each.

    containers: from the outermost model inwards, excluding the model itself; position: for the .keras layout,
    (class name, index among the layers of that class, count of such layers) for each container and
    for the layer.
    """

    containers: List[str]
    name: str
    position: List[Tuple[str, int, int]]


# Names that a variable may have, and its shape; None: it is stored, and not needed.
Variable = Tuple[Sequence[str], Optional[Tuple[int, ...]]]


class Weights:
    """Finds arrays of a layer. variables: in the order Keras stores them."""

    def __init__(self) -> None:
        self.loaded: Dict[Any, List[Optional[np.ndarray]]] = {}

    def load(self, place: LayerPlace, variables: Sequence[Variable]) -> List[Any]:
        """The arrays, read once for all calls of a layer: nobody changes them in place."""
        key = (tuple(place.containers), place.name, tuple(place.position), repr(variables))
        if key not in self.loaded:
            self.loaded[key] = self.read(place, variables)
        return list(self.loaded[key])

    def read(self, place: LayerPlace, variables: Sequence[Variable]) -> List[Optional[np.ndarray]]:
        raise NotImplementedError


class NamedWeights(Weights):
    """Keras 2's .h5: a group for each layer of the outer model, weights by name."""

    def __init__(self, group: h5py.Group) -> None:
        super().__init__()
        self.group = group
        self.names: Dict[str, List[str]] = {}
        self.ends: Dict[Tuple[str, int], Dict[str, List[str]]] = {}

    def weight_names(self, top: str) -> List[str]:
        if top not in self.names:
            group = child(self.group, top, f"layer {top!r}: its weights")
            self.names[top] = array_names(group, f"layer {top!r}: its weights")
        return self.names[top]

    def by_end(self, top: str, parts: int) -> Dict[str, List[str]]:
        """The stored names by their last parts, without the number after the colon; 0: by the whole."""
        if (top, parts) not in self.ends:
            table: Dict[str, List[str]] = {}
            for name in self.weight_names(top):
                plain = re.sub(r":\d+$", "", name)
                split = plain.split("/")
                if parts == 0 or len(split) >= parts:
                    table.setdefault(plain if parts == 0 else "/".join(split[-parts:]), []).append(name)
            self.ends[top, parts] = table
        return self.ends[top, parts]

    def read(self, place: LayerPlace, variables: Sequence[Variable]) -> List[Optional[np.ndarray]]:
        top = place.containers[0] if place.containers else place.name
        group = child(self.group, top, f"layer {place.name!r}: its weights")
        arrays: List[Optional[np.ndarray]] = []
        for names, shape in variables:
            what = f"layer {place.name!r}, {names[0]}"
            arrays.append(None if shape is None else read_array(group, self.find(top, place, names, what), shape, what))
        return arrays

    def find(self, top: str, place: LayerPlace, names: Sequence[str], what: str) -> str:
        if not place.containers:
            # The layer has the group to itself: a layer renamed after it was built keeps old weight names.
            found = [name for key in names for name in self.by_end(top, 1).get(key, [])]
        else:
            wanted = [f"{place.name}/{name}" for name in names]
            parts = wanted[0].count("/") + 1
            if parts > DEEPEST_NAME:
                raise ConversionError(f"{what}: the layer's name has more than {DEEPEST_NAME} parts")
            found = [name for key in wanted for name in self.by_end(top, 0).get(key, [])]
            if not found:
                found = [name for key in wanted for name in self.by_end(top, parts).get(key, [])]
        if len(found) != 1:
            problem = "missing from the file" if not found else f"{len(found)} candidates in the file"
            raise ConversionError(f"{what}: {problem}")
        return found[0]


class PositionalWeights(Weights):
    """model.weights.h5 of a .keras file: paths count the layers of each class in order of appearance."""

    def __init__(self, group: h5py.Group) -> None:
        super().__init__()
        self.group = group
        self.listed: Dict[Tuple[str, str], List[str]] = {}
        self.filled: Dict[str, bool] = {}

    def read(self, place: LayerPlace, variables: Sequence[Variable]) -> List[Optional[np.ndarray]]:
        what = f"layer {place.name!r}"
        group = self.group
        for step in place.position:
            group = self.descend(group, step, what)
        if not variables:
            return []
        group = child(group, "vars", f"{what}: its weights")
        if not isinstance(group, h5py.Group) or len(group) != len(variables):
            raise ConversionError(f"{what}: the file holds {len(group)} arrays, the layer's settings ask for {len(variables)}")
        return [
            None if shape is None else read_array(group, str(index), shape, f"{what}, {names[0]}")
            for index, (names, shape) in enumerate(variables)
        ]

    def members(self, container: h5py.Group, prefix: str) -> List[str]:
        """The groups in the container called prefix, prefix_1, ... in the order of their numbers."""
        if (container.name, "") not in self.listed:
            self.listed[container.name, ""] = []
            numbered: Dict[str, List[Tuple[int, str]]] = {}
            for name in container:
                found = re.fullmatch(r"(.*?)(?:_(\d{1,9}))?", name, re.DOTALL)
                for stem, number in {(name, -1), (found.group(1), int(found.group(2) or -1))}:
                    numbered.setdefault(stem, []).append((number, name))
            for stem, items in numbered.items():
                self.listed[container.name, stem] = [name for _, name in sorted(items)]
        return self.listed.get((container.name, prefix), [])

    def holds_array(self, container: h5py.Group, name: str, what: str) -> bool:
        key = f"{container.name}/{name}"
        if key not in self.filled:
            self.filled[key] = holds_array(container, name, what)
        return self.filled[key]

    def descend(self, group: h5py.Group, step: Tuple[str, int, int], what: str) -> h5py.Group:
        class_name, index, count = step
        prefix = snake_case(class_name)
        containers = [name for name in LAYER_CONTAINERS if name in group]
        if not containers:
            raise ConversionError(f"{what}: its weights are missing from the file")
        container = child(group, containers[0], f"{what}: its weights")
        if not isinstance(container, h5py.Group):
            raise ConversionError(f"{what}: its weights are missing from the file")
        names = self.members(container, prefix)
        # Counters skip numbers in some versions, so the order decides and not the number.
        if len(names) != count:
            names = [name for name in names if self.holds_array(container, name, what)]
        if len(names) != count:
            raise ConversionError(
                f"{what}: the file holds weights of {len(names)} {class_name} layers, its configuration lists {count}"
            )
        result = child(container, names[index], f"{what}: its weights")
        if not isinstance(result, h5py.Group):
            raise ConversionError(f"{what}: its weights are missing from the file")
        return result


def array_names(group: h5py.Group, what: str) -> List[str]:
    """The paths of all arrays below the group. They are looked for, since the list beside them could name one without end."""
    names: List[str] = []
    stack = [("", group, 0)]
    visited = 0
    while stack:
        path, current, depth = stack.pop()
        visited += 1
        if visited > MOST_GROUPS or depth > DEEPEST_NAME:
            raise ConversionError(f"{what}: too many groups in the file")
        if isinstance(current, h5py.Dataset):
            names.append(path)
        elif isinstance(current, h5py.Group):
            try:
                links = [(key, isinstance(current.get(key, getlink=True), h5py.HardLink)) for key in current]
            except HDF5_ERRORS as error:
                raise ConversionError(f"{what}: the file is damaged ({one_line(error)})") from error
            for key, hard in links:
                below = f"{path}/{key}" if path else key
                if hard:
                    stack.append((below, child(current, key, what), depth + 1))
                else:
                    # Refused where a layer wants it.
                    names.append(below)
    return names


def holds_array(group: h5py.Group, name: str, what: str) -> bool:
    """True where some array lies below group[name]."""
    stack = [child(group, name, what)]
    visited = 0
    while stack:
        current = stack.pop()
        visited += 1
        if visited > MOST_GROUPS:
            raise ConversionError(f"{what}: too many groups in the file")
        if isinstance(current, h5py.Dataset):
            return True
        stack.extend(child(current, key, what) for key in current)
    return False


def read_attribute(group: Any, name: str) -> Any:
    """An attribute whose size is known before it is read: one text, or something small."""
    attribute = h5py.h5a.open(group.id, name.encode("utf-8"))
    space, kind = attribute.get_space(), attribute.get_type()
    any_length = kind.get_class() == h5py.h5t.VLEN or (kind.get_class() == h5py.h5t.STRING and kind.is_variable_str())
    count = space.get_simple_extent_npoints()
    # Of several texts of any length, all could be the same long one in the file.
    if count * kind.get_size() > LARGEST_CONFIG or any_length and count > 1:
        raise ConversionError(f"the attribute {name!r} is larger than any that Keras writes")
    return group.attrs[name]


def parse_json(data: Any, what: str) -> Mapping[str, Any]:
    if isinstance(data, bytes):
        try:
            data = data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise ConversionError(f"{what} is not UTF-8") from error
    if not isinstance(data, str) or len(data) > LARGEST_CONFIG:
        raise ConversionError(f"{what} is not a text of a sensible length")
    try:
        return checked.mapping(json.loads(data), what)
    except (ValueError, RecursionError) as error:
        raise ConversionError(f"{what} is not valid JSON ({one_line(error)})") from error


def parse_version(value: Any) -> Tuple[int, ...]:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    found = re.match(r"(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?", value) if isinstance(value, str) else None
    if not found:
        raise ConversionError("the file does not say which Keras version wrote it")
    version = tuple(int(part) for part in found.groups() if part is not None)
    if version[0] not in (2, 3):
        raise ConversionError(f"written by Keras {value}; Keras 2 and 3 are read")
    return version


def open_hdf5(source: Any) -> h5py.File:
    try:
        return h5py.File(source, "r")
    except HDF5_ERRORS as error:
        raise ConversionError(f"damaged or cut short: the HDF5 part cannot be opened ({one_line(error)})") from error


def read_h5(data: bytes) -> KerasFile:
    file = open_hdf5(io.BytesIO(data))
    try:
        attributes = {
            key: read_attribute(file, key)
            for key in ("model_config", "keras_version", "backend", "training_config") if key in file.attrs
        }
        has_weights = "model_weights" in file
        weights_only = "layer_names" in file.attrs or "layer_names0" in file.attrs or any(
            name in file for name in LAYER_CONTAINERS
        )
    except HDF5_ERRORS as error:
        raise ConversionError(f"damaged: its attributes cannot be read ({one_line(error)})") from error
    if "model_config" not in attributes:
        if weights_only:
            raise ConversionError(
                "holds weights without the network's structure; save the whole model with model.save(...)"
            )
        raise ConversionError("an HDF5 file, but not a Keras model (no 'model_config')")
    if not has_weights:
        raise ConversionError("holds the network's structure without weights; save the whole model with model.save(...)")
    version = parse_version(attributes.get("keras_version"))
    training = attributes.get("training_config")
    return KerasFile(
        keras_version=version,
        framework=framework(version, attributes.get("backend")),
        model_config=parse_json(attributes["model_config"], "the model configuration"),
        training_config=None if training is None else parse_json(training, "the training configuration"),
        weights=NamedWeights(child(file, "model_weights", "the weights")),
        names_no_modules=True,
        stored_bytes=len(data),
    )


def framework(version: Tuple[int, ...], backend: Any) -> str:
    if isinstance(backend, bytes):
        backend = backend.decode("utf-8", "replace")
    name = "Keras " + ".".join(map(str, version))
    return f"{name} ({backend})" if isinstance(backend, str) and re.fullmatch(r"\w{1,20}", backend) else name


def read_member(archive: zipfile.ZipFile, name: str, largest: int) -> bytes:
    """The bytes of one member, never more than its limit whatever the archive claims."""
    try:
        with archive.open(name) as member:
            data = member.read(largest + 1)
    except KeyError:
        raise ConversionError(f"a zip archive, but not a Keras model (no {name!r})") from None
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, RuntimeError, NotImplementedError, MemoryError) as error:
        raise ConversionError(f"{name!r} cannot be unpacked ({one_line(error)})") from error
    except Exception as error:  # zlib.error, lzma.LZMAError and whatever else a decoder raises
        raise ConversionError(f"{name!r} cannot be unpacked ({one_line(error)})") from error
    if len(data) > largest:
        raise ConversionError(f"{name!r} is larger than {largest >> 20} MiB")
    return data


def read_keras_archive(data: bytes) -> KerasFile:
    if data.count(b"PK\x01\x02") > LARGEST_ARCHIVE_MEMBERS:
        raise ConversionError(f"a zip archive of more than {LARGEST_ARCHIVE_MEMBERS} members is no Keras model")
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise ConversionError(f"damaged or cut short: the archive cannot be opened ({one_line(error)})") from error
    if "model.weights.json" in names:
        raise ConversionError("its weights are split over several files; save without max_shard_size")
    config = parse_json(read_member(archive, "config.json", LARGEST_CONFIG), "config.json")
    metadata = parse_json(read_member(archive, "metadata.json", LARGEST_CONFIG), "metadata.json")
    limit = min(LARGEST_WEIGHTS, LARGEST_EXPANSION * len(data) + (1 << 20))
    weights = read_member(archive, "model.weights.h5", limit)
    version = parse_version(metadata.get("keras_version"))
    training = config.get("compile_config")
    return KerasFile(
        keras_version=version,
        framework=framework(version, None),
        model_config=config,
        training_config=training if isinstance(training, dict) else None,
        weights=PositionalWeights(open_hdf5(io.BytesIO(weights))),
        names_no_modules=False,
        stored_bytes=len(weights),
    )
