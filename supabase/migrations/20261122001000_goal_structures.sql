-- Goals with structure: fields that the function does not write are refused, and the rows are written with one statement per table.

set lock_timeout = '3s';

create function private.require_structure_fields(
  contract regnamespace, goal jsonb, milestones jsonb, goal_fields text[], milestone_fields text[], task_fields text[]
)
returns void
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  broken record;
begin
  -- In most calls every field is allowed. This first look takes 1 µs per row, private.require_fields takes 50.
  if goal - goal_fields = '{}' and not exists (
    select from jsonb_array_elements(milestones) as element (milestone)
    where case
      when jsonb_typeof(element.milestone) <> 'object' then true
      when element.milestone - 'tasks' - milestone_fields <> '{}' then true
      when jsonb_typeof(element.milestone -> 'tasks') <> 'array' then true
      else exists (
        select from jsonb_array_elements(element.milestone -> 'tasks') as part (task)
        where case jsonb_typeof(part.task) when 'object' then part.task - task_fields <> '{}' else true end
      )
    end
  ) then
    return;
  end if;
  perform private.require_fields(format('%s.goals', contract)::regclass, jsonb_build_array(goal), array['goal'], goal_fields);
  select
    jsonb_agg(
      case jsonb_typeof(element.milestone) when 'object' then element.milestone - 'tasks' else element.milestone end
      order by element.place
    ) as entries,
    array_agg(format('milestones[%s]', element.place - 1) order by element.place) as places,
    min(element.place - 1) filter (where jsonb_typeof(element.milestone -> 'tasks') <> 'array') as without_list
  into broken
  from jsonb_array_elements(milestones) with ordinality as element (milestone, place);
  perform private.require_fields(format('%s.milestones', contract)::regclass, broken.entries, broken.places, milestone_fields);
  if broken.without_list is not null then
    raise sqlstate 'PT422' using
      message = 'A JSON array is expected.', detail = format('at milestones[%s].tasks', broken.without_list);
  end if;
  select
    jsonb_agg(part.task order by element.place, part.place) as entries,
    array_agg(format('milestones[%s].tasks[%s]', element.place - 1, part.place - 1) order by element.place, part.place) as places
  into broken
  from jsonb_array_elements(milestones) with ordinality as element (milestone, place),
    jsonb_array_elements(element.milestone -> 'tasks') with ordinality as part (task, place);
  perform private.require_fields(format('%s.tasks', contract)::regclass, broken.entries, broken.places, task_fields);
end;
$$;
comment on function private.require_structure_fields(regnamespace, jsonb, jsonb, text[], text[], text[]) is
'Raises PT422 for the first row of a structure that is not an object or has a field that is not among those of its kind. A '
'milestone may also have tasks, a list.';

-- Each statement's plan is kept, and a row of defaults fills the fields that are not sent: half the time of private.insert_rows.
create function private.insert_goal_with_structure(goal jsonb, milestones jsonb)
returns uuid
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  milestone_defaults constant public.milestones := jsonb_populate_record(null::public.milestones, '{"status": "pending"}');
  task_defaults constant public.tasks := jsonb_populate_record(
    null::public.tasks,
    '{
      "status": "pending", "priority": "standard", "trigger_type": "time", "is_recurring": false, "escalation_policy": "standard"
    }'
  );
  milestone_ids constant uuid [] := array(select private.new_id() from generate_series(1, jsonb_array_length(milestones)));
  new_goal public.goals;
