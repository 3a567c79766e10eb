"""What is declared against what the brokers have: which differences break a service, and what is done about them."""

import ast
import re
import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_shared.settings import ServiceSettings
from copydesk_shared.topic_check import (
    RETRY_KEEPS_MS,
    Create,
    Difference,
    Found,
    Grow,
    Kind,
    Option,
    Setting,
    SetTo,
    Weight,
    compare,
    refusal,
)
from copydesk_shared.topics import (
    ALL_TOPICS,
    CLASSIFIED,
    CLEANED,
    DEAD_LETTER,
    FEEDS,
    FEEDS_STATE,
    FETCHED,
    STAGE_SOURCES,
    AnyTopic,
    Tier,
    retry_topics,
)

ROOT = Path(__file__).parents[2]
SERVERS = "kafka-1:9092,kafka-2:9092"
CLEANER: tuple[AnyTopic, ...] = (FETCHED, *retry_topics("cleaner").values())
DAY = 86_400_000


def as_declared(topic: AnyTopic, **changed: str) -> Found:
    values = {**topic.config(), **{name.replace("_", "."): value for name, value in changed.items()}}
    return Found(topic.partitions, 3, {name: Setting(value, chosen=True) for name, value in values.items()})


def all_as_declared() -> dict[str, Found | None]:
    return {topic.name: as_declared(topic) for topic in ALL_TOPICS}


def default(found: Found, name: str) -> Found:
    """The same, with that setting a default of the brokers."""
    settings = dict(found.settings or {})
    return replace(found, settings={**settings, name: replace(settings[name], chosen=False)})


def test_topics_as_declared_do_not_differ() -> None:
    assert compare(ALL_TOPICS, all_as_declared(), copies=3) == []


def test_a_missing_topic_is_created() -> None:
    assert compare([CLEANED], {}) == [
        Difference(CLEANED.name, Kind.MISSING, Weight.BREAKING, "is missing", Create(CLEANED.partitions))
    ]


def test_nothing_is_said_of_what_may_not_be_seen() -> None:
    assert compare([CLEANED], {CLEANED.name: None}) == []
    assert compare([CLEANED], {CLEANED.name: Found(6, 3, None)}, copies=3) == []


@pytest.mark.parametrize(
    ("topic", "policy", "weight", "option"),
    [
        (FEEDS, "delete", Weight.BREAKING, None),
        (FEEDS_STATE, "compact,delete", Weight.BREAKING, None),
        (FEEDS, "", Weight.BREAKING, None),
        (FETCHED, "compact", Weight.BREAKING, None),
        (FETCHED, "delete,compact", Weight.BREAKING, None),
        (FETCHED, "", Weight.MORE, Option.ALL_CONFIGS),
        (DEAD_LETTER, "compact,delete", Weight.BREAKING, None),
        (retry_topics("cleaner")[Tier.SHORT], "compact", Weight.BREAKING, None),
        (CLASSIFIED, "delete", Weight.BREAKING, None),
        (CLASSIFIED, "compact", Weight.MORE, Option.ALL_CONFIGS),
    ],
)
def test_cleanup_policies(topic: AnyTopic, policy: str, weight: Weight, option: Option | None) -> None:
    (found,) = compare([topic], {topic.name: as_declared(topic, cleanup_policy=policy)})
    assert (found.kind, found.weight, found.option) == (Kind.CLEANUP, weight, option)
    assert found.change == SetTo("cleanup.policy", topic.config()["cleanup.policy"])


def test_the_order_of_policies_is_no_difference() -> None:
    assert compare([CLASSIFIED], {CLASSIFIED.name: as_declared(CLASSIFIED, cleanup_policy="delete, compact")}) == []


@pytest.mark.parametrize(
    ("name", "value", "chosen", "weight", "option"),
    [
        ("max.message.bytes", "1048588", True, Weight.BREAKING, None),
        ("max.message.bytes", "99999999", True, Weight.MORE, Option.ALL_CONFIGS),
        ("retention.ms", str(DAY), True, Weight.LESS, Option.ALL_CONFIGS),
        ("retention.ms", str(DAY), False, Weight.LESS, None),
        ("retention.ms", str(900 * DAY), True, Weight.MORE, Option.ALL_CONFIGS),
        ("retention.ms", str(900 * DAY), False, Weight.MORE, Option.ALL_CONFIGS),
        ("retention.ms", "-1", True, Weight.MORE, Option.ALL_CONFIGS),
        ("segment.ms", str(7 * DAY), False, Weight.MORE, None),
        ("segment.ms", str(7 * DAY), True, Weight.MORE, Option.ALL_CONFIGS),
        ("segment.ms", "60000", True, Weight.LESS, Option.ALL_CONFIGS),
    ],
)
def test_numbers(name: str, value: str, chosen: bool, weight: Weight, option: Option | None) -> None:
    found = as_declared(FETCHED, **{name.replace(".", "_"): value})
    (one,) = compare([FETCHED], {FETCHED.name: found if chosen else default(found, name)})
    assert (one.kind, one.weight, one.option, one.change) == (name, weight, option, SetTo(name, FETCHED.config()[name]))


