"""Reads what we publish with the Python platform's own code, of whichever version is installed.

Standard input: the lines of print-published.ts. Each envelope without ids at
its top must be a ModelEventEnvelope of its payload's model. The two with ids
at the top are handed to MixinNodeIntrospection: it must answer exactly the
ones that are for its node.
"""

import asyncio
import importlib
import json
import sys
from importlib.metadata import version
from uuid import UUID

from omnibase_core.enums import EnumNodeKind
from omnibase_core.models.events.model_event_envelope import ModelEventEnvelope
from omnibase_infra.event_bus.models.model_event_headers import ModelEventHeaders
from omnibase_infra.event_bus.models.model_event_message import ModelEventMessage
from omnibase_infra.mixins.mixin_node_introspection import MixinNodeIntrospection
from omnibase_infra.models.discovery import ModelIntrospectionConfig

MODELS = "omnibase_infra.models.registration"
PAYLOADS = {
    "NodeRegistrationInitiated": f"{MODELS}.events.model_node_registration_initiated",
    "NodeRegistrationAccepted": f"{MODELS}.events.model_node_registration_accepted",
    "NodeRegistrationRejected": f"{MODELS}.events.model_node_registration_rejected",
    "NodeRegistrationAckReceived": f"{MODELS}.events.model_node_registration_ack_received",
    "NodeRegistrationAckTimedOut": f"{MODELS}.events.model_node_registration_ack_timed_out",
    "NodeBecameActive": f"{MODELS}.events.model_node_became_active",
    "NodeLivenessExpired": f"{MODELS}.events.model_node_liveness_expired",
    "NodeIntrospectionEvent": f"{MODELS}.model_node_introspection_event",
    "NodeHeartbeatEvent": f"{MODELS}.model_node_heartbeat_event",
    "NodeRegistrationAcked": f"{MODELS}.commands.model_node_registration_acked",
}
STRANGER = UUID("00000000-0000-4000-8000-000000000001")


class Bus:
    """Remembers what a node publishes."""

    def __init__(self):
        self.published = []

    async def publish(self, topic, key, value, headers=None):
        self.published.append((topic, json.loads(value)))

    async def publish_envelope(self, envelope, topic, key=None, **_):
        self.published.append((topic, json.loads(envelope.model_dump_json())["payload"]))

    async def subscribe(self, *_args, **_kwargs):
        return None


class Node(MixinNodeIntrospection):
    """A node as the platform has them."""

    def __init__(self, node_id, bus):
        self.initialize_introspection(
            ModelIntrospectionConfig(
                node_id=node_id, node_type=EnumNodeKind.EFFECT, node_name="probe", event_bus=bus, version="1.0.0"
            )
        )


def model_of(event_type):
    return getattr(importlib.import_module(PAYLOADS[event_type]), f"Model{event_type}")


async def answers(record, node_id):
    """What a node of that id publishes when it reads the record."""
    bus = Bus()
    node = Node(node_id, bus)
    headers = record["headers"]
    message = ModelEventMessage(
        topic="any",
        key=record["key"].encode(),
        value=record["value"].encode(),
        headers=ModelEventHeaders(
            source=headers["source"], event_type=headers["event_type"], timestamp=headers["timestamp"]
        ),
    )
    if record["event_type"] == "NodeRegistrationAccepted":
        await node._on_registration_accepted(message)
    else:
        await node._handle_introspection_request(message)
    return bus.published


async def check(record):
    """Raises when the record is not understood; else how it was."""
    envelope = json.loads(record["value"])
    event_type = record["event_type"]
    if event_type in PAYLOADS:
        model_of(event_type).model_validate_json(json.dumps(envelope["payload"]))
    if not record["ids_at_top"]:
        read = ModelEventEnvelope[model_of(event_type)].model_validate_json(record["value"])
        assert str(read.envelope_id) == record["headers"]["message_id"], "another envelope_id"
        return "ModelEventEnvelope"
    node_id = UUID(envelope["payload"]["node_id"])
    ((topic, payload),) = await answers(record, node_id)
    assert payload["node_id"] == str(node_id), f"answered as {payload['node_id']}"
    assert payload["correlation_id"] == envelope["payload"]["correlation_id"], "answered under another correlation_id"
    assert await answers(record, STRANGER) == [], "another node answered too"
    return f"MixinNodeIntrospection, which answered on {topic}"


def main():
    versions = f"omnibase-infra {version('omnibase-infra')}, omnibase-core {version('omnibase-core')}"
    print(versions)
    faults = 0
    for line in sys.stdin:
        record = json.loads(line)
        try:
            print(f"  {record['event_type']}: read by {asyncio.run(check(record))}")
        except Exception as error:
            faults += 1
            print(f"  {record['event_type']}: NOT READ: {type(error).__name__}: {error}")
    print(f"  {faults} not read" if faults else "  all read")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
