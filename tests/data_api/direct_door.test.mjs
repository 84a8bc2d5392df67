// supabase-js at the direct door, as a front end uses it: two users with a JWT each, and RLS between them.
// Run by test_supabase_js.py, which says where the Data API is and who the users are.

import assert from "node:assert/strict";
import { before, test } from "node:test";

import { createClient } from "@supabase/supabase-js";

const { API_URL, ANON_KEY, MAYA_ID, MAYA_JWT, JONAS_ID, JONAS_JWT } = process.env;

const as = (jwt) =>
  createClient(API_URL, ANON_KEY, jwt ? { accessToken: async () => jwt } : { auth: { persistSession: false, autoRefreshToken: false } });

const maya = as(MAYA_JWT);
const jonas = as(JONAS_JWT);
const nobody = as(null);
const rows = {};

async function answered(request) {
  const { data, error } = await request;
  assert.equal(error, null);
  return data;
}

async function refused(request, code) {
  const { error } = await request;
  assert.equal(error?.code, code);
}

before(async () => {
  for (const [client, id, name] of [[maya, MAYA_ID, "Maya"], [jonas, JONAS_ID, "Jonas"]]) {
    assert.equal((await answered(client.rpc("ensure_user"))).email, `${id}@example.com`);
    const goal = await answered(client.from("goals").insert({ user_id: id, title: "Run" }).select().single());
    const task = await answered(
      client.from("tasks").insert({ user_id: id, goal_id: goal.id, title: `Run 3 km, ${name}`, scheduled_at: "2026-11-24T06:30:00Z" }).select().single(),
    );
    const thread = await answered(
      client.from("conversations").insert({ user_id: id, langgraph_thread_id: `${id}:1`, context_type: "goal" }).select().single(),
    );
    rows[name] = { goal, task, thread };
  }
});

test("each sees their own rows, and no other", async () => {
  for (const [client, id, name] of [[maya, MAYA_ID, "Maya"], [jonas, JONAS_ID, "Jonas"]]) {
    assert.deepEqual((await answered(client.from("users").select("id"))).map((user) => user.id), [id]);
    assert.deepEqual((await answered(client.from("tasks").select("*"))), [rows[name].task]);
    assert.deepEqual((await answered(client.from("goals").select("id, tasks!tasks_goal_id_fkey(id)"))), [
      { id: rows[name].goal.id, tasks: [{ id: rows[name].task.id }] },
    ]);
  }
});

test("what belongs to the other cannot be found, changed or deleted", async () => {
  const task = rows.Jonas.task.id;
  assert.deepEqual(await answered(maya.from("tasks").select("*").eq("id", task)), []);
  assert.deepEqual(await answered(maya.from("tasks").update({ title: "Mine" }).eq("id", task).select()), []);
  assert.deepEqual(await answered(maya.from("tasks").delete().eq("id", task).select()), []);
  assert.deepEqual(await answered(jonas.from("tasks").select("*")), [rows.Jonas.task]);
});

test("nothing can be created for the other, or under what is theirs", async () => {
  await refused(maya.from("tasks").insert({ user_id: JONAS_ID, title: "Yours" }), "42501");
  await refused(maya.from("tasks").insert({ user_id: MAYA_ID, goal_id: rows.Jonas.goal.id, title: "Run" }), "23503");
  await refused(maya.from("milestones").insert({ goal_id: rows.Jonas.goal.id, week_number: 1, title: "Run" }), "42501");
  await refused(maya.from("messages").insert({ conversation_id: rows.Jonas.thread.id, role: "user", content: "Hi" }), "42501");
});

test("an address is Supabase Auth's to change", async () => {
  await refused(maya.from("users").update({ email: `${JONAS_ID}-too@example.com` }).eq("id", MAYA_ID), "42501");
  await refused(maya.schema("v1_0").from("users").update({ email: "x@example.com" }).eq("id", MAYA_ID), "42501");
});

test("the functions answer for the caller alone", async () => {
  const range = { start_at: "2026-11-24T00:00:00Z", end_at: "2026-11-25T00:00:00Z" };
  const ids = async (client, user_id) =>
    (await answered(client.rpc("get_tasks_by_timerange", { user_id, ...range }, { get: true }))).map((task) => task.id);
  assert.deepEqual(await ids(maya, MAYA_ID), [rows.Maya.task.id]);
  assert.deepEqual(await ids(maya, JONAS_ID), []);

  const days = { start_date: "2020-01-01T00:00:00Z", end_date: "2100-01-01T00:00:00Z" };
  const statistics = await answered(jonas.rpc("get_task_statistics", { user_id: JONAS_ID, ...days }));
  assert.equal(statistics.total_tasks, 1);
  assert.equal((await answered(jonas.rpc("get_task_statistics", { user_id: MAYA_ID, ...days }))).total_tasks, 0);

  const both = { task_ids: [rows.Maya.task.id, rows.Jonas.task.id], new_status: "missed" };
  assert.deepEqual(await answered(maya.rpc("bulk_update_task_status", both)), { updated_count: 1 });
  assert.equal((await answered(jonas.from("tasks").select("status").single())).status, "pending");
});

test("a goal comes with its structure, or not at all", async () => {
  const structure = (user_id) => ({
    goal: { user_id, title: "Learn Spanish" },
    milestones: [{ week_number: 1, title: "Words", tasks: [{ title: "Ten words" }, { title: "Ten more" }] }],
  });
  const goal = await answered(maya.rpc("create_goal_with_structure", structure(MAYA_ID)));
  assert.deepEqual(goal.tasks.map((task) => task.title), ["Ten words", "Ten more"]);
  await refused(maya.rpc("create_goal_with_structure", structure(JONAS_ID)), "42501");
  assert.equal((await answered(jonas.from("goals").select("id"))).length, 1);
  await answered(maya.from("goals").delete().eq("id", goal.id));
});

test("contract 1.0 is a schema: the same rows, in its words", async () => {
  const words = maya.schema("v1_0");
  const [task] = await answered(words.from("tasks").select("id, state, start_time").eq("id", rows.Maya.task.id));
  assert.deepEqual(task, { id: rows.Maya.task.id, state: "missed", start_time: rows.Maya.task.scheduled_at });
  await answered(words.from("tasks").update({ state: "drifted" }).eq("id", task.id));
  assert.equal((await answered(maya.from("tasks").select("status").eq("id", task.id).single())).status, "rescheduled");
  assert.deepEqual(await answered(words.rpc("bulk_update_task_state", { task_ids: [task.id], new_state: "scheduled" })), { updated_count: 1 });
  assert.deepEqual(await answered(jonas.schema("v1_0").from("tasks").select("id")), [{ id: rows.Jonas.task.id }]);
});

test("who is not signed in gets nothing", async () => {
  await refused(nobody.from("tasks").select("*"), "42501");
  await refused(nobody.schema("v1_0").from("tasks").select("*"), "42501");
  await refused(nobody.rpc("bulk_update_task_status", { task_ids: [rows.Maya.task.id], new_status: "done" }), "42501");
});
