"""The check of queries itself: what it lets through, and what it finds."""

import pytest
from queries import problems_of


@pytest.mark.parametrize(
    "query",
    [
        "stream_cw_worker_ready == 0",
        'sum by (partition) (stream_cw_worker_lag_records{partition!="3"}) > 5',
        "histogram_quantile(0.5, sum by (le) (rate(stream_cw_worker_round_records_bucket[5m])))",
        'up{job="x"} * on (job, instance) process_start_time_seconds',
        'rate(stream_cw_gateway_answers_total{way="open",status=~"5.."}[5m:1m]) or vector(0)',
        "sum without (instance) (stream_cw_worker_model)",
    ],
)
def test_what_there_is_may_be_asked(query: str) -> None:
    assert problems_of(query) == []


@pytest.mark.parametrize(
    ("query", "lost"),
    [
        ("sum(", "sum("),
        ("stream_cw_worker_readiness", "stream_cw_worker_readiness"),
        ("stream_cw_worker_events == 0", "stream_cw_worker_events:"),
        ("rate(stream_cw_worker_rounds_total[5m]) / (-nobody)", "nobody"),
        ('stream_cw_worker_lag_records{topic="x"}', "topic"),
        ("sum by (reason) (stream_cw_worker_refused_total)", "reason"),
        ("sum by (partition) (sum by (job) (stream_cw_worker_lag_records))", "partition"),
        ("sum without (le) (stream_cw_worker_ready)", "le"),
        ("stream_cw_worker_lag_records > on (partition) stream_cw_worker_ready", "partition"),
        ("max_over_time(sum by (x) (stream_cw_worker_ready)[5m:1m])", "x"),
    ],
)
def test_what_nobody_tells_is_found(query: str, lost: str) -> None:
    assert any(lost in problem for problem in problems_of(query))
