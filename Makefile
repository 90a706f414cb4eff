# On a fresh machine: `make demo`, `make test` and `make bench`. Each installs what it lacks.
.PHONY: demo test faults bench check clean

# `ACT=money` plays the second act, `ACT=live` the third, `ACT=audit` the fourth. `LOG=esdb` plays it with the log on a double of
# EventStoreDB, `LOG=kurrentdb` by that engine's newer client.
demo:
	@scripts/setup demo
ifneq ($(filter esdb kurrentdb,$(LOG)),)
	@cargo build --release --package boxoffice --package esdb-fake --features boxoffice/esdb
	@target/release/esdb-fake --as $(LOG) target/release/boxoffice demo $(if $(ACT),--act $(ACT))
else
	@cargo build --release
	@cargo run --release --quiet -- demo $(if $(ACT),--act $(ACT))
endif

# `LOG=esdb`, `LOG=kurrentdb` or `LOG=memory` runs the whole integration suite with the log there, and nothing else.
test:
	@scripts/setup test
	@scripts/test

# The fault suite in its long form, on the release build; `FAULT_ROUNDS` and `FAULT_SEED` are heeded. First the aggregates'
# laws (`PROPTEST_CASES`), and a million steps of the media server's model (`RECONCILER_STEPS`, `RECONCILER_SEED`).
faults:
	@scripts/setup test
	@PATH=$$PWD/.tools/venv/bin:$$PATH PROPTEST_CASES=$${PROPTEST_CASES:-20000} \
		cargo nextest run --release --package domain --test laws
	@PATH=$$PWD/.tools/venv/bin:$$PATH RECONCILER_STEPS=$${RECONCILER_STEPS:-1000000} \
		cargo nextest run --release --package media-bridge --lib --no-capture -E 'test(simulation)'
	@PATH=$$PWD/.tools/venv/bin:$$PATH FAULT_ROUNDS=$${FAULT_ROUNDS:-200} \
		cargo nextest run --release --package boxoffice --test it --profile faults

# Every figure of docs/PERFORMANCE.md, measured here; `BENCH=quick` takes at most ten minutes, and leaves
# out the log on another engine.
bench:
	@scripts/setup bench
	@cargo build --release --package boxoffice --package bench
	@target/release/boxoffice-bench $(if $(filter quick,$(BENCH)),--quick)

check:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

# The private database and everything built; installed tools stay.
clean:
	rm -rf .boxoffice
	cargo clean
