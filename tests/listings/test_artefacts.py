"""Files of models are told by their structure: what is cut, padded, doubled or leads elsewhere is refused."""

import io
import json
import stat
import zipfile
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listings.artefacts import DEEPEST, Unsound, check_archive, check_onnx, check_safetensors


def safetensors(header: Any, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def tensor(dtype: str, shape: list[Any], first: int, last: int) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [first, last]}


def varint(value: int) -> bytes:
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + varint(rest) if rest else bytes([low])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def inside(field: int, content: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(content)) + content


TENSOR = number(1, 2) + number(2, 1) + inside(8, b"w") + inside(9, bytes(8))
NODE = inside(1, b"x") + inside(2, b"y") + inside(4, b"Identity")
OPSET = inside(8, number(2, 21))
ONNX = number(1, 8) + inside(7, inside(1, NODE) + inside(5, TENSOR) + inside(2, b"g")) + OPSET
EXTERNAL = number(1, 2) + inside(8, b"w") + number(14, 1) + inside(13, inside(1, b"location"))


def onnx(graph: bytes) -> bytes:
    return number(1, 8) + inside(7, graph) + OPSET


def sound(check: Any, content: bytes) -> bool:
    try:
        check(io.BytesIO(content), len(content))
    except Unsound:
        return False
    return True


@pytest.mark.parametrize(
    ("header", "data"),
    [
        ({}, b""),
        ({"__metadata__": {"format": "pt"}}, b""),
        ({"a": tensor("F32", [2, 3], 0, 24), "b": tensor("I8", [], 24, 25)}, bytes(25)),
        ({"b": tensor("F16", [1], 2, 4), "a": tensor("BF16", [1], 0, 2)}, bytes(4)),
        ({"none": tensor("F64", [0, 7], 0, 0), "a": tensor("F4", [4], 0, 2)}, bytes(2)),
        (b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}   ', b"x"),
    ],
)
def test_safetensors_that_hold_together(header: Any, data: bytes) -> None:
    assert sound(check_safetensors, safetensors(header, data))


@pytest.mark.parametrize(
    ("header", "data"),
    [
        ({"a": tensor("F32", [2], 0, 8)}, bytes(7)),
        ({"a": tensor("F32", [2], 0, 8)}, bytes(9)),
        ({"a": tensor("F32", [2], 0, 4)}, bytes(4)),
        ({"a": tensor("F32", [1], 4, 8)}, bytes(8)),
        ({"a": tensor("U8", [4], 0, 4), "b": tensor("U8", [4], 2, 6)}, bytes(6)),
        ({"a": tensor("U8", [1], 0, 1), "b": tensor("U8", [1], 2, 3)}, bytes(3)),
        ({"a": tensor("F4", [3], 0, 1)}, bytes(1)),
        ({"a": tensor("Q3", [1], 0, 1)}, bytes(1)),
        ({"a": tensor("U8", [-1, -1], 0, 1)}, bytes(1)),
        ({"a": tensor("U8", [True], 0, 1)}, bytes(1)),
        ({"a": tensor("U8", [1] * 65, 0, 1)}, bytes(1)),
        ({"a": tensor("U8", [2**62, 4], 0, 2**64)}, bytes(1)),
        ({"a": tensor("U8", [1], 0, 1) | {"more": 1}}, bytes(1)),
        ({"a": []}, b""),
        ([], b""),
        ({"__metadata__": {"a": 1}}, b""),
        (b'{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":{}}', b""),
        (b"{" * 100_000, b""),
        (b'{"a":' + b"[" * 100_000, b""),
        (b"{\xff}", b""),
        (b"{", b""),
    ],
)
def test_safetensors_that_do_not(header: Any, data: bytes) -> None:
    assert not sound(check_safetensors, safetensors(header, data))


@pytest.mark.parametrize("length", [0, 1, 3, 2**62, 2**64 - 1])
def test_a_safetensors_header_of_a_false_length(length: int) -> None:
    assert not sound(check_safetensors, length.to_bytes(8, "little") + b"{}")


def nested(depth: int, innermost: bytes) -> bytes:
    """A graph whose node's attribute is a graph, and so on."""
    graph = innermost
    for _ in range(depth):
        graph = inside(1, inside(5, inside(6, graph)))
    return graph


