# authbridge: make builds build/authbridge; make help lists the rest.

VERSION := 0.1.0

CC      ?= cc
ifeq ($(MODE),)
BUILD := build
else
BUILD := build/$(MODE)
endif
PREFIX  ?= /usr/local
DESTDIR ?=
PYTHON  ?= /usr/bin/python3
JOBS    ?= 3

# For what may be made side by side.
MAKE_PARALLEL = $(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))

PACKAGES   := libcurl inih libssl libcrypto jansson
PKG_CFLAGS := $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
PKG_LIBS   := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null) -lcrypt -pthread

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes \
            -Wmissing-prototypes -Wformat=2
ifdef CI
WARNINGS += -Werror
endif

RELEASE_FLAGS  := -O2 -flto -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
RELEASE_LINK   := -O2 -flto=auto -pie -Wl,-z,relro,-z,now
DEBUG_FLAGS    := -Og -g3 -fno-omit-frame-pointer
SANITIZE_FLAGS := -O1 -g3 -fno-omit-frame-pointer -fsanitize=address,undefined \
                  -fno-sanitize-recover=undefined -DAUTHBRIDGE_TRACEABLE

ifeq ($(MODE),debug)
MODE_FLAGS := $(DEBUG_FLAGS)
MODE_LINK  :=
else ifeq ($(MODE),sanitize)
MODE_FLAGS := $(SANITIZE_FLAGS)
MODE_LINK  := -fsanitize=address,undefined
else
MODE_FLAGS := $(RELEASE_FLAGS)
MODE_LINK  := $(RELEASE_LINK)
endif
ifneq (,$(findstring clang,$(CC)))
MODE_LINK := $(subst -flto=auto,-flto -fuse-ld=lld,$(MODE_LINK))
endif

# Debian builds inih with limits that are variables; elsewhere they are fixed in the library.
INIH_FLAGS = $(shell printf '\043include <ini.h>\nint main(void){ini_max_line=0;return 0;}' | \
	$(CC) $(PKG_CFLAGS) -x c - -linih -o /dev/null 2>/dev/null && echo -DINIH_RUNTIME_LIMITS)

CPPFLAGS_ALL = -Iinclude -D_GNU_SOURCE -DAUTHBRIDGE_VERSION='"$(VERSION)"' \
               $(PKG_CFLAGS) $(CPPFLAGS)
CFLAGS_ALL    = -std=c11 $(WARNINGS) $(MODE_FLAGS) $(CFLAGS)

