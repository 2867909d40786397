# kerf: `make run` and `make test` do everything on a fresh machine; `make help` lists the rest.

PREFIX  ?= /usr/local
DESTDIR ?=
CC      ?= cc
AR      ?= ar
OBJCOPY ?= objcopy
BUILD   ?= build
VARIANT ?= release

VERSION := $(shell sed -n 's/^\#define KERF_VERSION "\(.*\)"/\1/p' include/kerf/kerf.h)
SOMAJOR := 0

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
            -Wvla -Wundef $(if $(CI)$(WERROR),-Werror)
CFLAGS_release  := -O2 -g
CFLAGS_sanitize := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
CFLAGS_tsan := -O1 -g -fno-omit-frame-pointer -fsanitize=thread
CFLAGS_coverage := -O0 -g --coverage
CFLAGS  ?= $(CFLAGS_$(VARIANT))
LDFLAGS ?=
ALL_CFLAGS := -std=c11 -D_GNU_SOURCE -Iinclude -I. -I$(BUILD)/gen $(shell pkg-config --cflags jansson 2>/dev/null) \
              $(if $(wildcard /usr/include/nanopb/pb.h),-I/usr/include/nanopb) \
              -fPIC -fvisibility=hidden -MMD -MP $(WARNINGS) $(CFLAGS) $(CPPFLAGS)
comma := ,
# `make V=1` shows whole commands.
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-5s %s\n' $(1) $(2))
ALL_LDFLAGS := $(if $(filter sanitize,$(VARIANT)),-fsanitize=address$(comma)undefined) \
               $(if $(filter tsan,$(VARIANT)),-fsanitize=thread) \
               $(if $(filter coverage,$(VARIANT)),--coverage) $(LDFLAGS)
LIBS := -ljansson -lglpk -lmd -lprotobuf-nanopb -lzmq -lmicrohttpd -lm -lpthread

# Objects live in a directory per set of flags, so that none ever mix: one per variant, and one more
# for each compiler or flags of the caller's own.
given = $(filter command environment,$(firstword $(origin $(1))))
OWN_FLAGS := $(if $(call given,CC)$(call given,CFLAGS)$(call given,CPPFLAGS)$(call given,LDFLAGS),\
             -$(shell printf '%s' '$(CC) : $(CFLAGS) : $(CPPFLAGS) : $(LDFLAGS)' | cksum | cut -d ' ' -f 1))
