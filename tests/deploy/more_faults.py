"""More faults for the production overlay: what an operator does in a hurry, and no API server refuses."""

from tests.deploy.planting import Objects, Plant, box, config, one, pod, scaled, without
from tools.manifests.render import template_of


def _boundless(objects: Objects) -> None:
    for each in pod(objects, "cleaner")["volumes"]:
        each.get("emptyDir", {}).pop("sizeLimit", None)


def _nowhere_to_write(objects: Objects) -> None:
    mounts = box(objects, "cleaner")["volumeMounts"]
    mounts[:] = [each for each in mounts if each["mountPath"] != "/tmp"]


MORE: dict[str, tuple[Plant, str]] = {
    "a password in a ConfigMap": (
        lambda o: config(o, "api").update(COPYDESK_API_DATABASE_URL="postgresql://desk:word@db/desk"),
        "copydesk-api: COPYDESK_API_DATABASE_URL is a secret in plain sight",
    ),
    "a secret as the value of a variable": (
        lambda o: box(o, "fetcher").setdefault("env", []).append({"name": "COPYDESK_FETCHER_WEBSUB_SECRET", "value": "x" * 40}),
        "copydesk-fetcher: COPYDESK_FETCHER_WEBSUB_SECRET is a secret in plain sight",
    ),
    "more asked for than allowed": (
        lambda o: box(o, "api")["resources"]["requests"].update(memory="1Gi"), "asks for 1Gi of memory and may have 512Mi",
    ),
    "the image of another": (
        lambda o: box(o, "api").update(image=box(o, "cleaner")["image"]), "runs the image of",
    ),
    "a shell before the program": (
        lambda o: box(o, "cleaner").update(command=["sh", "-c", "python -m copydesk_cleaner"]), "takes the place of the image's own",
    ),
    "a folder without an end": (_boundless, "copydesk-cleaner: volume tmp may fill the disk of its node"),
    "nowhere to write": (_nowhere_to_write, "copydesk-cleaner: nothing can be written to /tmp"),
    "restarted while it loads": (
        lambda o: box(o, "classifier")["startupProbe"].update(failureThreshold=5), "startupProbe gives up after 10 s",
    ),
    "restarted for a moment's silence": (
        lambda o: box(o, "api")["livenessProbe"].update(failureThreshold=1), "livenessProbe gives up after 10 s",
    ),
    "requests to a pod that is gone": (
        lambda o: box(o, "api").pop("lifecycle"), "stops while requests are still sent to it",
    ),
    "no way back": (
        lambda o: one(o, "Deployment", "copydesk-api")["spec"].update(revisionHistoryLimit=0), "keeps no version to go back to",
    ),
    "no migration": (lambda o: without(o, "Job", "copydesk-migrate"), "Job/copydesk-migrate: is missing"),
    "a migration that is none": (
        lambda o: template_of(one(o, "Job", "copydesk-migrate"))["spec"]["containers"][0].update(args=["upgrade"]),
        "is told ['upgrade'], not ['migrate']",
    ),
    "a migration of another version": (
        lambda o: template_of(one(o, "Job", "copydesk-migrate"))["spec"]["containers"][0].update(image="registry.example/api:0"),
        "Job/copydesk-migrate: runs registry.example/api:0, the API",
    ),
    "Prometheus looks for others": (
        lambda o: one(o, "PodMonitor", "copydesk")["spec"]["selector"]["matchLabels"].update(
            {"app.kubernetes.io/part-of": "copy-desk"}
        ),
        "PodMonitor/copydesk: does not find the pods of cleaner",
    ),
    "past the gateway": (
        lambda o: one(o, "Service", "copydesk-api")["spec"].update(type="LoadBalancer"), "type LoadBalancer passes the gateway by",
    ),
    "fewer brokers than copies": (
        lambda o: one(o, "KafkaNodePool", "brokers")["spec"].update(replicas=1), "have 1 brokers for 3 copies",
    ),
    "disks that go with the pods": (
        lambda o: one(o, "KafkaNodePool", "brokers")["spec"].update(storage={"type": "ephemeral"}), "its disks go with its pods",
    ),
    "disks that go with the resource": (
        lambda o: one(o, "KafkaNodePool", "brokers")["spec"]["storage"]["volumes"][0].update(deleteClaim=True),
        "its disks go with the resource",
    ),
    "no broker may be away": (
        lambda o: one(o, "Kafka", "copydesk")["spec"]["kafka"]["config"].update({"min.insync.replicas": 3}),
        "nothing is written while a broker restarts",
    ),
    "one copy is enough": (
        lambda o: one(o, "Kafka", "copydesk")["spec"]["kafka"]["config"].pop("min.insync.replicas"), "one copy is no copy",
    ),
    "groups are forgotten": (
        lambda o: one(o, "Kafka", "copydesk")["spec"]["kafka"]["config"].update({"offsets.retention.minutes": 60}),
        "forgets after 60 minutes how far a group was",
    ),
    "a user with a password at a listener for certificates": (
        lambda o: one(o, "KafkaUser", "copydesk-api")["spec"].update(authentication={"type": "scram-sha-512"}),
        "proves itself by scram-sha-512, the listeners ask for tls",
    ),
    "brokers for the world": (
        lambda o: one(o, "Kafka", "copydesk")["spec"]["kafka"]["listeners"][0].update(type="nodeport"), "is reached from outside",
    ),
    "KEDA without its certificate": (
        lambda o: scaled(o, "cleaner")["triggers"][0].pop("authenticationRef"), "asks the brokers as None, which nobody makes",
    ),
}  # fmt: skip
