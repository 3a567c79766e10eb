"""Faults that operators and reviewers have let through elsewhere: each, planted, is caught."""

import pytest

from tests.deploy.conftest import Rendered
from tests.deploy.more_faults import MORE
from tests.deploy.planting import Plant, acl, blocks, box, config, one, pod, policy, scaled, volume, without
from tools.manifests.check import CHECKS, findings
from tools.manifests.pods import digests

# What is planted in the production overlay, and what is said of it.
PLANTED: dict[str, tuple[Plant, str]] = {
    **MORE,
    "seccomp is dropped": (
        lambda o: pod(o, "cleaner")["securityContext"].pop("seccompProfile"),
        "securityContext.seccompProfile.type is None, not 'RuntimeDefault'",
    ),
    "read-only root at the pod, where it means nothing": (
        lambda o: pod(o, "api")["securityContext"].update(
            readOnlyRootFilesystem=box(o, "api")["securityContext"].pop("readOnlyRootFilesystem")
        ),
        "securityContext.readOnlyRootFilesystem is None, not True",
    ),
    "a capability is added": (
        lambda o: box(o, "fetcher")["securityContext"]["capabilities"].update(add=["NET_RAW"]),
        "securityContext.capabilities is",
    ),
    "root": (lambda o: pod(o, "api")["securityContext"].update(runAsUser=0), "runAsUser is not set, or 0"),
    "a folder of the host": (
        lambda o: pod(o, "cleaner")["volumes"].append({"name": "docker", "hostPath": {"path": "/var/run"}}),
        "volume docker is of hostPath",
    ),
    "a token is mounted": (
        lambda o: pod(o, "classifier").update(automountServiceAccountToken=True),
        "automountServiceAccountToken is True, not False",
    ),
    "the account of another": (
        lambda o: pod(o, "classifier").update(serviceAccountName="copydesk-api"),
        "shares its account with Deployment/copydesk-api",
    ),
    "service links, which set COPYDESK_API_PORT": (
        lambda o: pod(o, "api").pop("enableServiceLinks"), "enableServiceLinks is None, not False",
    ),
    "the newest image": (
        lambda o: box(o, "api").update(image="copydesk-api:latest"), "image 'copydesk-api:latest' is not of one version",
    ),
    "a limit of CPU": (
        lambda o: box(o, "cleaner")["resources"]["limits"].update(cpu="1"), "has a limit of CPU",
    ),
    "no limit of memory": (
        lambda o: box(o, "cleaner")["resources"]["limits"].pop("memory"), "no limits.memory",
    ),
    "secrets from the environment": (
        lambda o: box(o, "api")["envFrom"].append({"secretRef": {"name": "copydesk-database"}}),
        "takes a whole secret into its environment",
    ),
    "a secret that all may read": (
        lambda o: volume(o, "api", "database")["secret"].update(defaultMode=0o444), "has mode 0444",
    ),
    "minAvailable 1": (
        lambda o: one(o, "PodDisruptionBudget", "copydesk-api")["spec"].update(minAvailable=1), "minAvailable: with as few",
    ),
    "a budget that selects nobody": (
        lambda o: one(o, "PodDisruptionBudget", "copydesk-api")["spec"]["selector"]["matchLabels"].update(
            {"app.kubernetes.io/name": "api"}
        ),
        "PodDisruptionBudget/copydesk-api: selects no pod",
    ),
    "pods that are not ready hold up a drain": (
        lambda o: one(o, "PodDisruptionBudget", "copydesk-api")["spec"].pop("unhealthyPodEvictionPolicy"),
        "pods that are not ready hold up a drain",
    ),
    "a rollout that takes one away first": (
        lambda o: one(o, "Deployment", "copydesk-api")["spec"]["strategy"]["rollingUpdate"].update(maxUnavailable=1),
        "strategy is not",
    ),
    "a spread that counts the old version": (
        lambda o: pod(o, "cleaner")["topologySpreadConstraints"][1].pop("matchLabelKeys"),
        "kubernetes.io/hostname without matchLabelKeys",
    ),
    "replicas beside an autoscaler": (
        lambda o: one(o, "Deployment", "copydesk-cleaner")["spec"].update(replicas=2), "replicas are set back by each apply",
    ),
    "an old version of the API": (
        lambda o: one(o, "PodDisruptionBudget", "copydesk-api").update(apiVersion="policy/v1beta1"),
        "version policy/v1beta1, not policy/v1",
    ),
    "an old version of Strimzi": (
        lambda o: one(o, "Kafka", "copydesk").update(apiVersion="kafka.strimzi.io/v1beta2"), "version kafka.strimzi.io/v1beta2",
    ),
    "a namespace that only warns": (
        lambda o: one(o, "Namespace", "copydesk")["metadata"]["labels"].pop("pod-security.kubernetes.io/enforce"),
        "pod-security.kubernetes.io/enforce is not restricted",
    ),
    "an object in another namespace": (
        lambda o: one(o, "Service", "copydesk-api")["metadata"].update(namespace="default"), "not in the namespace copydesk",
    ),
    "KEDA has no certificate": (
        lambda o: without(o, "KafkaUser", "copydesk-keda"), "takes Secret copydesk-keda, which nobody makes",
    ),
    "a service is left out": (lambda o: without(o, "Deployment", "copydesk-cleaner"), "of Copydesk are ["),
    "a Service that selects nobody": (
        lambda o: one(o, "Service", "copydesk-api")["spec"]["selector"].update({"app.kubernetes.io/name": "api"}),
        "Service/copydesk-api: selects no pod",
    ),
    "a Service to a port that is none": (
        lambda o: one(o, "Service", "copydesk-api")["spec"]["ports"][0].update(targetPort="web"), "no container has a port web",
    ),
    "a route to a port that is none": (
        lambda o: one(o, "HTTPRoute", "copydesk-api")["spec"]["rules"][0]["backendRefs"][0].update(port=80),
        "no Service copydesk-api with port 80",
    ),
    "a ConfigMap without its hash": (
        lambda o: box(o, "fetcher")["envFrom"][0]["configMapRef"].update(name="copydesk-fetcher"),
        "takes ConfigMap copydesk-fetcher, which nobody makes",
    ),
    "a variable that is no setting": (
        lambda o: config(o, "fetcher").update(COPYDESK_FETCHER_USERAGENT="x"), "COPYDESK_FETCHER_USERAGENT is not a setting",
    ),
    "the variable of another service": (
        lambda o: config(o, "fetcher").update(COPYDESK_CLEANER_WORKERS="2"), "COPYDESK_CLEANER_WORKERS is not a setting",
    ),
    "a value that is refused": (
        lambda o: config(o, "cleaner").update(COPYDESK_CLEANER_WORKERS="many"), "workers: Input should be a valid integer",
    ),
    "a certificate without its key": (
        lambda o: config(o, "cleaner").pop("COPYDESK_CLEANER_KAFKA_SSL_KEY_FILE"), "kafka_ssl_key_file is not set",
    ),
    "certificates that nobody asks for": (
        lambda o: config(o, "cleaner").pop("COPYDESK_CLEANER_KAFKA_SECURITY_PROTOCOL"), "has no effect with",
    ),
    "as many workers as the node has processors": (
        lambda o: config(o, "cleaner").pop("COPYDESK_CLEANER_WORKERS"), "workers is left to the number of processors",
    ),
    "static members": (
        lambda o: config(o, "cleaner").update(COPYDESK_CLEANER_INSTANCE_ID="cleaner-0"), "INSTANCE_ID is not for replicas",
    ),
    "a variable that no command knows": (
        lambda o: config(o, "toolbox").update(COPYDESK_STANDALONE_BROKERS="x"), "is not a setting of the commands",
    ),
    "a file that nothing mounts": (
        lambda o: config(o, "cleaner").update(COPYDESK_CLEANER_RULES="/etc/copydesk/rules"), "nothing puts it there",
    ),
    "health on loopback": (
        lambda o: config(o, "api").pop("COPYDESK_API_HEALTH_HOST"), "health_host is 127.0.0.1: nobody outside",
    ),
    "another port of the service": (
        lambda o: config(o, "api").update(COPYDESK_API_PORT="8000"), "port http is 8080, the service's is 8000",
    ),
    "liveness that depends on Kafka": (
        lambda o: box(o, "cleaner")["livenessProbe"]["httpGet"].update(path="/readyz"), "livenessProbe asks management/readyz",
    ),
    "readers are sent away while Kafka is": (
        lambda o: box(o, "api")["readinessProbe"]["httpGet"].update(path="/readyz"), "not management/readyz/serve",
    ),
    "killed before it has drained": (
        lambda o: pod(o, "cleaner").update(terminationGracePeriodSeconds=30), "is killed after 30 s and may need 35 s",
    ),
    "metrics at the public port": (
        lambda o: one(o, "PodMonitor", "copydesk")["spec"]["podMetricsEndpoints"][0].update(port="http"), "asks http/metrics",
    ),
    "a topic is missing": (lambda o: without(o, "KafkaTopic", "pages.known"), "KafkaTopic/pages.known: is missing"),
    "a topic with other partitions": (
        lambda o: one(o, "KafkaTopic", "articles.fetched")["spec"].update(partitions=12), "articles.fetched beside it 12",
    ),
    "a topic with fewer partitions": (
        lambda o: one(o, "KafkaTopic", "articles.dead-letter")["spec"].update(partitions=1), "declared are 3",
    ),
    "a topic that keeps no last of a key": (
        lambda o: one(o, "KafkaTopic", "feeds.state")["spec"]["config"].update({"cleanup.policy": "delete"}),
        "KafkaTopic/feeds.state: is {",
    ),
    "a right too many": (
        lambda o: acl(o, "cleaner", "articles.fetched")["operations"].append("Write"), "KafkaUser/copydesk-cleaner: may",
    ),
    "a right too few": (
        lambda o: acl(o, "fetcher", "hosts.memory")["operations"].remove("Read"), "KafkaUser/copydesk-fetcher: may",
    ),
    "a right to all that begins so": (
        lambda o: acl(o, "api", "articles.classified")["resource"].update(patternType="prefix"), "KafkaUser/copydesk-api: may",
    ),
    "the wrong group": (
        lambda o: acl(o, "cleaner", "cleaner")["resource"].update(name="copydesk-cleaner"), "needs ('Read',)",
    ),
    "no authorizer": (
        lambda o: one(o, "Kafka", "copydesk")["spec"]["kafka"].pop("authorization"), "the rights of users are not looked at",
    ),
    "brokers that make topics": (
        lambda o: one(o, "Kafka", "copydesk")["spec"]["kafka"]["config"].pop("auto.create.topics.enable"), "makes topics by itself",
    ),
    "brokers with our label": (
        lambda o: one(o, "Kafka", "copydesk")["metadata"].update(labels={"app.kubernetes.io/part-of": "copydesk"}),
        "are cut off",
    ),
    "another port of the brokers": (
        lambda o: config(o, "api").update(COPYDESK_API_BOOTSTRAP_SERVERS="copydesk-kafka-bootstrap:9092"), "BOOTSTRAP_SERVERS",
    ),
    "KEDA looks at the wrong group": (
        lambda o: scaled(o, "cleaner")["triggers"][0]["metadata"].update(consumerGroup="copydesk-cleaner"),
        "consumerGroup is copydesk-cleaner, the code's is cleaner",
    ),
    "more replicas than partitions": (
        lambda o: scaled(o, "cleaner").update(maxReplicaCount=20), "maxReplicaCount is 20, articles.fetched has 6",
    ),
    "KEDA starts at the end": (
        lambda o: scaled(o, "fetcher")["triggers"][0]["metadata"].update(offsetResetPolicy="latest"), "offsetResetPolicy is latest",
    ),
    "KEDA asks brokers of another namespace": (
        lambda o: scaled(o, "fetcher")["triggers"][0]["metadata"].update(
            bootstrapServers="copydesk-kafka-bootstrap.kafka.svc:9093"
        ),
        "the brokers are copydesk-kafka-bootstrap.copydesk.svc:9093",
    ),
    "a protocol that is none": (
        lambda o: config(o, "api").update(COPYDESK_API_KAFKA_SECURITY_PROTOCOL="tls"), "kafka_security_protocol: 'tls' is not",
    ),
    "a threshold below what politeness holds back": (
        lambda o: scaled(o, "fetcher")["triggers"][0]["metadata"].update(lagThreshold="1000"), "what a replica holds back",
    ),
    "KEDA's own threshold": (
        lambda o: scaled(o, "fetcher")["triggers"][0]["metadata"].pop("lagThreshold"), "lagThreshold 10 is a moment's work",
    ),
    "to nothing when the brokers are away": (
        lambda o: scaled(o, "fetcher").pop("fallback"), "falls back to fewer replicas",
    ),
    "scale-in at once": (
        lambda o: scaled(o, "fetcher")["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]["scaleDown"].pop(
            "stabilizationWindowSeconds"
        ),
        "scales in at once",
    ),
    "no DNS": (lambda o: without(o, "NetworkPolicy", "copydesk-dns"), "cleaner does not reach dns:53"),
    "DNS by TCP alone": (
        lambda o: policy(o, "dns")["egress"][0]["ports"].pop(0), "api does not reach dns:53",
    ),
    "the old port of the brokers": (
        lambda o: policy(o, "kafka-clients")["egress"][0]["ports"][0].update(port=9092), "cleaner does not reach broker:9093",
    ),
    "a deny that takes the brokers too": (
        lambda o: policy(o, "default-deny").update(podSelector={}), "selects every pod of the namespace",
    ),
    "no deny": (
        lambda o: without(o, "NetworkPolicy", "copydesk-default-deny"), "cleaner is not denied what no policy allows",
    ),
    "metadata of the cloud": (
        lambda o: blocks(o)[0]["ipBlock"]["except"].remove("169.254.0.0/16"), "fetcher reaches 169.254.169.254:80",
    ),
    "the private network": (
        lambda o: blocks(o)[0]["ipBlock"]["except"].remove("10.0.0.0/8"), "fetcher reaches 10.0.0.0:443",
    ),
    "all of IPv6": (
        lambda o: blocks(o)[1]["ipBlock"].update({"cidr": "::/0"}), "fetcher reaches fd00:ec2::254:80",
    ),
    "no IPv6": (lambda o: blocks(o).pop(1), "fetcher does not reach internet-6:443"),
    "webhooks without a way out": (
        lambda o: config(o, "api").update(COPYDESK_API_WEBHOOKS="true"), "api does not reach internet:443",
    ),
    "everybody to the internet": (
        lambda o: policy(o, "fetcher").update(podSelector={"matchLabels": {"app.kubernetes.io/part-of": "copydesk"}}),
        "cleaner reaches internet:443",
    ),
    "egress to all, as charts do": (
        lambda o: policy(o, "dns").update(egress=[{}]), "classifier reaches internet:443",
    ),
    "a stranger at the API": (
        lambda o: policy(o, "api").update(ingress=[{}]), "stranger reaches api:8080",
    ),
    "no way in for Prometheus": (
        lambda o: without(o, "NetworkPolicy", "copydesk-metrics"), "prometheus does not reach api:9090",
    ),
    "hubs where WebSub is off": (
        lambda o: policy(o, "metrics")["ingress"].append(
            {"from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "gateway"}}}]}
        ),
        "gateway reaches fetcher:8090",
    ),
    "KEDA is kept out": (
        lambda o: one(o, "Kafka", "copydesk")["spec"]["kafka"]["listeners"][0]["networkPolicyPeers"].pop(),
        "keda does not reach broker:9093",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_caught(fault: str, overlay: Rendered) -> None:
    plant, said = PLANTED[fault]
    objects = overlay("production")
    plant(objects)
    found = [str(each) for each in findings(objects)]
    assert any(said in line for line in found), found


def test_an_image_without_a_digest_is_caught(overlay: Rendered) -> None:
    objects = overlay("production")
    box(objects, "api").update(image="registry.example/copydesk/api:1.0")
    assert [str(each) for each in digests(objects)] == [
        "Deployment/copydesk-api api: image 'registry.example/copydesk/api:1.0': no digest"
    ]


def test_every_check_catches_something(overlay: Rendered) -> None:
    """A check that no planted fault sets off may never go off at all."""
    going_off = set()
    for plant, _ in PLANTED.values():
        objects = overlay("production")
        plant(objects)
        going_off |= {check for check in CHECKS if next(iter(check(objects)), None)}
    assert [check.__qualname__ for check in CHECKS if check not in going_off] == []
