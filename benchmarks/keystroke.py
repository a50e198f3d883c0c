"""How long an editor waits for a pack's problems after a keystroke in 1,000 lines: `python benchmarks/keystroke.py`.

A server is started as an editor starts it. Then a comment, a condition and a name are typed, one character a time,
each time at other places of the pack, lines are broken and joined again, and texts in between do not parse. What is
measured runs from before a change is written to the server's pipe until its problems are read from the other: the
text of the whole file goes there with each change. Shown in milliseconds: the median, the 95th percentile, the worst.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "lsp"))

import parse_speed
from lsp_editor import Editor

LINES = 1_000
TYPED = ("# nobody ships alone", '  require change.service != "x"', "  when risk == high: approve by pm")


def states(text: str) -> Iterator[tuple[str, str]]:
    """Yield what a keystroke does, and the text after it."""
    lines = text.split("\n")
    bodies = [n for n, line in enumerate(lines) if line.startswith("rule service-")]
    for place in bodies[:: max(1, len(bodies) // 5)]:
        for typed in TYPED:
            for end in range(1, len(typed) + 1):
                yield "types a character", "\n".join([*lines[: place + 1], typed[:end], *lines[place + 1 :]])
        yield "breaks a line", "\n".join([*lines[:place], "", *lines[place:]])
        yield "joins lines", text


def main() -> None:
    parse_speed.LINES = LINES
    text = parse_speed.pack()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rules")
        path.mkdir()
        (path / "pack.gate").write_text(text)
        editor = Editor(path)
        start = time.perf_counter()
        assert editor.open("pack.gate", text) == []
        print(f"{text.count(chr(10)):,} lines; opened in {(time.perf_counter() - start) * 1000:.0f} ms")
        took: dict[str, list[float]] = {}
        for deed, changed in states(text):
            start = time.perf_counter()
            editor.type("pack.gate", changed)
            took.setdefault(deed, []).append((time.perf_counter() - start) * 1000)
        assert editor.close() == 0
    for deed, times in took.items():
        worst, p95 = max(times), sorted(times)[int(len(times) * 0.95)]
        print(f"{deed}: median {statistics.median(times):.1f}, 95th {p95:.1f}, worst {worst:.1f} ms of {len(times)}")


if __name__ == "__main__":
    main()
