# Two commands on a fresh machine: `make demo` and `make test`. Each installs what it lacks.
.PHONY: demo test check clean

demo:
	@scripts/setup demo
	@cargo build --release
	@cargo run --release --quiet -- demo

test:
	@scripts/setup test
	@scripts/test

check:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

# The private database and everything built; installed tools stay.
clean:
	rm -rf .boxoffice
	cargo clean
