-- A goal with everything in it: read in one piece, created in one piece.

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

create function private.insert_rows(relation regclass, new_rows jsonb, places text[])
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  columns text [];
  broken_constraint text;
  half integer;
begin
  select array_agg(distinct key.name) into columns
  from jsonb_array_elements(new_rows) as element (new_row), jsonb_object_keys(element.new_row) as key (name);
  if columns is null then
    return;
  end if;
  execute format(
    'insert into %1$s (%2$s) select %2$s from jsonb_array_elements($1) with ordinality as element (new_row, place), '
    'jsonb_populate_record(null::%1$s, $2 || element.new_row) order by element.place',
    relation,
    (select string_agg(quote_ident(name), ', ') from unnest(columns) as name)
  ) using new_rows, private.read_defaults(relation, columns);
exception
  when integrity_constraint_violation or data_exception then
    get stacked diagnostics broken_constraint = constraint_name;
    if jsonb_array_length(new_rows) = 1 then
      raise exception using
        errcode = sqlstate, message = sqlerrm, constraint = broken_constraint, detail = 'at ' || places[1];
    end if;
    -- Nothing of it stands by now. By halves, the first bad one is found.
    half := jsonb_array_length(new_rows) / 2;
    perform private.insert_rows(
      relation, (select jsonb_agg(new_rows -> nth.place) from generate_series(0, half - 1) as nth (place)), places[:half]
    );
    perform private.insert_rows(
      relation,
      (select jsonb_agg(new_rows -> nth.place) from generate_series(half, jsonb_array_length(new_rows) - 1) as nth (place)),
      places[half + 1:]
    );
    raise;
end;
$$;
comment on function private.insert_rows(regclass, jsonb, text[]) is
'Inserts an array of objects into a table or view, in their order; what one of them leaves out takes its default. `places` says '
'what the rows are called: an error''s DETAIL names the first bad one, "at <place>".';

create function private.create_goal_with_structure(contract regnamespace, goal jsonb, milestones jsonb)
returns uuid
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  goal_id constant uuid := gen_random_uuid();
  placed_milestones jsonb;
  milestone_places text [];
  placed_tasks jsonb;
  task_places text [];
begin
  select
    coalesce(jsonb_agg(
      element.milestone || jsonb_build_object('id', gen_random_uuid(), 'goal_id', goal_id) order by element.place
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
  perform private.insert_rows(format('%s.tasks', contract)::regclass, placed_tasks, task_places);
  return goal_id;
end;
$$;
comment on function private.create_goal_with_structure(regnamespace, jsonb, jsonb) is
'Creates a goal, its milestones and their tasks through the relations of a contract''s schema; all or nothing. Returns the '
'goal''s id.';

create function public.create_goal_with_structure(goal public.json_object, milestones public.json_list default '[]')
returns public.goals_full
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  created constant uuid := private.create_goal_with_structure('public', goal, milestones);
  result public.goals_full;
begin
  select goals_full.* into result from public.goals_full where goals_full.id = created;
  return result;
end;
$$;
comment on function public.create_goal_with_structure(public.json_object, public.json_list) is
'Create a goal with its milestones and tasks. It is one transaction: all or nothing. @structure=goals,milestones,tasks';

grant select on public.goals_full to authenticated, service_role;

grant execute on function private.read_defaults(regclass, text[]) to authenticated, service_role;
grant execute on function private.insert_rows(regclass, jsonb, text[]) to authenticated, service_role;
grant execute on function private.create_goal_with_structure(regnamespace, jsonb, jsonb) to authenticated, service_role;
grant execute on function public.create_goal_with_structure(public.json_object, public.json_list) to authenticated, service_role;