SOURCES := $(wildcard src/*.c)
OBJECTS := $(SOURCES:src/%.c=$(BUILD)/obj/%.o)

# The status page, as octets that C can include.
PAGE := build/generated/status_page.inc
CPPFLAGS_ALL += -I$(dir $(PAGE))

.PHONY: all
all: $(BUILD)/authbridge

$(PAGE): src/status_page.html Makefile
	@mkdir -p $(@D)
	@od -An -v -tu1 $< | sed 's/[0-9][0-9]*/&,/g' >$@.new && mv $@.new $@

$(BUILD)/obj/status_page.o: $(PAGE)

$(BUILD)/authbridge: $(OBJECTS)
	@echo "LD  $@"
	@$(CC) $(MODE_LINK) $(LDFLAGS) -o $@ $(OBJECTS) $(PKG_LIBS) $(LDLIBS)

$(BUILD)/obj/%.o: src/%.c Makefile | $(BUILD)/obj
	@echo "CC  $<"
	@$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

$(BUILD)/obj/ini_file.o: CPPFLAGS_ALL += $(INIH_FLAGS)

$(BUILD)/obj:
	@pkg-config --exists $(PACKAGES) || { \
		echo "missing: libcurl, inih, OpenSSL or jansson for pkg-config; 'make run' installs them" >&2; exit 1; }
	@mkdir -p $@

-include $(OBJECTS:.o=.d)

# ---- trying it, testing it ----

.PHONY: run
run:
	@packaging/install-deps.sh build
	+@$(MAKE_PARALLEL) all
	$(BUILD)/authbridge --demo

UNIT_SOURCES := $(wildcard tests/unit/test_*.c)
UNIT_TESTS   := $(UNIT_SOURCES:tests/unit/%.c=$(BUILD)/unit/%)
UNIT_OBJECTS := $(filter-out $(BUILD)/obj/main.o,$(OBJECTS))
UNIT_SUPPORT := $(patsubst tests/unit/%.c,$(BUILD)/unit/%.o,$(wildcard tests/unit/support.c))
CMOCKA        = $(shell pkg-config --cflags --libs cmocka)

$(BUILD)/unit/support.o: tests/unit/support.c Makefile | $(BUILD)/obj
	@mkdir -p $(@D)
	@$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

$(BUILD)/unit/%: tests/unit/%.c $(UNIT_SUPPORT) $(UNIT_OBJECTS) Makefile
	@echo "CC  $<"
	@$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(MODE_LINK) -MMD -MP -MF $@.d -o $@ $< $(UNIT_SUPPORT) \
		$(UNIT_OBJECTS) $(CMOCKA) $(PKG_LIBS)

-include $(wildcard $(BUILD)/unit/*.d)

# A failing test program does not keep the others from being run.
.PHONY: unit
unit: $(UNIT_TESTS)
	@failed=; for test in $(UNIT_TESTS); do $$test || failed="$$failed $$test"; done; \
		[ -z "$$failed" ] || { echo "failed:$$failed" >&2; exit 1; }

.PHONY: e2e
e2e: $(BUILD)/authbridge
	AUTHBRIDGE=$(abspath $(BUILD)/authbridge) PYTHONDONTWRITEBYTECODE=1 \
		$(PYTHON) -m pytest -q -p no:cacheprovider -n $(JOBS) tests/e2e $(PYTEST_FLAGS)
	@$(MAKE) --no-print-directory e2e-tls

# A part of it, and exchanges that were made up, once more by clients that speak TLS.
.PHONY: e2e-tls
e2e-tls: $(BUILD)/authbridge
	E2E_LISTEN=https AUTHBRIDGE=$(abspath $(BUILD)/authbridge) PYTHONDONTWRITEBYTECODE=1 \
		$(PYTHON) -m pytest -q -p no:cacheprovider -n $(JOBS) \
		tests/e2e/test_duplex.py tests/e2e/test_response_broken.py $(PYTEST_FLAGS)
	E2E_LISTEN=https AUTHBRIDGE=$(abspath $(BUILD)/authbridge) PYTHONDONTWRITEBYTECODE=1 \
		$(PYTHON) -m pytest -q -p no:cacheprovider tests/conformance/test_fidelity.py $(PYTEST_FLAGS)

# Every case of the table through the bridge alone; PEERS=1 plays it through other proxies as well,
# side by side, and prints where they differ.
.PHONY: conformance
conformance: $(BUILD)/authbridge
ifdef PEERS
	@packaging/install-deps.sh peers
	AUTHBRIDGE=$(abspath $(BUILD)/authbridge) PYTHONDONTWRITEBYTECODE=1 \
		PYTHONPATH=tests/e2e:tests/bench PATH="$$PATH:/usr/sbin" $(PYTHON) tests/conformance/compare.py
else
	AUTHBRIDGE=$(abspath $(BUILD)/authbridge) PYTHONDONTWRITEBYTECODE=1 \
		$(PYTHON) -m pytest -q tests/conformance $(PYTEST_FLAGS)
endif

# The service under a real systemd, in a container that the test makes: needs root. A sanitizer's
# run-time does not live under the unit's restrictions.
.PHONY: systemd
systemd: $(BUILD)/authbridge
ifneq ($(MODE),sanitize)
	AUTHBRIDGE=$(abspath $(BUILD)/authbridge) PYTHONDONTWRITEBYTECODE=1 \
		$(PYTHON) -m pytest -q -p no:cacheprovider tests/systemd $(PYTEST_FLAGS)
endif

# The Debian package: built, and installed in a clean Debian that the test makes: needs root.
.PHONY: package
package:
ifneq ($(MODE),sanitize)
	@if command -v apt-get >/dev/null; then packaging/install-deps.sh build package; fi
	PYTHONDONTWRITEBYTECODE=1 $(PYTHON) -m pytest -q tests/package $(PYTEST_FLAGS)
endif

.PHONY: test
test:
	@packaging/install-deps.sh build test
	+@$(MAKE_PARALLEL) all
	+@$(MAKE_PARALLEL) unit
	@$(MAKE) --no-print-directory e2e
	@$(MAKE) --no-print-directory conformance
	@$(MAKE) --no-print-directory systemd
	@$(MAKE) --no-print-directory package

# Everything again, with memory, undefined behaviour and leaks checked, in children as well; and where a
# test leaves it open, with children made when a client comes, each for client after client.
.PHONY: sanitize
sanitize:
	ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1 \
		E2E_BULK_MIB=64 E2E_LOAD_CLIENTS=25 E2E_STANDBY=0 E2E_RECYCLE=10 $(MAKE) --no-print-directory MODE=sanitize test

# ---- fuzzing: clang's libFuzzer, each target for SECONDS ----

SECONDS      ?= 20
SEED         ?= 1
FUZZ         := request_head response_head chunked screen config exchange proxy_header token_response
FUZZ_FLAGS   := -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined \
                -fno-sanitize-recover=undefined -DAUTHBRIDGE_TRACEABLE $(FUZZ_MORE)
FUZZ_BUILD   ?= build/fuzz
FUZZ_SOURCES := $(filter-out src/main.c,$(SOURCES)) tests/fuzz/support.c
FUZZ_OBJECTS := $(FUZZ_SOURCES:%.c=$(FUZZ_BUILD)/%.o)

.SECONDARY: $(FUZZ_OBJECTS) $(FUZZ:%=$(FUZZ_BUILD)/tests/fuzz/fuzz_%.o)
$(FUZZ_BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	@clang $(CPPFLAGS_ALL) -std=c11 $(FUZZ_FLAGS) $(INIH_FLAGS) -MMD -MP -c -o $@ $<

$(FUZZ_BUILD)/src/status_page.o: $(PAGE)

# An archive, so that each target takes what it needs, and fuzz_exchange its own upstream.
$(FUZZ_BUILD)/authbridge.a: $(FUZZ_OBJECTS)
	@rm -f $@ && ar rcs $@ $(FUZZ_OBJECTS)

$(FUZZ_BUILD)/fuzz_%: $(FUZZ_BUILD)/tests/fuzz/fuzz_%.o $(FUZZ_BUILD)/authbridge.a
	@echo "LD  $@"
	@clang $(FUZZ_FLAGS) -fsanitize=fuzzer -o $@ $< $(FUZZ_BUILD)/authbridge.a $(PKG_LIBS)

-include $(FUZZ_OBJECTS:.o=.d)

.PHONY: fuzz
fuzz:
	@packaging/install-deps.sh build fuzz
	+@$(MAKE_PARALLEL) $(FUZZ:%=$(FUZZ_BUILD)/fuzz_%)
	+@$(MAKE_PARALLEL) $(FUZZ:%=fuzz-%)

.PHONY: $(FUZZ:%=fuzz-%)
$(FUZZ:%=fuzz-%): fuzz-%: $(FUZZ_BUILD)/fuzz_%
	@mkdir -p build/fuzz/corpus/$*
	@echo "fuzzing $* for $(SECONDS) s"
	@$< -seed=$(SEED) -max_total_time=$(SECONDS) -max_len=8192 -timeout=10 \
		-dict=$(firstword $(wildcard tests/fuzz/$*.dict) tests/fuzz/http.dict) \
		-verbosity=0 -print_final_stats=1 -artifact_prefix=build/fuzz/ \
		build/fuzz/corpus/$* tests/fuzz/corpus/$* 2>build/fuzz/$*.log || \
		{ echo "$*:"; tail -n 40 build/fuzz/$*.log; exit 1; }
	@echo "$*: $$(grep number_of_executed_units build/fuzz/$*.log)"

# Which branches of what they feed the committed inputs alone take.
.PHONY: fuzz-coverage
fuzz-coverage:
	@packaging/install-deps.sh build fuzz
	+@$(MAKE_PARALLEL) FUZZ_BUILD=build/fuzz-coverage \
		FUZZ_MORE='-fprofile-instr-generate -fcoverage-mapping' $(FUZZ:%=build/fuzz-coverage/fuzz_%)
	@tests/fuzz/coverage.sh build/fuzz-coverage $(FUZZ)

# ---- speed: beside other proxies, on a quiet machine; docs/BENCHMARKS.md ----

BENCH_TOOLS   := fresh bulk sink forkrelay cabundle
BENCH_SOURCES := $(wildcard tests/bench/*.c)
BENCH_SHARED  := tests/bench/loopback.c tests/bench/response.c
BENCH_FLAGS    = $(if $(QUICK),--quick) $(if $(README),--readme) $(BENCH)

build/bench/%: tests/bench/%.c $(BENCH_SHARED) $(wildcard tests/bench/*.h) Makefile
	@mkdir -p $(@D)
	@echo "CC  $<"
	@$(CC) $(CPPFLAGS_ALL) -std=c11 $(WARNINGS) -O2 -pthread $(CFLAGS) -o $@ $< $(BENCH_SHARED) \
		$(shell pkg-config --libs libcurl)

.PHONY: bench
bench:
	@packaging/install-deps.sh build bench
	+@$(MAKE_PARALLEL) MODE= all $(BENCH_TOOLS:%=build/bench/%)
	@PYTHONDONTWRITEBYTECODE=1 $(PYTHON) tests/bench/bench.py $(BENCH_FLAGS)

# ---- keeping it in order ----

C_FILES  := $(wildcard src/*.c include/*.h tests/unit/*.[ch] tests/fuzz/*.[ch] \
             tests/bench/*.[ch])
SCRIPTS  := .ci/run packaging/install-deps.sh packaging/authbridge.bash \
            packaging/build-deb.sh packaging/debian/authbridge.postinst \
            packaging/debian/authbridge.prerm packaging/debian/authbridge.postrm tests/systemd/rig.sh \
            tests/fuzz/coverage.sh
MANUALS  := docs/authbridge.8 docs/proxy.ini.5

.PHONY: format
format:
	clang-format -i $(C_FILES)

.PHONY: lint
lint:
	@packaging/install-deps.sh build test lint
	clang-format --dry-run -Werror $(C_FILES)
	+@$(MAKE_PARALLEL) CC=gcc CI=1 BUILD=build/lint-gcc all
	+@$(MAKE_PARALLEL) CC=clang CI=1 BUILD=build/lint-clang all
	printf '%s\n' $(SOURCES) $(BENCH_SOURCES) | xargs -P 2 -I '{}' clang-tidy --quiet --warnings-as-errors='*' '{}' \
		-- $(CPPFLAGS_ALL) $(INIH_FLAGS) -std=c11 2>/dev/null
	cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 \
		--enable=warning,performance,portability -Iinclude -I$(dir $(PAGE)) -D_GNU_SOURCE \
		-DAUTHBRIDGE_VERSION='"$(VERSION)"' -DINIH_RUNTIME_LIMITS src tests/bench
	shellcheck $(SCRIPTS)
	mandoc -Tlint -Wwarning $(MANUALS)

# ---- installing it ----

.PHONY: install
install: $(BUILD)/authbridge
	install -D -m 755 $(BUILD)/authbridge $(DESTDIR)$(PREFIX)/sbin/authbridge
	install -D -m 644 docs/authbridge.8 $(DESTDIR)$(PREFIX)/share/man/man8/authbridge.8
	install -D -m 644 docs/proxy.ini.5 $(DESTDIR)$(PREFIX)/share/man/man5/proxy.ini.5
	install -D -m 644 proxy.ini.example \
		$(DESTDIR)$(PREFIX)/share/doc/authbridge/proxy.ini.example
	sed 's,=/usr/sbin/authbridge,=$(PREFIX)/sbin/authbridge,' packaging/authbridge.service | \
		install -D -m 644 /dev/stdin $(DESTDIR)$(PREFIX)/lib/systemd/system/authbridge.service
	install -m 644 packaging/authbridge.socket $(DESTDIR)$(PREFIX)/lib/systemd/system/
	install -D -m 644 packaging/authbridge.bash \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/authbridge

# The Debian package: build/authbridge_VERSION_ARCH.deb.
.PHONY: deb
deb:
	@packaging/install-deps.sh build package
	@packaging/build-deb.sh $(VERSION)

.PHONY: help
help:
	@echo "make            builds build/authbridge; MODE=debug, MODE=sanitize: in folders there"
	@echo "make run        installs what is missing to build, builds, starts the demo"
	@echo "make test       installs what is missing to test, runs everything"
	@echo "make unit, e2e, e2e-tls, conformance, systemd, package  run a part of the tests"
	@echo "make conformance PEERS=1  plays its table through nginx, HAProxy, Apache and Caddy too"
	@echo "make sanitize   runs everything with memory and leaks checked"
	@echo "make fuzz       feeds random input to the parsers and to whole exchanges (SECONDS=$(SECONDS) each, SEED)"
	@echo "make bench      measures speed beside nginx, HAProxy, Apache, Caddy (QUICK=1: 2 minutes; README=1)"
	@echo "make fuzz-coverage  shows which branches the committed inputs take"
	@echo "make lint       checks layout, warnings, common mistakes, scripts, manuals"
	@echo "make format     lays the C sources out"
	@echo "make install    installs, below DESTDIR and PREFIX ($(PREFIX))"
	@echo "make deb        builds the Debian package, build/authbridge_$(VERSION)_ARCH.deb"
	@echo "make clean      removes build"

.PHONY: clean
clean:
	rm -rf build
