-- Flux data service: the database.
--
-- This is the one place where Flux's agents keep what they know. The rules live here, in constraints, row-level security and
-- functions, so that they hold for every caller: the REST adapter, a browser with a user's JWT, and SQL alike.
--
--   users ──┬── goals ──┬── milestones ── tasks (a task may stand in a milestone of its goal)
--           │           └── tasks ──────── notification_log
--           ├── tasks (without a goal)
--           ├── conversations ── messages
--           ├── patterns
--           └── demo_flags (at most one row a user)
--
-- Schemas
--   public    contract 1.2: its tables and functions are the resources. Exposed by PostgREST.
--   v1_0      contract 1.0: views and functions over public, in 1.0's words. Exposed by PostgREST.
--   private   trigger functions and building blocks. Never exposed.
--
-- Conventions
--   * Every row belongs to one user. A child repeats its parent's user_id in a composite foreign key, so that a goal, task or
--     conversation can only name rows of the same user; milestones, messages and notification_log reach the user through their
--     parent.
--   * A vocabulary is a domain over text, not an enum: an enum's equality is not leakproof, so under row-level security it would
--     not become an index condition.
--   * Defaults read clock_timestamp(), so that rows written in one transaction keep the order in which they were written.
--   * Grants are part of the contract, and the generator reads them: a column that can be inserted is a field of "create", one that
--     can be inserted and updated is a field of "update". Words that a column's comment starts with say what grants and constraints
--     can't: "Read-only." takes it out of both, "Required." asks a view's callers for it, "Never null." speaks of a computed one.
--   * A comment on a check constraint is "<column>: <what to tell the caller>".
--   * What a function has written as JSON, for speed, is of a domain that names its shape: page_json is the JSON of a page.
--   * A function raises PT4xx with a constant message for what a caller did wrong; caller data goes into DETAIL only.
--
-- Each migration after this one holds one domain: tables, indexes, functions, row-level security, grants, in that order.

create schema private;

comment on schema private is 'Trigger functions and building blocks of the exposed schemas. Not exposed by PostgREST.';

-- Nothing is granted by default, whatever the project's own defaults are ("auto_expose_new_tables" on hosted Supabase). The form
-- without a schema is the only one that takes away what PUBLIC gets from Postgres itself.
alter default privileges revoke execute on functions from public;
alter default privileges in schema public revoke all on tables from anon, authenticated, service_role;
alter default privileges in schema public revoke all on sequences from anon, authenticated, service_role;
alter default privileges in schema public revoke all on functions from anon, authenticated, service_role;

grant usage on schema public to anon, authenticated, service_role;
grant usage on schema private to authenticated, service_role;

-- Once a client has gone, these limits are the only thing that ends its statement.
alter role service_role set statement_timeout = '8s';
alter role service_role set lock_timeout = '4s';
alter role authenticated set lock_timeout = '4s';

-- Vocabulary: values ------------------------------------------------------------------------------------------------------------

create domain public.instant as timestamptz
constraint instant_within_four_digit_years check (value >= '0001-01-01 00:00:00+00' and value < '10000-01-01 00:00:00+00');
comment on domain public.instant is 'A point in time, with an offset; answered in UTC.';

create domain public.email_address as text
constraint email_address_length check (char_length(value) between 1 and 255);
comment on domain public.email_address is 'An email address, 1 to 255 characters, unique without regard to case.';

create domain public.title as text
constraint title_length check (char_length(value) between 1 and 500);
comment on domain public.title is 'A title, 1 to 500 characters.';

create domain public.label as text
constraint label_length check (char_length(value) between 1 and 255);
comment on domain public.label is 'A short text, 1 to 255 characters.';

create domain public.nonempty_text as text
constraint nonempty_text_length check (char_length(value) >= 1);
comment on domain public.nonempty_text is 'A text of at least one character.';

create domain public.positive_integer as integer
constraint positive_integer_range check (value >= 1);
comment on domain public.positive_integer is 'A whole number from 1.';

