-- Patterns: what the Observer noticed about a user's behaviour.

set lock_timeout = '3s';

create table public.patterns (
  id uuid not null default private.new_id(),
  user_id uuid not null,
  pattern_type public.short_text,
  description public.free_text,
  data public.json_object,
  confidence public.probability,
  created_at public.instant not null default clock_timestamp(),
  updated_at public.instant not null default clock_timestamp(),
  constraint patterns_pkey primary key (id),
  constraint patterns_user_id_fkey foreign key (user_id) references public.users (id) on delete cascade
);

comment on table public.patterns is 'Signals in a user''s behaviour.';
comment on column public.patterns.id is 'The pattern''s id.';
comment on column public.patterns.user_id is 'Whose behaviour it is.';
comment on column public.patterns.pattern_type is 'What kind of pattern it is.';
comment on column public.patterns.description is 'The pattern in words.';
comment on column public.patterns.data is 'What supports it.';
comment on column public.patterns.confidence is 'How sure the Observer is, 0 to 1.';
comment on column public.patterns.created_at is 'When the row was created.';
comment on column public.patterns.updated_at is 'When the row last changed.';

alter table public.patterns
alter column pattern_type set statistics 0,
alter column description set statistics 0,
alter column data set statistics 0;

create index patterns_newest_first on public.patterns (created_at desc, id desc);
create index patterns_of_user on public.patterns (user_id, created_at desc, id desc);

create trigger patterns_touch_updated_at before insert or update on public.patterns
for each row execute function private.touch_updated_at();

alter table public.patterns enable row level security;

create policy "Owners read their patterns" on public.patterns for select to authenticated
using (user_id = (select private.signed_in_user()));
create policy "Owners create their patterns" on public.patterns for insert to authenticated
with check (user_id = (select private.signed_in_user()));
create policy "Owners change their patterns" on public.patterns for update to authenticated
using (user_id = (select private.signed_in_user())) with check (user_id = (select private.signed_in_user()));
create policy "Owners delete their patterns" on public.patterns for delete to authenticated
using (user_id = (select private.signed_in_user()));

grant select, delete on public.patterns to authenticated, service_role;
grant insert (id, user_id, pattern_type, description, data, confidence),
update (pattern_type, description, data, confidence)
on public.patterns to authenticated, service_role;
