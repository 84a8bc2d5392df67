-- Vocabulary: the domains that columns and arguments are declared with, each with its limits and its words.
--
-- A column with a default has a domain with the same default: where PostgREST is told to take defaults for what a row lacks
-- ("Prefer: missing=default", default_to_null=False in supabase-py), it takes those of domains, not those of columns.

set lock_timeout = '3s';

-- Values -------------------------------------------------------------------------------------------------------------------------

create domain public.instant as timestamptz
constraint instant_within_four_digit_years check (value >= '0001-01-01 00:00:00+00' and value < '10000-01-01 00:00:00+00');
comment on domain public.instant is 'A point in time, with an offset; answered in UTC.';

create domain public.email_address as text
constraint email_address_length check (char_length(value) between 1 and 255)
constraint email_address_form check (value ~ '^[^\s@]+@[^\s@]+$')
-- What \s does not match if the database's locale knows ASCII alone.
constraint email_address_no_space check (value !~ '[\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]');
comment on domain public.email_address is
'An email address, 1 to 255 characters: one @, something on both sides of it, no white space. Unique without regard to case.';
comment on constraint email_address_no_space on domain public.email_address is 'An email address holds no white space.';

create domain public.title as text
constraint title_length check (char_length(value) between 1 and 500);
comment on domain public.title is 'A title, 1 to 500 characters.';

create domain public.label as text
constraint label_length check (char_length(value) between 1 and 255);
comment on domain public.label is 'A short text, 1 to 255 characters.';

create domain public.short_text as text
constraint short_text_length check (char_length(value) <= 255);
comment on domain public.short_text is 'A text of up to 255 characters.';

create domain public.note as text
constraint note_length check (char_length(value) <= 5000);
comment on domain public.note is 'A text of up to 5,000 characters.';

create domain public.free_text as text
constraint free_text_length check (char_length(value) <= 20000);
comment on domain public.free_text is 'A text of up to 20,000 characters.';

create domain public.message_text as text
constraint message_text_length check (char_length(value) between 1 and 60000);
comment on domain public.message_text is 'A text of 1 to 60,000 characters.';

-- At most 2 KiB, so that an index can hold it.
create domain public.thread_id as text
constraint thread_id_length check (char_length(value) between 1 and 512);
comment on domain public.thread_id is 'A thread''s name, 1 to 512 characters.';

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

create domain public.probability as double precision
constraint probability_range check (value between 0 and 1);
comment on domain public.probability is 'A number from 0 to 1.';

-- A few bytes can be a number of 131,072 digits, and 1e5000 is one that most callers can't read. Of what a double holds, in as many
-- digits as it needs, the scale is 340 at most. Only then is it safe to write the whole, which tells how large it is.
create function private.fits_json_limits(document jsonb, most_bytes integer)
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
  return octet_length(document::text) <= most_bytes;
end;
$$;
comment on function private.fits_json_limits(jsonb, integer) is
'Whether all numbers of a JSON value are such as a double holds, and the whole takes `most_bytes` at most as it is written.';

create domain public.json_object as jsonb
constraint json_object_is_object check (jsonb_typeof(value) = 'object')
constraint json_object_fits_limits check (private.fits_json_limits(value, 65536));
comment on domain public.json_object is 'A JSON object of up to 64 KiB.';
comment on constraint json_object_fits_limits on domain public.json_object is
'A JSON value is larger than 64 KiB, or has a number that is larger, or closer to 0, than a double can hold.';

create domain public.plan_document as jsonb
constraint plan_document_is_object check (jsonb_typeof(value) = 'object')
constraint plan_document_fits_limits check (private.fits_json_limits(value, 262144));
comment on domain public.plan_document is 'A JSON object of up to 256 KiB.';
comment on constraint plan_document_fits_limits on domain public.plan_document is
'A JSON value is larger than 256 KiB, or has a number that is larger, or closer to 0, than a double can hold.';

create domain public.message_history as jsonb default '[]'
constraint message_history_is_list check (jsonb_typeof(value) = 'array')
constraint message_history_fits_limits check (private.fits_json_limits(value, 393216));
comment on domain public.message_history is 'A JSON array of anything, up to 384 KiB.';
comment on constraint message_history_fits_limits on domain public.message_history is
'A JSON value is larger than 384 KiB, or has a number that is larger, or closer to 0, than a double can hold.';

