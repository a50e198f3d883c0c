"""What a person reads about a document that does not fit: where, what is wrong, and the mend."""

import json

import pytest

from gatecheck.model.explain import describe_digest
from gatecheck.model.schema import Part, decode_request, load
from gatecheck.text.diagnostic import InputError, render

HEX = "9f" * 32
DIGEST = f"sha256:{HEX}"
WHOLE = f"id: a\nservice: b\ntype: docs\nauthor: c\nartifact: {{name: n, digest: '{DIGEST}'}}\n"

TAG = (
    "a tag can be moved, so it names no artifact",
    "write the digest that it stands for: `sha256:` and 64 hexadecimal digits, as your registry shows it",
)


def refusal(text: str, part: Part = "change", name: str = "change.yaml") -> str:
    with pytest.raises(InputError) as caught:
        load(text.encode(), name, part)
    return render(caught.value.diagnostics, caught.value.sources)


def short(text: str, part: Part = "change", name: str = "change.yaml") -> list[tuple[str, str, str]]:
    """Return code and place, message and hint of each problem."""
    with pytest.raises(InputError) as caught:
        load(text.encode(), name, part)
    return [(f"{d.code} {d.span or d.file}", d.message, d.hint) for d in caught.value.diagnostics]


def test_all_that_is_wrong_is_said_at_once_unknown_and_missing_keys_first() -> None:
    assert refusal(
        "id: PR-1\n"
        "service: 5\n"
        "typ: feature\n"
        "artifact: {name: pay, digest: latest}\n"
        "requested_at: 2026-11-23T09:00:00\n"
        "files:\n"
        "  - path: a\n"
        "    aded: 1\n"
    ) == (
        "error[GC511]: the document has no key `typ`\n"
        "  --> change.yaml:3:1\n"
        "  |\n"
        "3 | typ: feature\n"
        "  | ^^^\n"
        "   = hint: did you mean `type`?\n"
        "\n"
        "error[GC511]: `files[0]` has no key `aded`\n"
        "  --> change.yaml:8:5\n"
        "  |\n"
        "8 |     aded: 1\n"
        "  |     ^^^^\n"
        "   = hint: did you mean `added`?\n"
        "\n"
        "error[GC512]: the document needs the key `author`\n"
        "  --> change.yaml:1:1\n"
        "  |\n"
        "1 | id: PR-1\n"
        "  | ^\n"
        "\n"
        "error[GC513]: `service` must be text; found the number `5`\n"
        "  --> change.yaml:2:10\n"
        "  |\n"
        "2 | service: 5\n"
        "  |          ^\n"
        "   = hint: put it in quotes to make it text\n"
        "\n"
        "error[GC518]: `artifact.digest`: a tag can be moved, so it names no artifact: `latest`\n"
        "  --> change.yaml:4:31\n"
        "  |\n"
        "4 | artifact: {name: pay, digest: latest}\n"
        "  |                               ^^^^^^\n"
        f"   = hint: {TAG[1]}\n"
        "\n"
        "error[GC517]: `requested_at`: an instant needs its offset: `2026-11-23T09:00:00`\n"
        "  --> change.yaml:5:15\n"
        "  |\n"
        "5 | requested_at: 2026-11-23T09:00:00\n"
        "  |               ^^^^^^^^^^^^^^^^^^^\n"
        "   = hint: write `2026-11-23T09:00:00+01:00` or `2026-11-23T09:00:00Z`"
    )


def test_places_in_json_are_exact_too() -> None:
    text = (
        '{\n\t"id": "a\\"b",\r\n "files": [{"path": "x"}, {"path": "😀", "added": -1}],\r\n'
        ' "x": {"y": [1]}, "type": "featur"}'
    )
    assert short(text, name="change.json") == [
        (
            "GC511 change.json:4:2",
            "the document has no key `x`",
            "known: artifact, attributes, author, commit, committers, files, id, labels, requested_at, requester, "
            "risk, service, …",
        ),
        ("GC512 change.json:1:1", "the document needs the key `service`", ""),
        ("GC512 change.json:1:1", "the document needs the key `author`", ""),
        ("GC512 change.json:1:1", "the document needs the key `artifact`", ""),
        ("GC516 change.json:3:50", "`files[1].added` must be at least 0; found the number `-1`", ""),
        (
            "GC514 change.json:4:27",
            "`type` can't be `featur`",
            "did you mean `feature`? it is one of `breaking-api`, `bugfix`, `chore`, `configuration`, "
            "`database-migration`, `dependency-update`, `docs`, `experiment`, `feature`, `hotfix`, `infrastructure`, "
            "`internal-tool`, `performance`, `refactor`, `rollback`, `security-fix`",
        ),
    ]


