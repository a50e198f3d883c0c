#!/usr/bin/env bash
# Makes the evidence of the examples by really running tools on a small payment service: service.sh writes it with its
# three changes, and each is tested, measured, scanned and packed here, in a folder that is thrown away.
#
#   evidence/make.sh            # writes examples/{allow,pending,deny}/evidence and prints each commit and digest
#
# Wanted: git, Python 3.11 or later, and a network for pip. The same commits, digests, counts and findings come out
# each time. Times don't: reports carry the time of their making, which has to lie before the instants that run.sh
# decides at. Only the name of the machine is taken out of the reports.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
examples=$here/../examples
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

"${PYTHON:-python3}" -m venv tools
tools/bin/pip install --quiet --disable-pip-version-check \
  bandit[sarif]==1.9.4 coverage==7.17.3 mypy==2.4.1 pytest==9.2.0 ruff==0.17.6
PATH=$work/tools/bin:$PATH
export PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1 TZ=UTC LC_ALL=C.UTF-8

"$here/service.sh" service
cd service

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