OBJ := $(BUILD)/obj/$(VARIANT)$(strip $(OWN_FLAGS))
LIB_SRC := $(sort $(filter-out planner/cli/%,$(wildcard base/*.c model/*.c model/*/*.c net/*.c net/*/*.c planner/*.c planner/*/*.c)))
CLI_SRC := $(sort $(wildcard planner/cli/*.c))
TEST_SUPPORT_SRC := $(sort $(wildcard tests/support/*.c))
TEST_SRC := $(sort $(wildcard tests/unit/test_*.c tests/property/test_*.c tests/fuzz/test_*.c))
BENCH_SRC := $(sort $(wildcard tests/bench/bench_*.c))

GEN_OBJ := $(OBJ)/gen/onnx.pb.o
LIB_OBJ := $(LIB_SRC:%.c=$(OBJ)/%.o) $(GEN_OBJ)
CLI_OBJ := $(CLI_SRC:%.c=$(OBJ)/%.o)
TEST_SUPPORT_OBJ := $(TEST_SUPPORT_SRC:%.c=$(OBJ)/%.o)
TEST_BIN := $(TEST_SRC:%.c=$(OBJ)/%)
BENCH_BIN := $(BENCH_SRC:%.c=$(OBJ)/%)
INTERNAL := $(OBJ)/libkerf-internal.a

# The release variant's results are also build/kerf, build/libkerf.a and so on.
OUT := $(if $(filter release,$(VARIANT)),$(BUILD),$(BUILD)/$(VARIANT))

.PHONY: all
all: $(OUT)/kerf $(OUT)/libkerf.a $(OUT)/libkerf.so $(OUT)/kerf.pc

# --- ONNX schema: C from the trimmed .proto, by nanopb ----------------------------------------
NANOPB_GENERATOR := $(firstword $(shell command -v nanopb_generator || command -v nanopb_generator.py))
# Run where onnx.options is, as older generators look for it only there. Both files are written at
# once; grouped targets would need a newer make than Ubuntu 20.04's.
$(BUILD)/gen/onnx.pb.c: model/onnx/onnx.proto $(wildcard model/onnx/onnx.options)
	@mkdir -p $(BUILD)/gen
	cd model/onnx && $(if $(NANOPB_GENERATOR),$(NANOPB_GENERATOR) -q -D $(abspath $(BUILD)/gen) onnx.proto,\
	protoc --nanopb_out=$(abspath $(BUILD)/gen) onnx.proto)
$(BUILD)/gen/onnx.pb.h: $(BUILD)/gen/onnx.pb.c ;
$(OBJ)/gen/onnx.pb.o: $(BUILD)/gen/onnx.pb.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(ALL_CFLAGS) -Wno-conversion -c -o $@ $<
$(filter $(OBJ)/model/onnx/%,$(LIB_OBJ)): | $(BUILD)/gen/onnx.pb.h

$(OBJ)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

# --- libraries and the command -----------------------------------------------------------------
# What $(OUT) was linked from: changes, and so links again, when other flags are given.
$(OUT)/.objects: FORCE
	@mkdir -p $(@D)
	@echo '$(OBJ)' | cmp -s - $@ || echo '$(OBJ)' > $@
.PHONY: FORCE
FORCE:

$(INTERNAL): $(LIB_OBJ)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

# One relocatable object with everything but the public symbols made local.
$(OUT)/libkerf.a: $(LIB_OBJ) $(OUT)/.objects
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) -r -nostdlib -o $(OBJ)/kerf.o $(LIB_OBJ) -Wl,--whole-archive -lprotobuf-nanopb -Wl,--no-whole-archive
	$(Q)$(OBJCOPY) --localize-hidden -w --keep-global-symbol='kerf_*' $(OBJ)/kerf.o
	@rm -f $@
	$(Q)$(AR) rcs $@ $(OBJ)/kerf.o

$(OUT)/libkerf.so: $(LIB_OBJ) base/libkerf.map $(OUT)/.objects
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) -shared -Wl,-soname,libkerf.so.$(SOMAJOR) -Wl,--version-script=base/libkerf.map $(ALL_LDFLAGS) -o $@ $(LIB_OBJ) $(LIBS)
	$(Q)ln -sf libkerf.so $(@D)/libkerf.so.$(SOMAJOR)

$(OUT)/kerf: $(CLI_OBJ) $(INTERNAL) $(OUT)/.objects
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $(CLI_OBJ) $(INTERNAL) $(LIBS)

$(OUT)/kerf.pc: base/kerf.pc.in Makefile
	@mkdir -p $(@D)
	$(Q)sed -e 's|@PREFIX@|$(PREFIX)|g' -e 's|@VERSION@|$(VERSION)|g' $< > $@

# --- tests ---------------------------------------------------------------------------------------
# What the command itself loads.
$(OBJ)/tests/unit/test_torture_variants: $(filter-out %/main.o,$(CLI_OBJ))
$(TEST_BIN): %: %.o $(TEST_SUPPORT_OBJ) $(INTERNAL)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $(filter-out $(INTERNAL),$^) $(INTERNAL) -lcmocka $(LIBS)
# Only what benches use of the tests' support: the rest needs cmocka, and torture.o replaces malloc.
$(BENCH_BIN): %: %.o $(OBJ)/tests/support/random.o $(OBJ)/tests/support/random_problem.o $(OBJ)/tests/support/branching.o $(OBJ)/tests/support/cut_program.o $(INTERNAL)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

TEST_SCRIPTS := $(sort $(wildcard tests/cli/test_*.sh tests/cli/test_*.py tests/service/test_*.sh \
                           tests/service/test_*.py tests/e2e/test_*.py))
# Begun first, as several run at once and the longest should not be left over.
TEST_LONG := $(OBJ)/tests/unit/test_split_networks tests/cli/test_split.py tests/cli/test_recompute.py
TESTS := $(TEST_LONG) $(filter-out $(TEST_LONG),$(TEST_BIN) $(TEST_SCRIPTS))

.PHONY: build-tests check check-threads test sanitize tsan coverage bench run-bench run deps test-deps bench-deps lint format
build-tests: all $(TEST_BIN)

# Quick: seconds to a minute. The full run repeats with more random cases.
check: build-tests
	@KERF=$(OUT)/kerf KERF_BUILD=$(OUT) tests/run $(TESTS)

test: test-deps
	@$(MAKE) --no-print-directory build-tests
	@KERF_TEST_FULL=1 KERF=$(OUT)/kerf KERF_BUILD=$(OUT) tests/run $(TESTS)

sanitize:
	@$(MAKE) --no-print-directory VARIANT=sanitize check

# The tests of what several threads do at once; their programs in the tsan variant.
TSAN_TESTS := $(filter tests/unit/test_map_threads.c tests/property/test_simulate_laws.c,$(TEST_SRC))
TSAN_BIN := $(TSAN_TESTS:%.c=$(OBJ)/%)
TSAN_SCRIPTS := $(wildcard tests/service/test_*.py)
check-threads: $(TSAN_BIN) $(OUT)/kerf
	@TSAN_OPTIONS="suppressions=$(CURDIR)/tests/tsan.supp exitcode=99" KERF=$(OUT)/kerf KERF_BUILD=$(OUT) \
	    tests/run $(TSAN_BIN) $(TSAN_SCRIPTS)
tsan:
	@$(MAKE) --no-print-directory VARIANT=tsan check-threads

coverage:
	@$(MAKE) --no-print-directory VARIANT=coverage check
	@tests/coverage $(BUILD)/obj/coverage

bench: bench-deps
	@$(MAKE) --no-print-directory run-bench
run-bench: all $(BENCH_BIN)
	@KERF=$(OUT)/kerf KERF_BENCH_DIR=$(OBJ)/tests/bench tests/bench/run

# Installs what is missing from the distribution's packages; says what to do where it cannot.
deps:
	@./install-deps build
test-deps:
	@./install-deps build test
bench-deps:
	@./install-deps build bench

run: deps
	@$(MAKE) --no-print-directory all
	@echo
	$(BUILD)/kerf plan resnet50 --device jetson-tx2 --server edge-gpu --link wifi-n

# Every device profile that was measured, from the reference data and configs/overlays. PROFILES
# may be another folder, to compare with.
DATA ?= ../shared/data/jetson
PROFILES ?= configs/devices
MEASUREMENTS := $(BUILD)/measurements
PROFILE_TABLES := jetson-tx2:tx2-blocks jetson-tx2-mac-kernels:tx2-blocks jetson-tx2-tensorflow:tx2-networks \
                  jetson-agx-xavier:agx-xavier-networks jetson-nano:nano-networks \
                  jetson-xavier-nx:agx-xavier-networks jetson-orin-nano:orin-nano-layers
.PHONY: profiles accuracy
profiles: $(OUT)/kerf
	tools/measurements.py $(DATA) $(MEASUREMENTS)
	@mkdir -p $(PROFILES)
	@for each in $(PROFILE_TABLES); do \
	    $(OUT)/kerf calibrate $(MEASUREMENTS)/$${each#*:}.json --overlay configs/overlays/$${each%:*}.json \
	        --output $(PROFILES)/$${each%:*}.json --force --quiet > /dev/null || exit 1; \
	    echo "$(PROFILES)/$${each%:*}.json"; \
	done
accuracy: $(OUT)/kerf
	tools/measurements.py $(DATA) $(MEASUREMENTS)
	KERF=$(OUT)/kerf tools/accuracy.py $(MEASUREMENTS) docs

# All files are looked at, by both tools, before the rule fails.
LINT_JOBS := $(shell nproc 2>/dev/null || echo 1)
lint: $(BUILD)/gen/onnx.pb.h
	@failed=0; \
	printf '%s\n' $(LIB_SRC) $(CLI_SRC) | xargs -P $(LINT_JOBS) -n 1 sh -c \
	    'clang-tidy -quiet "$$1" -- $(filter-out -MMD -MP,$(ALL_CFLAGS)) 2>/dev/null || { echo "clang-tidy: $$1" >&2; exit 1; }' sh || failed=1; \
	cppcheck --quiet -j $(LINT_JOBS) --error-exitcode=1 --std=c11 --enable=warning,portability --inline-suppr \
	    -Iinclude -I. $(LIB_SRC) $(CLI_SRC) || failed=1; \
	exit $$failed
format:
	clang-format -i $(shell git ls-files '*.c' '*.h')

# --- installation --------------------------------------------------------------------------------
D := $(DESTDIR)$(PREFIX)
MAN := $(wildcard docs/man/*.1)
CONFIGS := $(wildcard configs/*/*.json)
.PHONY: install uninstall clean help
install: all
	install -d $(D)/bin $(D)/lib/pkgconfig $(D)/include/kerf $(D)/share/man/man1
	install -m 755 $(BUILD)/kerf $(D)/bin/kerf
	install -m 644 $(BUILD)/libkerf.a $(D)/lib/libkerf.a
	install -m 755 $(BUILD)/libkerf.so $(D)/lib/libkerf.so.$(VERSION)
	ln -sf libkerf.so.$(VERSION) $(D)/lib/libkerf.so.$(SOMAJOR)
	ln -sf libkerf.so.$(VERSION) $(D)/lib/libkerf.so
	sed -e 's|@PREFIX@|$(PREFIX)|g' -e 's|@VERSION@|$(VERSION)|g' base/kerf.pc.in > $(D)/lib/pkgconfig/kerf.pc
	chmod 644 $(D)/lib/pkgconfig/kerf.pc
	install -m 644 include/kerf/*.h $(D)/include/kerf
	install -m 644 $(MAN) $(D)/share/man/man1
	for f in $(CONFIGS); do install -D -m 644 $$f $(D)/share/kerf/$${f#configs/} || exit 1; done
	install -d $(D)/lib/systemd/system
	sed -e 's|^ExecStart=/usr/local/|ExecStart=$(PREFIX)/|' planner/service/kerf.service > $(D)/lib/systemd/system/kerf.service
	chmod 644 $(D)/lib/systemd/system/kerf.service

uninstall:
	rm -f $(D)/bin/kerf $(D)/lib/libkerf.a $(D)/lib/libkerf.so $(D)/lib/libkerf.so.$(SOMAJOR) $(D)/lib/libkerf.so.$(VERSION) $(D)/lib/pkgconfig/kerf.pc
	rm -f $(D)/lib/systemd/system/kerf.service
	rm -rf $(D)/include/kerf $(D)/share/kerf
	rm -f $(patsubst docs/man/%,$(D)/share/man/man1/%,$(MAN))

clean:
	rm -rf $(BUILD)

help:
	@echo 'make run        install what is missing, build, and plan a bundled network'
	@echo 'make test       install what is missing, build, and run all tests'
	@echo 'make            build build/kerf, libkerf.a, libkerf.so'
	@echo 'make check      the quick tests'
	@echo 'make sanitize   the quick tests under address and undefined-behaviour sanitizers'
	@echo 'make tsan       the tests of threads under the thread sanitizer'
	@echo 'make coverage   line coverage by module'
	@echo 'make bench      install what is missing, and print timings, as ratios against peers run side by side'
	@echo 'make lint       clang-tidy and cppcheck        make format   clang-format'
	@echo 'make profiles   fit configs/devices on the reference data    make accuracy   docs/accuracy.md'
	@echo 'make install    PREFIX=$(PREFIX) DESTDIR=      make uninstall, make clean'

-include $(shell [ -d $(OBJ) ] && find $(OBJ) -name '*.d')
