#!/usr/bin/env bash
# Applies the migrations to the database at port 54322, where `supabase start` and scripts/dev have theirs, or at DB_PORT. Both apply
# them when they start, so this is for a database that was reset by hand.
set -euo pipefail
cd "$(dirname "$0")/.."
PYTHONPATH=scripts exec python3 -m local_stack.setup --migrate
