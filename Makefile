# make demo   a driving clip through the real node, and a report: out/demo/report.html
# make test   linters, types, and every test
#
# Both set up what they need the first time (a virtual environment with locked packages, the ROS message)
# and reuse it afterwards. A sourced ROS 2 is used in place of the ROS wheels.
# ROS_WHEELS=kilted takes another distribution's, in an environment of its own.

ROS_WHEELS ?= jazzy
VENV := .venv$(if $(filter-out jazzy,$(ROS_WHEELS)),-$(ROS_WHEELS))
BIN := $(VENV)/bin

ifdef ROS_DISTRO
# The distribution's own Python and ROS packages; ours come in the ranges of pyproject.toml, since the lock
# is made for Python 3.11.
PYTHON ?= python3
VENV_FLAGS := --system-site-packages
export AMENT_PREFIX_PATH := $(abspath $(VENV)):$(AMENT_PREFIX_PATH)
else
PYTHON ?= python3.11
VENV_FLAGS :=
export AMENT_PREFIX_PATH := $(abspath $(VENV))
endif

ROS_PACKAGE := CMakeLists.txt package.xml setup.py $(wildcard msg/*.msg)
INSTALLED := $(sort $(wildcard launch/* config/* config/train/* scripts/*))

.PHONY: setup demo test lint types docs lock clean
.DELETE_ON_ERROR:

setup: $(VENV)/.ready

$(VENV)/.packages: requirements.lock requirements-ros-$(ROS_WHEELS).lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "make: $(PYTHON) is not installed; install it or set PYTHON=..." >&2; exit 1; }
	@echo "make: setting up $(VENV) (once, about two minutes)"
	$(PYTHON) -m venv $(VENV_FLAGS) $(VENV)
ifdef ROS_DISTRO
	$(BIN)/pip install --quiet --disable-pip-version-check --upgrade pip setuptools wheel
	$(BIN)/pip install --quiet --disable-pip-version-check 'numpy<2; python_version < "3.13"' '.[dev]'
	$(BIN)/pip uninstall --quiet --yes restoregan
else
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.lock -r requirements-ros-$(ROS_WHEELS).lock
endif
	@touch $@

# Linked to the checkout, so only a new file, or a changed message, needs this again.
$(VENV)/.ready: $(VENV)/.packages $(ROS_PACKAGE) $(VENV)/.files
	@echo "make: building the ROS message and linking the package"
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/python setup.py --quiet build_msgs >$(VENV)/build.log 2>&1 || { tail -n 40 $(VENV)/build.log >&2; exit 1; }
	@touch $@

$(VENV)/.files: $(VENV)/.packages .FORCE
	@echo "$(INSTALLED)" | cmp --silent - $@ || echo "$(INSTALLED)" >$@

.PHONY: .FORCE
.FORCE:

demo: setup
	$(BIN)/python -m restoregan_ros.demo --output out/demo \
	  $(if $(VIDEO),--video "$(VIDEO)") $(if $(BAG),--bag "$(BAG)") $(if $(CAMERA),--camera "$(CAMERA)") $(if $(DEGRADE),--degrade "$(DEGRADE)") $(if $(RATE),--rate "$(RATE)")

# The report's tests want a browser. Without one, and without the right to install it, they skip and say so.
.PHONY: browser
browser:
	@command -v chromedriver >/dev/null || [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null || \
	  { echo "make: installing Chromium for the report's tests"; \
	    apt-get update -qq >/dev/null && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium chromium-driver >/dev/null; } || \
	  echo "make: no Chromium could be installed; the tests of the report in a browser will skip" >&2

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: setup
	$(BIN)/mypy

test: setup browser lint types
	# The same examples every time: a search for new ones is `pytest --hypothesis-profile=default`.
	# Two files at a time, but one at a time where nodes have deadlines to meet.
	$(BIN)/pytest --hypothesis-profile=ci --numprocesses=2 --dist=loadfile test/core test/tools test/packaging
	$(BIN)/pytest --hypothesis-profile=ci test/ros test/gpu

# The site of docs/, with the reference of the Python API from its docstrings: out/site/index.html
docs: setup
	$(BIN)/mkdocs build --quiet --strict

# After a change of pyproject.toml's ranges or of requirements-ros.in: resolve again and write the pins.
lock:
	$(BIN)/python tools/lock.py

clean:
	rm -rf build out .venv .venv-*
