-- Flux data service: the database.
--
-- This is the one place where Flux's agents keep what they know. The rules live here, in constraints, row-level security and
-- functions, so that they hold for every caller: the REST adapter, a browser with a user's JWT, and SQL alike.
--
--   users ──┬── goals ──┬── milestones ── tasks (a task may stand in a milestone of its goal)
--           │           └── tasks ──────── notification_log, dispatches
--           ├── tasks (without a goal)
--           ├── conversations ── messages
--           ├── patterns
--           └── demo_flags (at most one row a user)
--
-- Schemas
--   public    contract 1.2: its tables and functions are the resources. Exposed by PostgREST.
--   v1_0      contract 1.0: views and functions over public, in 1.0's words. Exposed by PostgREST.
--   private   trigger functions and building blocks. Never exposed.
--   archive   finished tasks that an operator moved out of public, with their notifications. Never exposed.
--
-- Conventions
--   * Every row belongs to one user. A child repeats its parent's user_id in a composite foreign key, so that a goal, task or
--     conversation can only name rows of the same user; milestones, messages and notification_log reach the user through their
--     parent.
--   * A vocabulary is a domain over text, not an enum: an enum's equality is not leakproof, so under row-level security it would
--     not become an index condition.
--   * An id is made by private.new_id(), whoever asks for the row.
--   * Defaults read clock_timestamp(), so that rows written in one transaction keep the order in which they were written.
--   * Grants are part of the contract, and the generator reads them: a column that can be inserted is a field of "create", one that
--     can be inserted and updated is a field of "update".
--   * Tags at the end of a comment tell the generator what grants and constraints can't; callers of the adapter don't see them:
--       @contract=1.2    on a schema: its tables, views and functions are the contract of this name
--       @required        on a view's column: a row can't be created without it
--       @readonly        on a column: no caller writes it, whatever the grants say
--       @notnull         on a computed column: it is never null
--       @optional        on a field of a composite type: its JSON may lack it
--       @filled          on a column: a trigger fills it if a new row lacks it
--       @nullable        on a field of a composite type: it may be null
--       @filter          on a column: lists can be filtered by its value, with @filter=ignoring_case without regard to case; with
--                        @filter=or_none on an enumeration, the word none finds rows without a value
--       @range=a         on a column: lists can be filtered by a_from (at or after) and a_before (before)
--       @order=a         on a column: lists can be ordered by it with order=a, the latest first
--       @tally=a         on a field of a composite type: its JSON has a count for each word of the domain a; with @tally=a,empty
--                        it may be empty
--       @nullable=a,b    on a function: these arguments may be null
--       @structure=a,b   on a function: its arguments are a row of a together with its rows of b
--       @object=a:b      on a function: its JSON argument a is an object of fields of b; `,!c` requires the field c, `,-c` leaves
--                        it out. @objects=a:b is a list of them
--       @changes=a:b     on a function: its JSON argument a is an object of the fields of b that only functions write
--       @batch=a         on a function: its argument a is a list of 1 to 100 entries
--       @small           on a function that only reads: its result is small, so several requests may share one call
--   * A comment on a table's check or unique index is "<column>: <what to tell the caller>". A domain's check
--     has one, without a column, if it is left to the database: Python then doesn't check it beforehand.
--   * What callers can write has a limit, even if nobody needs one: all lists and all memory bear what one user stores.
--   * Texts and JSON have no statistics: with "Prefer: count=planned" whoever signed in could ask how many rows of other users the
--     planner expects below a text, and so read theirs letter by letter. Row-level security doesn't bind what the planner knows.
--   * What a function has written as JSON, for speed, is of a media type that names its shape: application/vnd.flux.page+json is
--     the JSON of a page.
--   * null for an argument of a function counts as its default. Without one, it is refused (private.require_arguments) unless the
--     argument may be null.
--   * A function raises PT4xx with a constant message for what a caller did wrong; caller data goes into DETAIL only. A DETAIL of
--     "at <field>" says which field it is about.
--
-- Each migration after this one holds one domain: tables, indexes, functions, row-level security, grants, in that order. Their
-- times are numbers with gaps: domains from 02, what serves every contract from 12, contract 1.0 from 20.

set lock_timeout = '3s';

create schema private;

comment on schema public is 'Contract 1.2 of the Flux data service.
@contract=1.2';
comment on schema private is 'Trigger functions and building blocks of the exposed schemas. Not exposed by PostgREST.';

-- Nothing is granted by default, whatever the project's own defaults are ("auto_expose_new_tables" on hosted Supabase). The form
-- without a schema is the only one that takes away what PUBLIC gets from Postgres itself.
alter default privileges revoke execute on functions from public;
alter default privileges in schema public revoke all on tables from anon, authenticated, service_role;
alter default privileges in schema public revoke all on sequences from anon, authenticated, service_role;
alter default privileges in schema public revoke all on functions from anon, authenticated, service_role;

