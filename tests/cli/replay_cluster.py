"""A cluster of two worker processes on the loopback interface, as a program: prints its scheduler and its workers' ids.

It ends when its standard input does.
"""

import sys
from typing import Any

import distributed

untyped: Any = distributed


def main() -> None:
    with (
        untyped.LocalCluster(n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None) as cluster,
        untyped.Client(cluster) as client,
    ):
        pids = [info["pid"] for info in client.run(_about).values()]
        print(cluster.scheduler_address, *pids, flush=True)
        sys.stdin.read()


def _about() -> dict[str, int]:
    import os

    return {"pid": os.getpid()}


if __name__ == "__main__":
    main()
