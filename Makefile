# make demo            environment, server, a bundled sample through a real WebSocket, captions
# make demo ONCE=1     the same, then exit: 0 when the text is right
# make test            environment and all tests
# make test-clients    official clients (LiveKit, Pipecat, …), each in an environment of its own;
#                      ARGS="livekit-agents" for one; those in JavaScript need node and npm
# make check           ruff and pyright
#
# The built-in model (needs the speech synthesisers; what is missing, and how to get it, is said):
# make corpus          synthesise the training corpus        DIGITS=folder SHARDS=200
# make train           train to HOURS of audio, let the rate fall over COOLDOWN more; the aligner
# make train SMOKE=1   the whole recipe in small, in three minutes
# make eval            measure what `make train` made        ARGS="--speech folder"
# Each of them goes on where it was interrupted.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# torch by itself and first: whatever needs it later takes the one that is there.
TORCH ?= torch==2.13.0
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

BUILD := training/build
RECIPE := nice $(BIN)/python -m training
DIGITS ?= training/data/digits
SHARDS ?= 200
HOURS ?= 872
COOLDOWN ?= 480
ALIGN ?= 130

.PHONY: demo test test-clients check corpus train eval clean

demo: $(VENV)/.runtime
	@$(BIN)/hark demo $(if $(ONCE),--once)

test: $(VENV)/.dev
	$(BIN)/python -m pytest $(ARGS)

test-clients: $(VENV)/.runtime
	$(BIN)/python tests/sdks/run.py $(ARGS)

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

corpus: $(VENV)/.runtime
	$(RECIPE) corpus --dir $(BUILD)/corpus --digits $(DIGITS) --shards $(SHARDS) $(ARGS)

ifdef SMOKE
train: $(VENV)/.runtime
	$(RECIPE) smoke
else
train: $(VENV)/.runtime
	$(RECIPE) train --dir $(BUILD)/corpus --run $(BUILD)/train --hours $(HOURS) $(ARGS)
	$(RECIPE) cooldown --dir $(BUILD)/corpus --run $(BUILD)/cooldown --from $(BUILD)/train \
	  --hours $(COOLDOWN) $(ARGS)
	$(RECIPE) align --dir $(BUILD)/corpus --run $(BUILD)/align --from $(BUILD)/cooldown \
	  --hours $(ALIGN) $(ARGS)
endif

eval: $(VENV)/.runtime
	$(RECIPE) eval --model $(BUILD)/cooldown/export --aligner $(BUILD)/align/export \
	  --digits $(DIGITS) --out $(BUILD)/eval $(ARGS)

$(VENV)/.runtime: pyproject.toml
	@echo "Making the environment in $(VENV) (torch is the big part; a few minutes the first time)"
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else "Python 3.11 to 3.13 is needed, this is %d.%d; try: make demo PYTHON=python3.12" % v)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) --upgrade pip
	@echo "1/3 torch"
	@$(PIP) "$(TORCH)"
	@echo "2/3 Hark"
	@PYTHONWARNINGS=ignore $(PIP) --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime
	@echo "3/3 test tools"
	@$(PIP) --group dev
	@touch $@

clean:
	rm -rf $(VENV) .venv-sdks build dist *.egg-info
