"""docker-compose.yml from nothing to an article on REST and on the topic, and down again."""

import json
from typing import Any

import pytest
import yaml

from tests.containers.engine import ROOT
from tests.containers.stack import Stack, newspaper, until

pytestmark = [pytest.mark.containers, pytest.mark.timeout(900)]

SERVICES = ("fetcher", "cleaner", "classifier", "api")
ALERTS = ROOT / "deploy" / "k8s" / "components" / "monitoring" / "alerts.yaml"
ONCE = ("topics", "migrate")


@pytest.mark.parametrize("service", [*SERVICES, "kafka", "postgres"])
def test_a_container_has_no_rights(stack: Stack, service: str) -> None:
    host = stack.inspect(service)["HostConfig"]
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert host["Memory"] > 0
    assert not host["Privileged"]


def test_only_the_api_is_published_and_on_loopback(stack: Stack) -> None:
    published = {name: stack.inspect(name)["HostConfig"]["PortBindings"] for name in (*SERVICES, "kafka", "postgres")}
    port = stack.api.rpartition(":")[2]
    assert published.pop("api") == {"8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": port}]}
    assert not any(published.values())


def test_who_needs_no_outside_is_on_the_internal_network_only(stack: Stack) -> None:
    """That the network is closed is the work of Docker's iptables rules, which the engine of the tests does not make."""
    assert [stack.network(name)["Internal"] for name in ("inside", "outside")] == [True, False]
    joined = {name: stack.networks_of(name) for name in (*SERVICES, "kafka", "postgres")}
    assert joined.pop("fetcher") == joined.pop("api") == {"inside", "outside"}
    assert {name for each in joined.values() for name in each} == {"inside"}


def test_services_start_when_what_they_need_is_there(stack: Stack) -> None:
    states = {name: stack.inspect(name)["State"] for name in (*ONCE, *SERVICES)}
    assert [states[name]["ExitCode"] for name in ONCE] == [0, 0]
    for name in SERVICES:
        assert states[name]["StartedAt"] > states["topics"]["FinishedAt"]
    assert states["api"]["StartedAt"] > states["migrate"]["FinishedAt"]


def test_secrets_are_files_only(stack: Stack) -> None:
    for name in (*SERVICES, *ONCE, "postgres"):
        variables = dict(each.split("=", 1) for each in stack.inspect(name)["Config"]["Env"])
        for variable, value in variables.items():
            if any(word in variable for word in ("PASSWORD", "DATABASE_URL", "SECRET")):
                assert variable.endswith("_FILE")
                assert value.startswith("/run/secrets/")


def test_an_article_arrives_on_rest_and_on_the_topic(stack: Stack) -> None:
    with newspaper(stack.gateway("outside")) as url:
        stack.compose("run", "--rm", "-T", "tools", "feeds", "add", f"{url}/rss.xml", "--interval", "5s")
        until(lambda: len(stack.articles()) >= 3, 90, lambda: stack.compose("logs", "--tail", "20", *SERVICES))
        article = stack.articles()[0]
        assert article["canonical_url"].startswith(url)
        assert article["paragraphs"]
        on_topic = {each["article_id"]: each for each in stack.topic("articles.classified")}
        assert on_topic[article["article_id"]]["paragraphs"] == article["paragraphs"]
        assert any(each["tags"] for each in on_topic.values())


# Runs in a container, since Prometheus is on the internal network only.
ASK_PROMETHEUS = """
import sys, time, urllib.error, urllib.request
for _ in range(60):  # it may still be starting
    try:
        with urllib.request.urlopen(f"http://prometheus:9090/api/v1/{sys.argv[1]}", timeout=10) as answer:
            print(answer.read().decode())
        break
    except urllib.error.URLError:
        time.sleep(1)
"""


def test_prometheus_finds_every_service_and_has_the_alerts(stack: Stack) -> None:
    def asked(path: str) -> Any:
        return json.loads(stack.python("classifier", ASK_PROMETHEUS, path, seconds=90))["data"]

    def seen() -> set[str]:
        targets = asked("targets?state=active")["activeTargets"]
        return {each["labels"]["service"] for each in targets if each["health"] == "up"}

    monitoring = ("--profile", "monitoring")
    stack.compose(*monitoring, "up", "--detach", "--no-build", "--wait", "prometheus", seconds=90)
    try:
        until(lambda: seen() == set(SERVICES), 120, lambda: stack.compose(*monitoring, "logs", "prometheus"))
        rules = {rule["name"] for group in asked("rules")["groups"] for rule in group["rules"]}
        declared = yaml.safe_load(ALERTS.read_text())["groups"]
        assert rules == {rule["alert"] for group in declared for rule in group["rules"]}
    finally:
        stack.compose(*monitoring, "rm", "--stop", "--force", "--volumes", "prometheus", seconds=60)


def test_it_stops_in_time_and_in_order(stack: Stack) -> None:
    """Last, since it stops the services that the others use."""
    stack.compose("stop", *SERVICES, seconds=90)
    states = {name: stack.inspect(name) for name in SERVICES}
    assert {name: state["State"]["ExitCode"] for name, state in states.items()} == dict.fromkeys(SERVICES, 0)
    assert not any(state["State"]["OOMKilled"] or state["RestartCount"] for state in states.values())
