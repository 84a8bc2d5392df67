#!/usr/bin/env bash
# The guides' pipeline: unit tests without a database, the image, its deployment, integration tests, reports (JUnit XML).
#   scripts/build_and_test.sh [FOLDER]     FOLDER gets the reports (.local/reports)
# A step that fails does not stop the others. Without a Docker engine, the Dockerfile's steps and the compose file's jobs run in
# namespaces (tests/deployment/test_image.py), and scripts/dev deploys the service.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
reports=${1:-.local/reports}
mkdir -p "$reports"
rm -f "$reports"/*.xml
compose=(docker compose -f backend/docker-compose.dao-service.yml)
failed=()
dev=

step() { # NAME COMMAND…
  printf '\n== %s\n' "$1"
  local name=$1
  shift
  "$@" || failed+=("$name")
}

tests() { # NAME PYTEST-ARGUMENT…
  local name=$1
  shift
  scripts/test "--junitxml=$reports/$name.xml" -q "$@"
}

clean_up() {
  if [ -n "$dev" ]; then
    kill "$dev" 2>/dev/null
    wait "$dev"
    rm -rf "$home"
  fi
  if [ "$engine" = docker ]; then
    "${compose[@]}" down
  fi
}

start_without_docker() {
  home=$(mktemp -d)
  chmod 711 "$home" # if Postgres runs as another user, that user has to pass through
  read -r PORT POSTGREST_PORT DB_PORT < <(python3 -c 'import socket
servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
print(*(server.getsockname()[1] for server in servers))')
  export PORT POSTGREST_PORT DB_PORT
  FLUX_HOME=$home scripts/dev --no-seed >"$home/dev.log" 2>&1 &
  dev=$!
  for _ in $(seq 600); do
    grep -q '^ready' "$home/dev.log" && return 0
    kill -0 "$dev" 2>/dev/null || break
    sleep 0.2
  done
  cat "$home/dev.log"
  return 1
}

engine=none
if docker info >/dev/null 2>&1 && docker compose version >/dev/null 2>&1; then
  engine=docker
fi
trap clean_up EXIT

step "unit tests" tests unit -m "not integration"
if [ "$engine" = docker ]; then
  step "image" docker build -t flux-dao-service backend/
  step "deployment" "${compose[@]}" up -d --wait --wait-timeout 300
  url=http://127.0.0.1:8000
else
  printf '\nThere is no Docker engine, so no image is built and no container is started. Instead, the steps of the Dockerfile and\n'
  printf 'the jobs of docker-compose.yml run in namespaces, and scripts/dev deploys the service.\n'
  step "image, without Docker" tests image tests/deployment/test_image.py tests/deployment/test_compose.py
  step "deployment, without Docker" start_without_docker
  url=http://127.0.0.1:${PORT:-8000}
fi
export FLUX_DEPLOYED_URL=$url
step "tests of what is deployed at $url" tests deployed tests/deployment/test_deployed.py
unset FLUX_DEPLOYED_URL PORT POSTGREST_PORT DB_PORT
step "integration tests" tests integration -m integration --ignore tests/deployment/test_image.py --ignore tests/deployment/test_deployed.py

printf '\n== reports\n'
ls "$reports"/*.xml
if [ ${#failed[@]} -gt 0 ]; then
  printf 'failed: %s\n' "${failed[@]}"
  exit 1
fi
