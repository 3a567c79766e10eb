"""Setting the group of a stage back, at brokers that run or at the embedded one, which is started for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from copydesk_shared.brokers import Brokers
from copydesk_shared.errors import SettingsError
from copydesk_shared.kafka import MembersError, Rewind, rewind_group
from copydesk_shared.topics import CLEANED
from copydesk_standalone.broker.process import StartError, start
from copydesk_standalone.data_dir import locked
from copydesk_standalone.letters.output import run, say
from copydesk_standalone.settings import StandaloneSettings

LEFT_SECONDS = 10


def replay_stage(settings: StandaloneSettings, stage: str, since: datetime | None, *, dry_run: bool) -> int:
    """Set the group of the stage back and say how far. Raises :class:`UserError`."""
    with _brokers(settings) as brokers:
        return run(_rewind(brokers, stage, since, dry_run=dry_run), brokers)


async def _rewind(brokers: Brokers, stage: str, since: datetime | None, *, dry_run: bool) -> int:
    try:
        rewinds = await rewind_group(brokers, stage, CLEANED.name, since, dry_run=dry_run)
    except MembersError:
        raise SettingsError(
            f"the {stage} runs: stop it first (one that has just stopped counts for up to {LEFT_SECONDS} s)"
        ) from None
    for each in rewinds:
        say(f"partition {each.partition}: back from {each.stands} to {each.wanted}")
    say(_summary(stage, since, rewinds, dry_run=dry_run))
    return 0


def _summary(stage: str, since: datetime | None, rewinds: list[Rewind], *, dry_run: bool) -> str:
    span = f"since {since.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}" if since else "from the beginning"
    count = sum(each.records for each in rewinds)
    if not count:
        return f"{stage}: nothing that it has read lies in {CLEANED.name} {span}"
    would = "would take" if dry_run else "takes"
    return f"{stage}: when it starts it {would} {count:,} articles again, {span}"


@contextmanager
def _brokers(settings: StandaloneSettings) -> Iterator[Brokers]:
    """The brokers that are named; else the embedded one on its data, for as long as this takes."""
    if settings.bootstrap_servers is not None:
        yield settings.brokers
        return
    place = settings.data_dir.expanduser().resolve() / "broker"
    if not place.is_dir():
        raise SettingsError(
            f"{settings.data_dir} holds no data of an embedded broker; --bootstrap-servers names others"
        )
    with locked(settings.data_dir):
        try:
            broker = start(place)
        except StartError as error:
            raise SettingsError(f"the embedded broker on {place} does not start: {error}") from None
        with broker:
            yield Brokers(broker.address)
        broker.log_file.unlink(missing_ok=True)
