"""`solve` and `verify` as a user runs them."""

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from marketplace.clearing.__main__ import main

BOOK: dict[str, Any] = {
    "slots": 168,
    "pools": 2,
    "asks": {"pool": [0], "first": [0], "last": [168], "quantity": [512], "price": [1250], "placed": [0]},
    "bids": {
        "quantity": [64, 1],
        "minimum": [64, 1],
        "duration": [24, 1],
        "earliest": [0, 3],
        "latest": [72, 4],
        "placed": [1, 2],
    },
    "options": {"bid": [0, 0, 1], "pool": [0, 1, 0], "price": [1800, 2100, 9]},
}


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "marketplace.clearing", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def write(path: Path, document: object) -> Path:
    path.write_text(json.dumps(document))
    return path


def changed(table: str, **columns: object) -> dict[str, Any]:
    book = copy.deepcopy(BOOK)
    book[table] |= columns
    return book


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return write(tmp_path / "book.json", BOOK)


@pytest.fixture
def result(tmp_path: Path) -> Path:
    return tmp_path / "result.json"


def test_solves_and_verifies_a_good_book(book: Path, result: Path) -> None:
    solved = run("solve", book, result)
    assert (solved.returncode, solved.stderr) == (0, "")
    figures = {line.split()[0]: line.split()[1] for line in solved.stdout.splitlines()}
    assert list(figures) == ["welfare", "bound", "proven", "filled", "refused", "seconds"]
    assert figures["welfare"] == figures["bound"] == str(64 * 24 * (1800 - 1250))
    assert json.loads(result.read_text())["fills"]["bid"] == [0]
    verified = run("verify", book, result)
    assert (verified.returncode, verified.stderr) == (0, "")


def test_the_same_book_gives_the_same_bytes(book: Path, result: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.json"
    assert main(["solve", str(book), str(result)]) == main(["solve", str(book), str(again)]) == 0
    assert result.read_bytes() == again.read_bytes()


def test_verify_lists_the_broken_promises(
    book: Path, result: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["solve", str(book), str(result)])
    document = json.loads(result.read_text())
    document["welfare"] += 1
    document["prices"][0][167] = 1251
    write(result, document)
    capsys.readouterr()
    assert main(["verify", str(book), str(result)]) == 1
    said = capsys.readouterr().out
    assert "promise 8 (scarcity only): pool 0, slot 167: the price 1251" in said
    assert "promise 9 (certificate): the welfare is 844800, not 844801" in said


BAD_BOOKS = {
    "not an object": [BOOK],
    "no slots": {name: table for name, table in BOOK.items() if name != "slots"},
    "a horizon of nothing": BOOK | {"slots": 0},
    "a horizon of half a slot": BOOK | {"slots": 0.5},
    "pools that are true": BOOK | {"pools": True},
    "no asks": {name: table for name, table in BOOK.items() if name != "asks"},
    "a table of another kind": BOOK | {"offers": {}},
    "a column missing": BOOK | {"options": {"bid": [0], "pool": [0]}},
    "a column of another kind": changed("options", colour=[1, 1, 1]),
    "columns of unequal length": changed("asks", pool=[0, 1]),
    "a number for a column": changed("asks", pool=0),
    "a quantity of text": changed("asks", quantity=["512"]),
    "a quantity of a half": changed("asks", quantity=[0.5]),
    "a quantity missing": changed("asks", quantity=[None]),
    "a negative quantity": changed("bids", quantity=[64, -1]),
    "a quantity of nothing": changed("asks", quantity=[0]),
    "a number past 2^53": changed("asks", price=[2**53 + 1]),
    "a number past 2^64": changed("asks", price=[2**70]),
    "a negative reserve price": changed("asks", price=[-1]),
    "a negative limit price": changed("options", price=[1800, 2100, -9]),
    "a minimum above the quantity": changed("bids", minimum=[65, 1]),
    "a minimum of nothing": changed("bids", minimum=[0, 1]),
    "a duration of nothing": changed("bids", duration=[0, 1]),
    "a window shorter than the duration": changed("bids", latest=[23, 4]),
    "a window past the horizon": changed("bids", latest=[169, 4]),
    "a window before the horizon": changed("bids", earliest=[-1, 3]),
    "an ask past the horizon": changed("asks", last=[169]),
    "an ask of no slot": changed("asks", first=[168]),
    "an ask in a pool that does not exist": changed("asks", pool=[2]),
    "an option to a pool that does not exist": changed("options", pool=[0, 2, 0]),
    "an option of a bid that does not exist": changed("options", bid=[0, 0, 2]),
    "two options to one pool": changed("options", pool=[0, 0, 0]),
    "two orders placed at once": changed("bids", placed=[0, 2]),
    "a bundle with a bid that does not exist": BOOK | {"bundles": {"bid": [0], "with": [2]}},
    "a bundle of a bid with itself": BOOK | {"bundles": {"bid": [0], "with": [0]}},
    "a bid in two bundles": BOOK | {"bundles": {"bid": [0, 1], "with": [1, 0]}},
    "a bundle whose bids name one pool": BOOK | {"bundles": {"bid": [0], "with": [1]}},
}


@pytest.mark.parametrize("flaw", BAD_BOOKS)
def test_both_commands_refuse_a_bad_book_in_one_line(
    flaw: str, tmp_path: Path, result: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    book = write(tmp_path / "book.json", BAD_BOOKS[flaw])
    assert main(["solve", str(book), str(result)]) == 2
    assert_one_line(capsys)
    assert not result.exists()
    write(result, {})
    assert main(["verify", str(book), str(result)]) == 2
    assert_one_line(capsys)


def test_refuses_what_is_no_json_or_no_file(
    book: Path, result: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torn = tmp_path / "torn.json"
    torn.write_text('{"slots": ')
    for arguments in (("solve", torn, result), ("solve", tmp_path / "nowhere.json", result)):
        assert main([*map(str, arguments)]) == 2
        assert_one_line(capsys)
        assert not result.exists()
    for arguments in (("verify", torn, book), ("verify", book, torn), ("verify", book, result)):
        assert main([*map(str, arguments)]) == 2
        assert_one_line(capsys)


def assert_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 1
    assert len(said.err) > 10


def test_a_bad_book_leaves_an_earlier_result_alone(tmp_path: Path, result: Path) -> None:
    result.write_text("the last good result")
    solved = run("solve", write(tmp_path / "book.json", BAD_BOOKS["a negative quantity"]), result)
    assert solved.returncode == 2
    assert solved.stderr == "bids, row 1: the quantity must be positive\n"
    assert result.read_text() == "the last good result"


def test_verify_loads_neither_the_solver_nor_the_compiler(book: Path, result: Path) -> None:
    main(["solve", str(book), str(result)])
    program = (
        "import sys; from marketplace.clearing.__main__ import main;"
        f"main(['verify', {str(book)!r}, {str(result)!r}]);"
        "sys.exit(any(name in sys.modules for name in ('numba', 'highspy', 'marketplace.clearing.solve')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
