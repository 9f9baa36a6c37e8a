"""`python -m stream_cw.demo.gateway`: the demo's gateway; the environment has its settings."""

import sys

from stream_cw.demo.child import end_with_demo
from stream_cw.gateway.run import run_gateway
from stream_cw.gateway.settings import load_gateway_settings

if __name__ == "__main__":
    end_with_demo()
    sys.exit(run_gateway(load_gateway_settings()))
