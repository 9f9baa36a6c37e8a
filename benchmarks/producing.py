"""Putting records on a topic as fast as the broker takes them."""

from confluent_kafka import Producer

ANY_PARTITION = -1


def put(
    producer: Producer, topic: str, value: bytes, key: str | bytes, partition: int = ANY_PARTITION
) -> None:
    """Queue a record; wait where the queue is full."""
    while True:
        try:
            producer.produce(topic, value, key, partition)
        except BufferError:
            producer.poll(0.1)
        else:
            producer.poll(0)
            return
