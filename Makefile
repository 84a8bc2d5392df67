.PHONY: dev install-dev test test-unit test-integration lock
dev:; scripts/dev
install-dev:; PYTHONPATH=scripts python3 -m local_stack.setup
test:; scripts/test
test-unit:; scripts/test -m "not integration"
test-integration:; scripts/test -m integration
lock:; scripts/lock
