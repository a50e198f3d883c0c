"""Find where the keys and values of a document stand in its text; only documents that were refused pay for it."""

import re
from bisect import bisect_right
from itertools import accumulate

from gatecheck.model.document import parse_json
from gatecheck.model.yaml import Place, Places, parse_yaml
from gatecheck.text.diagnostic import InputError
from gatecheck.text.source import Span

_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],:]|[^\s{}\[\],:"]+')


def locate(text: str, name: str) -> Places:
    """Return the places of a document that ``parse_document`` has read; empty where they can't be told."""
    places = Places({}, {})
    try:
        if text.lstrip()[:1] in ("{", "["):
            try:
                parse_json(text, name)
            except InputError:
                parse_yaml(text, name, places)
            else:
                _scan_json(text, name, places)
        else:
            parse_yaml(text, name, places)
    except InputError:
        pass  # it was read once; without places the problem is still told
    return places


def _scan_json(text: str, name: str, places: Places) -> None:
    """Walk the tokens of a JSON text that is known to be well formed."""
    starts = [0, *accumulate(len(line) + 1 for line in text.split("\n"))]

    def span(start: int, end: int) -> Span:
        line, last = bisect_right(starts, start), bisect_right(starts, end)
        return Span(name, line, start - starts[line - 1] + 1, last, end - starts[last - 1] + 1)

    way: list[str | int] = []
    in_object: list[bool] = []
    is_key = False
    for token in _TOKEN.finditer(text):
        word = token[0]
        if word in "}]":
            way.pop()
            in_object.pop()
        elif word == ",":
            is_key = in_object[-1]
            if not is_key:
                way[-1] = int(way[-1]) + 1
        elif word == ":":
            is_key = False
        elif is_key:
            way[-1] = str(parse_json(word, name))
            places.keys[tuple(way)] = span(*token.span())
        else:
            place: Place = tuple(way)
            places.values[place] = span(*token.span())
            if word in "{[":
                is_key = word == "{"
                in_object.append(is_key)
                way.append("" if is_key else 0)
