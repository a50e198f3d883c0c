"""The review list: each item's verdict, reason, places and mend, for packs written for it."""

from datetime import UTC, datetime, timedelta

import pytest

from gatecheck.assets import shipped
from gatecheck.lang.pack import load, read_folder
from gatecheck.lint.checklist import checklist
from gatecheck.lint.review import Item

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
WAY = "environment dev\nenvironment staging after dev\nenvironment production after staging\n"
LEADS = "group leads = alice, bob, carol\ngroup pm = dave, erin\ngroup on-call\n"
RISK = "risk low < medium < high { high when change.type == breaking-api otherwise low }\n"
SCAN = "gate scan from sarif { pass when errors == 0 }\n"


def items(text: str, **names: list[str]) -> dict[str, Item]:
    pack, _, _ = load({"a.gate": text.encode()})
    return {item.code: item for item in checklist(pack, NOON, **names)}


def said(item: Item) -> tuple[str, str, list[tuple[str, int]], str]:
    return item.verdict, item.reason, [(p.what, p.span.line) for p in item.places], item.mend


def verdict(code: str, text: str, **names: list[str]) -> str:
    return items(text, **names)[code].verdict


def test_an_empty_pack_gets_a_verdict_on_every_item() -> None:
    found = {code: (item.verdict, item.reason) for code, item in items("environment only").items()}
    assert found == {
        "GC401": ("attention", "Nothing is required in only: whatever arrives may enter."),
        "GC402": ("does not apply", "There is no gate."),
        "GC403": ("does not apply", "Nobody is asked anywhere."),
        "GC404": ("does not apply", "No environment comes before another."),
        "GC405": ("attention", "In only fewer than two people may approve breaking-api and database-migration."),
        "GC406": ("does not apply", "Nobody is asked anywhere."),
        "GC407": ("does not apply", "Production comes after no environment to soak in."),
        "GC408": (
            "attention", "For some rollbacks no rule is sure to decide approval in only: they may be denied.",
        ),
        "GC409": ("does not apply", "No rule asks for evidence."),
    }  # fmt: skip


def test_the_shipped_pack() -> None:
    pack, _, _ = load(read_folder(str(shipped("rules", "payment-service"))))
    verdicts = {item.code: item.verdict for item in checklist(pack, NOON)}
    assert {code for code, verdict in verdicts.items() if verdict == "does not apply"} == set()
    assert verdicts["GC401"] == verdicts["GC404"] == verdicts["GC405"] == verdicts["GC407"] == verdicts["GC408"] == "ok"


def test_promotion_criteria() -> None:
    bare = WAY + SCAN + 'rule a for production { require scan }\nrule b for staging { forbid change.service == "x" }\n'
    assert said(items(bare)["GC401"]) == (
        "attention", "Nothing is required in dev: whatever arrives may enter.", [("dev", 1)],
        "Add a rule with `require` and what CI can tell in a minute, such as its tests.",
    )  # fmt: skip
    assert said(items(bare + "rule c for dev { require scan }\n")["GC401"]) == (
        "ok", "Each environment has a `require` or `forbid`.", [], "",
    )  # fmt: skip
    # Advice is no criterion, for as long as it only advises.
    assert verdict("GC401", bare + "rule c for dev { require scan advisory }\n") == "attention"
    later = bare + "rule c for dev { require scan effective from 2026-11-23 12:01 }\n"
    assert verdict("GC401", later) == "attention"
    assert verdict("GC401", later.replace("12:01", "12:00")) == "ok"
    assert items(WAY)["GC401"].reason.startswith("Nothing is required in dev, production and staging: ")


