"""`python -m stream_cw.demo.worker BROKERS STATES`: the demo's worker."""

import sys

from stream_cw.broker.contract import DEFAULT_APP_ID
from stream_cw.config import load_settings
from stream_cw.demo.child import end_with_demo
from stream_cw.worker.run import run_worker

if __name__ == "__main__":
    end_with_demo()
    brokers, states = sys.argv[1:]
    own = {"topic_prefix": "", "app_id": DEFAULT_APP_ID}  # whatever the environment says
    sys.exit(run_worker(load_settings(**own, data_dir=states), brokers))
