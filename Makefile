# make demo            environment, server, a bundled sample through a real WebSocket, captions
# make demo ONCE=1     the same, then exit: 0 when the text is right
# make test            environment and all tests
# make check           ruff and pyright
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# torch by itself and first: whatever needs it later takes the one that is there.
TORCH ?= torch==2.13.0
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test check clean

demo: $(VENV)/.runtime
	@$(BIN)/hark demo $(if $(ONCE),--once)

test: $(VENV)/.dev
	$(BIN)/python -m pytest $(ARGS)

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

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
	rm -rf $(VENV) build dist *.egg-info