def test_an_approval_needs_its_offset() -> None:
    text = f"- {{approver: alice, stance: approve, at: 2026-11-23T09:00:00, artifact: '{DIGEST}', environment: prod}}\n"
    assert short(text, "approvals", "approvals.yaml") == [
        (
            "GC517 approvals.yaml:1:42",
            "`[0].at`: an instant needs its offset: `2026-11-23T09:00:00`",
            "write `2026-11-23T09:00:00+01:00` or `2026-11-23T09:00:00Z`",
        )
    ]


def test_yaml_that_means_something_else_than_it_looks() -> None:
    assert short(WHOLE + "title: 1.10\nlabels: [2026-11-23, 007, 12]\n") == [
        ("GC513 change.yaml:6:8", "`title` must be text; found the number `1.10`", "put it in quotes to make it text"),
        (
            "GC513 change.yaml:7:27",
            "`labels[2]` must be text; found the number `12`",
            "put it in quotes to make it text",
        ),
    ]
    assert short("explain: no\n", "config", "gatecheck.yaml") == [
        ("GC513 gatecheck.yaml:1:10", "`explain` must be true or false; found `no`", "write `true` or `false`")
    ]


def test_wrong_kinds_of_value() -> None:
    assert short(
        WHOLE + 'labels: x\nfiles: [{path: a, added: "12", deleted: true}]\ncommitters: {a: b}\n'
        "attributes: {a: [1], b: null, c: 99999999999999999, 1d: x}\ntitle: [x]\n"
    ) == [
        ("GC513 change.yaml:6:9", "`labels` must be a list; found `x`", "write it as a list, even of one"),
        ("GC513 change.yaml:7:26", "`files[0].added` must be a whole number; found `12`", "take it out of its quotes"),
        ("GC513 change.yaml:7:41", "`files[0].deleted` must be a whole number; found `true`", ""),
        ("GC513 change.yaml:8:13", "`committers` must be a list; found a mapping", "write it as a list, even of one"),
        (
            "GC513 change.yaml:9:17",
            "`attributes.a` must be text, a number, true or false or a mapping; found a list",
            "",
        ),
        ("GC513 change.yaml:9:25", "`attributes.b` must be text, a number, true or false or a mapping; found null", ""),
        (
            "GC516 change.yaml:9:34",
            "`attributes.c` must be at most 9007199254740991; found the number `99999999999999999`",
            "",
        ),
        (
            "GC515 change.yaml:9:53",
            "`attributes` can't have a key `1d`",
            "a name as rules write it: ASCII letters, digits and `_`, with single `-` between, not starting with a "
            "digit",
        ),
        ("GC513 change.yaml:10:8", "`title` must be text; found a list", ""),
    ]


def test_text_of_the_wrong_form() -> None:
    person = (
        "a person's id, login or mail address: up to 320 visible characters, single spaces between words. "
        "Case does not matter"
    )
    assert short(
        WHOLE
        + 'requester: "frank\\u200b"\ncommitters: ["frank "]\ncommit: 4b825dc\nlabels: ["", "%s"]\n' % ("x" * 1001)
    ) == [
        ("GC515 change.yaml:6:12", "`requester` is not a usable person: `frank\\u200b`", person),
        ("GC515 change.yaml:7:14", "`committers[0]` is not a usable person: `frank `", person),
        (
            "GC515 change.yaml:8:9",
            "`commit` is not a usable commit: `4b825dc`",
            "a commit's full id in lower-case hexadecimal: 40 digits, or 64 in a SHA-256 repository",
        ),
        (
            "GC515 change.yaml:9:10",
            "`labels[0]` is empty",
            "one line of up to 1000 characters, without control characters and without blanks at its ends",
        ),
        ("GC515 change.yaml:9:14", "`labels[1]` has 1,001 characters; at most 1,000 are read", ""),
    ]


