"""``python -m tools.manifests.check FOLDER``: what is wrong with an overlay, a line each; exit code 1 if anything is.

What may be set to any value is not judged; values that an overlay of ours leaves for you to set are named. With
``--dev`` images need no digest.
"""

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from copydesk_shared.service import run_main
from tools.manifests import brokers, containers, durability, network, pods, program, rollout, running, wiring
from tools.manifests.findings import Check, Finding
from tools.manifests.render import Object, name_of, render

CHECKS: tuple[Check, ...] = (
    wiring.versions, wiring.namespace, wiring.selectors, wiring.services, wiring.references,
    pods.security, pods.accounts, pods.resources, pods.images, pods.secrets,
    rollout.strategy, rollout.spread, rollout.budgets, rollout.replicas,
    program.all_there, program.settings, program.toolbox, program.files, program.ports,
    program.probes, program.grace, program.metrics,
    brokers.topics, brokers.users, brokers.cluster, brokers.bootstrap, brokers.scaling,
    brokers.asked_by_keda,
    containers.entry_points, containers.each_its_image, containers.scratch, containers.balance,
    containers.plain_secrets,
    running.patience, running.farewell, running.way_back, running.migration, running.seen, running.shown,
    durability.disks, durability.copies, durability.memory_of_groups, durability.who_is_let_in,
    durability.asked_as,
    network.brokers_are_found, network.ways_out, network.ways_in,
    network.denial, network.internet, network.strangers,
)  # fmt: skip
# Names and addresses that are nobody's (RFC 2606, RFC 5737), and the digest of nothing.
NOT_YOURS = re.compile(r"[\w.-]+\.example\b(?!\.)|[\w.-]*\bexample\.(?:com|net|org)\b|sha256:0{64}|192\.0\.2\.\d+/32")


def findings(objects: Sequence[Object], checks: Sequence[Check] = CHECKS) -> list[Finding]:
    """What all checks say, each thing once."""
    return sorted({finding for check in checks for finding in check(objects)})


def placeholders(objects: Sequence[Object]) -> Iterator[Finding]:
    """What the overlay that was copied left to be set."""
    for each in objects:
        for found in sorted({match[0] for match in NOT_YOURS.finditer(yaml.safe_dump(each))}):
            yield Finding(name_of(each), f"{found} is to be replaced by yours")


def main() -> int:
    """Check an overlay. Returns the exit code; raises :class:`UserError` when it cannot be rendered."""
    arguments = [each for each in sys.argv[1:] if each != "--dev"]
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m tools.manifests.check [--dev] FOLDER\n")
        return 2
    objects = render(Path(arguments[0]))
    strict: tuple[Check, ...] = () if "--dev" in sys.argv else (pods.digests, placeholders)
    found = findings(objects, (*CHECKS, *strict))
    sys.stdout.write("".join(f"{each}\n" for each in found) or f"{len(objects)} objects, nothing to say\n")
    return 1 if found else 0


if __name__ == "__main__":
    run_main(main, takes_arguments=True)
