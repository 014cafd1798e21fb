# A short way to the commands below; CMake does the work. Each target starts from a fresh clone.
#
#   make demo      shows a client, a gateway and real packets between them (as root)
#   make test      builds and runs every test (network tests need root)
#   make build     release programs in build/release/bin
#   make bench     measures slopn beside other VPNs and judges its targets (as root, 40 minutes)
#   make install   installs the release programs below PREFIX (/usr/local)
#   make format    formats the sources;  make lint  checks them with clang-format and clang-tidy
#   make check-asan check-tsan check-boringssl   unit and simulation tests, built that way
#   make clean     removes what was built, but keeps the fetched libraries;  make distclean  all
#
# Variables: JOBS=2 compilers at a time, SLOPN_TLS=auto|boringssl|aws-lc, TESTS=REGEX for make test.

JOBS ?= $(shell nproc)
SLOPN_TLS ?= auto
PREFIX ?= /usr/local
TESTS ?= .
export SLOPN_TLS

configure = cmake --preset $(1) -DSLOPN_TLS=$(if $(2),$(2),$(SLOPN_TLS)) --log-level=WARNING
compile = cmake --build build/$(1) --parallel $(JOBS)
run_tests = ctest --test-dir build/$(1) --output-on-failure --parallel $(JOBS)

# The sanitizers of GCC 12 cannot start when the kernel randomises addresses by more than 28 bits.
sanitized = ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1 \
  UBSAN_OPTIONS=print_stacktrace=1 TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1 \
  $$(test "$$(cat /proc/sys/vm/mmap_rnd_bits 2>/dev/null || echo 0)" -le 28 || echo setarch -R)

.PHONY: help bootstrap build demo test bench install format lint check-asan check-tsan \
  check-boringssl clean distclean

help:
	@sed -n '2,/^$$/s/^# \{0,1\}//p' Makefile

bootstrap:
	@packaging/bootstrap.sh

build: bootstrap
	@$(call configure,release)
	@$(call compile,release)
	@echo "built: build/release/bin"

demo: build
	@tests/demo/demo.sh

test: bootstrap
	@$(call configure,dev)
	@$(call compile,dev)
	@$(call run_tests,dev) --tests-regex '$(TESTS)'

bench: build
	@tests/bench/run.sh

install: build
	@cmake --install build/release --prefix $(PREFIX)

format:
	@packaging/bootstrap.sh --lint
	@git ls-files '*.cpp' '*.hpp' | xargs clang-format -i

lint:
	@packaging/bootstrap.sh --lint
	@git ls-files '*.cpp' '*.hpp' | xargs clang-format --dry-run --Werror
	@$(call configure,dev)
	@$(call compile,dev)
	@git ls-files 'libtunnel/*.cpp' 'platform/*.cpp' 'daemon/*.cpp' 'cli/*.cpp' | \
	  xargs -P $(JOBS) -n 4 clang-tidy --quiet -p build/dev

check-asan: bootstrap
	@$(call configure,asan)
	@$(call compile,asan) --target tests_unit tests_sim tests_fuzz
	@$(sanitized) $(call run_tests,asan) --label-regex '^(unit|sim|fuzz)$$'

check-tsan: bootstrap
	@$(call configure,tsan)
	@$(call compile,tsan) --target tests_unit tests_sim tests_fuzz
	@$(sanitized) $(call run_tests,tsan) --label-regex '^(unit|sim|fuzz)$$'

check-boringssl:
	@packaging/bootstrap.sh --boringssl
	@$(call configure,boringssl,boringssl)
	@$(call compile,boringssl)
	@$(call run_tests,boringssl) --label-regex '^(unit|sim|conformance|fuzz|layers)$$'

clean:
	@if [ -d build ]; then find build -mindepth 1 -maxdepth 1 ! -name deps -exec rm -rf {} +; fi

distclean:
	@rm -rf build
