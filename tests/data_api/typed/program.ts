// Uses every resource and function of both contracts through supabase-js. Compiled, and run against the stack, by test_typescript.py.

import { createClient } from "@supabase/supabase-js";

import { brokenRule, type Database, type Json } from "../../../supabase/types/flux.js";

declare const process: { env: Record<string, string> };

const flux = createClient<Database>(process.env.API_URL!, process.env.KEY!, { auth: { persistSession: false, autoRefreshToken: false } });
const v1_0 = flux.schema("v1_0");
const user_id: string = process.env.USER_ID!;

async function found<Data>(request: PromiseLike<{ data: Data; error: { message: string } | null }>): Promise<NonNullable<Data>> {
  const { data, error } = await request;
  if (error || !data) throw new Error(error?.message ?? "nothing was found");
  return data;
}

function expect<Value>(actual: Value, expected: Value): void {
  if (JSON.stringify(actual) !== JSON.stringify(expected)) throw new Error(`${JSON.stringify(actual)} is not ${JSON.stringify(expected)}`);
}

// Contract 1.2
const user = await found(
  flux.from("users").insert({ id: user_id, email: `${user_id}@example.com`, profile: { likes: ["running"] } }).select().single(),
);
const profile: { [name: string]: Json | undefined } | null = user.profile;
expect(profile, { likes: ["running"] });

const goal = await found(flux.from("goals").insert({ user_id, title: "Run 10 km", class_tags: ["health"] }).select().single());
const status: "active" | "completed" | "abandoned" | "pipeline" = goal.status;
expect(status, "active");
const milestone = await found(
  flux.from("milestones").insert({ goal_id: goal.id, week_number: 1, title: "Run 3 km" }).select("id, title").single(),
);
const task = await found(
  flux
    .from("tasks")
    .insert({ user_id, goal_id: goal.id, milestone_id: milestone.id, title: "Run", scheduled_at: "2026-11-24T06:30:00Z" })
    .select()
    .single(),
);
expect(task.duration_minutes, null);
await found(flux.from("tasks").update({ duration_minutes: 30, priority: "important" }).eq("id", task.id).select());

const [withTasks] = await found(flux.from("goals").select("title, tasks!tasks_goal_id_fkey(title)").eq("id", goal.id));
const titles: string[] | undefined = withTasks?.tasks.map((each) => each.title);
expect(titles, ["Run"]);
const [withParent] = await found(flux.from("goals").select("title, parent(title)").eq("id", goal.id));
const parent: string | undefined = withParent?.parent?.title;
const [withAlias] = await found(flux.from("goals").select("title, above:parent_goal_id(title)").eq("id", goal.id));
const above: string | undefined = withAlias?.above?.title;
expect(above, undefined);
expect(parent, undefined);
const whole = await found(flux.from("goals_full").select().eq("id", goal.id).single());
expect(whole.milestones.length, 1);

const conversation = await found(
  flux
    .from("conversations")
    .insert({ user_id, langgraph_thread_id: `${user_id}:1`, context_type: "voice" })
    .select()
    .single(),
);
await found(flux.from("messages").insert({ conversation_id: conversation.id, role: "user", content: "Hello" }).select());
await found(flux.from("patterns").insert({ user_id, pattern_type: "morning", confidence: 0.5 }).select());
await found(flux.from("notification_log").insert({ task_id: task.id, channel: "push", sent_at: "2026-11-24T06:00:00Z" }).select());
await found(flux.from("demo_flags").insert({ user_id }).select());

const range = { user_id, start_at: "2026-11-24T00:00:00Z", end_at: "2026-11-25T00:00:00Z" };
const days = { user_id, start_date: "2020-01-01T00:00:00Z", end_date: "2100-01-01T00:00:00Z" };
const tasks = await found(flux.rpc("get_tasks_by_timerange", range, { get: true }));
expect(tasks.map((each) => each.title), ["Run"]);
const statistics = await found(flux.rpc("get_task_statistics", days));
const total: number = statistics.total_tasks;
expect(total, 1);
expect((await found(flux.rpc("bulk_update_task_status", { task_ids: [task.id], new_status: "missed" }))).updated_count, 1);
expect((await found(flux.rpc("set_calendar_event", { task_id: task.id, calendar_event_id: "event" }))).calendar_event_id, "event");
expect((await found(flux.rpc("put_demo_flags", { user_id, escalation_speed: 2 }))).escalation_speed, 2);
expect((await found(flux.rpc("list_messages", { conversation_id: conversation.id }))).length, 1);
const session = { duration_seconds: 60, extracted_intent: "To run" };
expect((await found(flux.rpc("close_voice_session", { conversation_id: conversation.id, session }))).duration_seconds, 60);
const structure = await found(
  flux.rpc("create_goal_with_structure", {
    goal: { user_id, title: "Learn Spanish" },
    milestones: [{ week_number: 1, title: "Words", tasks: [{ title: "Ten words" }] }],
  }),
);
expect(structure.milestones.length, 1);

