"""Clients of the topics: replay a log, record the topic, tail the rows."""
