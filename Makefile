# Everything a developer, a packager and CI do, by name. `make` alone lists the targets.
PROFILE ?= softhsm2
DIR     ?= .dev$(addprefix -,$(filter-out softhsm2,$(PROFILE)))
LISTEN  ?= 127.0.0.1:8443
ROUNDS  ?= 100
AWAY    ?= 10
PREFIX  ?= /usr
# What `make test` runs (.ci/tests). CI runs the unit tests and the documentation's once, and on the
# second token what talks to it: SUITE=black-box.
SUITE   ?= all
DESTDIR ?=

CARGO    ?= cargo
TARGET   := $(or $(CARGO_TARGET_DIR),target)
BINARIES := clavigerd claviger claviger-audit
PACKAGES := -p clavigerd -p claviger -p audit
# The embedded token, where PROFILE=kryoptic asks for it: built once, in a folder of its own.
EMBEDDED := hsm-profiles/embedded-token
TOKEN    := $(EMBEDDED)/target/release/libclaviger_token.so
WITH     := $(if $(filter kryoptic,$(PROFILE)),$(TOKEN))
UNITS     = $(DESTDIR)$(PREFIX)/lib/systemd/system
DOCS      = $(DESTDIR)$(PREFIX)/share/doc/claviger
MAN       = $(DESTDIR)$(PREFIX)/share/man/man1

.DEFAULT_GOAL := help
.PHONY: help run test vectors lint deny bench bench-log audit-bench oracle tamper conformance crash syslog unit-score unit-boot build token install clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  variables: PROFILE=$(PROFILE) DIR=$(DIR) LISTEN=$(LISTEN) ROUNDS=$(ROUNDS) PREFIX=$(PREFIX) DESTDIR=$(DESTDIR)"

run: $(WITH) ## a daemon to try out: makes a token, TLS and keys in DIR, then serves on LISTEN
	@.ci/need $(if $(WITH),token,run)
	$(CARGO) build --release --locked $(PACKAGES)
	exec $(TARGET)/release/clavigerd dev --profile $(PROFILE) $(WITH:%=--module %) --dir $(DIR) --listen $(LISTEN)

test: $(WITH) ## every test, black-box ones on the real binaries and a real token of PROFILE
	@.ci/need test
# Binaries first, with the features of the tests: no dependency is built twice.
	$(CARGO) build --workspace --bins --tests --locked
	CARGO=$(CARGO) CLAVIGER_TEST_PROFILE=$(PROFILE) .ci/tests $(SUITE)

token: $(TOKEN) ## the embedded token, a PKCS#11 module; PROFILE=kryoptic builds it by itself

$(TOKEN): $(EMBEDDED)/Cargo.toml $(EMBEDDED)/Cargo.lock $(EMBEDDED)/src/lib.rs
	@.ci/need token
	$(CARGO) build --release --locked --manifest-path $(EMBEDDED)/Cargo.toml --target-dir $(EMBEDDED)/target
	@touch $@

vectors: $(WITH) ## published vectors and the checks by other implementations, with their counts
	@.ci/need test
	$(CARGO) build --workspace --bins --tests --locked
	CLAVIGER_TEST_PROFILE=$(PROFILE) $(CARGO) test --workspace --locked --lib --test token --test vectors \
		--test independent -- --nocapture

lint: ## formatting, clippy and documentation, each without a warning
	@.ci/need build
	$(CARGO) fmt --all -- --check
	$(CARGO) fmt --manifest-path $(EMBEDDED)/Cargo.toml -- --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --no-deps --workspace --locked

deny: ## licences, banned crates and sources of the dependencies (deny.toml)
	@.ci/need build
	.ci/cargo-deny --locked check --hide-inclusion-graph licenses bans sources
	.ci/cargo-deny --manifest-path $(EMBEDDED)/Cargo.toml --config $(EMBEDDED)/deny.toml \
		--locked check --hide-inclusion-graph licenses bans sources

bench: $(WITH) ## measure the release build, on a token of PROFILE
	@.ci/need test
	$(CARGO) build --release --locked $(PACKAGES)
	CLAVIGER_TEST_PROFILE=$(PROFILE) $(CARGO) run --release --locked -p tests --bin bench

bench-log: $(WITH) ## measure what the audit log costs, beside a build that writes none
	@.ci/need test
	$(CARGO) build --release --locked $(PACKAGES) --features clavigerd/unlogged
	cp $(TARGET)/release/clavigerd $(TARGET)/release/clavigerd-unlogged
	$(CARGO) build --release --locked $(PACKAGES)
	CLAVIGER_TEST_PROFILE=$(PROFILE) $(CARGO) run --release --locked -p tests --bin bench -- \
		--unlogged $(TARGET)/release/clavigerd-unlogged

audit-bench: ## measure how claviger-audit verifies logs of 1 and 10 million entries, in TMPDIR
	@.ci/need build
	$(CARGO) build --release --locked -p audit
	$(CARGO) run --release --locked -p tests --bin audit-bench -- $(ENTRIES)

oracle: ## 20,000 malformed key exchanges, 600 bad logins: are they answered alike, and as fast; ten minutes
	@.ci/need test
	$(CARGO) build --workspace --bins --tests --locked
	ORACLE=20000 $(CARGO) test --workspace --locked --test e2e --test rest_login -- --nocapture nobody_learns_what what_went_wrong

