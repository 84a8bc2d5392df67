-- Goals and their weekly milestones.

set lock_timeout = '3s';

create table public.goals (
  id uuid not null default private.new_id(),
  user_id uuid not null,
  title public.title not null,
  description public.free_text,
  class_tags public.text_list,
  status public.goal_status not null default 'active',
  parent_goal_id uuid,
  pipeline_order integer,
  activated_at public.instant,
  completed_at public.instant,
  target_weeks public.target_weeks not null default 6,
  plan_json public.plan_document,
  category public.short_text,
  timeline public.short_text,
  created_at public.instant not null default clock_timestamp(),
  updated_at public.instant not null default clock_timestamp(),
  constraint goals_pkey primary key (id),
  constraint goals_id_user_id_key unique (id, user_id),
  constraint goals_user_id_fkey foreign key (user_id) references public.users (id) on delete cascade,
  constraint goals_parent_goal_id_fkey foreign key (parent_goal_id, user_id)
  references public.goals (id, user_id) on delete set null (parent_goal_id),
  constraint goal_is_not_its_own_parent check (parent_goal_id <> id)
);

comment on table public.goals is 'What users want to reach.';
comment on column public.goals.id is 'The goal''s id.';
comment on column public.goals.user_id is 'Whose goal it is.';
comment on column public.goals.title is 'What is to be reached.';
comment on column public.goals.description is 'The goal in the user''s words.';
comment on column public.goals.class_tags is 'Classes that the goal falls into, such as health.';
comment on column public.goals.status is 'Where the goal stands.';
comment on column public.goals.parent_goal_id is 'The goal, of the same user, that this one is part of.';
comment on column public.goals.pipeline_order is 'Place among the goals that wait in the pipeline.';
comment on column public.goals.activated_at is 'When work on the goal began.';
comment on column public.goals.completed_at is 'When the goal was reached.';
comment on column public.goals.target_weeks is 'How many weeks the goal is planned for.';
comment on column public.goals.plan_json is 'The Goal Planner''s plan.';
comment on column public.goals.category is 'Category, in contract 1.0''s words.';
comment on column public.goals.timeline is 'Time frame, in contract 1.0''s words.';
comment on column public.goals.created_at is 'When the row was created.';
comment on column public.goals.updated_at is 'When the row last changed.';

create table public.milestones (
  id uuid not null default private.new_id(),
  goal_id uuid not null,
  week_number public.positive_integer not null,
  title public.title not null,
  status public.milestone_status not null default 'pending',
  created_at public.instant not null default clock_timestamp(),
  updated_at public.instant not null default clock_timestamp(),
  constraint milestones_pkey primary key (id),
  constraint milestones_id_goal_id_key unique (id, goal_id),
  constraint milestones_goal_id_fkey foreign key (goal_id) references public.goals (id) on delete cascade
);

comment on table public.milestones is 'Weekly steps of a goal.';
comment on column public.milestones.id is 'The milestone''s id.';
comment on column public.milestones.goal_id is 'The goal that it is a step of. Its tasks move along with it.';
comment on column public.milestones.week_number is 'Week of the plan, from 1.';
comment on column public.milestones.title is 'What the week is for.';
comment on column public.milestones.status is 'Where the milestone stands.';
comment on column public.milestones.created_at is 'When the row was created.';
comment on column public.milestones.updated_at is 'When the row last changed.';

comment on constraint goal_is_not_its_own_parent on public.goals is 'parent_goal_id: A goal cannot be its own parent.';

alter table public.goals
alter column title set statistics 0,
alter column description set statistics 0,
alter column class_tags set statistics 0,
alter column plan_json set statistics 0,
alter column category set statistics 0,
alter column timeline set statistics 0;

alter table public.milestones
alter column title set statistics 0,
alter column status set statistics 0;

create index goals_newest_first on public.goals (created_at desc, id desc);
create index goals_of_user on public.goals (user_id, created_at desc, id desc);
create index goals_of_parent on public.goals (parent_goal_id, user_id) where parent_goal_id is not null;
create index milestones_newest_first on public.milestones (created_at desc, id desc);
create index milestones_of_goal on public.milestones (goal_id, week_number, id);

