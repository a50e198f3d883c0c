#!/usr/bin/env bash
# Writes the payment service of the examples into a git repository: `main`, and a branch for each of its three changes.
#
#   evidence/service.sh FOLDER
#
# Authors, instants and texts are fixed, so the commits, and the artifacts packed from them, are the same on every machine.
set -euo pipefail

export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null LC_ALL=C
mkdir -p "$1"/{payments,api,tests/unit,tests/integration}
cd "$1"
git init -q -b main

commit() { # AUTHOR INSTANT TITLE
  export GIT_AUTHOR_NAME=$1 GIT_AUTHOR_EMAIL=$1@example.com GIT_AUTHOR_DATE=$2
  export GIT_COMMITTER_NAME=$1 GIT_COMMITTER_EMAIL=$1@example.com GIT_COMMITTER_DATE=$2
  git add -A
  git commit -q -m "$3"
}

# ---------------------------------------------------------------------------------------------------------- the service
touch payments/__init__.py api/__init__.py

cat > payments/charges.py <<'PY'
"""Charges and refunds, in the smallest unit of their currency."""

from dataclasses import dataclass

DECIMALS = {"EUR": 2, "GBP": 2, "JPY": 0, "USD": 2}


@dataclass
class Charge:
    """Money taken, and how much of it was given back."""

    id: int
    amount: int
    currency: str
    refunded: int = 0


class Payments:
    """All charges, by id."""

    def __init__(self) -> None:
        self.charges: dict[int, Charge] = {}

    def charge(self, amount: int, currency: str) -> Charge:
        if amount <= 0:
            raise ValueError("an amount is above zero")
        if currency not in DECIMALS:
            raise ValueError(f"no currency {currency}")
        made = Charge(len(self.charges) + 1, amount, currency)
        self.charges[made.id] = made
        return made

    def refund(self, id: int, amount: int) -> Charge:
        found = self.charges.get(id)
        if found is None:
            raise ValueError(f"no charge {id}")
        if amount > found.amount - found.refunded:
            raise ValueError("more than was charged")
        found.refunded += amount
        return found


def receipt(charge: Charge) -> str:
    """Write an amount as people do."""
    decimals = DECIMALS[charge.currency]
    return f"{charge.amount / 10**decimals:.{decimals}f} {charge.currency}"
PY

cat > api/server.py <<'PY'
"""The service over HTTP: POST /v2/charges, POST /v2/refunds; /v1 is the same, for older clients."""

import json
import random
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from payments.charges import Payments, receipt

VERSIONS = ("v1", "v2")


