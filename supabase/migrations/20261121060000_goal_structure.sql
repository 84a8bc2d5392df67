-- A goal with everything in it: read in one piece, created in one piece.

set lock_timeout = '3s';

create view public.goals_full
with (security_invoker = true) as
select
  goals.*,
  array(
    select milestones from public.milestones
    where milestones.goal_id = goals.id
    order by milestones.week_number, milestones.created_at, milestones.id
  ) as milestones,
  array(
    select tasks from public.tasks
    where tasks.goal_id = goals.id
    order by tasks.created_at, tasks.id
  ) as tasks
from public.goals;

comment on view public.goals_full is 'Goals with their milestones and tasks.';
comment on column public.goals_full.milestones is 'The goal''s milestones, by week.';
comment on column public.goals_full.tasks is 'The goal''s tasks, in the order of their creation.';

create function private.read_defaults(relation regclass, columns text[])
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  defaults jsonb;
begin
  execute (
    select format(
      'select jsonb_build_object(%s)',
      string_agg(format('%L, %s', attribute.attname, pg_get_expr(expression.adbin, expression.adrelid)), ', ')
    )
    from pg_catalog.pg_attribute as attribute
    inner join pg_catalog.pg_attrdef as expression
      on attribute.attrelid = expression.adrelid and attribute.attnum = expression.adnum
    where attribute.attrelid = relation and attribute.attname = any (columns)
  ) into defaults;
  return coalesce(defaults, '{}');
end;
$$;
comment on function private.read_defaults(regclass, text[]) is 'The defaults of a relation''s columns, evaluated, as an object.';

create function private.find_bad_field(relation regclass, new_row jsonb)
returns text
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  field record;
begin
  for field in select each.key as name, each.value from jsonb_each(new_row) as each loop
    begin
      execute format('select jsonb_populate_record(null::%s, $1)', relation) using jsonb_build_object(field.name, field.value);
    exception
      when others then
        return field.name;
    end;
  end loop;
  return null;
end;
$$;
comment on function private.find_bad_field(regclass, jsonb) is
'The first field of an object whose value is none of its column''s type; null if there is none.';

create function private.read_fields(base anyelement, fields jsonb, place text default null)
returns anyelement
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  broken_constraint text;
  field text;
begin
  return jsonb_populate_record(base, fields);
exception
  when data_exception or integrity_constraint_violation then
    get stacked diagnostics broken_constraint = constraint_name;
    field := concat_ws('.', place, private.find_bad_field(pg_typeof(base)::text::regclass, fields));
    if broken_constraint = '' then
      raise sqlstate 'PT422' using message = 'A value does not fit its field.', detail = 'at ' || field;
    end if;
    raise exception using errcode = sqlstate, message = sqlerrm, constraint = broken_constraint, detail = 'at ' || field;
end;
$$;
comment on function private.read_fields(anyelement, jsonb, text) is
'A row with the fields of an object. If a value does not fit, the error''s DETAIL is "at <place>.<field>".';

-- jsonb_populate_record would take 5 for a text and "5" for a number.
create function private.require_fields(
  relation regclass, elements jsonb, places text[], allowed text[], required text[] default '{}'
)
returns void
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  problem record;
begin
  select concat_ws('.', places[given.nth], found.field) as field, found.message into problem
  from jsonb_array_elements(elements) with ordinality as given (entry, nth),
    lateral (select case jsonb_typeof(given.entry) when 'object' then given.entry else '{}' end as fields) as object,
    lateral (
      select 1 as rank, null as field, 'A JSON object is expected.' as message where jsonb_typeof(given.entry) <> 'object'
      union all
      select 2, key.name, 'There is no such field.' from jsonb_object_keys(object.fields) as key (name)
      where key.name <> all (allowed)
      union all
      select 3, needed.name, 'This field is required.' from unnest(required) as needed (name)
      where object.fields ->> needed.name is null
      union all
      select 4, wrong.name, format('A JSON %s is expected.', wrong.expected)
      from (
        select
          attribute.attname as name,
          jsonb_typeof(object.fields -> attribute.attname::text) as kind,
          case type.typcategory
            when 'S' then 'string' when 'N' then 'number' when 'B' then 'boolean' when 'A' then 'array'
          end as expected
        from pg_catalog.pg_attribute as attribute inner join pg_catalog.pg_type as type on attribute.atttypid = type.oid
        where attribute.attrelid = relation and attribute.attname = any (allowed)
      ) as wrong
      where wrong.kind not in (wrong.expected, 'null')
    ) as found
  order by given.nth, found.rank, found.field limit 1;
  if found then
    raise sqlstate 'PT422' using message = problem.message, detail = concat_ws(' ', 'at', nullif(problem.field, ''));
  end if;
end;
$$;
comment on function private.require_fields(regclass, jsonb, text[], text[], text[]) is
'Raises PT422 for the first of these elements that is not an object, has a field that is not allowed, lacks one that is '
'required, or has JSON of another kind than the column of this name. `places` says what the elements are called.';

create function private.insert_rows(relation regclass, new_rows jsonb, places text[], writer regproc default null)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  columns constant text [] := array(
    select distinct key.name
    from jsonb_array_elements(new_rows) as element (new_row), jsonb_object_keys(element.new_row) as key (name)
    where jsonb_typeof(element.new_row) = 'object'
  );
  defaults constant jsonb := private.read_defaults(
    relation, case when writer is null then columns else array(
      select attname from pg_catalog.pg_attribute where attrelid = relation and attnum > 0
    ) end
  );
  statement constant text := format(
    case
      when writer is null then 'insert into %1$s (%2$s) select %2$s from %3$s order by element.place'
      -- The columns are selected as well, so that one that the relation lacks is an error here too.
      else 'select %4$s(array_agg(given order by element.place)) from %3$s and exists (select %2$s)'
    end,
    relation,
    (select coalesce(string_agg(quote_ident(name), ', '), 'id') from unnest(columns) as name),
    format(
      'jsonb_array_elements($1) with ordinality as element (new_row, place), '
      'jsonb_populate_record(null::%s, $2 || element.new_row) as given where element.place between $3 and $4', relation
    ),
    writer
  );
  next_row integer := 1;
  left_over integer := jsonb_array_length(new_rows);
  tried integer := left_over;
  broken_constraint text;
  broken_type text;
  said text;
