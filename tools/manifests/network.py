"""What has to be reachable, and what must not be."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from copydesk_shared.addresses import NOT_PUBLIC
from tools.manifests.findings import Finding
from tools.manifests.program import SETTINGS, services_of
from tools.manifests.reach import (
    BROKER,
    COLLECTOR,
    DNS,
    INTERNET,
    INTERNET_6,
    NEIGHBOURS,
    PART_OF,
    Door,
    Place,
    doors,
    pods,
    policies,
    reaches,
)
from tools.manifests.render import Object, matches, of_kind

NEIGHBOUR = {each.name: each for each in NEIGHBOURS}
MANAGEMENT_PORT = 9090
HUBS_PORT = 8090
PUSHES = ("COPYDESK_API_WEBHOOKS", "COPYDESK_API_WEBSUB_HUB")
YES = frozenset(("true", "1", "yes", "on", "t", "y"))
DATABASE_CLIENTS = frozenset(("api", "migrate"))
DATABASE_PORT = 5432
INTERNET_DOORS = tuple(Door(place, port) for place in (INTERNET, INTERNET_6) for port in (80, 443))
# Where clouds hand credentials to whoever asks.
METADATA = ("169.254.169.254", "fd00:ec2::254", "168.63.129.16")
REFUSED = (
    *(Door(Place(each, address=each), 80) for each in METADATA),
    *(
        Door(Place(each, address=each), 443)
        for network, _ in NOT_PUBLIC
        for each in (str(network[0]), str(network[-1]))
    ),
)
ELSEWHERE = (*INTERNET_DOORS, *(Door(Place(each, address=each), 80) for each in METADATA))


def _missing(objects: Sequence[Object], source: Place, door: Door) -> Iterator[Finding]:
    if not reaches(objects, source, door):
        yield Finding("NetworkPolicies", f"{source.name} does not reach {door}")


def _open(objects: Sequence[Object], source: Place, door: Door) -> Iterator[Finding]:
    if reaches(objects, source, door):
        yield Finding("NetworkPolicies", f"{source.name} reaches {door}")


def _ours(objects: Sequence[Object]) -> list[Place]:
    return [each for each in pods(objects).values() if each.labels.get(PART_OF) == "copydesk"]


def _denies(spec: Mapping[str, Any], place: Place) -> bool:
    return (
        set(spec["policyTypes"]) == {"Ingress", "Egress"}
        and not spec.get("ingress")
        and not spec.get("egress")
        and matches(spec["podSelector"], dict(place.labels))
    )


def _is_whole(objects: Sequence[Object]) -> bool:
    """Whether all services are there; another check says which are not."""
    return pods(objects).keys() >= SETTINGS.keys()


def brokers_are_found(objects: Sequence[Object]) -> Iterator[Finding]:
    """All services reach the brokers that live beside them, and KEDA where it scales."""
    found = pods(objects)
    brokers = [each for name, each in found.items() if name == BROKER or each.labels.get("copydesk/kafka") == BROKER]
    for service, _, _, env in services_of(objects):
        port = int(env.get(f"COPYDESK_{service.upper()}_BOOTSTRAP_SERVERS", "").rpartition(":")[2] or 0)
        for broker in brokers:
            yield from _missing(objects, found[service], Door(broker, port))
    for door in doors(objects) if of_kind(objects, "ScaledObject") else ():
        if door.place.name == BROKER:
            yield from _missing(objects, NEIGHBOUR["keda"], door)


def _goes_out(service: str, env: Mapping[str, str]) -> bool:
    """Whether a service has to reach the internet: the fetcher, and the API where it pushes."""
    return service == "fetcher" or any(env.get(each, "").lower() in YES for each in PUSHES if service == "api")


def ways_out(objects: Sequence[Object]) -> Iterator[Finding]:
    """All find names; who asks strangers the internet, the API its database, those that trace the collector."""
    found = pods(objects)
    for place in _ours(objects):
        yield from _missing(objects, place, DNS)
    for database in (each for each in found.values() if each.labels.get("copydesk/database") == "server"):
        for client in sorted(DATABASE_CLIENTS & found.keys()):
            yield from _missing(objects, found[client], Door(database, DATABASE_PORT))
    for service, _, _, env in services_of(objects):
        outside = [COLLECTOR] if "OTEL_EXPORTER_OTLP_ENDPOINT" in env else []
        for door in (*outside, *(INTERNET_DOORS if _goes_out(service, env) else ())):
            yield from _missing(objects, found[service], door)


def ways_in(objects: Sequence[Object]) -> Iterator[Finding]:
    """Prometheus and the gateway come in where there is something for them; hubs where WebSub is on."""
    found = pods(objects)
    if not _is_whole(objects):
        return
    for service in SETTINGS if of_kind(objects, "PodMonitor") else ():
        yield from _missing(objects, NEIGHBOUR["prometheus"], Door(found[service], MANAGEMENT_PORT))
    for route in of_kind(objects, "HTTPRoute"):
        for behind in (each for rule in route["spec"]["rules"] for each in rule["backendRefs"]):
            place = found.get(behind["name"].removeprefix("copydesk-"), found["api"])
            yield from _missing(objects, NEIGHBOUR["gateway"], Door(place, behind["port"]))
    is_on = any("COPYDESK_FETCHER_WEBSUB_URL" in env for _, _, _, env in services_of(objects))
    yield from (_missing if is_on else _open)(objects, NEIGHBOUR["gateway"], Door(found["fetcher"], HUBS_PORT))


def denial(objects: Sequence[Object]) -> Iterator[Finding]:
    """What no policy allows is denied, in both directions."""
    for place in _ours(objects):
        if not any(_denies(spec, place) for spec in policies(objects)):
            yield Finding("NetworkPolicies", f"{place.name} is not denied what no policy allows")


def internet(objects: Sequence[Object]) -> Iterator[Finding]:
    """Only the fetcher reaches the internet, and the API where it pushes; no address that both refuse themselves."""
    outgoing = {service for service, _, _, env in services_of(objects) if _goes_out(service, env)}
    for place in _ours(objects):
        forbidden = REFUSED if place.name in outgoing else ELSEWHERE
        for door in forbidden:
            yield from _open(objects, place, door)


def strangers(objects: Sequence[Object]) -> Iterator[Finding]:
    """Who is no part of Copydesk, in its namespace or out of it, reaches nothing of it."""
    for door in doors(objects):
        if door.place.labels.get(PART_OF) == "copydesk":
            yield from _open(objects, NEIGHBOUR["stranger"], door)
            yield from _open(objects, NEIGHBOUR["elsewhere"], door)
