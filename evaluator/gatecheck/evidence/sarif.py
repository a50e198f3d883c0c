"""SARIF 2.1.0, from any scanner: one finding a result, with the level that the specification gives it.

The level is the result's own; else ``none`` for a result whose kind is not ``fail``; else that of the invocation's
configuration override or of the rule's default configuration; else ``warning``. An override counts for the invocation
that the result names, or for the only one there is.

The severity is the ``security-severity`` score of the result or its rule, by the bands of CVSS, where there is one
above 0; else it follows the level. A word in its place counts only where it is higher than the level. A finding is
suppressed if it has suppressions and all of them are accepted. A run without ``results`` did not scan, a tool that
says it failed measured nothing, and results in other files are not here: each is a flaw.

A file without a version is refused as one of another version is: those met are of drafts that write a suppression's
status, the level and the kind otherwise, and reading them as 2.1.0 would take a rejected suppression for an accepted
one.
"""

from datetime import datetime
from typing import Any

from msgspec import Struct

from gatecheck.evidence.documents import object_in, objects_in, text_in
from gatecheck.evidence.values import MAX_COUNT, MAX_PATH, Reading, instant, is_commit, plain_decimal, refuse, short
from gatecheck.model.request import Subject

MAX_FINDINGS = 100_000
MAX_NAME = 200
LEVELS = ("none", "note", "warning", "error")
KINDS = ("pass", "open", "informational", "notApplicable", "review", "fail")
BASELINES = ("new", "unchanged", "updated", "absent")
SEVERITIES = ("none", "low", "medium", "high", "critical")
_SEVERITY_OF_LEVEL = {"none": "none", "note": "low", "warning": "medium", "error": "high"}
_BANDS = ((9, "critical"), (7, "high"), (4, "medium"), (0, "low"))

Object = dict[str, Any]


def read_sarif(data: Object, name: str) -> Reading:
    """Read a SARIF log; fields as in ``schemas/evidence/sarif.schema.json``."""
    version = data.get("version")
    if version != "2.1.0":
        said = f"is SARIF {short(version, 40)}" if isinstance(version, str) else "states no SARIF version"
        refuse(name, f"{said}; 2.1.0 is read", "have the tool write SARIF 2.1.0, or convert the file")
    runs = [_Run(run, name) for run in objects_in(data, "runs", name)]
    findings: list[Object] = []
    for run in runs:
        if len(findings) + len(run.results) > MAX_FINDINGS:
            refuse(name, f"holds more than {MAX_FINDINGS:,} results", "scan less at a time, or filter what is reported")
        findings += [run.finding(result) for result in run.results]
    live = [finding["level"] for finding in findings if not finding["suppressed"]]
    fields = {
        "runs": len(runs),
        "tools": sorted({run.tool for run in runs if run.tool is not None}),
        "results": len(findings),
        "suppressed": len(findings) - len(live),
        "errors": live.count("error"),
        "warnings": live.count("warning"),
        "notes": live.count("note"),
        "tool_errors": sum(run.tool_errors() for run in runs),
        "findings": findings,
    }
    producer = short(", ".join(dict.fromkeys(run.producer for run in runs if run.producer)), MAX_NAME)
    ended = [run.ended() for run in runs]
    known = [at for at in ended if at is not None]
    # Runs that were merged into one file are as old as the oldest of them.
    produced_at = min(known) if known and len(known) == len(ended) else None
    return Reading(fields, _flaw(data, runs, name), producer, produced_at, _subject(runs))


def _flaw(data: Object, runs: list["_Run"], name: str) -> str:
    if not runs:
        return "the report holds no runs"
    if any(item.get("results") for item in objects_in(data, "inlineExternalProperties", name)):
        return "results are kept outside their runs, where they are not read"
    return next((flaw for run in runs if (flaw := run.flaw())), "") or _mixed(runs)


def _mixed(runs: list["_Run"]) -> str:
    stated = {commits for run in runs if (commits := frozenset(run.commits()))}
    return "its runs are about different commits" if len(stated) > 1 else ""


def _subject(runs: list["_Run"]) -> Subject | None:
    commits = {commit for run in runs for commit in run.commits()}
    return Subject(commit=commits.pop()) if len(commits) == 1 else None


class _Rules(Struct, frozen=True):
    """The rules of one component of a tool, in order and by id."""

    rules: list[Object]
    by_id: dict[str, Object]


