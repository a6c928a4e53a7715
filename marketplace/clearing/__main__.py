"""Clear a book, or check a result: `python -m marketplace.clearing solve|verify BOOK.json RESULT.json`."""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m marketplace.clearing", description="Clear a book, or check a result."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, summary in (("solve", "clear BOOK and write RESULT"), ("verify", "check RESULT against BOOK")):
        command = commands.add_parser(name, help=summary, description=summary)
        command.add_argument("book", type=Path, metavar="BOOK")
        command.add_argument("result", type=Path, metavar="RESULT")
        if name == "solve":
            command.add_argument("--seed", type=int, default=0)
            command.add_argument("--effort", type=float, default=1.0, help="scales the search (default 1)")
    options = parser.parse_args(arguments)
    try:
        if options.command == "solve":
            return _solve(options.book, options.result, options.seed, options.effort)
        return _verify(options.book, options.result)
    except (OSError, ValueError) as error:
        print(f"{error}", file=sys.stderr)
        return 2


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not JSON: {error}") from None


def _solve(book_path: Path, result_path: Path, seed: int, effort: float) -> int:
    from marketplace.clearing.book import Book  # not at the top: verify needs nothing of the solver
    from marketplace.clearing.solve import solve

    book = Book.from_json(_read(book_path))
    began = time.perf_counter()
    result = solve(book, seed=seed, effort=effort)
    seconds = time.perf_counter() - began
    result_path.write_text(json.dumps(result.to_json()) + "\n")
    print(f"welfare  {result.welfare}")
    print(f"bound    {result.bound}  gap {result.gap:.4%}")
    print(f"proven   {result.proven}  gap {result.proven_gap:.4%}")
    print(f"filled   {len(result.fills)} of {len(book.bids)} bids")
    print(f"refused  {len(result.paradoxically_rejected)} in the money (paradoxically rejected)")
    print(f"seconds  {seconds:.2f}")
    return 0


def _verify(book_path: Path, result_path: Path) -> int:
    from marketplace.clearing.verify import violations

    found = violations(_read(book_path), _read(result_path))
    for violation in found:
        print(violation)
    print(f"{len(found)} violations" if found else "every promise holds")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