begin
  new_goal := jsonb_populate_record(null::public.goals, '{"status": "active", "target_weeks": 6}' || goal);
  new_goal.id := private.new_id();
  insert into public.goals (
    id, user_id, title, description, class_tags, status, parent_goal_id, pipeline_order, activated_at, completed_at, target_weeks,
    plan_json, category, timeline
  )
  values (
    new_goal.id, new_goal.user_id, new_goal.title, new_goal.description, new_goal.class_tags, new_goal.status,
    new_goal.parent_goal_id, new_goal.pipeline_order, new_goal.activated_at, new_goal.completed_at, new_goal.target_weeks,
    new_goal.plan_json, new_goal.category, new_goal.timeline
  );
  insert into public.milestones (id, goal_id, week_number, title, status)
  select milestone_ids[given.ordinality], new_goal.id, given.week_number, given.title, given.status
  from jsonb_populate_recordset(milestone_defaults, milestones) with ordinality as given
  order by given.ordinality;
  insert into public.tasks (
    user_id, goal_id, milestone_id, title, description, status, priority, scheduled_at, duration_minutes, trigger_type,
    location_trigger, is_recurring, recurrence_rule, calendar_event_id, shared_with_goal_ids, reminder_sent_at, whatsapp_sent_at,
    call_sent_at, completed_at, escalation_policy, class_tags, conversation_id, canonical_scheduled_at, series_id, occurrence_at
  )
  select
    new_goal.user_id, new_goal.id, milestone_ids[owner.place], given.title, given.description, given.status, given.priority,
    given.scheduled_at, given.duration_minutes, given.trigger_type, given.location_trigger, given.is_recurring,
    given.recurrence_rule, given.calendar_event_id, given.shared_with_goal_ids, given.reminder_sent_at, given.whatsapp_sent_at,
    given.call_sent_at, given.completed_at, given.escalation_policy, given.class_tags, given.conversation_id,
    given.canonical_scheduled_at, given.series_id, given.occurrence_at
  from jsonb_array_elements(milestones) with ordinality as owner (milestone, place),
    jsonb_populate_recordset(task_defaults, owner.milestone -> 'tasks') with ordinality as given
  order by owner.place, given.ordinality;
  return new_goal.id;
end;
$$;
comment on function private.insert_goal_with_structure(jsonb, jsonb) is
'Creates a goal, its milestones and their tasks, and returns the goal''s id. An error does not say which row was rejected.';

create or replace function public.create_goal_with_structure(goal public.row_fields, milestones public.row_list default '[]')
returns public.goals_full
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  given_milestones constant jsonb := coalesce(milestones, '[]');
  created uuid;
  result public.goals_full;
begin
  perform private.require_arguments(jsonb_build_object('goal', jsonb_typeof(goal)));
  perform private.require_structure_fields(
    'public', goal, given_milestones,
    array[
      'user_id', 'title', 'description', 'class_tags', 'status', 'parent_goal_id', 'pipeline_order', 'activated_at',
      'completed_at', 'target_weeks', 'plan_json', 'category', 'timeline'
    ],
    array['week_number', 'title', 'status'],
    array[
      'title', 'description', 'status', 'priority', 'scheduled_at', 'duration_minutes', 'trigger_type', 'location_trigger',
      'is_recurring', 'recurrence_rule', 'calendar_event_id', 'shared_with_goal_ids', 'reminder_sent_at', 'whatsapp_sent_at',
      'call_sent_at', 'completed_at', 'escalation_policy', 'class_tags', 'conversation_id', 'canonical_scheduled_at', 'series_id',
      'occurrence_at'
    ]
  );
  begin
    created := private.insert_goal_with_structure(goal, given_milestones);
  exception
    when integrity_constraint_violation or data_exception or program_limit_exceeded or sqlstate 'PT422' then
      -- A second, slower attempt: its error names the row that was rejected.
      created := private.create_goal_with_structure('public', goal, given_milestones);
  end;
  select goals_full.* into result from public.goals_full where goals_full.id = created;
  return result;
end;
$$;

create or replace function v1_0.create_goal_with_structure(goal public.row_fields, milestones public.row_list default '[]')
returns v1_0.goals_full
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  given_milestones constant jsonb := coalesce(milestones, '[]');
  created uuid;
  result v1_0.goals_full;
begin
  perform private.require_arguments(jsonb_build_object('goal', jsonb_typeof(goal)));
  perform private.require_structure_fields(
    'v1_0', goal, given_milestones,
    array['user_id', 'title', 'category', 'timeline', 'status'],
    array['week_number', 'title', 'status'],
    array['title', 'state', 'priority', 'start_time', 'end_time', 'trigger_type', 'is_recurring', 'calendar_event_id']
  );
  created := private.create_goal_with_structure('v1_0', goal, given_milestones, 'private.insert_tasks_of_1_0');
  select goals_full.* into result from v1_0.goals_full where goals_full.id = created;
  return result;
end;
$$;

grant execute on function private.require_structure_fields(regnamespace, jsonb, jsonb, text[], text[], text[])
to authenticated, service_role;
grant execute on function private.insert_goal_with_structure(jsonb, jsonb) to authenticated, service_role;
