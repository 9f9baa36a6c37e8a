"""How an evaluation may be split; apart, so that the command line can name it at once."""

from enum import StrEnum


class By(StrEnum):
    """Which sessions count, and what is drawn whole for the intervals.

    `profile`: all sessions, profiles. `account`: all sessions, accounts. `time`: of each account
    only the sessions in the last fifth of the time between its first and its last scored session,
    profiles; a model that was fitted to the first 0.8 (`cut.until`) has not seen them.
    """

    profile = "profile"
    account = "account"
    time = "time"