class Handler(BaseHTTPRequestHandler):
    payments = Payments()

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        try:
            status, answer = self.answer(json.loads(self.rfile.read(length)))
        except ValueError as error:
            status, answer = 422, {"error": str(error)}
        except LookupError as error:
            status, answer = 500, {"error": repr(error)}
        raw = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw)))
        self.send_header("X-Trace", f"{random.getrandbits(32):08x}")  # told apart, not kept secret
        self.end_headers()
        self.wfile.write(raw)

    def answer(self, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        version, _, noun = self.path.strip("/").partition("/")
        if version not in VERSIONS:
            return 404, {"error": "no such version"}
        if noun == "charges":
            made = self.payments.charge(asked["amount"], asked["currency"])
            return 201, {"id": made.id, "receipt": receipt(made)}
        if noun == "refunds":
            found = self.payments.refund(asked["charge"], asked["amount"])
            return 201, {"id": found.id, "refunded": found.refunded}
        return 404, {"error": "no such thing"}

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


def serve(port: int = 0) -> ThreadingHTTPServer:
    """Return the server, bound to a port of the loopback interface."""
    return ThreadingHTTPServer(("127.0.0.1", port), Handler)
PY

cat > tests/conftest.py <<'PY'
import http.client
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from api.server import serve


@pytest.fixture(scope="session")
def post() -> Iterator[Callable[..., tuple[int, dict[str, Any]]]]:
    server = serve()
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def ask(path: str, **data: object) -> tuple[int, dict[str, Any]]:
        connection = http.client.HTTPConnection("127.0.0.1", server.server_port)
        connection.request("POST", path, json.dumps(data))
        answer = connection.getresponse()
        found = json.load(answer)
        connection.close()
        return answer.status, found

    yield ask
    server.shutdown()
    server.server_close()
PY

cat > tests/unit/test_charges.py <<'PY'
import pytest

from payments.charges import Payments, receipt


def test_charge():
    assert Payments().charge(1250, "EUR").amount == 1250


@pytest.mark.parametrize("amount", [0, -1])
def test_amount_is_above_zero(amount):
    with pytest.raises(ValueError, match="above zero"):
        Payments().charge(amount, "EUR")


def test_refund():
    payments = Payments()
    payments.charge(1250, "EUR")
    assert payments.refund(1, 250).refunded == 250


def test_refund_of_more():
    payments = Payments()
    payments.charge(1250, "EUR")
    with pytest.raises(ValueError, match="more than was charged"):
        payments.refund(1, 1251)


def test_receipt():
    assert receipt(Payments().charge(1250, "EUR")) == "12.50 EUR"
PY

cat > tests/integration/test_api.py <<'PY'
def test_charge_and_refund(post):
    status, made = post("/v2/charges", amount=1250, currency="EUR")
    assert (status, made["receipt"]) == (201, "12.50 EUR")
    assert post("/v2/refunds", charge=made["id"], amount=250) == (201, {"id": made["id"], "refunded": 250})


def test_wrong_amount(post):
    assert post("/v2/charges", amount=0, currency="EUR") == (422, {"error": "an amount is above zero"})


def test_unknown_version(post):
    assert post("/v9/charges", amount=1, currency="EUR")[0] == 404
PY

cat > pyproject.toml <<'TOML'
[tool.coverage.run]
branch = true
relative_files = true
source = ["payments", "api"]

[tool.pytest.ini_options]
pythonpath = ["."]
junit_duration_report = "call"
TOML
commit alice 2026-11-20T09:00:00+01:00 "A payment service"

# ---------------------------------------------------------------------------------------------------------- its changes
git checkout -q -b allow main
"${PYTHON:-python3}" - <<'PY'
import re
from pathlib import Path

path = Path("payments/charges.py")
text = path.read_text()
text = text.replace("def refund(self, id: int, amount: int)", "def refund(self, id: int, amount: int, currency: str)")
text = text.replace(
    "        if amount > found", '        if currency != found.currency:\n'
    '            raise ValueError(f"the charge was in {found.currency}")\n        if amount > found')
path.write_text(text)
path = Path("api/server.py")
path.write_text(path.read_text().replace('asked["charge"], asked["amount"])', 'asked["charge"], asked["amount"], asked["currency"])'))
path = Path("tests/unit/test_charges.py")
path.write_text(re.sub(r"refund\(1, (\d+)\)", r'refund(1, \1, "EUR")', path.read_text()) + '''

def test_refund_in_another_currency():
    payments = Payments()
    payments.charge(1250, "EUR")
    with pytest.raises(ValueError, match="the charge was in EUR"):
        payments.refund(1, 250, "USD")
''')
path = Path("tests/integration/test_api.py")
path.write_text(path.read_text().replace("amount=250)", 'amount=250, currency="EUR")'))
PY
commit frank 2026-11-23T10:12:00+01:00 "Refund in the currency of the charge"

git checkout -q -b pending main
"${PYTHON:-python3}" - <<'PY'
from pathlib import Path

path = Path("api/server.py")
text = path.read_text().replace('VERSIONS = ("v1", "v2")', 'VERSIONS = ("v2",)')
path.write_text(text.replace("; /v1 is the same, for older clients.", "."))
path = Path("tests/integration/test_api.py")
path.write_text(path.read_text().replace("/v9/", "/v1/"))
PY
commit frank 2026-11-23T11:40:00+01:00 "Drop version 1 of the API"

git checkout -q -b deny main
"${PYTHON:-python3}" - <<'PY'
from pathlib import Path

path = Path("api/server.py")
text = path.read_text().replace("import Payments, receipt", "import Payments")
text = text.replace('VERSIONS = ("v1", "v2")', 'VERSIONS = ("v1", "v2")\nRECEIPTS = {"EUR": "{:.2f} EUR", "GBP": "{:.2f} GBP", "USD": "{:.2f} USD"}')
text = text.replace("receipt(made)}", "RECEIPTS[made.currency].format(made.amount / 100)}")
path.write_text(text)
PY
commit frank 2026-11-23T14:05:00+01:00 "Write receipts from a table"