begin
  while left_over > 0 loop
    begin
      execute statement using new_rows, defaults, next_row, next_row + tried - 1;
      next_row := next_row + tried;
      left_over := left_over - tried;
    exception
      when integrity_constraint_violation or data_exception or program_limit_exceeded or sqlstate 'PT422' then
        if tried = 1 then
          get stacked diagnostics
            broken_constraint = constraint_name, broken_type = pg_datatype_name, said = pg_exception_detail;
          raise exception using errcode = sqlstate, message = sqlerrm, constraint = broken_constraint, detail = concat_ws(
            '.',
            'at ' || places[next_row],
            case
              when sqlstate = 'PT422' then substr(said, length('at ') + 1)
              when jsonb_typeof(new_rows -> (next_row - 1)) = 'object' and (sqlstate like '22%' or broken_type <> '') then private.find_bad_field(relation, new_rows -> (next_row - 1))
            end
          );
        end if;
        -- The rows from next_row on have been rolled back, and the first bad one is among those that were tried.
        left_over := tried;
    end;
    tried := greatest(left_over / 2, 1);
  end loop;
end;
$$;
comment on function private.insert_rows(regclass, jsonb, text[], regproc) is
'Inserts an array of objects into a table or view, in their order; what one of them leaves out takes its default. `places` says '
'what the rows are called. If some are rejected, halving finds the first: the error''s DETAIL is "at <place>", and names the field '
'if no constraint of the table does. `writer` is a function that writes an array of rows, for a view whose trigger is slower.';

create function private.create_goal_with_structure(
  contract regnamespace, goal jsonb, milestones jsonb, task_writer regproc default null
)
returns uuid
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  goal_id constant uuid := private.new_id();
  placed_milestones jsonb;
  milestone_places text [];
  placed_tasks jsonb;
  task_places text [];
begin
  select
    coalesce(jsonb_agg(
      element.milestone || jsonb_build_object('id', private.new_id(), 'goal_id', goal_id) order by element.place
    ), '[]'),
    array_agg(format('milestones[%s]', element.place - 1) order by element.place)
  into placed_milestones, milestone_places
  from jsonb_array_elements(milestones) with ordinality as element (milestone, place);

  select
    coalesce(jsonb_agg(
      element.task
      || jsonb_build_object('user_id', goal -> 'user_id', 'goal_id', goal_id, 'milestone_id', owner.milestone -> 'id')
      order by owner.place, element.place
    ), '[]'),
    array_agg(format('milestones[%s].tasks[%s]', owner.place - 1, element.place - 1) order by owner.place, element.place)
  into placed_tasks, task_places
  from jsonb_array_elements(placed_milestones) with ordinality as owner (milestone, place),
    jsonb_array_elements(coalesce(owner.milestone -> 'tasks', '[]')) with ordinality as element (task, place);

  perform private.insert_rows(
    format('%s.goals', contract)::regclass, jsonb_build_array(goal || jsonb_build_object('id', goal_id)), array['goal']
  );
  perform private.insert_rows(
    format('%s.milestones', contract)::regclass,
    (
      select coalesce(jsonb_agg(element.milestone - 'tasks' order by element.place), '[]')
      from jsonb_array_elements(placed_milestones) with ordinality as element (milestone, place)
    ),
    milestone_places
  );
  perform private.insert_rows(format('%s.tasks', contract)::regclass, placed_tasks, task_places, task_writer);
  return goal_id;
end;
$$;
comment on function private.create_goal_with_structure(regnamespace, jsonb, jsonb, regproc) is
'Creates a goal, its milestones and their tasks through the relations of a contract''s schema; all or nothing. Returns the '
'goal''s id.';

create function public.create_goal_with_structure(goal public.row_fields, milestones public.row_list default '[]')
returns public.goals_full
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  created uuid;
  result public.goals_full;
begin
  perform private.require_arguments(jsonb_build_object('goal', jsonb_typeof(goal)));
  created := private.create_goal_with_structure('public', goal, coalesce(milestones, '[]'));
  select goals_full.* into result from public.goals_full where goals_full.id = created;
  return result;
end;
$$;
comment on function public.create_goal_with_structure(public.row_fields, public.row_list) is
'Create a goal with its milestones and tasks. It is one transaction: all or nothing. @structure=goals,milestones,tasks';

grant select on public.goals_full to authenticated, service_role;

grant execute on function private.read_defaults(regclass, text[]) to authenticated, service_role;
grant execute on function private.find_bad_field(regclass, jsonb) to authenticated, service_role;
grant execute on function private.read_fields(anyelement, jsonb, text) to authenticated, service_role;
grant execute on function private.require_fields(regclass, jsonb, text[], text[], text[]) to authenticated, service_role;
grant execute on function private.insert_rows(regclass, jsonb, text[], regproc) to authenticated, service_role;
grant execute on function private.create_goal_with_structure(regnamespace, jsonb, jsonb, regproc) to authenticated, service_role;
grant execute on function public.create_goal_with_structure(public.row_fields, public.row_list) to authenticated, service_role;