tamper: ## every bit, line, length and older state of a log changed: half an hour; make test takes samples
	@.ci/need build
	CLAVIGER_EVERY_BIT=1 $(CARGO) test --release --locked -p audit --test tampering

# The passphrases go by the environment: a command line can be read by others.
conformance: export CLAVIGER_USER_PASSPHRASE := $(or $(value CLAVIGER_USER_PASSPHRASE),$(value USER_PASSPHRASE))
conformance: export CLAVIGER_MASTER_PASSPHRASE := $(or $(value CLAVIGER_MASTER_PASSPHRASE),$(value MASTER_PASSPHRASE))
conformance: ## check any device or daemon: URL=https://HOST CA=FILE [PLAIN_URL=http://HOST] [ARGS=--disruptive]
	@.ci/need build
	@test -n "$(URL)" && test -n "$(CA)" || { echo "conformance: say which device: make conformance \
		URL=https://HOST CA=FILE (docs/conformance.md)" >&2; exit 2; }
	$(CARGO) run --locked -p conformance -- --url "$(URL)" --ca "$(CA)" \
		$(if $(PLAIN_URL),--plain-url "$(PLAIN_URL)") $(ARGS)

crash: $(WITH) ## kill the daemon ROUNDS times at random points and check what it left
	@.ci/need test
	$(CARGO) build --release --locked $(PACKAGES)
	CLAVIGER_TEST_PROFILE=$(PROFILE) CLAVIGER_CRASH_ROUNDS=$(ROUNDS) $(CARGO) test --release --locked -p tests --test crash -- --nocapture

syslog: ## take the syslog collector away for AWAY seconds under load, and see that it gets every line
	@.ci/need test
	$(CARGO) build --workspace --bins --locked
	CLAVIGER_SYSLOG_AWAY=$(AWAY) $(CARGO) test --workspace --locked --test syslog -- --nocapture

unit-score: ## gate the exposure of the systemd units, with and without drop-ins
	@.ci/unit-score

unit-boot: ## boot a real systemd in a container and let it start the units (needs root)
	@.ci/need test
	$(CARGO) build --workspace --bins --tests --locked
	@tests/systemd/boot.sh $(TARGET)/debug

build: $(WITH) ## the release binaries; PROFILE=kryoptic adds the embedded token
	@.ci/need build
	$(CARGO) build --release --locked $(PACKAGES)

install: ## put what `make build` made, units, profiles and documents under DESTDIR and PREFIX
	@for b in $(BINARIES); do test -x $(TARGET)/release/$$b || \
		{ echo "install: $(TARGET)/release/$$b is missing: run 'make build' first" >&2; exit 1; }; done
	install -d $(DESTDIR)$(PREFIX)/bin $(UNITS) $(DOCS) $(DOCS)/systemd-profiles \
		$(DESTDIR)$(PREFIX)/lib/sysusers.d $(DESTDIR)$(PREFIX)/lib/tmpfiles.d \
		$(DESTDIR)$(PREFIX)/share/claviger/profiles
	install -m 0755 $(addprefix $(TARGET)/release/,$(BINARIES)) $(DESTDIR)$(PREFIX)/bin/
	if [ -e $(TOKEN) ]; then install -D -m 0644 -t $(DESTDIR)$(PREFIX)/lib/claviger $(TOKEN); fi
	sed 's|/usr/bin/clavigerd|$(PREFIX)/bin/clavigerd|; s|/usr/share/doc|$(PREFIX)/share/doc|' \
		systemd/clavigerd.service > $(UNITS)/clavigerd.service
	for u in clavigerd.socket clavigerd-metrics.socket clavigerd-failed.service; do \
		sed 's|/usr/share/doc|$(PREFIX)/share/doc|' systemd/$$u > $(UNITS)/$$u || exit 1; done
	chmod 0644 $(UNITS)/clavigerd.service $(UNITS)/clavigerd.socket $(UNITS)/clavigerd-metrics.socket \
		$(UNITS)/clavigerd-failed.service
	install -m 0644 systemd/sysusers.d/claviger.conf $(DESTDIR)$(PREFIX)/lib/sysusers.d/
	install -m 0644 systemd/tmpfiles.d/claviger.conf $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/
	for p in $(wildcard hsm-profiles/profiles/*.toml); do \
		install -m 0644 $$p $(DESTDIR)$(PREFIX)/share/claviger/profiles/ || exit 1; done
	install -m 0644 systemd/profiles/*.conf $(DOCS)/systemd-profiles/
	install -m 0644 LICENSE SECURITY.md CHANGELOG.md systemd/claviger.toml docs/*.md $(DOCS)/
	install -D -m 0644 -t $(MAN) docs/man/claviger-audit.1
	install -d $(DOCS)/adr
	install -m 0644 docs/adr/*.md $(DOCS)/adr/

clean: ## remove what was built; DIR, with its keys, stays
	$(CARGO) clean
	$(CARGO) clean --manifest-path $(EMBEDDED)/Cargo.toml --target-dir $(EMBEDDED)/target
