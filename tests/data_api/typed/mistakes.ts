// Ten mistakes, one per marked line: the compiler finds these and no other. Never run.

import { createClient } from "@supabase/supabase-js";

import type { Database } from "../../../supabase/types/flux.js";

const flux = createClient<Database>("http://localhost", "key");
const user_id = "00000000-0000-4000-8000-000000000000";

flux.from("taks").select(); // mistake
flux.from("tasks").insert({ user_id }); // mistake
flux.from("tasks").insert({ user_id, title: "Run", status: "finished" }); // mistake
flux.from("tasks").update({ titel: "Run" }); // mistake
flux.from("tasks").update({ user_id }); // mistake
flux.rpc("get_task_statistic", { user_id }); // mistake
flux.rpc("bulk_update_task_status", { task_ids: [user_id], new_status: "drifted" }); // mistake
flux.rpc("append_messages", { conversation_id: user_id, messages: [{ role: "user", text: "Hello" }] }); // mistake
const { data } = await flux.from("goals").select("title, status").single();
const title: number | undefined = data?.title; // mistake
flux.schema("v1_0").from("patterns").select(); // mistake
