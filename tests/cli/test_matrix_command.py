"""``gatecheck matrix`` and ``gatecheck docs`` from the command line: formats, scope, and what can't be read."""

import json

from cli_world import World

from gatecheck.assets import ROOT
from gatecheck.model.canonical import canonical

PACK = f"{ROOT}/rules/payment-service"


def test_the_matrix_comes_in_every_format(world: World) -> None:
    table = world.run("matrix", PACK, "-e", "dev")
    assert (table.code, table.out.split("\n")[0]) == (0, "Promotion matrix")
    assert "\nstaging\n" not in table.out
    markdown = world.run("matrix", PACK, "-e", "dev", "--format", "markdown")
    assert markdown.out.startswith("# Promotion matrix\n\n")
    page = world.run("matrix", PACK, "--format", "html")
    assert page.out.startswith("<!doctype html>\n")
    assert "<title>Promotion matrix</title>" in page.out
    data = json.loads(world.run("matrix", PACK, "--format", "json").out)
    assert data["environments"] == ["dev", "staging", "production"]
    assert len(data["cells"]) == 12
    again = world.run("matrix", PACK, "--format", "json").out
    assert again == canonical(data).decode() + "\n"


def test_an_unknown_environment_is_named_with_the_nearest(world: World) -> None:
    done = world.run("matrix", PACK, "-e", "stagin", "-e", "dev")
    assert (done.code, done.out) == (2, "")
    assert done.err == "error[GC520]: the rules know no environment `stagin`\n   = hint: did you mean `staging`?\n"


def test_wrong_rules_have_no_matrix_and_no_document(world: World) -> None:
    world.write("rules/a.gate", "environment dev\nrule a for prod { approve automatically }\n")
    for command in ("matrix", "docs"):
        done = world.run(command, "rules")
        assert (done.code, done.out) == (5, "")
        assert "error[GC206]: there is no environment `prod`" in done.err


def test_the_document_is_named_after_the_folder(world: World) -> None:
    assert world.run("docs", f"{PACK}/").out.startswith("# Rules: payment-service\n\n6 files, ")
    assert world.run("docs", PACK, "--title", "Payments *2*").out.startswith("# Rules: Payments \\*2\\*\n")
    assert world.run("docs", PACK, "--format", "text").out.startswith("Rules: payment-service\n======")
    assert "<h1>Rules: a&lt;b</h1>" in world.run("docs", PACK, "--title", "a<b", "--format", "html").out