grant usage on schema public to anon, authenticated, service_role;
grant usage on schema private to authenticated, service_role;

-- Once a client has gone, these limits are the only thing that ends its statement. A user's is the shorter: PostgREST's connections
-- are for all callers, and a few costly requests of one user must not keep the agents from them.
alter role service_role set statement_timeout = '8s';
alter role service_role set lock_timeout = '4s';
alter role authenticated set statement_timeout = '3s';
alter role authenticated set lock_timeout = '2s';

-- Answers are in UTC, whatever the database's own time zone is. PostgREST applies the settings of the role that a request takes on.
alter role anon set timezone = 'UTC';
alter role authenticated set timezone = 'UTC';
alter role service_role set timezone = 'UTC';

-- Building blocks of several domains ------------------------------------------------------------------------------------------

-- Rows that are created one after the other stand side by side in an index on their id, so after a checkpoint fewer pages have to
-- be written whole. The form is version 7 of RFC 9562 with the fraction of the millisecond in the 12 bits that follow the version.
create function private.new_id()
returns uuid
language plpgsql
volatile
parallel safe
security invoker
set search_path = ''
as $$
declare
  microseconds constant bigint := date_part('epoch', clock_timestamp()) * 1000000;
  time_and_version constant bigint := microseconds / 1000 * 65536 + 28672 + microseconds % 1000 * 4096 / 1000;
begin
  return (lpad(to_hex(time_and_version), 16, '0') || substr(gen_random_uuid()::text, 20))::uuid;
end;
$$;
comment on function private.new_id() is
'Makes an id: a UUID of version 7, which begins with the time in microseconds and ends with 62 random bits. Every id is made here.';

create function private.touch_updated_at()
returns trigger
language plpgsql
security invoker
set search_path = ''
as $$
begin
  new.updated_at := case
    when tg_op = 'INSERT' then new.created_at
    else greatest(clock_timestamp(), old.updated_at + interval '1 microsecond')
  end;
  return new;
end;
$$;
comment on function private.touch_updated_at() is
'Trigger: keeps updated_at, which is the version of a row. A new row starts with its created_at; each change makes it later, even '
'if the clock was set back.';

create function private.require_ordered_range(range_start timestamptz, range_end timestamptz)
returns void
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  if range_end < range_start then
    raise sqlstate 'PT400' using message = 'The range ends before it starts.';
  end if;
end;
$$;
comment on function private.require_ordered_range(timestamptz, timestamptz) is 'Raises PT400 where a range ends before it starts.';

create function private.require_arguments(arguments jsonb)
returns void
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  if arguments <> jsonb_strip_nulls(arguments) then
    raise sqlstate 'PT422' using
      message = 'This field is required.',
      detail = 'at ' || (select min(given.name) from jsonb_each_text(arguments) as given (name, given) where given.given is null);
  end if;
end;
$$;
comment on function private.require_arguments(jsonb) is
'Raises PT422 if a value of this object is null, and names it. The Data API passes an explicit null on to any argument.';

-- PostgREST takes the domain for a media type, and the aggregate for what writes any result as one. Its own way with the result of
-- a function is to write, parse and write it again. See https://docs.postgrest.org/en/v12/references/api/media_type_handlers.html
create domain public."application/vnd.flux.result+json" as json;
comment on domain public."application/vnd.flux.result+json" is 'A function''s result as JSON, written once.';

create function private.write_result(written public."application/vnd.flux.result+json", result anyelement)
returns public."application/vnd.flux.result+json"
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return coalesce(written, to_json(result)::public."application/vnd.flux.result+json");
end;
$$;
comment on function private.write_result(public."application/vnd.flux.result+json", anyelement) is
'Writes the result of a function, which has one.';

create aggregate public.write_result (anyelement) ( -- noqa: LT01
  sfunc = private.write_result,
  stype = public."application/vnd.flux.result+json"
);
comment on aggregate public.write_result (anyelement) is 'Writes the result of a function for the REST adapter.';

create function public.check_access()
returns boolean
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  if current_user <> 'service_role' or current_setting('statement_timeout') = '0' then
    raise insufficient_privilege using message = 'The service acts as another role than service_role, or without its limits.';
  end if;
  return true;
end;
$$;
comment on function public.check_access() is
'Check access. Raises 42501 unless the caller is service_role with a limit of time. For the readiness check of the REST adapter.';

grant execute on function private.new_id() to authenticated, service_role;
grant execute on function public.check_access() to service_role;
grant execute on function private.require_ordered_range(timestamptz, timestamptz) to authenticated, service_role;
grant execute on function private.require_arguments(jsonb) to authenticated, service_role;
grant execute on function private.write_result(public."application/vnd.flux.result+json", anyelement) to service_role;
grant execute on function public.write_result(anyelement) to service_role;