@pytest.mark.parametrize(
    ("gate", "expected"),
    [
        ("from check { pass when status == passed }", "attention"),
        ("from check { pass when change.service == \"x\" }", "attention"),
        ("from check { pass when status == passed bound }", "ok"),
        ("from check { pass when status == passed signed by ci }", "ok"),
        ("from check { field p95: duration pass when status == passed and p95 < 1s }", "ok"),
        ("from sarif { pass when errors == 0 }", "ok"),
    ],
)  # fmt: skip
def test_objective_gates(gate: str, expected: str) -> None:
    item = items(f"{WAY}gate load {gate}\n")["GC402"]
    told = {
        "ok": ("ok", "Each gate is decided by what a tool measured, or by a document that is bound or signed.", [], ""),
        "attention": (
            "attention", "A document that anybody could have written decides load.", [("load", 4)],
            "Ask for what was measured (`field p95: duration`), or make the gate `bound` or `signed by` who may state"
            " it.",
        ),
    }  # fmt: skip
    assert said(item) == told[expected]


def test_approval_by_people_only_for_high_risk() -> None:
    pack = WAY + LEADS + RISK + "rule a for production {\n  when risk >= medium: approve by leads\n"
    assert said(items(pack + "}")["GC403"])[:2] == (
        "ok", "Nobody is asked for a change at the lowest risk merely because it is one.",
    )  # fmt: skip
    mend = "Give it a `when`, such as `when risk > low:`, and approve the rest automatically."
    assert said(items(pack + "  when risk < high: approve by pm valid for 4h\n}")["GC403"]) == (
        "attention", "Somebody is asked for every change, even at the lowest risk: approvals become a habit.",
        [("approve by pm valid for 4h", 10)], mend,
    )  # fmt: skip
    assert verdict("GC403", pack + "  when change.type == docs: approve by pm\n}") == "ok"
    assert verdict("GC403", pack + "  approve by pm\n}") == "attention"
    unrated = items(WAY + LEADS + "rule a for production { approve by pm }")["GC403"]
    assert unrated.mend == "Declare `risk`, and ask people from some level on; approve the rest automatically."


def test_dev_asks_nobody() -> None:
    pack = WAY + LEADS + "rule a for dev, staging { approve by leads }\n"
    assert said(items(pack)["GC404"]) == (
        "attention", "Somebody is asked in dev.", [("approve by leads", 7)],
        "Write `approve automatically` there, and let gates say what CI can tell: dev is for learning quickly.",
    )  # fmt: skip
    assert said(items(WAY + LEADS + "rule a for staging { approve by leads }\n")["GC404"])[:2] == (
        "ok", "Nobody is asked in dev.",
    )  # fmt: skip
    assert items(pack, dev=["staging", "dev"])["GC404"].reason == "Somebody is asked in dev and staging."
    assert verdict("GC404", pack, dev=["production"]) == "ok"
    assert verdict("GC404", WAY + LEADS + "rule a for dev { approve by leads advisory }\n") == "ok"


def layers(body: str, risk: str = RISK, **names: list[str]) -> str:
    return verdict("GC405", f"{WAY}{LEADS}{risk}rule a for production {{ {body} }}\n", **names)


def test_two_layers_for_breaking_changes() -> None:
    assert said(items(WAY + LEADS + "rule a for production { approve by leads }\n")["GC405"]) == (
        "attention", "In production fewer than two people may approve breaking-api and database-migration.",
        [("production", 3)],
        "Ask two for them, such as `when change.type in [breaking-api, database-migration]: approve by tech-lead then"
        " pm`.",
    )  # fmt: skip
    assert said(items(WAY + LEADS + "rule a for production { approve by 2 leads }\n")["GC405"])[:2] == (
        "ok", "Two people or more approve breaking-api and database-migration in production.",
    )  # fmt: skip
    assert layers("approve by leads and pm") == "ok"
    assert layers("approve by leads then pm") == "ok"
    assert layers("approve by (leads and pm) or 2 leads") == "ok"
    assert layers("approve by (leads and pm) or on-call") == "attention"
    assert layers("approve by leads approve by pm") == "ok"
    assert layers("approve by leads or pm approve by pm") == "attention"  # one of pm is enough for both
    assert layers("approve by 2 leads advisory") == "attention"
    # A database migration may be of low risk here.
    assert layers("when risk == high: approve by 2 leads") == "attention"
    assert layers("when risk == high: approve by 2 leads when change.type == database-migration: approve by 2 pm") == (
        "ok"
    )
    assert layers("when risk >= medium: approve by 2 leads", RISK.replace("otherwise low", "otherwise medium")) == "ok"
    whichever = RISK.replace("otherwise low", 'low when change.service == "x" otherwise medium')
    assert layers("when risk >= medium: approve by 2 leads", whichever) == "attention"
    twice = RISK.replace("{ ", "{ medium when change.type in [breaking-api, database-migration] ")
    assert layers("when risk >= medium: approve by 2 leads", twice) == "ok"
    surely = twice.replace("== breaking-api", "in [breaking-api, database-migration]")
    assert layers("when risk == high: approve by 2 leads", surely) == "ok"
    assert layers("when risk == high: approve by 2 leads", twice) == "attention"
    # A guard on something else may not hold.
    assert layers('when change.service == "x": approve by 2 leads') == "attention"
    assert layers("approve by 2 leads", production=["production", "staging"]) == "attention"
    assert layers("approve by 2 leads", production=["production"]) == "ok"


