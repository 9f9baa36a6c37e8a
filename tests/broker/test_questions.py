"""Questions to a cluster that is not ready to answer."""

from collections.abc import Callable

import pytest
from confluent_kafka import KafkaError, KafkaException

from stream_cw.broker import cluster
from stream_cw.broker.cluster import STILL_SETTLING, settled

TOO_EARLY = [KafkaException(KafkaError(code)) for code in STILL_SETTLING]


def answers(*given: KafkaException | str) -> Callable[[], str]:
    left = iter(given)

    def ask() -> str:
        answer = next(left)
        if isinstance(answer, KafkaException):
            raise answer
        return answer

    return ask


def test_a_cluster_that_is_settling_is_asked_again() -> None:
    assert settled(answers(*TOO_EARLY, "here")) == "here"


def test_another_refusal_is_the_answer() -> None:
    denied = KafkaException(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED))
    with pytest.raises(KafkaException) as refusal:
        settled(answers(TOO_EARLY[0], denied, "here"))
    assert refusal.value is denied


def test_a_cluster_that_does_not_settle_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "TIMEOUT_S", -1.0)
    with pytest.raises(KafkaException) as refusal:
        settled(answers(TOO_EARLY[0], "here"))
    assert refusal.value is TOO_EARLY[0]