-- Arguments that hold rows. What becomes of their values has the limits of the columns.
create domain public.row_fields as jsonb
constraint row_fields_is_object check (jsonb_typeof(value) = 'object')
constraint row_fields_fits_limits check (private.fits_json_limits(value, 4194304));
comment on domain public.row_fields is 'The fields of a row, as a JSON object.';
comment on constraint row_fields_fits_limits on domain public.row_fields is
'A JSON value is larger than 4 MiB, or has a number that is larger, or closer to 0, than a double can hold.';

create domain public.row_list as jsonb
constraint row_list_is_list check (jsonb_typeof(value) = 'array')
constraint row_list_fits_limits check (private.fits_json_limits(value, 4194304));
comment on domain public.row_list is 'Rows, as a JSON array of objects.';
comment on constraint row_list_fits_limits on domain public.row_list is
'A JSON value is larger than 4 MiB, or has a number that is larger, or closer to 0, than a double can hold.';

create domain public.tally as jsonb
constraint tally_is_object check (jsonb_typeof(value) = 'object');
comment on domain public.tally is 'A JSON object from word to count.';

create domain public.text_list as text[]
constraint text_list_is_flat check (coalesce(array_ndims(value), 1) = 1 and array_position(value, null) is null)
constraint text_list_size check (cardinality(value) <= 1000)
constraint text_list_bytes check (private.fits_json_limits(to_jsonb(value), 65536));
comment on domain public.text_list is 'A list of up to 1,000 texts, 64 KiB in all.';
comment on constraint text_list_bytes on domain public.text_list is 'A list of texts is larger than 64 KiB.';

create domain public.uuid_list as uuid[]
constraint uuid_list_is_flat check (coalesce(array_ndims(value), 1) = 1 and array_position(value, null) is null)
constraint uuid_list_size check (cardinality(value) <= 1000);
comment on domain public.uuid_list is 'A list of up to 1,000 UUIDs.';

create domain public.uuid_batch as uuid[]
constraint uuid_batch_is_flat check (coalesce(array_ndims(value), 1) = 1 and array_position(value, null) is null)
constraint uuid_batch_size check (cardinality(value) between 1 and 10000);
comment on domain public.uuid_batch is 'A list of 1 to 10,000 UUIDs.';

-- Values with defaults -----------------------------------------------------------------------------------------------------------

create domain public.initial_object as public.json_object default '{}';
comment on domain public.initial_object is 'A JSON object of up to 64 KiB, empty at first.';

create domain public.target_weeks as public.positive_integer default 6;
comment on domain public.target_weeks is 'A number of weeks, from 1.';

create domain public.escalation_speed as public.nonnegative_number default 1.0;
comment on domain public.escalation_speed is 'A factor, from 0.';

create domain public.token_count as public.nonnegative_integer default 0;
comment on domain public.token_count is 'How many tokens of a language model were used, from 0.';

create domain public.milestone_status as public.short_text default 'pending';
comment on domain public.milestone_status is 'Where a milestone stands, in any words.';

create domain public.conversation_status as public.short_text default 'open';
comment on domain public.conversation_status is 'Where a conversation stands, in any words.';

-- Words --------------------------------------------------------------------------------------------------------------------------

create domain public.goal_status as text default 'active'
constraint goal_status_word check (value in ('active', 'completed', 'abandoned', 'pipeline'));
comment on domain public.goal_status is 'Where a goal stands.';

create domain public.task_status as text default 'pending'
constraint task_status_word check (value in ('pending', 'done', 'missed', 'rescheduled', 'cancelled'));
comment on domain public.task_status is 'Where a task stands.';

create domain public.trigger_type as text default 'time'
constraint trigger_type_word check (value in ('time', 'location'));
comment on domain public.trigger_type is 'What makes a task due.';

create domain public.task_priority as text default 'standard'
constraint task_priority_word check (value in ('standard', 'important', 'must-not-miss'));
comment on domain public.task_priority is 'How much a task matters.';

create domain public.context_type as text default 'general'
constraint context_type_word check (value in ('goal', 'task', 'onboarding', 'reschedule', 'voice', 'general'));
comment on domain public.context_type is 'What a conversation is about.';

create domain public.message_role as text
constraint message_role_word check (value in ('user', 'assistant', 'system', 'function', 'summary'));
comment on domain public.message_role is 'Who speaks in a message.';

create domain public.input_modality as text default 'text'
constraint input_modality_word check (value in ('voice', 'text'));
comment on domain public.input_modality is 'How a message was entered.';

create domain public.notification_channel as text
constraint notification_channel_word check (value in ('push', 'whatsapp', 'call'));
comment on domain public.notification_channel is 'How a notification was delivered.';

grant execute on function private.fits_json_limits(jsonb, integer) to authenticated, service_role;
