"""One node of the OmniNode platform, as its own packages make it: registers, acknowledges, beats, leaves.

Needs a registrar with the overlay contracts/overlays/omninode-platform, and
KAFKA_BOOTSTRAP_SERVERS. Any version of omnibase-infra from 0.12 on.

    python platform_node.py <node_id, a UUID> <seconds to live>
"""

import asyncio
import logging
import sys
from importlib.metadata import version
from uuid import UUID

from omnibase_core.enums import EnumNodeKind
from omnibase_infra.event_bus.event_bus_kafka import EventBusKafka
from omnibase_infra.mixins.mixin_node_introspection import MixinNodeIntrospection
from omnibase_infra.models.discovery import ModelIntrospectionConfig

HEARTBEAT_SECONDS = 5.0
SUBSCRIBED_WITHIN_SECONDS = 60


class Node(MixinNodeIntrospection):
    def __init__(self, node_id, bus):
        self.initialize_introspection(
            ModelIntrospectionConfig(
                node_id=node_id, node_type=EnumNodeKind.EFFECT, node_name="probe", event_bus=bus, version="1.0.0"
            )
        )


async def live(node_id, seconds):
    bus = EventBusKafka.default()
    await bus.start()
    node = Node(node_id, bus)
    await node.start_introspection_tasks(heartbeat_interval_seconds=HEARTBEAT_SECONDS)
    for _ in range(SUBSCRIBED_WITHIN_SECONDS * 10):
        if node._ack_unsubscribe is not None:
            break
        await asyncio.sleep(0.1)
    else:
        raise TimeoutError(f"not subscribed within {SUBSCRIBED_WITHIN_SECONDS} s")
    print(f"introduced: {await node.publish_introspection(reason='startup')}", flush=True)
    await asyncio.sleep(seconds)
    print(f"left: {await node.publish_introspection(reason='shutdown')}", flush=True)
    await node.stop_introspection_tasks()
    await bus.close()


if __name__ == "__main__":
    logging.getLogger("omnibase_infra.mixins.mixin_node_introspection").setLevel(logging.INFO)
    print(f"omnibase-infra {version('omnibase-infra')}, node {sys.argv[1]}", flush=True)
    asyncio.run(live(UUID(sys.argv[1]), float(sys.argv[2])))
