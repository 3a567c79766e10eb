"""The ``copydesk`` command as a person or a script uses it; every mistake is one line and exit code 2."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from copydesk_shared.messages import Article, ClassifiedArticle
from copydesk_standalone.probes import free_port
from tests.classifier.samples import article

SEED = Path(__file__).parent.parent / "golden" / "seed" / "page.txt"
PAGE = (
    "<html lang=en><head><title>Ferry returns</title></head><body><nav><a href=/>Home</a></nav><article><h1>Ferry returns</h1>"
    + "".join(
        f"<p>The ferry crossed the bay for the {n}th time on Tuesday, and the captain said the sea was calm.</p>"
        for n in range(4, 9)
    )
    + "</article></body></html>"
)


def copydesk(
    *arguments: str, stdin: bytes = b"", env: dict[str, str] | None = None
) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [sys.executable, "-m", "copydesk_standalone", *arguments], input=stdin, capture_output=True, check=False, timeout=50,
        env={**os.environ, **(env or {})},
    )  # fmt: skip


def _free_ports() -> list[str]:
    return ["--api-port", str(free_port()), "--kafka-port", str(free_port())]


def _mistake(answer: "subprocess.CompletedProcess[bytes]") -> str:
    error = answer.stderr.decode()
    assert answer.returncode == 2, error
    assert answer.stdout == b""
    assert error.startswith("copydesk: error: ")
    assert error.count("\n") == 1
    return error


@pytest.mark.parametrize(
    ("arguments", "stdin", "problem"),
    [
        (["nonsense"], b"", "No such command 'nonsense'"),
        (["up", "--nonsense"], b"", "No such option"),
        (["up", "--api-port", "http"], b"", "'http' is not a valid integer range"),
        (["up", "--api-port", "70000"], b"", "70000 is not in the range"),
        (["up", "--feeds", "/no/such/feeds.yaml"], b"", "/no/such/feeds.yaml: cannot be read"),
        (["up", "--bootstrap-servers", "kafka"], b"", "'kafka' is not host:port"),
        (["up", "--database-url", "oracle://x"], b"", "oracle"),
        (["up", "--api-port", "9000", "--kafka-port", "9000"], b"", "--api-port and --kafka-port are both 9000"),
        (["demo", "--every", "0"], b"", "0"),
        (["demo", "surplus"], b"", "surplus"),
        (["clean", "/no/such/file"], b"", "/no/such/file: no such file or directory"),
        (["clean", "/"], b"", "is a directory"),
        (["clean"], b"", "empty"),
        (["clean"], b"   \n \n", "empty"),
        (["clean"], b"\x00\x01\x02\xff", ""),
        (["clean"], bytes(range(256)) * 50, ""),
        (["clean", "--type", "pdf"], b"", "'pdf' is not one of"),
        (["clean", "--format", "xml"], b"x", "'xml' is not one of"),
        (["clean", "--url", "not a url"], b"Some text.", "not a url"),
        (["clean", "http://127.0.0.1:1/"], b"", "COPYDESK_FETCHER_ALLOW_NETWORKS"),
        (["clean", "http://"], b"", "http"),
        (["classify", "/no/such/file"], b"", "no such file"),
        (["classify"], b"", "no text"),
        (["classify"], b"\xff\xfe\xfa", "not UTF-8 text at byte 0"),
        (["classify"], b'{"article_id": ', "not valid JSON"),
        (["classify"], b'{"article_id": 5}', "article_id"),
        (["classify", "--format", "yaml"], b"x", "'yaml' is not one of"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_and_exit_code_2(
    arguments: list[str], stdin: bytes, problem: str, tmp_path: Path
) -> None:
    command, *rest = arguments
    options = ["--data-dir", str(tmp_path / "data"), *_free_ports()] if command in ("up", "demo") else []
    assert problem in _mistake(copydesk(command, *options, *rest, stdin=stdin))


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("COPYDESK_STANDALONE_API_PORT", "x"),
        ("COPYDESK_STANDALONE_PORT", "8080"),
        ("COPYDESK_FETCHER_ALLOW_NETWORKS", "everything"),
        ("COPYDESK_FETCHER_ALOW_NETWORKS", "127.0.0.0/8"),
        ("COPYDESK_CLEANER_WORKERS", "-1"),
        ("COPYDESK_CLASSIFIER_TAXONOMY_DIR", "/no/such/folder"),
        ("COPYDESK_API_BASE_URL", "ftp://x"),
        ("COPYDESK_API_PORT", "8081"),
    ],
)
def test_a_bad_setting_stops_it_at_once(variable: str, value: str, tmp_path: Path) -> None:
    ports = [] if "STANDALONE" in variable else _free_ports()
    error = _mistake(copydesk("up", "--data-dir", str(tmp_path), *ports, env={variable: value}))
    assert variable in error or value in error


@pytest.mark.parametrize("option", ["--api-port", "--kafka-port"])
def test_a_port_that_is_taken_is_a_mistake(option: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        error = _mistake(copydesk("up", *_free_ports(), option, str(port), "--data-dir", str(tmp_path)))
    assert f"({option}): 127.0.0.1:{port} cannot be used: address already in use" in error


def test_kafka_that_cannot_be_reached_is_a_mistake(tmp_path: Path) -> None:
    error = _mistake(
        copydesk(
            "up",
            "--bootstrap-servers",
            "127.0.0.1:1",
            "--api-port",
            str(free_port()),
            "--data-dir",
            str(tmp_path),
            env={"COPYDESK_FETCHER_USER_AGENT": "copydesk-tests (tests@copydesk.news)"},
        )
    )
    assert "Kafka at 127.0.0.1:1 cannot be used" in error


def test_help_and_version() -> None:
    for arguments in (["--help"], ["up", "--help"], ["demo", "-h"], ["clean", "--help"], ["classify", "--help"], []):
        answer = copydesk(*arguments)
        assert answer.returncode == 0
        assert b"Usage: " in answer.stdout
    assert b"copydesk, version " in copydesk("--version").stdout


def test_the_seed_article_by_both_commands_piped() -> None:
    cleaned = copydesk("clean", str(SEED))
    assert cleaned.stderr == b""
    article = Article.model_validate_json(cleaned.stdout)
    assert json.loads(cleaned.stdout) == json.loads(article.model_dump_json())
    assert len(article.paragraphs) == 15
    classified = copydesk("classify", stdin=cleaned.stdout)
    result = ClassifiedArticle.model_validate_json(classified.stdout)
    assert json.loads(classified.stdout) == json.loads(result.model_dump_json())
    assert sorted(tag.tag for tag in result.tags) == ["aviation", "conflict", "prisoner-exchange"]
    assert copydesk("classify", str(SEED)).returncode == 0


def test_text_and_diff_of_a_page() -> None:
    text = copydesk("clean", "-", "--url", "https://bay.example/ferry", "--format", "text", stdin=PAGE.encode())
    assert text.stdout.decode().splitlines()[0].startswith("The ferry crossed the bay for the 4th time")
    article = Article.model_validate_json(
        copydesk("clean", "--url", "https://bay.example/ferry", stdin=PAGE.encode()).stdout
    )
    assert (article.url, article.source.domain, article.title) == (
        "https://bay.example/ferry",
        "bay.example",
        "Ferry returns",
    )
    diff = copydesk("clean", str(SEED), "--format", "diff").stdout.decode()
    assert "READ MORE: Russia-Ukraine row" in diff
    assert "\x1b[" not in diff


def test_tags_for_people() -> None:
    answer = copydesk(
        "classify",
        "--format",
        "text",
        stdin=b"Rebels shelled the town and forty soldiers were killed in the offensive.\n",
    )
    assert b"conflict" in answer.stdout
    assert copydesk("classify", "--format", "text", stdin=b"The baker sold bread.").stdout.strip() != b""


FINNISH = (
    "Finnairin Boeing 737 joutui palaamaan Helsinki-Vantaan lentoasemalle tiistaina, kun koneen moottorissa havaittiin "
    "vika pian nousun jälkeen. Matkustajia oli koneessa sata kaksikymmentä, eikä kukaan loukkaantunut.\n"
)


def test_plain_text_has_the_language_that_its_letters_tell() -> None:
    for text, language in (
        (FINNISH, "fi"),
        ("The baker sold bread on the square for the fourth time this week.\n", "en"),
    ):
        answer = ClassifiedArticle.model_validate_json(copydesk("classify", stdin=text.encode()).stdout)
        assert answer.language == language
        assert answer.unsupported_language is (language == "fi")
        assert (answer.tags, answer.candidates) == ((), ())
    shown = copydesk("classify", "--format", "text", stdin=FINNISH.encode()).stdout.decode()
    assert shown.startswith("No tag has words in the language 'fi': none is tried.\n")
    unsaid = article(FINNISH, language=None).model_dump_json()
    assert ClassifiedArticle.model_validate_json(copydesk("classify", stdin=unsaid.encode()).stdout).language == "fi"


@pytest.mark.parametrize(
    ("redirection", "problem"),
    [
        (">/dev/full", "standard output: no space left on device"),
        (">&-", "standard output is closed"),
        ("<&-", "standard input is closed"),
    ],
)
def test_outputs_and_inputs_that_are_closed_are_one_line(redirection: str, problem: str) -> None:
    source = "-" if "<" in redirection else str(SEED)
    answer = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m copydesk_standalone clean {source} {redirection}"],
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert problem in _mistake(answer)


def test_a_reader_that_goes_away_is_no_traceback() -> None:
    command = [sys.executable, "-m", "copydesk_standalone", "clean", str(SEED)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
        _, errors = process.communicate()
    assert b"Traceback" not in errors
