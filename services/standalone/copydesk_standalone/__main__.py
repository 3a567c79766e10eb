"""``python -m copydesk_standalone`` is the ``copydesk`` command."""

from copydesk_standalone.cli import main

if __name__ == "__main__":
    main()
