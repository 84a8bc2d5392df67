-- Vocabulary: the domains that columns and arguments are declared with, each with its limits and its words.

-- Values -------------------------------------------------------------------------------------------------------------------------

create domain public.instant as timestamptz
constraint instant_within_four_digit_years check (value >= '0001-01-01 00:00:00+00' and value < '10000-01-01 00:00:00+00');
comment on domain public.instant is 'A point in time, with an offset; answered in UTC.';

create domain public.email_address as text
constraint email_address_length check (char_length(value) between 1 and 255);
comment on domain public.email_address is 'An email address, 1 to 255 characters, unique without regard to case.';

create domain public.title as text
constraint title_length check (char_length(value) between 1 and 500);
comment on domain public.title is 'A title, 1 to 500 characters.';

create domain public.label as text
constraint label_length check (char_length(value) between 1 and 255);
comment on domain public.label is 'A short text, 1 to 255 characters.';

create domain public.free_text as text
constraint free_text_length check (char_length(value) <= 1048576);
comment on domain public.free_text is 'A text of up to 1,048,576 characters.';

create domain public.nonempty_text as text
constraint nonempty_text_length check (char_length(value) between 1 and 1048576);
comment on domain public.nonempty_text is 'A text of 1 to 1,048,576 characters.';

create domain public.positive_integer as integer
constraint positive_integer_range check (value >= 1);
comment on domain public.positive_integer is 'A whole number from 1.';

create domain public.nonnegative_integer as integer
constraint nonnegative_integer_range check (value >= 0);
comment on domain public.nonnegative_integer is 'A whole number from 0.';

create domain public.nonnegative_number as numeric
constraint nonnegative_number_range check (value >= 0 and value < 'Infinity'::numeric)
constraint nonnegative_number_width check (scale(value) <= 350 and value < 1.8e308);
comment on domain public.nonnegative_number is 'A number from 0.';
comment on constraint nonnegative_number_width on domain public.nonnegative_number is
'A number is larger, or closer to 0, than a double can hold.';

create domain public.probability as numeric
constraint probability_range check (value between 0 and 1)
constraint probability_width check (scale(value) <= 350);
comment on domain public.probability is 'A number from 0 to 1.';
comment on constraint probability_width on domain public.probability is
'A number is closer to 0 than a double can hold.';

-- A few bytes can be a number of 131,072 digits, and 1e5000 is one that most callers can't read. Of what a double holds, in as many
-- digits as it needs, the scale is 340 at most. Only then is it safe to write the whole, which tells how large it is.
create function private.fits_json_limits(document jsonb)
returns boolean
language plpgsql
immutable
strict
security invoker
set search_path = ''
as $$
begin
  if exists (
    select from jsonb_path_query(document, 'strict $.** ? (@.type() == "number")') as found (number)
    where scale(found.number::numeric) > 350 or abs(found.number::numeric) >= 1.8e308
  ) then
    return false;
  end if;
  return octet_length(document::text) <= 4194304;
end;
$$;
comment on function private.fits_json_limits(jsonb) is
'Whether all numbers of a JSON value are such as a double holds, and the whole takes 4 MiB at most.';

create domain public.json_object as jsonb
constraint json_object_is_object check (jsonb_typeof(value) = 'object')
constraint json_object_fits_limits check (private.fits_json_limits(value));
comment on domain public.json_object is 'A JSON object of any shape.';
comment on constraint json_object_fits_limits on domain public.json_object is
'A JSON value is larger than 4 MiB, or has a number that is larger, or closer to 0, than a double can hold.';

create domain public.json_list as jsonb
constraint json_list_is_list check (jsonb_typeof(value) = 'array')
constraint json_list_fits_limits check (private.fits_json_limits(value));
comment on domain public.json_list is 'A JSON array of anything.';
comment on constraint json_list_fits_limits on domain public.json_list is
'A JSON value is larger than 4 MiB, or has a number that is larger, or closer to 0, than a double can hold.';

create domain public.tally as jsonb
constraint tally_is_object check (jsonb_typeof(value) = 'object');
comment on domain public.tally is 'A JSON object from word to count.';

create domain public.text_list as text[]
constraint text_list_is_flat check (coalesce(array_ndims(value), 1) = 1 and array_position(value, null) is null)
constraint text_list_size check (cardinality(value) <= 10000)
constraint text_list_bytes check (pg_column_size(value) <= 2097152);
comment on domain public.text_list is 'A list of up to 10,000 texts.';
comment on constraint text_list_bytes on domain public.text_list is 'A list of texts is larger than 2 MiB.';

create domain public.uuid_list as uuid[]
constraint uuid_list_is_flat check (coalesce(array_ndims(value), 1) = 1 and array_position(value, null) is null)
constraint uuid_list_size check (cardinality(value) <= 10000);
comment on domain public.uuid_list is 'A list of up to 10,000 UUIDs.';

create domain public.uuid_batch as uuid[]
constraint uuid_batch_is_flat check (coalesce(array_ndims(value), 1) = 1 and array_position(value, null) is null)
constraint uuid_batch_size check (cardinality(value) between 1 and 100);
comment on domain public.uuid_batch is 'A list of 1 to 100 UUIDs.';

-- Words --------------------------------------------------------------------------------------------------------------------------

create domain public.goal_status as text
constraint goal_status_word check (value in ('active', 'completed', 'abandoned', 'pipeline'));
comment on domain public.goal_status is 'Where a goal stands.';

create domain public.task_status as text
constraint task_status_word check (value in ('pending', 'done', 'missed', 'rescheduled', 'cancelled'));
comment on domain public.task_status is 'Where a task stands.';

create domain public.trigger_type as text
constraint trigger_type_word check (value in ('time', 'location'));
comment on domain public.trigger_type is 'What makes a task due.';

create domain public.task_priority as text
constraint task_priority_word check (value in ('standard', 'important', 'must-not-miss'));
comment on domain public.task_priority is 'How much a task matters.';

create domain public.context_type as text
constraint context_type_word check (value in ('goal', 'task', 'onboarding', 'reschedule', 'voice'));
comment on domain public.context_type is 'What a conversation is about.';

create domain public.message_role as text
constraint message_role_word check (value in ('user', 'assistant', 'system', 'function'));
comment on domain public.message_role is 'Who speaks in a message.';

create domain public.input_modality as text
constraint input_modality_word check (value in ('voice', 'text'));
comment on domain public.input_modality is 'How a message was entered.';

create domain public.notification_channel as text
constraint notification_channel_word check (value in ('push', 'whatsapp', 'call'));
comment on domain public.notification_channel is 'How a notification was delivered.';

grant execute on function private.fits_json_limits(jsonb) to authenticated, service_role;
