-- Shared calls: one call for several callers' requests. An entry that would have to wait, or that is refused, makes the whole
-- call fail; the adapter then asks for each alone. The limit on waiting is shorter than deadlock_timeout, so such a call gives way
-- before Postgres looks for deadlocks. The relation is a parameter, so one set of functions serves every contract.

set lock_timeout = '3s';

-- See https://docs.postgrest.org/en/v12/references/api/media_type_handlers.html
create domain public."application/vnd.flux.rows+ndjson" as bytea;
comment on domain public."application/vnd.flux.rows+ndjson" is
'Rows of one relation, or results of one function, as lines of JSON with the id first.';

create function public.select_each(resource text, keys public.uuid_batch)
returns public."application/vnd.flux.rows+ndjson"
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  relation constant regclass := private.find_relation(resource);
  found_rows text;
begin
  perform private.require_arguments(jsonb_build_object('keys', cardinality(keys)));
  execute format('select string_agg(row_to_json(wanted)::text, E''\n'') from %s as wanted where wanted.id = any ($1)', relation)
  into found_rows using keys::uuid[];
  return convert_to(coalesce(found_rows, ''), 'utf8');
end;
$$;
comment on function public.select_each(text, public.uuid_batch) is
'The rows of a table or view, such as public.tasks, that have these ids, in no order. For the REST adapter.';

-- Entries that have the same fields are written by one statement, in their order; a field that an entry has twice counts once, the
-- last time. The ids are sorted before they are given, and a row begins with its id, so sorted rows are in the entries' order.
create function public.insert_each(resource text, entries json)
returns public."application/vnd.flux.rows+ndjson"
language plpgsql
volatile
security invoker
set search_path = ''
set lock_timeout = '20ms'
as $$
declare
  relation constant regclass := private.find_relation(resource);
  ids constant uuid [] := array(select private.new_id() as id from json_array_elements(entries) order by id);
  alike record;
  created_rows text [];
  all_rows text [];
begin
  perform private.require_arguments(jsonb_build_object('entries', json_typeof(entries)));
  for alike in
    select fields.columns, json_agg(element.entry) as entries, array_agg(ids[element.place]) as ids
    from json_array_elements(entries) with ordinality as element (entry, place),
      lateral (
        select string_agg(distinct quote_ident(field.name), ', ') as columns
        from json_object_keys(element.entry) as field (name)
      ) as fields
    group by fields.columns
  loop
    execute format(
      $query$
        with created as (
          insert into %1$s as entry (id, %2$s)
          select $2[given.ordinality], %2$s from json_populate_recordset(null::%1$s, $1) with ordinality as given
          returning entry
        )
        select array_agg(row_to_json(created.entry)::text) from created
      $query$,
      relation, alike.columns
    )
    into created_rows using alike.entries, alike.ids;
    all_rows := all_rows || created_rows;
  end loop;
  return convert_to(
    (select coalesce(string_agg(created.line, E'\n' order by created.line collate "C"), '') from unnest(all_rows) as created (line)),
    'utf8'
  );
end;
$$;
comment on function public.insert_each(text, json) is
'Creates the rows of an array, which have no id, and answers them, in the order of the array: all or none, and none that would '
'have to wait. For the REST adapter.';

-- The adapter sends the entries in the order of their ids, as all that write several rows lock them.
create function public.update_each(resource text, entries json)
returns public."application/vnd.flux.rows+ndjson"
language plpgsql
volatile
security invoker
set search_path = ''
set lock_timeout = '20ms'
as $$
declare
  relation constant regclass := private.find_relation(resource);
  alike record;
  changed_rows text;
  all_rows text;
begin
  perform private.require_arguments(jsonb_build_object('entries', json_typeof(entries)));
  for alike in
    select fields.assignments, json_agg(element.entry) as entries
    from json_array_elements(entries) as element (entry),
      lateral (
        select string_agg(distinct format('%1$I = given.%1$I', field.name), ', ') as assignments
        from json_object_keys(element.entry) as field (name)
        where field.name <> 'id'
      ) as fields
    group by fields.assignments
  loop
    execute format(
      $query$
        with changed as (
          update %1$s as entry set %2$s from json_populate_recordset(null::%1$s, $1) as given
          where entry.id = given.id
          returning entry
        )
        select string_agg(row_to_json(changed.entry)::text, E'\n') from changed
      $query$,
      relation, alike.assignments
    )
    into changed_rows using alike.entries;
    all_rows := concat_ws(E'\n', all_rows, changed_rows);
  end loop;
  return convert_to(coalesce(all_rows, ''), 'utf8');
end;
$$;
comment on function public.update_each(text, json) is
'Sets the fields of each object of an array in the row that has its id, no id twice, and answers the rows, in no order, without '
'those that do not exist: all or none, and none that would have to wait. For the REST adapter.';

create function public.call_each(called text, entries json)
returns public."application/vnd.flux.rows+ndjson"
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  -- PostgREST passes an argument of a GET request as a JSON string, whatever its type.
  given constant json := case json_typeof(entries) when 'string' then (entries #>> '{}')::json else entries end;
  arguments text;
  types text;
  results text;
begin
  perform private.require_arguments(jsonb_build_object('called', called, 'entries', json_typeof(entries)));
  if called !~ '^(public|v[0-9]+_[0-9]+)[.]' then
    raise undefined_function using message = 'The function is of no contract.';
  end if;
  select
    string_agg(format('%1$I => given.%1$I', argument.name), ', '),
    string_agg(format('%I %s', argument.name, argument.type::regtype), ', ')
  into arguments, types
  from pg_catalog.pg_proc,
    unnest(pg_proc.proargnames[:pg_proc.pronargs], pg_proc.proargtypes::oid[]) as argument (name, type)
  where pg_proc.oid = called::regproc and pg_proc.provolatile <> 'v'
    and argument.name in (select json_object_keys(given -> 0));
  execute format(
    $query$
      select string_agg(concat('{"id":"', given.call_id, '","result":', to_json(%s(%s)), '}'), E'\n')
      from json_to_recordset($1) as given (call_id text, %s)
    $query$,
    called::regproc, arguments, types
  )
  into results using given;
  return convert_to(coalesce(results, ''), 'utf8');
end;
$$;
comment on function public.call_each(text, json) is
'Calls a function that only reads, such as public.get_task_statistics, once with each object of arguments of an array. All have '
'the same arguments, and a call_id that the result gets as its id. For the REST adapter.';

create function public.get_wal_position()
returns bigint
language sql
stable
security invoker
set search_path = ''
as $$
  select pg_wal_lsn_diff(case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_insert_lsn() end, '0/0');
$$;
comment on function public.get_wal_position() is
'Get the position in the write-ahead log. What the primary has written, or a standby replayed, in bytes. A standby at a position '
'that the primary had after a commit shows what was committed. For the REST adapter. @small';

grant execute on function public.select_each(text, public.uuid_batch) to service_role;
grant execute on function public.insert_each(text, json) to service_role;
grant execute on function public.update_each(text, json) to service_role;
grant execute on function public.call_each(text, json) to service_role;
grant execute on function public.get_wal_position() to service_role;