def test_a_compacted_topic_has_no_retention_to_differ() -> None:
    assert compare([FEEDS], {FEEDS.name: as_declared(FEEDS, retention_ms="1000")}) == []


RETRY = retry_topics("cleaner")[Tier.LONG]


@pytest.mark.parametrize("chosen", [True, False])
@pytest.mark.parametrize(
    ("name", "value", "weight", "option"),
    [
        ("retention.ms", "60000", Weight.BREAKING, None),
        ("retention.ms", str(2 * DAY - 1), Weight.BREAKING, None),
        ("retention.ms", "0", Weight.BREAKING, None),
        ("retention.ms", "soon", Weight.BREAKING, None),
        ("retention.ms", str(2 * DAY), Weight.LESS, Option.ALL_CONFIGS),
        ("retention.ms", str(30 * DAY), Weight.MORE, Option.ALL_CONFIGS),
        ("retention.ms", "-1", Weight.MORE, Option.ALL_CONFIGS),
        ("retention.bytes", "999999999999", Weight.BREAKING, None),
        ("retention.bytes", "0", Weight.BREAKING, None),
    ],
)
def test_a_retry_topic_that_loses_what_waits_breaks(
    name: str, value: str, chosen: bool, weight: Weight, option: Option | None
) -> None:
    found = as_declared(RETRY, **{name.replace(".", "_"): value})
    (one,) = compare([RETRY], {RETRY.name: found if chosen else default(found, name)})
    assert (one.kind, one.weight) == (name, weight)
    assert one.option is (None if weight is Weight.LESS and not chosen else option)
    assert one.change == SetTo(name, RETRY.config().get(name, "-1"))


def test_the_least_that_a_retry_topic_keeps_covers_twice_the_longest_wait() -> None:
    limits = [ServiceSettings.model_fields[f"retry_{tier}_seconds"].metadata for tier in Tier]
    longest = max(bound.le for metadata in limits for bound in metadata if hasattr(bound, "le"))
    assert 2 * longest * 1000 == RETRY_KEEPS_MS
    assert all(int(topic.config()["retention.ms"]) >= RETRY_KEEPS_MS for topic in CLEANER[1:])


@pytest.mark.parametrize("topic", [DEAD_LETTER, FETCHED, CLASSIFIED])
def test_a_limit_by_size_is_less_than_declared(topic: AnyTopic) -> None:
    found = as_declared(topic, retention_bytes="1000")
    (one,) = compare([topic], {topic.name: found})
    assert (one.weight, one.option, one.change) == (Weight.LESS, Option.ALL_CONFIGS, SetTo("retention.bytes", "-1"))
    assert str(one) == f"topic {topic.name} has retention.bytes=1000, no limit is declared"
    (one,) = compare([topic], {topic.name: default(found, "retention.bytes")})
    assert (one.weight, one.option) == (Weight.LESS, None)
    assert compare([topic], {topic.name: as_declared(topic, retention_bytes="-1")}) == []


def test_a_limit_by_size_does_not_count_where_nothing_is_deleted() -> None:
    assert compare([FEEDS], {FEEDS.name: as_declared(FEEDS, retention_bytes="1000")}) == []


@pytest.mark.parametrize(
    ("partitions", "weight", "change"), [(3, Weight.LESS, Grow(6)), (12, Weight.MORE, None), (0, Weight.BREAKING, None)]
)
def test_partitions_of_one_topic(partitions: int, weight: Weight, change: Grow | None) -> None:
    (one,) = compare([CLEANED], {CLEANED.name: replace(as_declared(CLEANED), partitions=partitions)})
    assert (one.kind, one.weight, one.change) == (Kind.PARTITIONS, weight, change)
    assert one.option is (Option.GROW_PARTITIONS if change else None)