@pytest.mark.parametrize(
    "content",
    [
        ONNX,
        onnx(b""),
        onnx(nested(5, inside(5, TENSOR))),
        onnx(inside(1, NODE + inside(5, inside(1, b"value") + inside(5, TENSOR)))),
        onnx(inside(5, TENSOR + number(14, 0))),
        inside(2, b"maker") + ONNX + varint(99 << 3 | 1) + bytes(8) + varint(98 << 3 | 5) + bytes(4),
    ],
)
def test_onnx_that_holds_together(content: bytes) -> None:
    assert sound(check_onnx, content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        number(1, 8),
        number(1, 8) + OPSET,
        inside(7, b"") + OPSET,
        ONNX[:-1],
        ONNX + b"\x08",
        ONNX + b"\x0b",
        ONNX + b"\x00\x00",
        ONNX + b"\xff" * 11,
        ONNX + inside(7, b"")[:-1] + varint(2**40),
        onnx(inside(1, NODE)[:-1]),
        onnx(nested(DEEPEST, b"")),
    ],
)
def test_onnx_that_does_not(content: bytes) -> None:
    assert not sound(check_onnx, content)


@pytest.mark.parametrize(
    "graph",
    [
        inside(5, EXTERNAL),
        inside(5, TENSOR + inside(13, inside(1, b"location"))),
        inside(15, inside(1, EXTERNAL)),
        inside(1, inside(5, inside(5, EXTERNAL))),
        inside(1, inside(5, inside(10, TENSOR) + inside(10, EXTERNAL))),
        nested(4, inside(5, EXTERNAL)),
    ],
)
def test_onnx_that_takes_tensors_from_elsewhere(graph: bytes) -> None:
    content = onnx(graph)
    with pytest.raises(Unsound, match="another file"):
        check_onnx(io.BytesIO(content), len(content))


def test_external_tensors_of_functions_and_training_are_found_too() -> None:
    for field, content in [
        (25, inside(7, inside(5, inside(5, EXTERNAL)))),
        (20, inside(1, inside(5, EXTERNAL))),
    ]:
        assert not sound(check_onnx, ONNX + inside(field, content))


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_no_damage_does_more_than_to_be_refused(data: st.DataObject) -> None:
    """Whatever the bytes: a verdict, and no other exception."""
    whole = data.draw(st.sampled_from([ONNX, safetensors({"a": tensor("F32", [2], 0, 8)}, bytes(8))]))
    place = data.draw(st.integers(0, len(whole) - 1))
    damaged = (
        whole[:place] + data.draw(st.binary(max_size=12)) + whole[place + data.draw(st.integers(0, 9)) :]
    )
    for check in (check_onnx, check_safetensors):
        sound(check, damaged)


def packed(*members: tuple[zipfile.ZipInfo | str, bytes]) -> tuple[zipfile.ZipFile, int]:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        for member, body in members:
            file.writestr(member, body)
    return zipfile.ZipFile(content), len(content.getvalue())


def test_an_archive_of_files_in_folders_is_fine() -> None:
    check_archive(*packed(("model/weights.safetensors", b"x" * 5000), ("a..b/C1.txt", b"")))


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/x", "C:x", "..\\x", "\\x", "\\\\host\\share\\x"])
def test_an_archive_never_leads_out_of_its_folder(name: str) -> None:
    with pytest.raises(Unsound, match="elsewhere"):
        check_archive(*packed((name, b"x")))


def test_an_archive_holds_no_link() -> None:
    link = zipfile.ZipInfo("weights.safetensors")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(Unsound, match="a link"):
        check_archive(*packed((link, b"/etc/passwd")))


def test_an_archive_is_no_bomb() -> None:
    with pytest.raises(Unsound, match="100 times its size"):
        check_archive(*packed(("zeros.txt", bytes(2_000_000))))


def test_an_archive_holds_a_moderate_number_of_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("listings.artefacts.MOST_ARCHIVE_MEMBERS", 2)
    check_archive(*packed(("a", b"1"), ("b", b"2")))
    with pytest.raises(Unsound, match="more than 2 files"):
        check_archive(*packed(("a", b"1"), ("b", b"2"), ("c", b"3")))
