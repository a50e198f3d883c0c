#!/usr/bin/env bash
# Runs the example: three changes go from dev to staging and ask for production, where one is allowed, one has to wait
# and one is refused. Every decision is recorded in a ledger, which is then listed, verified and replayed.
#
#   rules/payment-service/run.sh [LEDGER]       # the ledger is ./.gatecheck/ledger unless another is named
#
# Wanted: the gatecheck command, git, ssh-keygen. Decisions are made as of fixed instants, so they are the same on every
# day; a second run finds them recorded and adds nothing. Ends with 0 if all came out as said here.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
ledger=${1:-.gatecheck/ledger}
mkdir -p "$(dirname "$ledger")"
ledger=$(cd "$(dirname "$ledger")" && pwd)/$(basename "$ledger")

# The example's key, and what gatecheck remembers of its ledger, stay beside the ledger; your own are not touched.
own=$ledger.example
export XDG_CONFIG_HOME=$own XDG_STATE_HOME=$own
unset GATECHECK_KEY

heading() { printf '\n== %s\n' "$*"; }

shown() { # FOLDER COMMAND...   prints the command as one would type it in that folder, and runs it
  local folder=$1
  shift
  printf '$ %s\n' "${*//$ledger/LEDGER}"
  (cd "$folder" && "$@")
}

decide() { # EXIT-CODE CHANGE ENVIRONMENT INSTANT
  local code=0
  shown "$here/examples/$2" gatecheck evaluate -e "$3" --as-of "$4" --ledger "$ledger" || code=$?
  if [ "$code" -ne "$1" ]; then
    echo "run.sh: this should have ended with $1, and ended with $code" >&2
    exit 1
  fi
  echo
}

allow=0 deny=3 pending=4
echo "LEDGER is $ledger"

heading 'The rules are checked: names, types, and whether they can be kept'
shown "$here" gatecheck check . --as-of 2026-11-24T09:00:00+01:00

heading 'Refund in the currency of the charge (examples/allow): high risk, for it touches payments/'
decide $allow allow dev        2026-11-24T09:05:00+01:00
decide $allow allow staging    2026-11-24T10:30:00+01:00
decide $allow allow production 2026-11-25T11:00:00+01:00

heading 'Drop version 1 of the API (examples/pending): critical; on-call has not spoken, and it is after hours'
decide $allow   pending dev        2026-11-24T09:20:00+01:00
decide $allow   pending staging    2026-11-24T11:00:00+01:00
decide $pending pending production 2026-11-25T17:30:00+01:00

heading 'Write receipts from a table (examples/deny): passed every test, then failed customers in staging'
decide $allow deny dev        2026-11-24T09:40:00+01:00
decide $allow deny staging    2026-11-24T11:30:00+01:00
decide $deny  deny production 2026-11-25T12:00:00+01:00

heading 'All nine decisions are in the ledger, newest first'
shown . gatecheck ledger log --ledger "$ledger"

heading 'The ledger is verified: every record, the chain, every signature, by a key that we name'
printf 'example@example.com %s\n' "$(ssh-keygen -y -f "$own/gatecheck/id_ed25519")" > "$own/allowed_signers"
shown . gatecheck ledger verify --ledger "$ledger" --trust "$own/allowed_signers"

heading 'The decisions are repeated from what was recorded, and must come out as the same bytes'
shown . gatecheck replay --ledger "$ledger"

heading 'Done: one allow, one pending, one deny for production, as expected'
