#!/usr/bin/env bash
# Makes the evidence of the examples by really running tools on a small payment service: its three changes are written
# here, committed, tested, measured, scanned and built, each in a folder that is thrown away.
#
#   evidence/make.sh            # writes examples/{allow,pending,deny}/evidence and prints each commit and digest
#
# Wanted: git, Python 3.11 or later, and a network for pip. The same commits, digests, counts and findings come out
# each time. Times don't: reports carry the time of their making, which has to lie before the instants that run.sh
# decides at. Only the name of the machine is taken out of the reports.
set -euo pipefail

examples=$(cd "$(dirname "$0")/../examples" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

"${PYTHON:-python3}" -m venv tools
tools/bin/pip install --quiet --disable-pip-version-check \
  bandit[sarif]==1.9.4 coverage==7.17.3 mypy==2.4.1 pytest==9.2.0 ruff==0.17.6
PATH=$work/tools/bin:$PATH
export PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1 TZ=UTC LC_ALL=C.UTF-8
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null

commit() { # AUTHOR INSTANT TITLE
  export GIT_AUTHOR_NAME=$1 GIT_AUTHOR_EMAIL=$1@example.com GIT_AUTHOR_DATE=$2
  export GIT_COMMITTER_NAME=$1 GIT_COMMITTER_EMAIL=$1@example.com GIT_COMMITTER_DATE=$2
  git add -A
  git commit -q -m "$3"
}

# ---------------------------------------------------------------------------------------------------------- the service
mkdir -p service/{payments,api,tests/unit,tests/integration}
cd service
git init -q -b main
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
python - <<'PY'
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
python - <<'PY'
from pathlib import Path

path = Path("api/server.py")
text = path.read_text().replace('VERSIONS = ("v1", "v2")', 'VERSIONS = ("v2",)')
path.write_text(text.replace("; /v1 is the same, for older clients.", "."))
path = Path("tests/integration/test_api.py")
path.write_text(path.read_text().replace("/v9/", "/v1/"))
PY
commit frank 2026-11-23T11:40:00+01:00 "Drop version 1 of the API"

git checkout -q -b deny main
python - <<'PY'
from pathlib import Path

path = Path("api/server.py")
text = path.read_text().replace("import Payments, receipt", "import Payments")
text = text.replace('VERSIONS = ("v1", "v2")', 'VERSIONS = ("v1", "v2")\nRECEIPTS = {"EUR": "{:.2f} EUR", "GBP": "{:.2f} GBP", "USD": "{:.2f} USD"}')
text = text.replace("receipt(made)}", "RECEIPTS[made.currency].format(made.amount / 100)}")
path.write_text(text)
PY
commit frank 2026-11-23T14:05:00+01:00 "Write receipts from a table"

# --------------------------------------------------------------------------------------------------------- the evidence
# A thousand charges as staging sees them, one in forty of them in yen.
cat > "$work/measure.py" <<'PY'
import http.client
import json
import sys
import threading

from api.server import serve

digest, produced_at = sys.argv[1:]
server = serve()
threading.Thread(target=server.serve_forever, daemon=True).start()
failed = 0
for number in range(1, 1001):
    currency = "JPY" if number % 40 == 0 else ("EUR", "GBP", "USD")[number % 3]
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port)
    connection.request("POST", "/v2/charges", json.dumps({"amount": number * 25, "currency": currency}))
    failed += connection.getresponse().status >= 500
    connection.close()
server.shutdown()
print(json.dumps({
    "status": "passed",
    "fields": {"value": f"{failed / 10:g}%", "requests": 1000},
    "subject": {"digest": digest},
    "produced_at": produced_at,
    "producer": "measure.py",
}, indent=2))
PY

# A day in staging can't be waited for here, so the measurement is given the instant that it has in the story.
evidence() { # CHANGE MEASURED-AT
  git checkout -q "$1"
  local to=$examples/$1/evidence commit digest code types=failed
  rm -rf "$to"
  mkdir -p "$to"
  commit=$(git rev-parse HEAD)
  digest=sha256:$(git archive --format=tar HEAD payments api | sha256sum | cut -d' ' -f1)

  coverage run -m pytest -q -p no:cacheprovider --junitxml="$to/unit-tests.xml" tests/unit
  pytest -q -p no:cacheprovider --junitxml="$to/integration-tests.xml" tests/integration
  coverage run --append -m pytest -q -p no:cacheprovider tests/integration
  coverage xml -q -o "$to/coverage.xml"
  ruff check --isolated --no-cache --select B,E4,E7,E9,F,I --output-format=sarif --output-file="$to/lint.sarif" payments api tests
  bandit -q -r -f sarif -o "$to/sast.sarif" payments api && code=0 || code=$?
  [ "$code" -le 1 ] # bandit ends with 1 where it finds something
  mypy --strict --no-incremental payments api && types=passed
  printf '{"status": "%s", "subject": {"commit": "%s"}, "producer": "%s"}\n' \
    "$types" "$commit" "$(mypy --version | cut -d' ' -f1,2)" > "$to/type-check.json"
  PYTHONPATH=. python "$work/measure.py" "$digest" "$2" > "$to/error-rate.json"

  sed -i.was -E 's/ hostname="[^"]*"//' "$to"/*-tests.xml
  rm -f "$to"/*.was coverage.xml .coverage
  echo "$1: commit $commit, artifact $digest"
  git diff --numstat main
}
evidence allow   2026-11-25T10:30:00+01:00
evidence pending 2026-11-25T17:00:00+01:00
evidence deny    2026-11-25T11:40:00+01:00
