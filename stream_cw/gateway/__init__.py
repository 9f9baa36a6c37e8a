"""The gateway: HTTP and server-sent events for everybody who does not speak Kafka."""
