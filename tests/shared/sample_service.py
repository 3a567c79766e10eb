"""A service process for tests: ``python -m tests.shared.sample_service MODE``."""

import asyncio
import sys

from copydesk_shared.errors import SettingsError
from copydesk_shared.service import Service, run_main, run_service
from copydesk_shared.settings import ServiceSettings, load_settings
from copydesk_shared.tracing import send_span


async def work(service: Service) -> None:
    service.health.ready("work", value=True)
    while not service.stopping.is_set():
        service.health.progressed("work")
        if sys.argv[1] == "crash":
            raise RuntimeError("a bug")
        if sys.argv[1] == "trace":
            with send_span("sample", "articles.discovered"):
                pass
            print("traced", flush=True)  # noqa: T201 - what the test waits for
            await service.stopping.wait()
        if sys.argv[1] == "refuse":
            raise SettingsError("the store cannot be used")
        await service.pause(0.05)
    print("finished", flush=True)  # noqa: T201 - what the test waits for


async def stubborn(service: Service) -> None:
    while True:
        service.health.progressed("stubborn")
        await asyncio.sleep(10)


def main() -> int:
    return run_service("sample", load_settings(ServiceSettings), [stubborn] if sys.argv[1] == "stubborn" else [work])


if __name__ == "__main__":
    run_main(main, takes_arguments=True)
