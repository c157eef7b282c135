# Everything that is done with Candor. `make` alone prints what there is.
# The virtual environment makes itself; all it needs is Python 3.11 or newer.

.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.candor-ready
STUB_IMAGE_NAMES := CANDOR_KAFKA_IMAGE=candor-stub/kafka CANDOR_MONGO_IMAGE=candor-stub/mongo TESTCONTAINERS_RYUK_DISABLED=true
# Each worker has servers of its own; tests/conftest.py says who runs what.
WORKERS ?= 3
PARALLEL := -n $(WORKERS) --no-loadscope-reorder
MEMBERS := contracts chassis services/chat services/rating services/analytics
# What is installed names its folder, so a checkout that was moved or copied needs it anew.
MOVED := $(shell test "$$(sed -n 2p $(READY) 2>/dev/null)" = "$$(pwd -P)" || echo moved)
# What was compiled once, tests among it, is not compiled again by each process.
unexport PYTHONDONTWRITEBYTECODE
# These keep Python from UTF-8 where it reads the names of folders.
ifneq (,$(filter C POSIX,$(LC_ALL)))
export LC_ALL := C.UTF-8
endif

.PHONY: help run command pages browser pictures demo stop test check format lock events token chaos races truth containers moved
.PHONY: bench bench-commands bench-projection bench-published bench-reads bench-timers

help: ## print this
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: pages ## Kafka, MongoDB, the three services and their pages, until Ctrl-C
	@$(BIN)/python -m deploy.local run

demo: $(READY) ## play dialogs and ratings over the API; print and check the numbers
	@$(BIN)/python -m deploy.demo

# Where nothing was installed, nothing was started.
stop: $(if $(wildcard .venv),$(READY)) ## end what `make run` started
	@$(if $(wildcard .venv),$(BIN)/python -m deploy.local stop,echo "Nothing is running.")

token: $(READY) ## print a development token: make token ROLE=supervisor [CHANNELS=a,b] [TEAMS=c,d] [SCOPE=dialogs:write]
	@CANDOR_ENV=development $(BIN)/python -m deploy.local token --role "$(ROLE)" $(if $(CHANNELS),--channels "$(CHANNELS)") $(if $(TEAMS),--teams "$(TEAMS)") $(if $(SCOPE),--scope "$(SCOPE)")

command: $(READY) ## a service's own command where `make run` runs: make command RUN="analytics status"
	@$(BIN)/python -m deploy.local command $(RUN)

pages: $(READY) ## build the pages that changed
	@$(BIN)/python -m deploy.pages

test: pages ## all tests, on real servers of their own; WORKERS=3 at a time
	@$(BIN)/pytest $(PARALLEL)

browser: pages ## the stories of single pages, in a real browser on a whole system
	@CANDOR_PAGE_STORIES=1 $(BIN)/pytest tests/browser

pictures: pages ## take the README's pictures of a system on which four weeks are played
	@$(BIN)/python -m tests.pictures

check: pages ## style, types, imports, and the tests that need no server
	@$(BIN)/python -m deploy.pages check
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/pytest $(PARALLEL) -m "not real"

format: $(READY) ## bring Python and TypeScript into shape
	@$(BIN)/python -m deploy.pages format
	@$(BIN)/ruff check --fix --select I --quiet
	@$(BIN)/ruff format

chaos: $(READY) ## kill services and servers while 2,000 dialogs flow, replicas 300 times and a rebuild at each of its steps (an hour), then count
	@CANDOR_CHAOS_DIALOGS=2000 CANDOR_CHAOS_FAULTS=$(or $(FAULTS),300) $(BIN)/pytest -s tests/chaos

races: $(READY) ## RACES=300 generated histories of forms, each played by eight replicas at once (ten minutes)
	@CANDOR_RACES=$(or $(RACES),300) $(BIN)/pytest --timeout 120 tests/rating/processes/test_racing_histories.py

truth: $(READY) ## every route of Live Chat against a plain computation: CLOSES=100000 of them, under QUESTIONS=200 filters (half an hour)
	@CANDOR_TRUTH_CLOSES=$(or $(CLOSES),100000) CANDOR_TRUTH_QUESTIONS=$(or $(QUESTIONS),200) \
		$(BIN)/pytest --timeout 14400 tests/analytics/read_models/test_truth.py

containers: $(READY) ## the end-to-end tests on servers in Docker containers; STUB_IMAGES=1 makes the images here
	@$(BIN)/python -m deploy.local.engine
	@$(if $(STUB_IMAGES),$(BIN)/python -m deploy.stub_images kafka mongo,:)
	@env -u CANDOR_KAFKA -u CANDOR_MONGO CANDOR_SERVERS=containers TESTCONTAINERS_CONNECTION_MODE=docker_host \
		$(if $(STUB_IMAGES),$(STUB_IMAGE_NAMES)) $(BIN)/pytest tests/local/test_containers.py tests/e2e

bench: pages ## latency and throughput of the path, and what pages cost a browser, on this machine
	@$(BIN)/python -m tests.bench.path
	@$(BIN)/python -m tests.bench.pages

bench-commands: $(READY) ## what a chat command costs over HTTP, beside a bare insert with the same token check
	@$(BIN)/python -m tests.bench.commands

bench-projection: $(READY) ## what an event costs from Kafka to the read models, beside Kafka Connect's MongoDB sink
	@$(BIN)/python -m tests.bench.projection --runs 5 --limit --connect

bench-published: $(READY) ## how soon a close that Kafka has is in the summary, at 200 and at 1,000 a second
	@$(BIN)/python -m tests.bench.published --rate 200
	@$(BIN)/python -m tests.bench.published --rate 1000

bench-reads: $(READY) ## how long Live Chat's questions take; CLOSES=10000000 are counted, STORED=1000000 are there
	@$(BIN)/python -m tests.bench.reads $(if $(CLOSES),--closes $(CLOSES)) $(if $(STORED),--stored $(STORED))

bench-timers: $(READY) ## how fast forms expire, and what it costs; FORMS=1000000 of them wait
	@$(BIN)/python -m tests.bench.timers $(if $(FORMS),--forms $(FORMS))

events: $(READY) ## write the catalogue of events, their schemas, and the OpenAPI and AsyncAPI documents
	@$(BIN)/python -m contracts.catalogue
	@$(BIN)/python -m deploy.openapi
	@$(BIN)/python -m deploy.asyncapi

lock: $(READY) ## pin what is declared, by hash; UPGRADE=1 takes the newest versions
	@PATH="$(CURDIR)/$(BIN):$$PATH" requirements/lock.sh $(if $(UPGRADE),--upgrade)

$(READY): requirements/bootstrap.txt requirements/development.txt $(MEMBERS:%=%/pyproject.toml) $(MOVED)
	@command -v $(PYTHON) >/dev/null || { echo "Candor needs Python 3.11 or newer, and found no $(PYTHON)." >&2; exit 1; }
	@$(PYTHON) -m deploy.bootstrap
