"""Whatever a decision finds or owes, the matrix has said of its environment and risk; and the other way round."""

from random import Random

from generate import compiled, random_pack, random_request

from gatecheck.engine.program import evaluate
from gatecheck.report.matrix import Cell, cells

PACKS, REQUESTS = 60, 8


def test_decisions_find_what_the_matrix_says() -> None:
    held = 0
    for seed in range(PACKS):
        random = Random(seed)
        _, pack = random_pack(random)
        program = compiled(pack)
        known: dict[tuple[str, str], Cell] = {(c.environment, c.risk): c for c in cells(pack)}
        for _ in range(REQUESTS):
            request = random_request(random, pack)
            decision = evaluate(program, request)
            cell = known[decision.environment, decision.risk]
            asked = {(a.rule, a.file, a.line) for a in cell.asks if a.rule}
            found = {(f.asked.rule, f.asked.file, f.asked.line) for f in decision.findings if f.asked.file}
            assert found <= asked
            certain = {
                (a.rule, a.file, a.line)
                for a in cell.asks
                if a.rule and not a.when and not a.advisory and a.binds_from is None and a.aspect != "obligations"
            }
            assert certain <= found
            said = {a.text for a in cell.asks if a.aspect == "obligations"}
            assert all(any(value in text for text in said) for _, value in decision.obligations)
            if not cell.decides:
                assert any(f.asked.id == "promotion/approval" for f in decision.findings)
            held += len(certain)
    assert held > PACKS
