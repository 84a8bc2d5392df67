-- Users and their demo flags. Agents create users through the REST door; who signs up through Supabase Auth gets a row by trigger
-- (see the sign-up).

set lock_timeout = '3s';

create table public.users (
  id uuid not null default private.new_id(),
  email public.email_address not null,
  name public.label,
  onboarded boolean not null default false,
  profile public.initial_object default '{}',
  notification_preferences public.initial_object default '{}',
  preferences public.initial_object not null default '{}',
  demo_mode boolean not null default false,
  created_at public.instant not null default clock_timestamp(),
  updated_at public.instant not null default clock_timestamp(),
  constraint users_pkey primary key (id)
);

comment on table public.users is 'People whom Flux coaches.';
comment on column public.users.id is 'The user''s id; auth.uid() for one who signed up.';
comment on column public.users.email is 'Email address, unique without regard to case. @filter=ignoring_case';
comment on column public.users.name is 'Display name.';
comment on column public.users.onboarded is 'Whether onboarding is finished.';
comment on column public.users.profile is 'What the agents know about the user, such as the time zone.';
comment on column public.users.notification_preferences is 'Which channels the user wants, and when.';
comment on column public.users.preferences is 'Free-form preferences of contract 1.0.';
comment on column public.users.demo_mode is 'Whether the user is a demonstration.';
comment on column public.users.created_at is 'When the row was created.';
comment on column public.users.updated_at is 'When the row last changed.';

create table public.demo_flags (
  user_id uuid not null,
  virtual_now public.instant,
  escalation_speed public.escalation_speed not null default 1.0,
  created_at public.instant not null default clock_timestamp(),
  updated_at public.instant not null default clock_timestamp(),
  constraint demo_flags_pkey primary key (user_id),
  constraint demo_flags_user_id_fkey foreign key (user_id) references public.users (id) on delete cascade
);

comment on table public.demo_flags is 'Simulation settings, at most one row a user.';
comment on column public.demo_flags.user_id is 'Whose settings these are.';
comment on column public.demo_flags.virtual_now is 'The time that the demonstration pretends it is.';
comment on column public.demo_flags.escalation_speed is 'Factor on the pace of escalations; 1 is real time.';
comment on column public.demo_flags.created_at is 'When the row was created.';
comment on column public.demo_flags.updated_at is 'When the row last changed.';

alter table public.users
alter column email set statistics 0,
alter column name set statistics 0,
alter column profile set statistics 0,
alter column notification_preferences set statistics 0,
alter column preferences set statistics 0;

create unique index users_email_key on public.users (lower(email));
-- The planner would keep addresses, which a user may not read.
alter index public.users_email_key alter column 1 set statistics 0;

create index users_newest_first on public.users (created_at desc, id desc);

create trigger users_touch_updated_at before insert or update on public.users
for each row execute function private.touch_updated_at();

create trigger demo_flags_touch_updated_at before insert or update on public.demo_flags
for each row execute function private.touch_updated_at();

create function public.put_demo_flags(
  user_id uuid, virtual_now public.instant default null, escalation_speed public.nonnegative_number default 1.0
)
returns public.demo_flags
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  kept public.demo_flags;
begin
  perform private.require_arguments(jsonb_build_object('user_id', user_id));
  insert into public.demo_flags as flags (user_id, virtual_now, escalation_speed)
  values (put_demo_flags.user_id, put_demo_flags.virtual_now, coalesce(put_demo_flags.escalation_speed, 1.0))
  on conflict on constraint demo_flags_pkey do update
    set virtual_now = excluded.virtual_now, escalation_speed = excluded.escalation_speed
  returning flags.* into kept;
  return kept;
end;
$$;
comment on function public.put_demo_flags(uuid, public.instant, public.nonnegative_number) is
'Create or replace a user''s demo flags. A field that is not sent takes its default.';

alter table public.users enable row level security;
alter table public.demo_flags enable row level security;

create policy "Users read themselves" on public.users for select to authenticated
using (id = (select private.signed_in_user()));
create policy "Users change themselves" on public.users for update to authenticated
using (id = (select private.signed_in_user())) with check (id = (select private.signed_in_user()));
create policy "Users delete themselves" on public.users for delete to authenticated
using (id = (select private.signed_in_user()));

create policy "Owners read their demo flags" on public.demo_flags for select to authenticated
using (user_id = (select private.signed_in_user()));
create policy "Owners create their demo flags" on public.demo_flags for insert to authenticated
with check (user_id = (select private.signed_in_user()));
create policy "Owners change their demo flags" on public.demo_flags for update to authenticated
using (user_id = (select private.signed_in_user())) with check (user_id = (select private.signed_in_user()));
create policy "Owners delete their demo flags" on public.demo_flags for delete to authenticated
using (user_id = (select private.signed_in_user()));

grant select, delete on public.users, public.demo_flags to authenticated, service_role;
grant update (name, onboarded, profile, notification_preferences, preferences, demo_mode)
on public.users to authenticated, service_role;
grant insert (id, email, name, onboarded, profile, notification_preferences, preferences, demo_mode),
update (email)
on public.users to service_role;
grant insert (user_id, virtual_now, escalation_speed), update (virtual_now, escalation_speed)
on public.demo_flags to authenticated, service_role;

grant execute on function public.put_demo_flags(uuid, public.instant, public.nonnegative_number) to authenticated, service_role;
