"""The ``copydesk`` command, and ``python -m copydesk_standalone``."""

import sys
from typing import NoReturn

INTERRUPTED = 130


def main() -> NoReturn:
    """Run the command; Ctrl-C before it has even been loaded is no reason for a traceback."""
    try:
        from copydesk_standalone.cli import main as run
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    run()


if __name__ == "__main__":
    main()
