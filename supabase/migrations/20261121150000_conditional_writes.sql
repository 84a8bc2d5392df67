-- Conditional writes: a row is changed only if it still has the version that the caller has read (If-Match). Through PostgREST, one
-- request is one transaction, so one function locks the row, compares its version and writes. The operation is a parameter, so one
-- function serves every contract.

set lock_timeout = '3s';

create domain public."application/vnd.flux.answer+json" as json;
comment on domain public."application/vnd.flux.answer+json" is 'What an operation of the REST adapter answers.';

create function private.perform(operation text, row_id uuid, arguments json)
returns json
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  verb constant text := split_part(operation, ' ', 1);
  target constant text := split_part(operation, ' ', 2);
  relation constant regclass := case when verb <> 'call' then private.find_relation(target) end;
  routine constant regproc := case when verb = 'call' then target::regproc end;
  place constant text := coalesce(relation::text, routine::text);
  statement text;
  answer json;
begin
  if routine is not null and routine::text !~ '^(public|v[0-9]+_[0-9]+)[.]' then
    raise undefined_function using message = 'The function is of no contract.';
  end if;
  select
    case
      when verb = 'insert' then format(
        'insert into %s as written (%s) select %2$s from json_to_record($1) as given (%s) returning row_to_json(written)',
        place, string_agg(format('%I', field.name), ', '), string_agg(format('%I %s', field.name, field.type), ', ')
      )
      when verb = 'update' and count(*) = 0 then format('select row_to_json(found) from %s as found where found.id = $2', place)
      when verb = 'update' then format(
        'update %s as written set %s from json_to_record($1) as given (%s) where written.id = $2 returning row_to_json(written)',
        place, string_agg(format('%1$I = given.%1$I', field.name), ', '),
        string_agg(format('%I %s', field.name, field.type), ', ')
      )
      when verb = 'delete' then format('delete from %s as written where written.id = $2 returning to_json(written.id)', place)
      when verb = 'call' then format(
        'select to_json(%s(%s)) from json_to_record($1) as given (%s)',
        place, string_agg(format('%1$I => given.%1$I', field.name), ', '),
        string_agg(format('%I %s', field.name, field.type), ', ')
      )
    end
  into statement
  from (
    select attribute.attname as name, format_type(attribute.atttypid, attribute.atttypmod) as type
    from pg_catalog.pg_attribute as attribute
    where attribute.attrelid = relation and attribute.attnum > 0
    union all
    select argument.name, format_type(argument.type, null)
    from pg_catalog.pg_proc as called, unnest(called.proargnames, called.proargtypes::oid[]) as argument (name, type)
    where called.oid = routine
  ) as field
  where field.name in (select json_object_keys(arguments));
  execute statement into answer using arguments, row_id;
  return answer;
end;
$$;
comment on function private.perform(text, uuid, json) is
'Performs an operation, such as "insert public.tasks", "update v1_0.goals", "delete public.users" or "call public.put_demo_flags", '
'and returns the written row or the function''s result. The arguments are the fields that are written, or those of the function.';

create function private.require_version(resource text, row_id uuid, versions timestamptz[], deletes boolean)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  relation constant regclass := private.find_relation(resource);
  columns constant text[] := array(
    select attribute.attname from pg_catalog.pg_attribute as attribute where attribute.attrelid = relation
  );
  changes constant boolean := 'updated_at' = any (columns);
  version timestamptz;
begin
  execute format(
    'select %I from %s where %I = $1 %s',
    case when changes then 'updated_at' else 'created_at' end,
    relation,
    case when 'id' = any (columns) then 'id' else 'user_id' end,
    -- A row that never changes needs no lock; of two deletions, the second finds nothing.
    case when not changes then '' when deletes then 'for update' else 'for no key update' end
  ) into version using row_id;
  if version is null then
    raise sqlstate 'PT404' using message = 'There is no row with this id.';
  elsif version <> all (versions) then
    raise sqlstate 'PT412' using message = 'The row has changed since: If-Match does not name its ETag.';
  end if;
end;
$$;
comment on function private.require_version(text, uuid, timestamptz[], boolean) is
'Locks a row of a table or view, such as public.tasks, and its base row with it. Raises PT404 if there is none, and PT412 if its '
'version, updated_at, is none of these; null stands for any version.';

create function public.write_if_match(
  resource text, row_id uuid, versions timestamptz[], operation text, arguments json default '{}'
)
returns public."application/vnd.flux.answer+json"
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  perform private.require_arguments(jsonb_build_object('row_id', row_id, 'operation', operation));
  perform private.require_version(resource, row_id, versions, operation like 'delete %');
  return private.perform(operation, row_id, coalesce(arguments, '{}'));
end;
$$;
comment on function public.write_if_match(text, uuid, timestamptz[], text, json) is
'Performs an operation on a row of a table or view if the row still has one of these versions: see private.perform and '
'private.require_version. For the REST adapter. @nullable=versions';

grant execute on function private.perform(text, uuid, json) to service_role;
grant execute on function private.require_version(text, uuid, timestamptz[], boolean) to service_role;
grant execute on function public.write_if_match(text, uuid, timestamptz[], text, json) to service_role;
