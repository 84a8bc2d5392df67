.PHONY: dev test test-unit test-integration lock
dev:; scripts/dev
test:; scripts/test
test-unit:; scripts/test -m "not integration"
test-integration:; scripts/test -m integration
lock:; scripts/lock
