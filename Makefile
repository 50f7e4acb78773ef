.DEFAULT_GOAL := help
.PHONY: help demo test check fmt typos deny lint docs advisories schema snapshots graphql-js stripe-contract tools bench bench-quick prove-abuse prove-faults prove-time prove-usage

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## Start a server with example data; options with ARGS="..."
	cargo run --quiet -- demo $(ARGS)

test: ## Run all tests, on SQLite and on a private PostgreSQL
	scripts/with-postgres cargo test --workspace

check: fmt typos deny lint docs test ## Run what CI runs, cheapest first

fmt: ## Check the formatting (cargo fmt --all corrects it)
	cargo fmt --all --check

typos: ## Check the spelling (typos --write-changes corrects it)
	scripts/install-tools typos
	typos

deny: ## Check licences, banned and duplicate crates, and their sources
	scripts/install-tools cargo-deny
	cargo deny check --hide-inclusion-graph bans licenses sources

lint: ## Run clippy; a warning is an error
	cargo clippy --workspace --all-targets -- -D warnings

docs: ## Build the documentation, private items too; a warning is an error
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items

prove-abuse: ## Send 100,000 hostile documents to an optimised build; DOCUMENTS=... for another number
	cargo test --profile prove --workspace --test api -- --ignored --nocapture --test-threads 1 abuse::prove

prove-time: ## Run a year of 2,000 subscriptions, on time, late and by four schedulers, and kill others; SUBSCRIPTIONS=... for another number
	scripts/with-postgres cargo test --workspace --test api -- --ignored --nocapture --test-threads 1 scheduler::prove

prove-usage: ## Consume near a limit by three servers at once, and add it up; ROUNDS=... for another number
	scripts/with-postgres cargo test --workspace --test api -- --ignored --nocapture --test-threads 1 usage::prove

advisories: ## Check the dependencies for known vulnerabilities (needs the network)
	scripts/install-tools cargo-deny
	cargo deny check advisories

schema: ## Write schema.graphql anew from the code
	mkdir -p target
	cargo run --quiet -- schema > target/schema.graphql && mv target/schema.graphql schema.graphql

snapshots: ## Accept what the tests answer now as their snapshots; review with git diff
	INSTA_UPDATE=always scripts/with-postgres cargo test --workspace

graphql-js: ## Write what graphql-js makes of the documents that tests compare with (needs Node 20 and the network)
	mkdir -p target/graphql_js
	cp tests/api/graphql_js/*.js tests/api/graphql_js/package*.json target/graphql_js
	cd target/graphql_js && npm ci --no-audit --no-fund --silent
	node target/graphql_js/make.js schema.graphql tests/api/graphql_js/results.json

stripe-contract: ## Write anew what is used of Stripe's API, from Stripe's own package (needs Node 20 and the network)
	mkdir -p target/stripe_contract
	cp gateway/contract/make.js gateway/contract/package*.json target/stripe_contract
	cd target/stripe_contract && npm ci --no-audit --no-fund --silent && node make.js stripe.json signatures.json
	cp target/stripe_contract/stripe.json target/stripe_contract/signatures.json gateway/contract

tools: ## Install the tools of make check where they are missing
	scripts/install-tools

bench: ## Measure against hand-written SQL and PostGraphile; options with ARGS="..."
	cargo build --release --workspace
	$${CARGO_TARGET_DIR:-target}/release/tessera-bench $(ARGS)

prove-faults: ## Break what it stands on, and show what it promises; OLD=path/to/binary for a rolling upgrade, ARGS="--only ..."
	cargo build --release --workspace
	$(if $(OLD),OLD=$(OLD)) $${CARGO_TARGET_DIR:-target}/release/tessera-faults $(ARGS)

bench-quick: ## The same in under three minutes, once the data set is made
	$(MAKE) bench ARGS="--quick $(ARGS)"
