"""Migrations on a database that is in use, and a soak, which kills its parts: each has a stack of its own."""

from collections.abc import Iterator

import pytest

from fault_drills.locks import a_migration_behind_a_reader
from fault_drills.soak import soak
from local_stack import LocalStack
from local_stack.project import SUPABASE

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def stack_of_its_own() -> Iterator[LocalStack]:
    with LocalStack() as stack:
        yield stack


def test_every_migration_begins_with_a_limit_to_waiting_for_locks() -> None:
    files = {file.name: file.read_text() for file in (SUPABASE / "migrations").glob("*.sql")}

    statements = {name: "\n".join(line for line in text.splitlines() if not line.startswith("--")) for name, text in files.items()}
    assert [name for name, text in statements.items() if not text.strip().startswith("set lock_timeout = '3s';")] == []


def test_a_soak_loses_and_doubles_nothing(stack_of_its_own: LocalStack) -> None:
    found = soak(stack_of_its_own, {}, seconds=13, kill_every=3, writers=3, readers=3)

    assert found.holds, found


def test_callers_do_not_queue_behind_a_migration_that_waits_for_a_long_reader(stack_of_its_own: LocalStack) -> None:
    found = a_migration_behind_a_reader(stack_of_its_own, {}, reader_seconds=3)

    assert found.holds, found
