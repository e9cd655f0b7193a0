# make help     what there is
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
CLI := $(BIN)/digitrec-edge
PYTHONS := 3.12 3.13 3.14
BOARDS := tests/pi/test_boards.py tests/pi/test_native_boards.py
OVER_SSH := tests/pi/test_ssh.py tests/pi/test_remote.py
COUNTED := tests/pi/test_instructions.py
PI_MORE := Forky or RISC or reads_files or (Trixie and every_kernel) or (benchmark_measures and not 32)
AT_WORK := $(foreach name,canary cli_collect cli_read cli_serve cli_watch collection crash farm history hostile_devices placing \
    remote service watching,$(wildcard tests/test_$(name)*.py))
PICTURES := tests/web $(foreach name,photographs pictures preprocess reading_many web_preprocess,$(wildcard tests/test_$(name)*.py))
DESKTOP := $(shell grep -ls 'mark\.desktop' tests/test_*.py)
NPM := build/npm-runtimes/node_modules/.ready
RAY_AND_SPARK := build/read-elsewhere/.ready
export PYTHONDONTWRITEBYTECODE :=  # what hundreds of processes import is compiled once

.PHONY: help setup demo test test-long lint docs test-artifacts test-device test-desktop test-at-work test-pictures web-runtimes read-elsewhere test-newest test-pythons pi pi-boards pi-remote pi-others pi-more pi-instructions pi-instructions-accept pi-frames pi-needs loop mcu mcu-accept mcu-needs native native-sanitized wheel facts pretrained campaigns clean

help:  ## show this
	@grep -hE '^[a-z0-9.-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F '\t' '{printf "  make %-16s %s\n", $$1, $$2}'

setup: $(READY)  ## create .venv with everything, at pinned versions

