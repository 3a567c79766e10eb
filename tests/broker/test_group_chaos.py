"""Members that come, hang up, fall silent and return at random: the group always settles afterwards."""

import asyncio
import random
from typing import TypeVar

from copydesk_standalone.broker.coordinator import Coordinator, MemberIdRequiredError
from copydesk_standalone.broker.errors import Code, KafkaError
from copydesk_standalone.broker.groups import Join, Joined, State

Answer = TypeVar("Answer")

SESSION_S, REBALANCE_S = 0.25, 0.3
GROUP = "g"


class Client:
    """A well-behaved consumer, apart from what ``mischief`` makes it do."""

    def __init__(self, coordinator: Coordinator, number: int, source: random.Random) -> None:
        self._coordinator = coordinator
        self._source = source
        self._instance = f"static-{number}" if number % 2 else None
        self._id = ""
        self.generation = -1
        self.assignment = b""
        self.mischief = True

    def _join(self) -> Join:
        protocols = {"range": b"", "sticky": b""}
        return Join("consumer", protocols, SESSION_S, REBALANCE_S, "client", "here", self._instance)

    async def run(self) -> None:
        while True:
            try:
                await self._one_generation()
            except MemberIdRequiredError as error:
                self._id = error.member_id
            except KafkaError as error:
                self.generation = -1
                if error.code in {Code.UNKNOWN_MEMBER_ID, Code.FENCED_INSTANCE_ID}:
                    self._id = ""

    async def _one_generation(self) -> None:
        joined = await self._wait_for(
            self._coordinator.join(
                GROUP, self._id, self._join(), id_required=True, can_skip=self._source.random() < 0.5
            )
        )
        self._id = joined.member_id
        self.assignment = await self._wait_for(
            self._coordinator.sync(GROUP, joined.generation, self._id, self._instance, self._plan(joined))
        )
        self.generation = joined.generation
        while True:
            await asyncio.sleep(0.02)
            self._coordinator.heartbeat(GROUP, joined.generation, self._id, self._instance)
            await self._misbehave()

    def _plan(self, joined: Joined) -> dict[str, bytes]:
        if joined.leader != joined.member_id or joined.skip_assignment:
            return {}
        return {member_id: member_id.encode() for member_id, _, _ in joined.members}

    async def _wait_for(self, future: "asyncio.Future[Answer]") -> Answer:
        if self.mischief and self._source.random() < 0.1:
            await asyncio.sleep(self._source.random() * 0.05)
            future.cancel()
            raise KafkaError(Code.UNKNOWN_MEMBER_ID, "hung up")
        return await future

    async def _misbehave(self) -> None:
        act = self._source.random() if self.mischief else 1.0
        if act < 0.03:
            await asyncio.sleep(2 * SESSION_S)
        elif act < 0.06:
            self._coordinator.leave(GROUP, self._id, self._instance)
        elif act < 0.10:
            raise KafkaError(Code.UNKNOWN_MEMBER_ID, "started again and forgot who it was")


async def test_groups_settle_after_any_chaos() -> None:
    await asyncio.gather(*(chaos_then_peace(seed) for seed in range(12)))


async def chaos_then_peace(seed: int) -> None:
    source = random.Random(seed)
    coordinator = Coordinator()
    clients = [Client(coordinator, number, source) for number in range(5)]
    tasks = [asyncio.create_task(client.run()) for client in clients]
    await asyncio.sleep(1.5)
    for client in clients:
        client.mischief = False
    try:
        async with asyncio.timeout(60):
            while not settled(coordinator, clients):
                await asyncio.sleep(0.05)
        await asyncio.sleep(2 * SESSION_S)
        assert settled(coordinator, clients), f"seed {seed}: what settled must stay so"
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        coordinator.close()


def settled(coordinator: Coordinator, clients: list[Client]) -> bool:
    """All clients, and nobody else, are in one stable generation, each with an assignment of its own."""
    group = coordinator.find(GROUP)
    if group is None or group.state is not State.STABLE or len(group.members) != len(clients):
        return False
    together = {client.generation for client in clients} == {group.generation}
    return together and len({client.assignment for client in clients} - {b""}) == len(clients)
