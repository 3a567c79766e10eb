"""A run whose output nobody reads any more stops all the same."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from copydesk_standalone.probes import free_port


@pytest.mark.e2e
def test_it_stops_when_the_reader_of_its_output_has_gone(tmp_path: Path) -> None:
    ports = ["--api-port", str(free_port()), "--kafka-port", str(free_port())]
    reader, writer = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-m", "copydesk_standalone", "up", "--data-dir", str(tmp_path / "data"), *ports],
        stdout=writer, stderr=writer, stdin=subprocess.DEVNULL,
        env={**os.environ, "COPYDESK_FETCHER_USER_AGENT": "copydesk-tests (tests@copydesk.news)"},
    ) as process:  # fmt: skip
        os.close(writer)
        os.read(reader, 100)
        os.close(reader)
        process.send_signal(signal.SIGINT)
        try:
            assert process.wait(60) in (0, 1)
        finally:
            process.kill()
