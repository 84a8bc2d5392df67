-- Patterns that are kept under a key, and pipelines of goals that are worked through one by one.

set lock_timeout = '3s';

alter table public.patterns
add column pattern_key public.label,
alter column pattern_key set statistics 0;

comment on column public.patterns.pattern_key is 'The writer''s name for it, unique with user_id and pattern_type.';

create unique index patterns_key_key on public.patterns (user_id, pattern_type, pattern_key) where pattern_key is not null;
comment on index public.patterns_key_key is 'pattern_key: The user has a pattern of this type and key already.';

grant insert (pattern_key), update (pattern_key) on public.patterns to authenticated, service_role;

create function public.put_pattern(pattern jsonb default null)
returns public.patterns
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  given public.patterns;
  kept public.patterns;
begin
  pattern := coalesce(pattern, '{}');
  if jsonb_typeof(pattern) <> 'object' then
    raise sqlstate 'PT422' using message = 'A JSON object is expected.', detail = 'at pattern';
  end if;
  perform private.require_fields(
    'public.patterns', jsonb_build_array(pattern), array[null::text],
    array['user_id', 'pattern_type', 'pattern_key', 'description', 'data', 'confidence'],
    array['user_id', 'pattern_type', 'pattern_key']
  );
  given := private.read_fields(null::public.patterns, pattern);
  insert into public.patterns (user_id, pattern_type, pattern_key, description, data, confidence)
  values (given.user_id, given.pattern_type, given.pattern_key, given.description, given.data, given.confidence)
  on conflict (user_id, pattern_type, pattern_key) where pattern_key is not null do update set
    description = case when pattern ? 'description' then excluded.description else patterns.description end,
    data = case when pattern ? 'data' then excluded.data else patterns.data end,
    confidence = case when pattern ? 'confidence' then excluded.confidence else patterns.confidence end
  returning patterns.* into kept;
  return kept;
end;
$$;
comment on function public.put_pattern(jsonb) is
'Create or change a pattern by its key. Creates the user''s pattern of this type and key, or changes the fields that are sent, '
'in one statement. '
'@object=pattern:patterns,!user_id,!pattern_type,!pattern_key';

create type public.goal_advance as (completed public.goals, activated public.goals);
comment on type public.goal_advance is 'A goal that was completed, and the one that follows it.';
comment on column public.goal_advance.completed is 'The goal as it is now.';
comment on column public.goal_advance.activated is 'The next goal of the pipeline; null at its end. @nullable';

create function public.advance_goal(goal_id uuid, expected_status public.goal_status default 'active')
returns public.goal_advance
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  goal public.goals;
  activated public.goals;
begin
  perform private.require_arguments(jsonb_build_object('goal_id', goal_id));
  -- The pipeline is locked before its goals, so that two of them that end at once activate two others.
  select goals.* into goal from public.goals where goals.id = advance_goal.goal_id;
  if goal.parent_goal_id is null then
    perform from public.users where users.id = goal.user_id for no key update;
  else
    perform from public.goals where goals.id = goal.parent_goal_id for no key update;
  end if;
  select goals.* into goal from public.goals where goals.id = advance_goal.goal_id for no key update;
  if not found then
    raise sqlstate 'PT404' using message = 'There is no goal with this id.';
  end if;
  if goal.status <> coalesce(expected_status, 'active') then
    raise sqlstate 'PT409' using message = 'The goal is ' || goal.status || '.';
  end if;
  update public.goals set status = 'completed', completed_at = coalesce(goals.completed_at, clock_timestamp())
  where goals.id = goal.id
  returning goals.* into goal;
  update public.goals set status = 'active', activated_at = clock_timestamp()
  where goals.id = (
    select waiting.id from public.goals as waiting
    where waiting.user_id = goal.user_id and waiting.parent_goal_id is not distinct from goal.parent_goal_id
      and waiting.status = 'pipeline' and waiting.id <> goal.id
    order by waiting.pipeline_order, waiting.created_at, waiting.id
    limit 1
  )
  returning goals.* into activated;
  return row(goal, case when found then activated end)::public.goal_advance;
end;
$$;
comment on function public.advance_goal(uuid, public.goal_status) is
'Complete a goal and activate the next one. The next is the first of its parent''s pipeline: the lowest pipeline_order, then '
'the oldest. It is a conflict if the goal does not have the expected status.';

grant execute on function public.put_pattern(jsonb) to authenticated, service_role;
grant execute on function public.advance_goal(uuid, public.goal_status) to authenticated, service_role;
