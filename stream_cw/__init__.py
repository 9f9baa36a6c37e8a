"""stream-cw: the Continue Watching row of a streaming service, kept from its playback events."""

__version__ = "0.1.0"