create trigger goals_touch_updated_at before insert or update on public.goals
for each row execute function private.touch_updated_at();

create trigger milestones_touch_updated_at before insert or update on public.milestones
for each row execute function private.touch_updated_at();

-- A milestone names no user, and so no foreign key says whose goal it may move to. Whose a goal is doesn't change.
create function private.keep_milestone_with_user()
returns trigger
language plpgsql
security invoker
set search_path = ''
as $$
begin
  if (select goals.user_id from public.goals where goals.id = new.goal_id)
    <> (select goals.user_id from public.goals where goals.id = old.goal_id) then
    raise sqlstate 'PT422' using message = 'goal_id names no goal of this user.', detail = 'at goal_id';
  end if;
  return new;
end;
$$;
comment on function private.keep_milestone_with_user() is 'Trigger: a milestone doesn''t move to a goal of another user.';

create trigger milestones_keep_milestone_with_user before update of goal_id on public.milestones
for each row when (new.goal_id <> old.goal_id) execute function private.keep_milestone_with_user();

-- PostgREST finds a table's relationship to itself only by the name of the column, and if the foreign key has no other column.
-- So both names by which callers ask for a goal's parent are functions. The argument has no name, so that they are no rpcs.
create function public.parent(public.goals)
returns setof public.goals
rows 1
language sql
stable
security invoker
set search_path = ''
as $$
  select goals.* from public.goals where goals.id = $1.parent_goal_id;
$$;
comment on function public.parent(public.goals) is
'The goal that a goal is part of, for PostgREST: /goals?select=title,parent(title).';
create function public.parent_goal_id(public.goals)
returns setof public.goals
rows 1
language sql
stable
security invoker
set search_path = ''
as $$
  select goals.* from public.goals where goals.id = $1.parent_goal_id;
$$;
comment on function public.parent_goal_id(public.goals) is
'The goal that a goal is part of, for PostgREST: /goals?select=title,parent:parent_goal_id(title).';

alter table public.goals enable row level security;
alter table public.milestones enable row level security;

create policy "Owners read their goals" on public.goals for select to authenticated
using (user_id = (select private.signed_in_user()));
create policy "Owners create their goals" on public.goals for insert to authenticated
with check (user_id = (select private.signed_in_user()));
create policy "Owners change their goals" on public.goals for update to authenticated
using (user_id = (select private.signed_in_user())) with check (user_id = (select private.signed_in_user()));
create policy "Owners delete their goals" on public.goals for delete to authenticated
using (user_id = (select private.signed_in_user()));

create policy "Owners read their goals' milestones" on public.milestones for select to authenticated
using (exists (
  select from public.goals
  where goals.id = milestones.goal_id and goals.user_id = (select private.signed_in_user())
));
create policy "Owners create their goals' milestones" on public.milestones for insert to authenticated
with check (exists (
  select from public.goals
  where goals.id = milestones.goal_id and goals.user_id = (select private.signed_in_user())
));
create policy "Owners change their goals' milestones" on public.milestones for update to authenticated
using (exists (
  select from public.goals
  where goals.id = milestones.goal_id and goals.user_id = (select private.signed_in_user())
))
with check (exists (
  select from public.goals
  where goals.id = milestones.goal_id and goals.user_id = (select private.signed_in_user())
));
create policy "Owners delete their goals' milestones" on public.milestones for delete to authenticated
using (exists (
  select from public.goals
  where goals.id = milestones.goal_id and goals.user_id = (select private.signed_in_user())
));

grant select, delete on public.goals, public.milestones to authenticated, service_role;
grant insert (
  id, user_id, title, description, class_tags, status, parent_goal_id, pipeline_order, activated_at, completed_at, target_weeks,
  plan_json, category, timeline
),
update (
  title, description, class_tags, status, parent_goal_id, pipeline_order, activated_at, completed_at, target_weeks, plan_json,
  category, timeline
) on public.goals to authenticated, service_role;
grant insert (id, goal_id, week_number, title, status), update (goal_id, week_number, title, status)
on public.milestones to authenticated, service_role;
grant execute on function public.parent(public.goals), public.parent_goal_id(public.goals) to authenticated, service_role;
