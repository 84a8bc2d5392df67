-- Time ranges share calls. Most have few rows, and then the call itself, which requests can share, is over half of the cost.
-- A result that turns out to be large is left out of the shared call, and the adapter asks for it alone.

set lock_timeout = '3s';

create or replace function public.call_each(called text, entries json)
returns public."application/vnd.flux.rows+ndjson"
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  most_rows constant integer := 100;
  most_bytes constant integer := 262144;
  -- PostgREST passes an argument of a GET request as a JSON string, whatever its type.
  given constant json := case json_typeof(entries) when 'string' then (entries #>> '{}')::json else entries end;
  arguments text;
  types text;
  is_list boolean;
  results text;
begin
  perform private.require_arguments(jsonb_build_object('called', called, 'entries', json_typeof(entries)));
  if called !~ '^(public|v[0-9]+_[0-9]+)[.]' then
    raise undefined_function using message = 'The function is of no contract.';
  end if;
  select
    string_agg(format('%1$I => given.%1$I', argument.name), ', '),
    string_agg(format('%I %s', argument.name, argument.type::regtype), ', '),
    bool_or(pg_type.typcategory = 'A')
  into arguments, types, is_list
  from pg_catalog.pg_proc
  inner join pg_catalog.pg_type on pg_type.oid = pg_proc.prorettype,
    unnest(pg_proc.proargnames[:pg_proc.pronargs], pg_proc.proargtypes::oid[]) as argument (name, type)
  where pg_proc.oid = called::regproc and pg_proc.provolatile <> 'v'
    and argument.name in (select json_object_keys(given -> 0));
  -- With offset 0, so that no subquery is merged into the query around it, which would call the function once for each use.
  execute format(
    $query$
      select string_agg(written.line, E'\n')
      from (
        select concat('{"id":"', answered.call_id, '","result":', to_json(answered.result), '}') as line
        from (
          select given.call_id, %s(%s) as result from json_to_recordset($1) as given (call_id text, %s) offset 0
        ) as answered
        %s
        offset 0
      ) as written
      where octet_length(written.line) <= %s
    $query$,
    called::regproc, arguments, types,
    case when is_list then format('where cardinality(answered.result) <= %s', most_rows) else '' end,
    most_bytes
  )
  into results using given;
  return convert_to(coalesce(results, ''), 'utf8');
end;
$$;
comment on function public.call_each(text, json) is
'Calls a function that only reads, such as public.get_task_statistics, once with each object of arguments of an array. All have '
'the same arguments, and a call_id that the result gets as its id. Results of more than 100 rows or 256 KiB are left out. For the '
'REST adapter.';

comment on function public.get_tasks_by_timerange(uuid, public.instant, public.instant) is
'Get a user''s tasks in a time range. Returns the tasks with scheduled_at in [start_at, end_at], earliest first, as one '
'array: all of them, up to 20,000. @small';
comment on function v1_0.get_tasks_by_timerange(uuid, public.instant, public.instant) is
'Get a user''s tasks in a time range. Returns the tasks with start_time in [start_time, end_time], earliest first, as one '
'array: all of them, up to 20,000. @small';
