"""Whether a model's file is what it says it is, told by parsing its structure; no tensor is ever loaded."""

import json
import stat
import zipfile
from collections.abc import Callable
from math import prod
from pathlib import PureWindowsPath
from typing import IO, Any

from django.utils.translation import gettext as _

from accounts.errors import InvalidInput

MOST_DIMENSIONS = 64
LONGEST_SAFETENSORS_HEADER = 16_000_000  # The format allows 100 MB; published models stay well below 10.
# Bits of an element, after https://github.com/huggingface/safetensors (safetensors/src/tensor.rs).
BITS = {
    **dict.fromkeys(["F4"], 4),
    **dict.fromkeys(["F6_E2M3", "F6_E3M2"], 6),
    **dict.fromkeys(["BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0"], 8),
    **dict.fromkeys(["I16", "U16", "F16", "BF16"], 16),
    **dict.fromkeys(["I32", "U32", "F32"], 32),
    **dict.fromkeys(["F64", "I64", "U64", "C64"], 64),
}

# Field -> message, of the messages of https://github.com/onnx/onnx (onnx/onnx.proto) that lead to a tensor.
MESSAGES: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
VARINT, LENGTH = 0, 2
FIXED = {1: 8, 5: 4}  # Wire type -> bytes.
EXTERNAL_DATA, DATA_LOCATION, EXTERNAL = 13, 14, 1
IR_VERSION, GRAPH, OPSET_IMPORT = 1, 7, 8
DEEPEST = 100  # As in Protocol Buffers' own parsers.
MOST_FIELDS = 3_000_000  # Some seconds' work.

MOST_ARCHIVE_MEMBERS = 10_000
MOST_UNPACKED_RATIO = 100


class Unsound(InvalidInput):
    """The file's structure does not hold together; the sentence says where."""

    code = "unsound_artefact"


def check_safetensors(file: IO[bytes], size: int) -> None:
    """The header is a JSON object whose tensors, each as long as its shape, cover the data without a hole.

    Raises Unsound.
    """
    length = int.from_bytes(file.read(8), "little")
    if not 2 <= length <= min(LONGEST_SAFETENSORS_HEADER, size - 8):
        raise Unsound(_("The header of the safetensors file is longer than the file, or than allowed."))
    try:
        header = json.loads(file.read(length).decode(), object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as error:
        raise Unsound(_("The header of the safetensors file is no JSON that can be read.")) from error
    if not isinstance(header, dict):
        raise Unsound(_("The header of the safetensors file is no JSON that can be read."))
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise Unsound(_("The metadata of the safetensors file are texts by name, nothing else."))
    end = 0
    for first, last in sorted(_span(name, tensor) for name, tensor in header.items()):
        if first != end:
            raise Unsound(_("Tensors of the safetensors file overlap, or leave holes."))
        end = last
    if end != size - 8 - length:
        raise Unsound(_("The safetensors file does not end where its last tensor does."))


def check_onnx(file: IO[bytes], size: int) -> None:
    """The file is one ONNX model, with its graph, all of whose tensors are in it. Raises Unsound."""
    found: set[int] = set()
    _Walk(file).message("model", size, depth=0, found=found)
    if not {IR_VERSION, GRAPH, OPSET_IMPORT} <= found:
        raise Unsound(_("The ONNX file holds no model: its version, graph or operator set is missing."))


CHECKS: dict[str, Callable[[IO[bytes], int], None]] = {
    ".safetensors": check_safetensors,
    ".onnx": check_onnx,
}


def check_archive(archive: zipfile.ZipFile, size: int) -> None:
    """Few members, no links, nothing that leads out of the folder, no bomb. Raises Unsound."""
    members = archive.infolist()
    if len(members) > MOST_ARCHIVE_MEMBERS:
        raise Unsound(_("The archive holds more than %(most)s files.") % {"most": MOST_ARCHIVE_MEMBERS})
    if sum(member.file_size for member in members) > MOST_UNPACKED_RATIO * size:
        raise Unsound(
            _("The archive would unpack to more than %(ratio)s times its size.")
            % {"ratio": MOST_UNPACKED_RATIO}
        )
    for member in members:
        path = PureWindowsPath(member.filename)  # Which knows both slashes, and drives.
        if stat.S_ISLNK(member.external_attr >> 16):
            raise Unsound(_("The archive holds a link, %(name)s.") % {"name": member.filename})
        if path.drive or path.root or ".." in path.parts:
            raise Unsound(_("%(name)s would be unpacked elsewhere.") % {"name": member.filename})


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise ValueError("a name stands twice")
    return names


def _span(name: str, tensor: Any) -> tuple[int, int]:
    """The first byte of a tensor, and the one after its last, in the data."""
    unsound = Unsound(_("The tensor %(name)s is not as long as its shape.") % {"name": name[:100]})
    if not isinstance(tensor, dict) or set(tensor) != {"dtype", "shape", "data_offsets"}:
        raise unsound
    bits, shape, offsets = BITS.get(str(tensor["dtype"])), tensor["shape"], tensor["data_offsets"]
    if bits is None or not _are_counts(shape) or not _are_counts(offsets) or len(offsets) != 2:
        raise unsound
    if len(shape) > MOST_DIMENSIONS:
        raise unsound
    first, last = offsets
    if prod(shape) * bits != 8 * (last - first):
        raise unsound
    return first, last


def _are_counts(values: Any) -> bool:
    return isinstance(values, list) and all(type(each) is int and 0 <= each < 2**63 for each in values)


class _Walk:
    """One pass over a protocol buffer's fields; what leads to no tensor is skipped, not read."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.fields = 0

    def message(self, kind: str, length: int, *, depth: int, found: set[int]) -> None:
        """Walk the message of `length` bytes that begins here; `found` gets its fields' numbers."""
        if depth > DEEPEST:
            raise _broken()
        end = self.file.tell() + length
        while (here := self.file.tell()) < end:
            tag = self._varint()
            number, wire = tag >> 3, tag & 7
            self.fields += 1
            if number == 0 or self.fields > MOST_FIELDS:
                raise _broken()
            found.add(number)
            if wire == VARINT:
                value = self._varint()
                if kind == "tensor" and number == DATA_LOCATION and value == EXTERNAL:
                    raise _elsewhere()
            elif wire == LENGTH:
                self._submessage(kind, number, self._varint(), end, depth)
            elif wire in FIXED:
                self.file.seek(FIXED[wire], 1)
            else:
                raise _broken()
        if here != end:
            raise _broken()

    def _submessage(self, kind: str, number: int, length: int, end: int, depth: int) -> None:
        if self.file.tell() + length > end:
            raise _broken()
        if kind == "tensor" and number == EXTERNAL_DATA:
            raise _elsewhere()
        child = MESSAGES[kind].get(number)
        if child is None:
            self.file.seek(length, 1)
        else:
            self.message(child, length, depth=depth + 1, found=set())

    def _varint(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            byte = self.file.read(1)
            if not byte:
                raise _broken()
            value |= (byte[0] & 0x7F) << shift
            if byte[0] < 0x80:
                return value
        raise _broken()


def _broken() -> Unsound:
    return Unsound(_("The ONNX file is damaged: its fields do not fit together."))


def _elsewhere() -> Unsound:
    return Unsound(_("The ONNX file takes a tensor from another file. Save it with its data inside."))