create domain public.nonnegative_integer as integer
constraint nonnegative_integer_range check (value >= 0);
comment on domain public.nonnegative_integer is 'A whole number from 0.';

create domain public.nonnegative_number as numeric
constraint nonnegative_number_range check (value >= 0 and value < 'Infinity'::numeric);
comment on domain public.nonnegative_number is 'A number from 0.';

create domain public.probability as numeric
constraint probability_range check (value between 0 and 1);
comment on domain public.probability is 'A number from 0 to 1.';

create domain public.json_object as jsonb
constraint json_object_is_object check (jsonb_typeof(value) = 'object');
comment on domain public.json_object is 'A JSON object of any shape.';

create domain public.json_list as jsonb
constraint json_list_is_list check (jsonb_typeof(value) = 'array');
comment on domain public.json_list is 'A JSON array of anything.';

create domain public.tally as jsonb
constraint tally_is_object check (jsonb_typeof(value) = 'object');
comment on domain public.tally is 'A JSON object from word to count.';

create domain public.text_list as text[]
constraint text_list_is_flat check (coalesce(array_ndims(value), 1) = 1 and array_position(value, null) is null);
comment on domain public.text_list is 'A list of texts.';

create domain public.uuid_list as uuid[]
constraint uuid_list_is_flat check (coalesce(array_ndims(value), 1) = 1 and array_position(value, null) is null);
comment on domain public.uuid_list is 'A list of UUIDs.';

create domain public.uuid_batch as uuid[]
constraint uuid_batch_is_flat check (coalesce(array_ndims(value), 1) = 1 and array_position(value, null) is null)
constraint uuid_batch_size check (cardinality(value) between 1 and 100);
comment on domain public.uuid_batch is 'A list of 1 to 100 UUIDs.';

-- Vocabulary: words -------------------------------------------------------------------------------------------------------------

create domain public.goal_status as text
constraint goal_status_word check (value in ('active', 'completed', 'abandoned', 'pipeline'));
comment on domain public.goal_status is 'Where a goal stands.';

create domain public.task_status as text
constraint task_status_word check (value in ('pending', 'done', 'missed', 'rescheduled', 'cancelled'));
comment on domain public.task_status is 'Where a task stands.';

create domain public.trigger_type as text
constraint trigger_type_word check (value in ('time', 'location'));
comment on domain public.trigger_type is 'What makes a task due.';

create domain public.task_priority as text
constraint task_priority_word check (value in ('standard', 'important', 'must-not-miss'));
comment on domain public.task_priority is 'How much a task matters.';

create domain public.context_type as text
constraint context_type_word check (value in ('goal', 'task', 'onboarding', 'reschedule', 'voice'));
comment on domain public.context_type is 'What a conversation is about.';

create domain public.message_role as text
constraint message_role_word check (value in ('user', 'assistant', 'system', 'function'));
comment on domain public.message_role is 'Who speaks in a message.';

create domain public.input_modality as text
constraint input_modality_word check (value in ('voice', 'text'));
comment on domain public.input_modality is 'How a message was entered.';

create domain public.notification_channel as text
constraint notification_channel_word check (value in ('push', 'whatsapp', 'call'));
comment on domain public.notification_channel is 'How a notification was delivered.';

-- Building blocks ---------------------------------------------------------------------------------------------------------------

create function private.touch_updated_at()
returns trigger
language plpgsql
security invoker
set search_path = ''
as $$
begin
  new.updated_at := case when tg_op = 'INSERT' then new.created_at else clock_timestamp() end;
  return new;
end;
$$;
comment on function private.touch_updated_at() is 'Trigger: keeps updated_at; a new row starts with its created_at.';

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

-- PostgREST takes the domain for a media type, and the aggregate for what writes any result as one. Its own way with the result of
-- a function is to write, parse and write it again.
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

grant execute on function private.require_ordered_range(timestamptz, timestamptz) to authenticated, service_role;
grant execute on function private.write_result(public."application/vnd.flux.result+json", anyelement) to service_role;
grant execute on function public.write_result(anyelement) to service_role;