class _Run:
    """One run of one tool."""

    def __init__(self, run: Object, name: str) -> None:
        self.run = run
        self.name = name
        self.results = objects_in(run, "results", name)
        self.invocations = objects_in(run, "invocations", name)
        self.artifacts = objects_in(run, "artifacts", name)
        tool = object_in(run, "tool", name) if run.get("tool") is not None else {}
        driver = object_in(tool, "driver", name) if tool.get("driver") is not None else {}
        self.components = [self.rules(part) for part in (driver, *objects_in(tool, "extensions", name))]
        stated = text_in(driver, "name", name)
        self.tool = None if stated is None else short(stated, MAX_NAME)
        version = text_in(driver, "semanticVersion", name) or text_in(driver, "version", name)
        self.producer = " ".join(word for word in (self.tool, version) if word)
        self.words: dict[str, str] = {}  # one copy of each repeated text

    def rules(self, component: Object) -> _Rules:
        rules = objects_in(component, "rules", self.name)
        by_id: dict[str, Object] = {}
        for rule in rules:
            by_id.setdefault(text_in(rule, "id", self.name) or "", rule)
        return _Rules(rules, by_id)

    def finding(self, result: Object) -> Object:
        stated = self.reference(result)
        rule = self.rule(result, stated)
        kind = self.word(result, "kind", KINDS) or "fail"
        level = self.level(result, rule, kind, stated)
        path, line = self.place(result)
        baseline = result.get("baselineState")
        return {
            "rule": None if stated is None else self.keep(stated, MAX_NAME),
            "tool": self.tool,
            "level": level,
            "severity": self.severity(result, rule, kind, level),
            "kind": kind,
            "suppressed": self.is_suppressed(result),
            "baseline": baseline if baseline in BASELINES else None,
            "path": path,
            "line": line,
        }

    def keep(self, text: str, limit: int) -> str:
        if text not in self.words:
            self.words[text] = short(text, limit)
        return self.words[text]

    def word(self, data: Object, key: str, words: tuple[str, ...]) -> str | None:
        """Return one of the specification's words; another one is refused, because what it means is not known."""
        value = text_in(data, key, self.name)
        if value is not None and value not in words:
            refuse(self.name, f"the {key} `{short(value, 40)}` is not one of SARIF's: {', '.join(words)}")
        return value

    def reference(self, result: Object) -> str | None:
        """Return the id of the rule that a result names in one of four ways."""
        stated = text_in(result, "ruleId", self.name)
        if stated is not None:
            return stated
        if isinstance(result.get("rule"), dict) and (named := text_in(result["rule"], "id", self.name)) is not None:
            return named
        rule = self.rule(result, None)
        return None if rule is None else text_in(rule, "id", self.name)

    def rule(self, result: Object, stated: str | None) -> Object | None:
        """Return a result's rule: by index where the id agrees, else by id, its parents' ids, in every component."""
        named = object_in(result, "rule", self.name) if result.get("rule") is not None else {}
        home = object_in(named, "toolComponent", self.name) if named.get("toolComponent") is not None else {}
        at = home.get("index")
        component = at + 1 if type(at) is int and 0 <= at < len(self.components) - 1 else 0
        index = result.get("ruleIndex", named.get("index"))
        rules = self.components[component].rules
        if type(index) is int and 0 <= index < len(rules) and _is_of(stated, rules[index].get("id")):
            return rules[index]
        while stated:
            for part in (self.components[component], *self.components):
                if stated in part.by_id:
                    return part.by_id[stated]
            stated = stated.rpartition("/")[0]
        return None

    def level(self, result: Object, rule: Object | None, kind: str, stated: str | None) -> str:
        level = self.word(result, "level", LEVELS)
        if level is not None:
            return level
        if kind != "fail":
            return "none"
        level = self.overridden(result, rule, stated)
        if level is None and rule is not None and rule.get("defaultConfiguration") is not None:
            level = self.word(object_in(rule, "defaultConfiguration", self.name), "level", LEVELS)
        return level or "warning"

    def overridden(self, result: Object, rule: Object | None, stated: str | None) -> str | None:
        origin = object_in(result, "provenance", self.name) if result.get("provenance") is not None else {}
        at = origin.get("invocationIndex", -1)
        if type(at) is not int or not 0 <= at < len(self.invocations):
            at = 0 if len(self.invocations) == 1 else -1
        if at < 0:
            return None
        for override in objects_in(self.invocations[at], "ruleConfigurationOverrides", self.name):
            meant = object_in(override, "descriptor", self.name)
            by_rule = rule is not None and self.rule({"rule": meant}, text_in(meant, "id", self.name)) is rule
            if by_rule or (rule is None and stated is not None and _is_of(stated, meant.get("id", ""))):
                return self.word(object_in(override, "configuration", self.name), "level", LEVELS)
        return None

    def severity(self, result: Object, rule: Object | None, kind: str, level: str) -> str:
        by_level = _SEVERITY_OF_LEVEL[level]
        if level == "none" and kind != "fail":
            return by_level
        for holder in (result, rule or {}):
            properties = holder.get("properties")
            score = properties.get("security-severity") if isinstance(properties, dict) else None
            if score is None or score == "":
                continue
            word = str(score).strip().lower()
            if word in SEVERITIES:
                return max(word, by_level, key=SEVERITIES.index)
            number = plain_decimal(word)
            if number is None or not 0 <= number <= 10:
                return SEVERITIES[-1]  # a score that can't be read, or is beyond the scale, may hide the worst
            if number:
                return next(band for least, band in _BANDS if number >= least)
        return by_level

    def is_suppressed(self, result: Object) -> bool:
        suppressions = objects_in(result, "suppressions", self.name)
        # Appendix K of the specification itself writes `state`, as the drafts did.
        return bool(suppressions) and all(
            s.get("status", s.get("state", "accepted")) == "accepted" for s in suppressions
        )

    def place(self, result: Object) -> tuple[str | None, int | None]:
        """Return the path and line of a result's first location, each ``None`` where it is not stated."""
        locations = objects_in(result, "locations", self.name)
        physical = locations[0].get("physicalLocation") if locations else None
        if not isinstance(physical, dict):
            return None, None
        artifact, region = physical.get("artifactLocation"), physical.get("region")
        line = region.get("startLine") if isinstance(region, dict) else None
        return self.path(artifact), line if type(line) is int and 0 < line <= MAX_COUNT else None

    def path(self, artifact: object) -> str | None:
        if not isinstance(artifact, dict):
            return None
        uri, index = artifact.get("uri"), artifact.get("index")
        if uri is None and type(index) is int and 0 <= index < len(self.artifacts):
            location = self.artifacts[index].get("location")
            uri = location.get("uri") if isinstance(location, dict) else None
        if not isinstance(uri, str):
            return None
        if uri not in self.words:
            path = uri.removeprefix("file://") if uri.startswith("file:///") else uri
            if "%" in path:
                from urllib.parse import unquote

                path = unquote(path)
            self.words[uri] = short(path, MAX_PATH)
        return self.words[uri]

    def flaw(self) -> str:
        outside = self.run.get("externalPropertyFileReferences")
        if isinstance(outside, dict) and outside.get("results"):
            return "results are kept in other files, which are not read"
        if self.run.get("results") is None:
            return "results are absent: the scan did not run"
        if any(invocation.get("executionSuccessful") not in (True, None) for invocation in self.invocations):
            return "the tool says its run failed (executionSuccessful is false)"
        return ""

    def tool_errors(self) -> int:
        """Return how many errors the tool reports about itself: its execution and its configuration."""
        keys = ("toolExecutionNotifications", "toolConfigurationNotifications")
        notes = [note for one in self.invocations for key in keys for note in objects_in(one, key, self.name)]
        return sum(note.get("level") == "error" for note in notes)

    def ended(self) -> datetime | None:
        ends = [instant(invocation.get("endTimeUtc")) for invocation in self.invocations]
        known = [end for end in ends if end is not None]
        return max(known) if known and len(known) == len(ends) else None

    def commits(self) -> set[str]:
        """Return the commits that the run names in full."""
        stated = [v.get("revisionId") for v in objects_in(self.run, "versionControlProvenance", self.name)]
        return {commit.lower() for commit in stated if isinstance(commit, str) and is_commit(commit)}


def _is_of(stated: str | None, rule_id: object) -> bool:
    """Tell whether a result's id is a rule's id or, in the hierarchy of ids, below it."""
    return stated is None or (isinstance(rule_id, str) and (stated == rule_id or stated.startswith(f"{rule_id}/")))