$(READY): pyproject.toml constraints.txt digitrec_edge/__init__.py
	@echo "installing into $(VENV) at the versions of constraints.txt (2.3 GB, about a minute)"
	@$(PYTHON) digitrec_edge/installation/pythons.py || \
	    { echo "name one, 3.11 for everything: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip install -q -c constraints.txt setuptools wheel
	@PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip install -q -c constraints.txt --no-build-isolation -e '.[all,dev]'
	@touch $(READY)

demo: $(READY)  ## train, export every variant, benchmark each on every runtime, and show it all on one page
	$(CLI) train
	$(CLI) export --all
	$(CLI) benchmark --quick --json build/benchmark.json
	$(CLI) report build --output build/report.html
	@echo "model      build/model.keras"
	@echo "artifacts  build/artifacts"
	@echo "figures    build/benchmark.json"
	@echo "report     build/report.html"

lint: $(READY)  ## ruff, mypy --strict, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

docs: $(READY)  ## build the documentation site, strictly, into build/site
	@mkdir -p build
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build > build/docs.log 2>&1 || { cat build/docs.log; exit 1; }
	@echo "documentation  build/site/index.html"

test: $(READY)  ## lint, documentation and the tests, but for those that take long
	@echo "lint, documentation, tests of the desktop, the device, pictures and the device at work, side by side; each tells when it is done"
	@$(MAKE) --no-print-directory --jobs=4 --output-sync=target test-artifacts test-desktop test-device test-at-work test-pictures lint docs

test-artifacts: $(READY)  ## what the tests share: a trained model and its exports
	@$(BIN)/python -m tests.conftest

test-device: test-artifacts  ## tests of what runs on a device: no TensorFlow in the process
	$(BIN)/pytest -q -m "not desktop and not pi and not long" $(addprefix --ignore=,$(PICTURES) $(AT_WORK))

test-at-work: test-artifacts  ## tests of a device at work: the service, watching, the collection, the farm, deployment
	$(BIN)/pytest -q -m "not desktop and not pi and not long" $(AT_WORK)

test-pictures: test-artifacts  ## tests of what is done to pictures, here and on the page: Python, JavaScript in node, Chromium
	$(BIN)/pytest -q -m "not long" $(PICTURES)

web-runtimes: $(NPM) test-artifacts  ## LiteRT.js and ONNX Runtime Web in Chromium (npm, 185 MB into build/npm-runtimes): every variant, the same logits
	$(BIN)/pytest -q tests/web/test_runtimes.py tests/web/test_snippets.py

$(NPM): runtimes/elsewhere.py | $(READY)
	@mkdir -p build/npm-runtimes
	@echo '{"private": true}' > build/npm-runtimes/package.json
	@cd build/npm-runtimes && npm install --no-audit --no-fund --ignore-scripts --fetch-retries=1 --loglevel=error \
	    $$(cd ../.. && $(BIN)/python -m runtimes.elsewhere)
	@touch $@

read-elsewhere: $(RAY_AND_SPARK)  ## the examples of docs/reading.md in Ray and Spark (pip, 1.2 GB into build/read-elsewhere; needs Java): the same answers
	@command -v java > /dev/null || { echo "Spark needs Java: apt-get install default-jre-headless"; exit 1; }
	build/read-elsewhere/bin/python -m pytest -q tests/test_farm_elsewhere.py

$(RAY_AND_SPARK): constraints.txt pyproject.toml | $(READY)
	@$(BIN)/python -m venv --clear build/read-elsewhere
	@PIP_DISABLE_PIP_VERSION_CHECK=1 build/read-elsewhere/bin/python -m pip install -q -c constraints.txt setuptools wheel
	@PIP_DISABLE_PIP_VERSION_CHECK=1 build/read-elsewhere/bin/python -m pip install -q -c constraints.txt --no-build-isolation \
	    -e . pytest pyarrow 'ray[data]' pyspark
	@touch $@

test-desktop: test-artifacts  ## tests of what needs TensorFlow
	$(BIN)/pytest -q -m "desktop and not long" $(DESKTOP)

test-long: test-artifacts  ## tests that take long: whole notebooks, empty environments, a thousand damaged pages
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target test-long-device test-long-desktop

test-long-device test-long-desktop: test-long-%: test-artifacts
	$(BIN)/pytest -q -m "long and $(if $(filter device,$*),not )desktop" $(if $(filter desktop,$*),$(DESKTOP))

test-newest: test-artifacts  ## the device's tests on the newest other Python there is, numpy 2 and no TensorFlow
	$(BIN)/python tests/other_python.py --brief $(PYTHONS)

test-pythons: $(READY) test-artifacts  ## ... on each other Python there is, with what is the same on every Python
	$(BIN)/python tests/other_python.py $(PYTHONS)

pi: pi-needs test-artifacts  ## the tests on an emulated Raspberry Pi 4, 5 and 2
	@echo "tests of Pi 4 and Pi 5, over ssh and of instructions, and of the 32-bit Pi 2 and all else, side by side; each tells when it is done"
	@$(MAKE) --no-print-directory --jobs=3 --output-sync=target pi-boards pi-remote pi-others

pi-boards: pi-needs  ## ... what a person does on Pi 4 and Pi 5, and the same answers as here
	@$(BIN)/pytest -q -s -m pi $(BOARDS) -k "not 32 and not ($(PI_MORE))"

pi-remote: pi-needs  ## ... over ssh, and instructions
	@$(BIN)/pytest -q -s -m pi $(OVER_SSH) $(COUNTED)

pi-others: pi-needs  ## ... in 32 bits, and the device's own tests on a board
	@$(BIN)/pytest -q -s -m pi tests/pi $(addprefix --ignore=,$(OVER_SSH) $(COUNTED)) \
	    -k "(32 or not (test_boards or test_native_boards)) and not ($(PI_MORE))"

pi-more: pi-needs test-artifacts  ## what pi does on rarer boards, Forky's Python 3.14 and RISC-V, and what is as on another
	@$(BIN)/pytest -q -s -m pi tests/pi -k "$(PI_MORE)"

pi-instructions: pi-needs test-artifacts  ## count instructions per prediction on an emulated Pi 4 and Pi 5
	@PYTHONPATH=tests/pi $(BIN)/python -m emulated_pi.instructions

pi-instructions-accept: pi-needs test-artifacts  ## ... and hold later counts against these
	@PYTHONPATH=tests/pi $(BIN)/python -m emulated_pi.instructions --accept

pi-frames: pi-needs  ## count instructions per frame of watch on an emulated Pi 4, and hold them against docs/watching.md
	@PYTHONPATH=tests/pi $(BIN)/python -m emulated_pi.frames

loop: pi-needs test-artifacts  ## serve on an emulated Pi, correct, collect, retrain, deploy, read again right
	@PYTHONPATH=tests/pi $(BIN)/python -m whole_loop

pi-needs: $(READY)
	@PYTHONPATH=tests/pi $(BIN)/python -m emulated_pi.needs --install

native: $(READY)  ## build the native runtime's libraries for every processor, and the page's kernel, by zig (411 MB): the same bytes everywhere
	@PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip install -q -c constraints.txt ziglang
	@$(BIN)/python -m digitrec_edge.dense.build --all
	@$(BIN)/python tests/facts/wasm_kernel.py

mcu: mcu-needs  ## the exported C on emulated microcontrollers: every byte, and what it takes
	@PYTHONPATH=tests/mcu $(BIN)/python -m emulated_mcu.table

mcu-accept: mcu-needs  ## ... and publish these figures, in the package and in the docs
	@PYTHONPATH=tests/mcu $(BIN)/python -m emulated_mcu.table --accept

mcu-needs: $(READY)
	@PYTHONPATH=tests/mcu $(BIN)/python -m emulated_mcu.needs --install

wheel: $(READY)  ## build dist/*.whl, and dist/device/*.whl without the training images, for devices
	@rm -rf build/lib build/bdist.* dist && mkdir -p build
	@$(BIN)/python -m build --wheel --no-isolation --outdir dist . > build/wheel.log 2>&1 || { cat build/wheel.log; exit 1; }
	@$(BIN)/python -m digitrec_edge.remote.pack dist/*.whl dist/device > build/wheel.log || { cat build/wheel.log; exit 1; }
	@du -b dist/*.whl dist/device/*.whl

facts: $(READY) $(NPM)  ## read anew what stands in the package from elsewhere: wheels, operators of releases, TFLite's schema
	$(BIN)/python tests/facts/wheel_facts.py
	$(BIN)/python tests/facts/schema_facts.py
	$(BIN)/python tests/facts/support_facts.py

pretrained: $(READY)  ## train and export the artifacts that ship in the package
	$(CLI) train --recipe robust --output build/pretrained/model.keras
	$(CLI) export build/pretrained/model.keras --int8 --float32 --onnx-int8 --output build/pretrained
	$(CLI) train --recipe tiny --output build/pretrained/tiny.keras
	$(CLI) export build/pretrained/tiny.keras --int4 --output build/pretrained/tiny
	cp build/pretrained/digitrec-int8.tflite build/pretrained/digitrec-float32.tflite build/pretrained/digitrec-int8.onnx \
	    digitrec_edge/data/pretrained/
	cp build/pretrained/tiny/digitrec-int4.tflite digitrec_edge/data/pretrained/digitrec-tiny.tflite

native-sanitized: $(READY)  ## the native kernels under gcc's sanitizers: many widths, and damaged models by the thousand
	$(BIN)/python tests/native_sanitized.py --count 10000 --seed 0

campaigns: $(READY)  ## hostile pictures, files, devices and models by the thousand, and kills, some hours: docs/reliability.md
	$(BIN)/python tests/hostile_pictures.py --count 10000 --seed 0
	$(BIN)/python tests/hostile_data.py --count 1000 --seed 0
	$(BIN)/python tests/hostile_documents.py --count 1000 --seed 7 --draw
	$(BIN)/python tests/hostile_devices.py --count 1000 --seed 7
	$(BIN)/python tests/hostile_requests.py --count 10000 --seed 0
	$(BIN)/python -m tests.kills --count 500 --seed 7
	$(BIN)/python -m tests.collection_kills --count 200 --seed 0
	$(BIN)/python tests/fuzz.py --count 10000 --seed 0
	$(BIN)/python tests/web_equality.py --scale 2

clean:  ## remove what make built, but not .venv
	rm -rf build dist *.egg-info
