# The two commands that matter: make run, make test. Each installs what it
# needs and says what it is doing.
.DEFAULT_GOAL := help
SHELL := /bin/bash

.PHONY: help run test check e2e interop interop-charts bench screenshots generate build

help: ## list the targets
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## start the dashboard with its sandbox
	@scripts/run

test: ## run every check and every test, browser journeys included
	@scripts/test all

check: ## formatting, vet, generated files, import rules: seconds, no browser
	@scripts/test check

e2e: ## run the browser journeys only
	@scripts/test e2e

interop: ## run the real aks-engine-azurestack, $AKS_ENGINE_BIN, on the sandbox
	@scripts/test interop

interop-charts: ## install the charts of other makers that are in $HUBWRIGHT_CHARTS on a sandbox cluster
	@scripts/test interop-charts

bench: ## report performance as ratios against baselines of the same run
	@scripts/test bench

screenshots: ## take pictures of every page into screenshots/
	@scripts/test screenshots

generate: ## write templates and bundles again after a change
	go tool templ generate -path web
	go generate ./static

build: ## build bin/hubwright
	@scripts/build
