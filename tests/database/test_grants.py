"""The migrations grant the same privileges under any defaults of the project."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from local_stack import LocalStack
from local_stack.database import execute_script, fetch_rows

# Objects that a later migration may create before it grants anything.
LATER = """
create table public.later (id uuid);
create view v1_0.later as select id from public.later;
create sequence public.later_number;
create function public.do_later() returns void language sql as '';
create function v1_0.do_later() returns void language sql as '';
"""

PRIVILEGES = """
with
  ours as (select oid, nspname from pg_namespace where nspname in ('public', 'v1_0', 'private')),
  entries as (
    select 'schema ' || nspname as object, aclexplode(nspacl) as entry
    from pg_namespace where nspname in ('public', 'v1_0', 'private')
    union all
    select
      'relation ' || nspname || '.' || relname,
      aclexplode(coalesce(relacl, acldefault(case relkind when 'S' then 's' else 'r' end::"char", relowner)))
    from pg_class inner join ours on relnamespace = ours.oid where relkind in ('r', 'v', 'S')
    union all
    select 'column ' || nspname || '.' || relname || '.' || attname, aclexplode(attacl)
    from pg_attribute inner join pg_class on attrelid = pg_class.oid inner join ours on relnamespace = ours.oid
    union all
    select
      'function ' || nspname || '.' || proname || '(' || oidvectortypes(proargtypes) || ')',
      aclexplode(coalesce(proacl, acldefault('f', proowner)))
    from pg_proc inner join ours on pronamespace = ours.oid
  )
select object, coalesce(rolname, 'public') as role, (entry).privilege_type as privilege
from entries left join pg_roles on (entry).grantee = pg_roles.oid
"""


def privileges(stack: LocalStack) -> set[tuple[str, str, str]]:
    """All privileges in our schemas: object, role, privilege."""
    return {
        (row["object"], row["role"], row["privilege"])
        for row in fetch_rows(stack.database_url, PRIVILEGES)
        if row["role"] not in {"postgres", "pg_database_owner"}
    }


@pytest.fixture(scope="module")
def exposing_and_not() -> Iterator[tuple[LocalStack, LocalStack]]:
    """Projects with auto_expose_new_tables on and off: a table, then the migrations, then objects of a later migration."""
    with ExitStack() as stacks:
        both = (LocalStack(auto_expose=True, migrate=False), LocalStack(auto_expose=False, migrate=False))
        for stack in both:
            stacks.enter_context(stack.database_first())
            execute_script(stack.database_url, "create table public.earlier (id uuid)")
            stack.migrate()
            execute_script(stack.database_url, LATER)
        yield both


def test_the_two_projects_grant_differently_on_a_table_made_before_the_migrations(
    exposing_and_not: tuple[LocalStack, LocalStack],
) -> None:
    """Otherwise comparing them would prove nothing."""
    exposing, not_exposing = (("relation public.earlier", "anon", "SELECT") in privileges(each) for each in exposing_and_not)

    assert (exposing, not_exposing) == (True, False)


def test_grants_are_the_same_in_both_projects(exposing_and_not: tuple[LocalStack, LocalStack]) -> None:
    exposing, not_exposing = (
        {entry for entry in privileges(stack) if entry[0] != "relation public.earlier"} for stack in exposing_and_not
    )

    assert exposing == not_exposing
    assert ("relation public.tasks", "authenticated", "SELECT") in exposing


def test_objects_of_later_migrations_are_granted_to_nobody_in_either_project(
    exposing_and_not: tuple[LocalStack, LocalStack],
) -> None:
    for stack in exposing_and_not:
        assert {entry for entry in privileges(stack) if "later" in entry[0]} == set()


def test_anonymous_callers_have_no_rights_in_either_project(exposing_and_not: tuple[LocalStack, LocalStack]) -> None:
    for stack in exposing_and_not:
        of_strangers = {entry for entry in privileges(stack) if entry[1] in {"anon", "public"} and "earlier" not in entry[0]}

        assert of_strangers <= {
            ("schema public", "anon", "USAGE"),
            ("schema public", "public", "USAGE"),
            ("schema v1_0", "anon", "USAGE"),
        }
