-- Fields that the Flux backend, its notifier and its front ends need beyond the guides. All are optional: a caller of the guides
-- does not notice them, except that profile and notification_preferences start as {} and that sent_at defaults to now.

set lock_timeout = '3s';

-- Reading pg_timezone_names takes 17 ms. A name of the usual form is tried instead, which takes microseconds; only a name that
-- Postgres could also read as a rule of its own ("Foo5") is looked up.
create function private.is_time_zone(name text)
returns boolean
language plpgsql
stable
strict
security invoker
set search_path = ''
as $$
begin
  if name = 'UTC' then
    return true;
  end if;
  if name !~ '^[A-Z][A-Za-z]+(/[A-Z][A-Za-z_-]+)+$' then
    return exists (select from pg_catalog.pg_timezone_names where pg_timezone_names.name = is_time_zone.name);
  end if;
  perform statement_timestamp() at time zone name;
  return true;
exception
  when invalid_parameter_value then
    return false;
end;
$$;
comment on function private.is_time_zone(text) is 'Whether the database knows a time zone by this IANA name.';

create domain public.time_zone as text
constraint time_zone_is_known check (private.is_time_zone(value));
comment on domain public.time_zone is 'The IANA name of a time zone that the database knows, such as Europe/Stockholm.';
comment on constraint time_zone_is_known on domain public.time_zone is 'There is no time zone with this name.';

create domain public.escalation_policy as text default 'standard'
constraint escalation_policy_word check (value in ('silent', 'standard', 'aggressive'));
comment on domain public.escalation_policy is 'How insistently a user is reminded.';

-- Users

alter table public.users
add column timezone public.time_zone,
add column push_subscription public.json_object,
add column phone_verified boolean not null default false,
add column whatsapp_opt_in_at public.instant,
add column monthly_token_usage public.initial_object not null default '{}',
alter column timezone set statistics 0,
alter column push_subscription set statistics 0,
alter column monthly_token_usage set statistics 0;

comment on column public.users.timezone is
'The user''s time zone; unless given, the profile''s or else the preferences'' "timezone", if valid, else UTC. @filled';
comment on column public.users.push_subscription is 'The browser''s Web Push subscription.';
comment on column public.users.phone_verified is 'Whether the phone number is verified. Written by services.';
comment on column public.users.whatsapp_opt_in_at is 'When the user agreed to WhatsApp messages. Written by services.';
comment on column public.users.monthly_token_usage is 'Tokens of language models used, by month. Written by services.';

create function private.choose_time_zone()
returns trigger
language plpgsql
security invoker
set search_path = ''
as $$
begin
  new.timezone := case
    when private.is_time_zone(new.profile ->> 'timezone') then new.profile ->> 'timezone'
    when private.is_time_zone(new.preferences ->> 'timezone') then new.preferences ->> 'timezone'
    else 'UTC'
  end;
  return new;
end;
$$;
comment on function private.choose_time_zone() is 'Trigger: gives a new user without a time zone the one of their profile.';

update public.users set timezone = 'UTC';
alter table public.users alter column timezone set not null;

create trigger users_choose_time_zone before insert on public.users
for each row when (new.timezone is null) execute function private.choose_time_zone();

grant update (timezone, push_subscription) on public.users to authenticated, service_role;
grant insert (timezone, push_subscription, phone_verified, whatsapp_opt_in_at, monthly_token_usage),
update (phone_verified, whatsapp_opt_in_at, monthly_token_usage) on public.users to service_role;
grant execute on function private.is_time_zone(text) to authenticated, service_role;

-- Tasks

alter table public.conversations add constraint conversations_id_user_id_key unique (id, user_id);

alter table public.tasks
add column escalation_policy public.escalation_policy not null default 'standard',
add column class_tags public.text_list,
add column conversation_id uuid,
add column canonical_scheduled_at public.instant,
add column series_id uuid,
add column occurrence_at public.instant,
add constraint tasks_conversation_id_fkey foreign key (conversation_id, user_id)
references public.conversations (id, user_id) on delete set null (conversation_id),
alter column class_tags set statistics 0;

comment on column public.tasks.escalation_policy is 'How insistently the user is reminded of it.';
comment on column public.tasks.class_tags is 'Classes that the task falls into, such as health.';
comment on column public.tasks.conversation_id is 'The conversation, of the same user, that it came from.';
comment on column public.tasks.canonical_scheduled_at is 'When it was planned to start, before it was moved.';
comment on column public.tasks.series_id is 'The series of recurring tasks that it is part of.';
comment on column public.tasks.occurrence_at is 'Which occurrence of its series it is; each exists once.';

create index tasks_of_conversation on public.tasks (conversation_id, user_id) where conversation_id is not null;
create unique index tasks_occurrence_key on public.tasks (user_id, series_id, occurrence_at) where series_id is not null;
comment on index public.tasks_occurrence_key is 'occurrence_at: This occurrence of the series exists already.';

grant insert (escalation_policy, class_tags, conversation_id, canonical_scheduled_at, series_id, occurrence_at),
update (escalation_policy, class_tags, conversation_id, canonical_scheduled_at, series_id, occurrence_at)
on public.tasks to authenticated, service_role;

-- Notification log

alter table public.notification_log
alter column sent_at set default clock_timestamp(),
add column external_id public.label,
add column response_id public.label,
alter column external_id set statistics 0,
alter column response_id set statistics 0;

comment on column public.notification_log.external_id is 'The provider''s id of the delivery, unique within the channel.';
comment on column public.notification_log.response_id is 'The provider''s id of the answer, unique.';

create unique index notification_log_external_id_key on public.notification_log (channel, external_id)
where external_id is not null;
comment on index public.notification_log_external_id_key is 'external_id: A delivery on this channel has this external_id already.';
create unique index notification_log_response_id_key on public.notification_log (response_id) where response_id is not null;

grant insert (external_id, response_id), update (external_id, response_id) on public.notification_log to service_role;