def test_escalation() -> None:
    pack = WAY + LEADS + "rule a for production {\n  approve by leads\n  approve by pm valid for 4h\n"
    assert said(items(pack + "}")["GC406"]) == (
        "attention", "2 of 2 approvals escalate to nobody, and 1 set no time at all: who is away is waited for.",
        [("approve by leads", 8), ("approve by pm valid for 4h", 9)],
        "Add `escalate to GROUP after 4h`, and `valid for 72h` where an approval should not last.",
    )  # fmt: skip
    pack = pack.replace("leads\n  ", "leads escalate to on-call after 4h\n  ")
    assert items(pack + "}")["GC406"].reason == "1 of 2 approvals escalate to nobody: who is away is waited for."
    pack = pack.replace("valid for 4h", "escalate to on-call after 4h")
    assert said(items(pack + "}")["GC406"])[:2] == ("ok", "Each approval says who may step in, and after how long.")


def test_soak() -> None:
    assert said(items(WAY)["GC407"]) == (
        "attention", "An artifact may enter production as soon as it was allowed before, without having run anywhere.",
        [("production", 3)], "Add `require soak(staging) >= 24h`.",
    )  # fmt: skip
    assert said(items(WAY + "rule a for production { require soak(dev) > 1h }")["GC407"]) == (
        "ok", "To enter production takes a stay elsewhere first.", [("require soak(dev) > 1h", 4)], "",
    )  # fmt: skip
    assert verdict("GC407", WAY + "rule a for staging { require soak(dev) > 1h }") == "attention"
    assert verdict("GC407", WAY + "rule a for production { require soak(dev) < 1h }") == "attention"
    assert verdict("GC407", WAY + "rule a for production { forbid soak(dev) > 1h }") == "attention"
    assert verdict("GC407", WAY + "rule a for production { require soak(dev) > 1h advisory }") == "attention"
    for asked in (
        "require not soak(dev) >= 1h", "require during w or soak(dev) >= 1h", "require soak(dev) >= 0s",
        "when change.type == docs: require soak(dev) >= 5h", "require soak(production) >= 1h",
    ):  # fmt: skip
        rules = f"window w = Mon-Fri 09:00-16:00 in UTC rule a for production {{ {asked} }}"
        assert verdict("GC407", WAY + rules) == "attention", asked
    for asked in (
        "when change.type != hotfix: require soak(dev) >= 1h", "require soak(dev) > 0s and change.title matches \"*\"",
        "when change.type == docs: require soak(dev) >= 5h when change.type != docs: require soak(dev) >= 9h",
    ):  # fmt: skip
        assert verdict("GC407", WAY + f"rule a for production {{ {asked} }}") == "ok", asked
    assert verdict("GC407", WAY, production=["dev"]) == "does not apply"