def test_retries_follow_a_source_that_was_grown() -> None:
    found: dict[str, Found | None] = {topic.name: as_declared(topic) for topic in CLEANER}
    found[FETCHED.name] = replace(as_declared(FETCHED), partitions=12)
    differences = [each for each in compare(CLEANER, found) if each.breaking]
    assert {each.topic: each.change for each in differences} == {topic.name: Grow(12) for topic in CLEANER[1:]}


def test_a_source_follows_retries_that_were_grown() -> None:
    found: dict[str, Found | None] = {topic.name: replace(as_declared(topic), partitions=8) for topic in CLEANER}
    found[FETCHED.name] = as_declared(FETCHED)
    (one,) = [each for each in compare(CLEANER, found) if each.breaking]
    assert (one.topic, one.change, one.option) == (FETCHED.name, Grow(8), Option.GROW_PARTITIONS)


def test_missing_retries_are_created_beside_their_source() -> None:
    differences = compare(CLEANER, {FETCHED.name: replace(as_declared(FETCHED), partitions=12)})
    assert {each.change for each in differences if each.kind is Kind.MISSING} == {Create(12)}


def test_a_writer_does_not_mind_the_retries_of_the_reader() -> None:
    found = {**all_as_declared(), FETCHED.name: replace(as_declared(FETCHED), partitions=12)}
    assert not any(each.breaking for each in compare([FETCHED, DEAD_LETTER], found))


def test_replicas_matter_when_some_are_wanted() -> None:
    found = {CLEANED.name: replace(as_declared(CLEANED), replicas=1)}
    assert compare([CLEANED], found) == []
    assert compare([CLEANED], found, copies=1) == []
    (one,) = compare([CLEANED], found, copies=3)
    assert (one.kind, one.weight, one.change) == (Kind.REPLICAS, Weight.LESS, None)


def test_no_refusal_without_a_breaking_difference() -> None:
    harmless = {topic.name: replace(as_declared(topic), partitions=99) for topic in ALL_TOPICS}
    assert compare(ALL_TOPICS, harmless)
    assert refusal(compare(ALL_TOPICS, harmless), SERVERS) is None


def test_a_refusal_says_what_to_do() -> None:
    command = f"copydesk topics apply --bootstrap-servers {SERVERS}"
    assert refusal(compare([FETCHED], {}), SERVERS) == (
        f"topic articles.fetched is missing; create the topics with: {command}"
    )
    assert refusal(compare([FETCHED, CLEANED], {}), SERVERS) == (
        f"topics articles.fetched, articles.cleaned are missing; create the topics with: {command}"
    )
    small = {FEEDS.name: as_declared(FEEDS, max_message_bytes="10")}
    assert refusal(compare([FEEDS, CLEANED], small), SERVERS) == (
        "topic articles.cleaned is missing; topic feeds has max.message.bytes=10, 8388608 is declared: "
        f"the largest messages are refused; mend the topics with: {command}"
    )
    grown: dict[str, Found | None] = {topic.name: as_declared(topic) for topic in CLEANER}
    grown[FETCHED.name] = replace(as_declared(FETCHED), partitions=7)
    assert str(refusal(compare(CLEANER, grown), SERVERS)).endswith(f"{command} --grow-partitions")


settings = st.dictionaries(
    st.sampled_from([kind.value for kind in Kind]),
    st.builds(Setting, st.one_of(st.text(max_size=200), st.integers().map(str)), st.booleans()),
)
whatever = st.dictionaries(
    st.sampled_from([topic.name for topic in ALL_TOPICS]),
    st.none() | st.builds(Found, st.integers(0, 50), st.integers(0, 9), st.none() | settings),
)


@given(whatever, st.none() | st.integers(1, 5), st.text(max_size=50))
def test_whatever_brokers_say_is_told_in_one_line(
    found: Mapping[str, Found | None], copies: int | None, servers: str
) -> None:
    differences = compare(ALL_TOPICS, found, copies)
    for each in differences:
        assert str(each).isprintable()
    said = refusal(differences, servers)
    assert (said is not None) == any(each.breaking for each in differences)
    if said is not None:
        assert shlex.split(said.rpartition("--bootstrap-servers ")[2])[0] == servers


