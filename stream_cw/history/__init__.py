"""Recorded histories: importers of viewing exports, event logs, offline replay, simulator."""