def test_a_way_back() -> None:
    night = WAY + LEADS + RISK + "window night = Mon-Sun 22:00-06:00 in UTC\nrule a for production {\n"
    assert said(items(night + "  approve automatically\n  forbid during night\n}")["GC408"]) == (
        "attention", "A window stops rollbacks, too.", [("forbid during night", 11)],
        "Write `when change.type != rollback:` before it.",
    )  # fmt: skip
    open_ = night + "  when change.type != rollback: forbid during night\n"
    assert said(items(open_ + "  approve by leads\n}")["GC408"]) == (
        "ok", "A rollback waits for no soak, no earlier environment and no window.", [], "",
    )  # fmt: skip
    assert said(items(open_ + "  when risk == low: approve automatically\n}")["GC408"]) == (
        "attention", "For some rollbacks no rule is sure to decide approval in production: they may be denied.",
        [("production", 3)], "Add `when change.type == rollback: approve …` with whom you reach at night.",
    )  # fmt: skip
    assert verdict("GC408", open_ + "  when change.type == rollback: approve by on-call\n}") == "ok"
    elsewhere = WAY + "window night = Mon 22:00-23:00 in UTC\nrule a for dev { forbid during night }\n"
    assert verdict("GC408", elsewhere + "rule b for production { approve automatically }") == "ok"


@pytest.mark.parametrize("asked", ["require soak(dev) < 5h", "require not soak(dev) >= 1h", "forbid soak(dev) > 9h"])
def test_what_has_soaked_for_ever_must_find_the_way_back(asked: str) -> None:
    rules = WAY + f"rule a for production {{ approve automatically {asked} }}"
    assert said(items(rules)["GC408"])[:2] == ("attention", "A rollback has soaked for ever, and a rule asks for less.")
    guarded = WAY + f"rule a for production {{ approve automatically when change.type != rollback: {asked} }}"
    assert verdict("GC408", guarded) == "ok"


def test_freshness() -> None:
    asked = "rule a for production { require scan }\n"
    assert said(items(WAY + SCAN + asked)["GC409"]) == (
        "attention", "Evidence of any age, about whatever artifact, is believed for scan.", [("scan", 4)],
        "Add `fresh for 24h`, or `bound` where the tool's report names the artifact or commit.",
    )  # fmt: skip
    for item in ("fresh for 4h", "bound"):
        fresh = SCAN.replace(" }", f" {item} }}")
        assert said(items(WAY + fresh + asked)["GC409"]) == (
            "ok", "Each gate says how old its evidence may be, or that it is about this very artifact.", [], "",
        )  # fmt: skip
    assert verdict("GC409", WAY + SCAN) == "does not apply"
    assert verdict("GC409", WAY + SCAN + "rule a for dev { when scan.errors > 3: deploy with canary }") == "attention"


def test_several_ways_to_several_productions() -> None:
    ways = "environment dev\nenvironment eu after dev\nenvironment us after dev\nenvironment sandbox\n"
    found = items(ways + LEADS + "rule a for eu, us { approve by 2 leads require soak(dev) > 1h }")
    assert found["GC404"].reason == "Nobody is asked in dev."  # nothing comes after sandbox: that is production, too
    assert said(found["GC405"])[1:3] == (
        "In sandbox fewer than two people may approve breaking-api and database-migration.", [("sandbox", 4)],
    )  # fmt: skip
    assert found["GC407"].reason == "To enter eu and us takes a stay elsewhere first."
    found = items(ways + LEADS + "rule a for eu, us { approve by 2 leads }", dev=["sandbox"], production=["us", "eu"])
    assert (found["GC405"].verdict, found["GC407"].places[0].what) == ("ok", "eu")


def test_only_the_instant_turns_advice_into_a_rule() -> None:
    text = WAY + SCAN + "rule a for dev, staging, production { require scan effective from 2027-01-01 }"
    pack, _, _ = load({"a.gate": text.encode()})
    start = datetime(2027, 1, 1, tzinfo=UTC)
    found = [checklist(pack, at)[0].verdict for at in (start - timedelta(microseconds=1), start)]
    assert found == ["attention", "ok"]
