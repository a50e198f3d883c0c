"""Time a cold `gatecheck evaluate`, the whole process, against importing no more than the libraries that it needs.

Asked is that deciding costs at most 1.6 times what ``import click`` costs, and deciding, signing and recording at most
1.5 times the imports of click, pygit2 and cryptography. The production example of the payment service is decided; the
caches are warm, as they are from the second run on, and the ledger is there already. The processes run in turn
(A B A B …), so that whatever else the machine does falls on both alike.
Run: ``python benchmarks/cold.py [ROUNDS]``, with gatecheck's dependencies installed. Bytecode goes to a temporary
folder, so that it does not matter whether the environment lets Python write it beside the sources.
"""

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "rules" / "payment-service" / "examples" / "allow"
GATECHECK = "from gatecheck.__main__ import main; main()"
DECIDE = ("evaluate", "-e", "production", "--as-of", "2026-11-25T11:00:00+01:00", "--no-ledger")
CLICK = "import click"
LIBRARIES = "import click, pygit2; from cryptography.hazmat.primitives.asymmetric import ed25519"
Command = Callable[[int], tuple[str, ...]]  # the number of the run -> what python is given


def clean_environment(place: Path) -> dict[str, str]:
    """Return an environment in which all that is kept between processes lies below ``place``."""
    passed = {n: v for n, v in os.environ.items() if not n.startswith(("PYTHON", "GATECHECK", "XDG_"))}
    return passed | {
        "PYTHONPATH": str(ROOT / "evaluator"),
        "PYTHONPYCACHEPREFIX": str(place / "bytecode"),
        "GATECHECK_CACHE": str(place / "cache"),
        "XDG_CONFIG_HOME": str(place),
        "XDG_STATE_HOME": str(place),
    }


def run(arguments: tuple[str, ...], folder: Path, environment: dict[str, str]) -> tuple[float, float]:
    """Run python to its end; return its milliseconds by the clock and of CPU. It must exit with 0."""
    started = perf_counter()
    process = subprocess.Popen(
        [sys.executable, *arguments], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    elapsed = perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{arguments} ended with {process.returncode}:\n{said.decode()}")
    return elapsed * 1000, (usage.ru_utime + usage.ru_stime) * 1000


def compare(title: str, commands: dict[str, Command], asked: float, rounds: int, folder: Path, place: Path) -> bool:
    """Run two commands in turn, print both and the median ratio of a pair, and tell whether it is at most ``asked``."""
    environment = clean_environment(place)
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for number in range(-2, rounds):
        for name, command in commands.items():
            measured = run(command(number), folder, environment)
            if number >= 0:  # the first two fill the caches
                taken[name].append(measured)
    print(title)
    for name, times in taken.items():
        clock, cpu = [t for t, _ in times], [t for _, t in times]
        print(
            f"  {name:<24} {statistics.median(clock):7.1f} ms, at least {min(clock):7.1f};"
            f"   CPU {statistics.median(cpu):7.1f} ms, at least {min(cpu):7.1f}"
        )
    base, ours = taken.values()
    ratio, cpu_ratio = (statistics.median(b[n] / a[n] for a, b in zip(base, ours, strict=True)) for n in (0, 1))
    print(f"  ratio, median of {rounds} pairs: {ratio:.2f}, of CPU {cpu_ratio:.2f}; asked: at most {asked}")
    return ratio <= asked


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 40

    def recorded(number: int) -> tuple[str, ...]:
        # Another instant each time, since the same decision would be found in the ledger instead of entered.
        as_of = f"2026-11-25T11:{(number + 2) // 60:02}:{(number + 2) % 60:02}+01:00"
        return ("-c", GATECHECK, "evaluate", "-e", "production", "--as-of", as_of, "--ledger", str(ledger))

    with tempfile.TemporaryDirectory() as made:
        place = Path(made).resolve()
        ledger = place / "ledger"
        # The artifact has to be in staging before a ledger lets it into production.
        for environment, as_of in (("dev", "2026-11-24T09:05:00+01:00"), ("staging", "2026-11-24T10:30:00+01:00")):
            earlier = ("evaluate", "-e", environment, "--as-of", as_of, "--ledger", str(ledger))
            run(("-c", GATECHECK, *earlier), EXAMPLE, clean_environment(place))
        is_met = [
            compare(
                "Decide",
                {CLICK: lambda _: ("-c", CLICK), "gatecheck evaluate": lambda _: ("-c", GATECHECK, *DECIDE)},
                1.6, rounds, EXAMPLE, place,
            ),
            compare(
                "Decide, sign and record",
                {"import what it takes": lambda _: ("-c", LIBRARIES), "gatecheck evaluate": recorded},
                1.5, rounds, EXAMPLE, place,
            ),
        ]  # fmt: skip
    return 0 if all(is_met) else 1


if __name__ == "__main__":
    sys.exit(main())
