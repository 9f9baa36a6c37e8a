.PHONY: loops demo test test-faults faults calm soak bench bench-rows lint audit sbom check-wheel model clean
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Of audit and sbom; apart, so that they do not count themselves.
TOOLS := .cache/tools

demo: loops
	$(BIN)/stream-cw demo

test: $(READY)
	$(BIN)/python -m pytest

# What is left of the promises when workers, brokers and the gateway are killed under load.
test-faults: loops
	$(BIN)/python -m pytest -m faults -n0 tests/faults

# The same by hand: half an hour on a cluster of three; a minute without faults, which tells how long
# a row takes; an hour of watching the memory. They print their seed, and take it: make faults SEED=7
SEED ?=
FAULTS := PYTHONPATH=tests/support:tests/worker:tests/gateway $(BIN)/python tests/faults/run.py \
	$(if $(SEED),--seed $(SEED))
faults: loops
	mkdir -p .cache
	$(FAULTS) --seconds 1800 --brokers 3 --rate 300 --burst-rate 2000 --json .cache/faults.json \
		--kill 52 --kill-wiped 4 --kill-in-recovery 4 --stop 6 --halt 6 --gateway-kill 4 \
		--broker-kill 12 --broker-pause 4 --named

# The first quarter of a minute is not measured: the broker compiles.
calm: loops
	mkdir -p .cache
	$(FAULTS) --seconds 75 --json .cache/calm.json

soak: loops
	mkdir -p .cache
	$(FAULTS) --seconds 3600 --rate 300 --store-mib 8 --json .cache/soak.json

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Known vulnerabilities of all that is installed here. A package that the database does not know is
# an error: without it, no database at all would look like no vulnerability.
audit: $(READY) $(TOOLS)
	$(BIN)/pip freeze --exclude-editable > .cache/requirements.txt
	$(TOOLS)/bin/pip-audit --strict --no-deps --disable-pip --requirement .cache/requirements.txt

# What runs in production, as CycloneDX: the package with its gateway and client, without tests.
sbom: $(TOOLS)
	mkdir -p dist
	$(PYTHON) -m venv --clear .cache/runtime
	.cache/runtime/bin/pip install --quiet '.[gateway,client]'
	$(TOOLS)/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible \
		--output-file dist/sbom.cdx.json .cache/runtime/bin/python

$(TOOLS):
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/pip install --quiet 'pip-audit>=2.7,<3' 'cyclonedx-bom>=7,<8'

# The wheel alone, in an environment without this checkout: it must carry all that it reads.
check-wheel: $(READY)
	rm -rf dist
	$(BIN)/pip wheel --quiet --no-deps --wheel-dir dist .
	$(PYTHON) -m venv --clear dist/venv
	dist/venv/bin/pip install --quiet dist/*.whl
	cd dist && venv/bin/stream-cw --help >/dev/null && venv/bin/stream-cw topics apply --help >/dev/null
	cd dist && venv/bin/stream-cw simulate -o log.jsonl --profiles 2 --days 7
	cd dist && venv/bin/stream-cw replay log.jsonl --offline -o rows.jsonl && test -s rows.jsonl
	cd dist && venv/bin/python -c "from stream_cw.broker.contract import topic_names; print('wheel:', topic_names().events)"

clean:
	rm -rf $(VENV) dist .cache

# How fast it is, beside what a Python team would pick instead: each bar with its limit, as a table and
# as JSON in .cache/bench; smaller than by the modules' own defaults, so that it ends in a quarter of an
# hour. Java and Maven are needed; the first run makes an environment for Quix Streams.
BENCH := OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks
bench: loops
	mkdir -p .cache/bench
	$(BENCH).step --json .cache/bench/step.json
	$(BENCH).replaying --json .cache/bench/replaying.json
	$(BENCH).importing --json .cache/bench/importing.json
	$(BENCH).catching_up --stretches 2 --json .cache/bench/catching_up.json
	$(BENCH).latency --seconds 10 --json .cache/bench/latency.json
	$(BENCH).scale --json .cache/bench/scale.json

# What a row costs, how near it comes to simulated members whose chances are known, how soon it is
# there: the last two need Java, Maven and Chromium.
bench-rows: loops
	$(BENCH).learned_row
	$(BENCH).learned_on_simulator
	$(BENCH).gateway
	$(BENCH).click_to_tile

# The shipped model anew, from a real viewing export (not in the repository).
EXPORT ?= ../shared/data/viewing_activity_export.csv
model: $(READY)
	mkdir -p .cache/model
	$(BIN)/stream-cw import netflix $(EXPORT) --account shared --tz America/Sao_Paulo -o .cache/model/export.jsonl
	$(BIN)/stream-cw train .cache/model/export.jsonl --name additive-4 -o stream_cw/model/shipped.json

# Loops as machine code, where there is a compiler; without one each process compiles them for itself.
loops: $(READY)
	-@$(BIN)/stream-cw compile >/dev/null

# One environment serves demo and tests; it is made again only when the dependencies change.
$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --editable '.[demo,test]'
	touch $@