SPELLINGS = ("./a", "/a", "a/../b", "a//b", "a/", "a/.", "..", "a/..", "a/./b", "/")


def test_a_path_has_one_spelling_lest_a_rule_about_it_be_passed_by() -> None:
    hint = (
        "the path from the repository's root as git writes it: `/` between its parts, none of them empty, `.` or `..`"
    )
    for path in SPELLINGS:
        found = f"`files[0].path` is not a usable path: `{path}`"
        assert short(f"{WHOLE}files: [{{path: '{path}'}}]\n") == [("GC515 change.yaml:6:16", found, hint)]
    for path in ("a", ".a/..b/...", "a b/c\\d", "..\n", "a/.\n"):
        text = json.dumps({"path": path})
        assert load(f"{WHOLE}files: [{text}]\n".encode(), "change.yaml", "change").files[0].path == path


@pytest.mark.parametrize(
    ("text", "part", "message"),
    [
        ("", "change", "the document must be a mapping; found null"),
        ("# nothing\n", "approvals", "the document must be a list; found null"),
        ("[]", "directory", "the document must be a mapping; found an empty list"),
        ("{}", "deployments", "the document must be a list; found an empty mapping"),
        ("just text", "config", "the document must be a mapping; found `just text`"),
        ("''", "config", "the document must be a mapping; found empty text"),
    ],
)
def test_a_document_of_the_wrong_kind(text: str, part: Part, message: str) -> None:
    assert [m for _, m, _ in short(text, part)] == [message]


def test_a_flood_of_problems_is_cut_off() -> None:
    found = short("- {}\n" * 10, "approvals", "approvals.yaml")
    assert len(found) == 21
    assert found[-1] == ("GC519 approvals.yaml", "30 more problems are not shown", "")


def test_control_characters_never_reach_the_terminal() -> None:
    text = '{"id": "a\\u001b[31m", "k\\u001b]0;x": 1}'
    messages = [m for _, m, _ in short(text, name="change.json")]
    assert messages[0] == "the document has no key `k\\x1b]0;x`"
    assert messages[-1] == "`id` is not a usable line of text: `a\\x1b[31m`"


def test_a_recorded_request_that_does_not_fit_is_named() -> None:
    with pytest.raises(InputError) as caught:
        decode_request(b'{"change":{},"environment":"prod","as_of":"now"}')
    assert render(caught.value.diagnostics[-1:], {}) == (
        "error[GC517]: `as_of`: this is not an instant: `now`\n"
        "  --> request.json:1:43\n"
        "   = hint: write it as `2026-11-23T09:00:00+01:00` or `2026-11-23T08:00:00Z`"
    )


@pytest.mark.parametrize(
    ("text", "problem", "hint"),
    [
        (HEX, "a digest names its algorithm", f"write `{DIGEST}`"),
        (HEX.upper(), "a digest names its algorithm", f"write `{DIGEST}`"),
        (f"SHA256:{HEX}", "a digest is written in lower case", f"write `{DIGEST}`"),
        (f"pay@{DIGEST}", "a digest stands without the artifact's name", f"write `{DIGEST}`"),
        (DIGEST[:-1], "a sha256 digest has 64 digits, not 63", "copy the whole digest"),
        (
            "sha1:" + "a" * 40,
            "`sha1` is not an algorithm that counts",
            "use a `sha256:`, `sha384:` or `sha512:` digest",
        ),
        (
            "a" * 40,
            "this looks like a commit, not a digest",
            "write the artifact's own digest: `sha256:` and 64 digits",
        ),
        ("latest", *TAG),
        ("registry.example.com:5000/pay:2.14.0", *TAG),
    ],
)
def test_what_is_no_digest_is_told_how_to_become_one(text: str, problem: str, hint: str) -> None:
    assert describe_digest(text) == (problem, hint)


def test_of_a_long_line_only_the_surroundings_are_shown() -> None:
    shown = refusal('{"id": "' + "x" * 5000 + '", "zz": 1, "title": "' + "y" * 500 + '"}', name="c.json").split("\n\n")[
        0
    ]
    assert shown.splitlines()[:5] == [
        "error[GC511]: the document has no key `zz`",
        "  --> c.json:1:5012",
        "  |",
        "1 | " + "x" * 37 + '", "zz": 1, "title": "' + "y" * 101,
        "  | " + " " * 40 + "^^^^",
    ]
