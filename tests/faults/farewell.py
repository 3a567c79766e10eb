"""Runs a service's module and leaves its metrics behind when it ends: ``python -m tests.faults.farewell FILE MODULE``.

The counters of ``/metrics`` go on while a service drains, so no scrape from outside is the last one. What a process
writes here it writes after its last record. A process that is killed takes its counters along.
"""

import runpy
import sys
from pathlib import Path


def main() -> None:
    from prometheus_client import generate_latest

    file, module, *arguments = sys.argv[1:]
    sys.argv = [module, *arguments]
    try:
        runpy.run_module(module, run_name="__main__")
    finally:
        Path(file).write_bytes(generate_latest())


if __name__ == "__main__":
    main()