const plan = { task_id: task.id, channel: "push" as const, dedupe_key: "reminder", due_at: "2026-11-24T06:00:00Z" };
await found(flux.rpc("bulk_update_task_status", { task_ids: [task.id], new_status: "pending" }));
expect((await found(flux.rpc("schedule_dispatches", { dispatches: [plan] }))).scheduled_count, 1);
const [claimed] = await found(flux.rpc("claim_dispatches", { worker: "typed", channels: ["push"], limit: 100, lease_seconds: 600 }));
expect(typeof claimed?.user.timezone, "string");
const [delivery] = await found(flux.from("dispatches").select("id, attempt").eq("task_id", task.id));
const { id: dispatch_id, attempt } = delivery!;
expect((await found(flux.rpc("extend_dispatch", { dispatch_id, attempt, lease_seconds: 60 }))).attempt, attempt);
expect((await found(flux.rpc("start_dispatch", { dispatch_id, attempt }))).outcome, null);
const sent = { dispatch_id, attempt, outcome: "sent" as const, external_id: `message-${dispatch_id}` };
expect((await found(flux.rpc("finish_dispatch", sent))).outcome, "sent");
const reply = { channel: "push" as const, external_id: sent.external_id, response_id: `reply-${dispatch_id}`, response: "yes" };
expect((await found(flux.rpc("record_response", reply))).result, "recorded");
expect((await found(flux.rpc("cancel_dispatches", { task_id: task.id }))).cancelled_count, 0);
expect(typeof (await found(flux.rpc("get_dispatch_backlog"))).open_count, "number");
expect(typeof (await found(flux.rpc("get_wal_position"))), "number");

const moved = await found(
  flux.rpc("move_task", { task_id: task.id, scheduled_at: "2026-11-25T06:30:00Z", expected_scheduled_at: task.scheduled_at }),
);
expect(moved.reminder_sent_at, null);
const next = { scheduled_at: "2026-12-02T06:30:00Z", occurrence_at: "2026-12-02T06:30:00Z" };
expect((await found(flux.rpc("finish_task", { task_id: task.id, new_status: "done", next }))).next?.status, "pending");
expect((await found(flux.rpc("advance_goal", { goal_id: goal.id }))).activated, null);
const messages = [{ role: "assistant" as const, content: "When?" }, { role: "user" as const, content: "At six.", tokens_used: 3 }];
expect((await found(flux.rpc("append_messages", { conversation_id: conversation.id, messages }))).length, 2);
const pattern = { user_id, pattern_type: "time", pattern_key: "morning", confidence: 0.75 };
expect((await found(flux.rpc("put_pattern", { pattern }))).confidence, 0.75);
const week = (await found(flux.rpc("get_weekly_statistics", { user_id, weeks: 4 }, { get: true })))[0];
const completion: number | undefined = week?.completion_rate;
expect(typeof completion, "number");
const finished: number | undefined = week?.by_status.done;
expect(typeof finished, "number");
expect((await found(flux.rpc("get_daily_statistics", { user_id, days: 7 }))).length, 7);
expect(typeof (await found(flux.rpc("get_streak", { user_id }))).longest, "number");
expect((await found(flux.rpc("get_statistics_by_tag", { ...range, end_at: "2026-12-31T00:00:00Z" })))[0]?.tag, "health");
expect((await found(flux.rpc("get_goal_progress", { goal_id: goal.id }))).total_tasks, 2);
expect((await found(flux.rpc("export_user", { user_id }))).user.id, user_id);

const allowed: boolean = await found(flux.rpc("check_access"));
expect(allowed, true);

// Supabase Auth has no such account.
const linked = await flux.rpc("link_sign_in", { user_id, auth_user_id: task.id });
expect(typeof linked.error?.code, "string");

// A rule that a caller breaks has a field and a sentence.
const { error } = await flux.from("users").insert({ email: `${user_id}@example.com` });
const broken = error && brokenRule(error);
expect([broken?.constraint, broken?.field], ["users_email_key", "email"]);

// Contract 1.0
const older = await found(v1_0.from("tasks").select("state, start_time").eq("id", task.id).single());
const state: "scheduled" | "drifted" | "completed" | "missed" = older.state;
expect(state, "completed");
expect((await found(v1_0.from("users").select("name").eq("id", user_id))).length, 1);
expect((await found(v1_0.from("goals").select("category, timeline").eq("id", goal.id))).length, 1);
expect((await found(v1_0.from("milestones").select("week_number").eq("goal_id", goal.id))).length, 1);
expect((await found(v1_0.from("conversations").select("messages").eq("user_id", user_id))).length, 1);
expect((await found(v1_0.from("demo_flags").select("virtual_now").eq("user_id", user_id))).length, 1);
expect((await found(v1_0.from("goals_full").select("milestones").eq("id", goal.id))).length, 1);
expect((await found(v1_0.rpc("bulk_update_task_state", { task_ids: [task.id], new_state: "drifted" }))).updated_count, 1);
const times = { user_id, start_time: range.start_at, end_time: "2026-11-26T00:00:00Z" };
expect((await found(v1_0.rpc("get_tasks_by_timerange", times))).length, 1);
expect((await found(v1_0.rpc("get_task_statistics", days))).total_tasks, 3);
expect((await found(v1_0.rpc("set_calendar_event", { task_id: task.id, calendar_event_id: null }))).calendar_event_id, null);
expect((await found(v1_0.rpc("put_demo_flags", { user_id }))).escalation_speed, 1);
const goal_1_0 = { user_id, title: "Learn to swim" };
expect((await found(v1_0.rpc("create_goal_with_structure", { goal: goal_1_0, milestones: [] }))).title, "Learn to swim");

await found(flux.from("users").delete().eq("id", user_id).select());
