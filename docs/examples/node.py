"""A node in plain Python: it registers, acknowledges, beats, drains on SIGUSR1 and leaves on SIGTERM or Ctrl-C.

    pip install confluent-kafka && KAFKA_BROKERS=localhost:9092 python node.py mailer-1
"""
import json, os, signal, sys, time, uuid
from confluent_kafka import Consumer, Producer, TopicPartition

NODE, ENV = sys.argv[1], os.environ.get("REGISTRAR_ENV", "dev")
KAFKA = {"bootstrap.servers": os.environ.get("KAFKA_BROKERS", "localhost:9092")}
EVENTS = ["evt.node-registration-accepted", "evt.node-became-active", "evt.node-draining", "evt.node-deregistered",
          "evt.node-registration-rejected", "evt.node-liveness-expired", "cmd.request-introspection"]
topics = {f"{ENV}.onex.{event}.v1": event for event in EVENTS}
producer, consumer = Producer(KAFKA), Consumer({**KAFKA, "group.id": f"{NODE}-{uuid.uuid4()}"})
correlation, registered, interval, due, until, asked = str(uuid.uuid4()), False, 10.0, 0.0, float("inf"), []

def send(topic, **fields):
    producer.produce(f"{ENV}.onex.{topic}.v1", json.dumps({"node_id": NODE, **fields}), key=NODE)
    producer.flush()

def introduce(reason):
    send("evt.node-introspection", node_type="effect", node_version="1.0.0", capabilities=["mail.send"], reason=reason,
         endpoints={"health": "http://10.0.0.7:8080/health"}, correlation_id=correlation)

for number in (signal.SIGUSR1, signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda number, _: asked.append(number))
# Each topic from its end on: nothing that is published after the introduction is missed.
places = [TopicPartition(t, p) for t in topics for p in consumer.list_topics(t).topics[t].partitions]
consumer.assign([TopicPartition(p.topic, p.partition, consumer.get_watermark_offsets(p)[1]) for p in places])
while time.monotonic() < until:
    if time.monotonic() >= due:
        send("evt.node-heartbeat") if registered else introduce("startup")
        due = time.monotonic() + (interval if registered else 5)
    while asked:
        if asked.pop(0) == signal.SIGUSR1:
            send("cmd.node-drain-requested", correlation_id=correlation, draining=True, reason="it was asked to")
        else:
            introduce("shutdown")
            due, until = float("inf"), time.monotonic() + 10
    record = consumer.poll(0.2)
    event = json.loads(record.value()) if record is not None and record.error() is None else None
    if event is not None and event["payload"]["node_id"] == NODE:
        print(happened := topics[record.topic()], flush=True)
        if happened == "evt.node-registration-accepted":
            correlation, registered, due = event["payload"]["correlation_id"], True, 0.0
            interval = float(event["metadata"]["tags"]["heartbeat_interval_seconds"])
            send("cmd.node-registration-acked", correlation_id=correlation)
        elif happened in ("evt.node-registration-rejected", "evt.node-liveness-expired"):
            correlation, registered, due = str(uuid.uuid4()), False, time.monotonic() + 5
        elif happened == "cmd.request-introspection": introduce("request")
        elif happened == "evt.node-deregistered": break