def after(found: Mapping[str, Found | None], differences: list[Difference]) -> dict[str, Found | None]:
    """What a broker has once it has made every change."""
    config = {topic.name: topic.config() for topic in ALL_TOPICS}
    result = dict(found)
    for each in differences:
        has = result.get(each.topic)
        match each.change:
            case Create(partitions):
                chosen = {name: Setting(value, chosen=True) for name, value in config[each.topic].items()}
                result[each.topic] = Found(partitions, copies_wanted, chosen)
            case Grow(partitions) if has is not None:
                result[each.topic] = replace(has, partitions=partitions)
            case SetTo(name, value) if has is not None:
                changed = {**(has.settings or {}), name: Setting(value, chosen=True)}
                result[each.topic] = replace(has, settings=changed)
            case _:
                pass
    return result


copies_wanted = 3
existing = st.dictionaries(
    st.sampled_from([topic.name for topic in ALL_TOPICS]),
    st.builds(Found, st.integers(1, 50), st.just(copies_wanted), settings),
)


@given(existing)
def test_making_every_change_leaves_nothing_that_breaks_and_nothing_to_change(
    found: Mapping[str, Found | None],
) -> None:
    now: dict[str, Found | None] = dict(found)
    for _ in range(2):
        differences = compare(ALL_TOPICS, now, copies_wanted)
        now = after(now, differences)
    left = compare(ALL_TOPICS, now, copies_wanted)
    assert [each for each in left if each.breaking or each.change is not None] == []


@given(existing)
def test_no_partition_is_ever_taken_away(found: Mapping[str, Found | None]) -> None:
    for each in compare(ALL_TOPICS, found):
        has = found.get(each.topic)
        if isinstance(each.change, Grow):
            assert has is not None
            assert each.change.partitions > has.partitions
            assert each.option is Option.GROW_PARTITIONS


@given(existing)
def test_without_options_no_record_is_deleted_and_no_choice_undone(found: Mapping[str, Found | None]) -> None:
    for each in compare(ALL_TOPICS, found):
        has = found.get(each.topic)
        if each.option is not None or has is None or has.settings is None:
            continue
        assert each.breaking or each.change is None or not has.settings[each.kind].chosen
        # Segments that are closed sooner let go of nothing that the retention of the topic keeps.
        assert each.weight is not Weight.MORE or each.change is None or each.kind is Kind.SEGMENT


def test_every_retry_topic_has_the_partitions_of_its_source() -> None:
    for group, source in STAGE_SOURCES.items():
        for topic in retry_topics(group).values():
            assert (topic.beside, topic.partitions) == (source.name, source.partitions)


# "feeds" is an ordinary word, so it cannot be looked for.
NAMES = "|".join(re.escape(topic.name) for topic in ALL_TOPICS if topic is not FEEDS)
A_TOPIC = re.compile(rf"(?<![\w.-])(?:{NAMES})(?![\w-])|\.retry\.")
# What they tell the readers of the generated document of each topic; they fail for a topic that is not declared.
PROSE = ROOT / "tools" / "contract"
# Written from topics.py, and held to it by tests/deploy.
GENERATED = ROOT / "deploy" / "k8s"
# Figures by topic, and where those of a topic are asked for that is not declared, `copydesk capacity` fails its tests.
COSTS = ROOT / "services" / "standalone" / "copydesk_standalone" / "capacity" / "costs.toml"


def _code() -> list[Path]:
    found = [*ROOT.glob("*.y*ml")]
    for folder in ("shared", "services", "tools", "benchmarks", "deploy"):
        found += [path for path in (ROOT / folder).rglob("*") if path.suffix in {".py", ".yml", ".yaml", ".toml"}]
    declared = {ROOT / "shared" / "copydesk_shared" / "topics.py", COSTS}
    others = {PROSE, GENERATED}
    return [
        path for path in found if path not in declared and others.isdisjoint(path.parents) and ".venv" not in path.parts
    ]


def _literals(path: Path) -> list[str]:
    """The texts of a file that a program acts on: not docstrings, and not comments."""
    if path.suffix != ".py":
        return [line.partition(" #")[0] for line in path.read_text(encoding="utf-8").splitlines() if line[:1] != "#"]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
    ]


def test_only_topics_py_names_topics() -> None:
    files = _code()
    assert len(files) > 80
    named = [
        f"{path.relative_to(ROOT)}: {text[:60]!r}" for path in files for text in _literals(path) if A_TOPIC.search(text)
    ]
    assert named == []


@pytest.mark.parametrize("text", ["articles.fetched", "topic: articles.dead-letter", "cleaner.retry.short", ".retry."])
def test_a_named_topic_is_noticed(text: str) -> None:
    assert A_TOPIC.search(text)
