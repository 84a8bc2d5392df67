-- Gathered requests: what the REST adapter asks for several callers at once. Each of them shares a call, and nothing else:
-- what can't be done at once, or not for all, is left undone here and asked for alone. The relation is a parameter, so they serve
-- every contract.

create domain public.rows_json as json;
comment on domain public.rows_json is
'A JSON array of rows of one relation, a row a line, the id first.';

create function public.select_each(resource text, keys public.uuid_batch)
returns public.rows_json
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  relation constant regclass := resource::regclass;
  found_rows json;
begin
  execute format('select coalesce(json_agg(wanted), ''[]'') from (select * from %s where id = any ($1)) as wanted', relation)
  into found_rows using keys::uuid[];
  return found_rows;
end;
$$;
comment on function public.select_each(text, public.uuid_batch) is
'The rows of a table or view, such as public.tasks, that have these ids, in no order. For the REST adapter.';

-- Entries that have the same fields are written by one statement; a field that an entry has twice counts once, the last time. The
-- limit on waiting is there because whoever has to wait for another transaction shall not keep the others, and is shorter than what
-- it takes Postgres to look for a deadlock.
create function public.insert_each(resource text, entries json)
returns public.rows_json
language plpgsql
volatile
security invoker
set search_path = ''
set lock_timeout = '20ms'
as $$
declare
  relation constant regclass := resource::regclass;
  alike record;
  created_rows text;
  all_rows text;
begin
  for alike in
    select fields.columns, json_agg(element.entry) as entries
    from json_array_elements(entries) as element (entry),
      lateral (
        select string_agg(distinct quote_ident(field.name), ', ') as columns
        from json_object_keys(element.entry) as field (name)
      ) as fields
    group by fields.columns
  loop
    execute format(
      $query$
        with created as (
          insert into %1$s as entry (%2$s) select %2$s from json_populate_recordset(null::%1$s, $1) returning entry
        )
        select string_agg(row_to_json(created.entry)::text, E', \n ') from created
      $query$,
      relation, alike.columns
    )
    into created_rows using alike.entries;
    all_rows := concat_ws(E', \n ', all_rows, created_rows);
  end loop;
  return format('[%s]', all_rows)::json;
end;
$$;
comment on function public.insert_each(text, json) is
'Creates the rows of an array, which have an id, and answers them, in no order: all or none, and none that would have to wait. '
'For the REST adapter.';

create function public.update_each(resource text, entries json)
returns public.rows_json
language plpgsql
volatile
security invoker
set search_path = ''
set lock_timeout = '20ms'
as $$
declare
  relation constant regclass := resource::regclass;
  alike record;
  changed_rows text;
  all_rows text;
begin
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
        select string_agg(row_to_json(changed.entry)::text, E', \n ') from changed
      $query$,
      relation, alike.assignments
    )
    into changed_rows using alike.entries;
    all_rows := concat_ws(E', \n ', all_rows, changed_rows);
  end loop;
  return format('[%s]', all_rows)::json;
end;
$$;
comment on function public.update_each(text, json) is
'Sets the fields of each object of an array in the row that has its id, no id twice, and answers the rows, in no order, without '
'those that do not exist: all or none, and none that would have to wait. For the REST adapter.';

grant execute on function public.select_each(text, public.uuid_batch) to service_role;
grant execute on function public.insert_each(text, json) to service_role;
grant execute on function public.update_each(text, json) to service_role;
