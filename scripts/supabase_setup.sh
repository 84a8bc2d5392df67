#!/usr/bin/env bash
# Applies the migrations to the local Supabase of the guides (`supabase start`), or to the database of scripts/dev: both are
# at port 54322. Another one: DB_PORT. Both have it done already; this is for a database that was reset by hand.
set -euo pipefail
cd "$(dirname "$0")/.."
PYTHONPATH=scripts exec python3 -m local_stack.setup --migrate
