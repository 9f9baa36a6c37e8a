"""`python -m stream_cw.demo.worker BROKERS STATES`: a worker that ends with its demo."""

import os
import sys
import threading

from stream_cw.broker.contract import DEFAULT_APP_ID
from stream_cw.config import load_settings
from stream_cw.worker.run import run_worker


def _end_with_demo() -> None:
    sys.stdin.buffer.read()  # returns when the demo has gone, however it ended
    os._exit(1)  # a stop in order would wait for the broker, which has gone too


if __name__ == "__main__":
    threading.Thread(target=_end_with_demo, daemon=True).start()
    brokers, states = sys.argv[1:]
    own = {"topic_prefix": "", "app_id": DEFAULT_APP_ID}  # whatever the environment says
    sys.exit(run_worker(load_settings(**own, brokers=brokers, data_dir=states)))
