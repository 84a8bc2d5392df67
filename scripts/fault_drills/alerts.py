"""Alerts: each rule of deploy/prometheus/alerts.yml fires, from the real metrics."""

import time

import yaml

from local_stack import LocalStack
from local_stack.database import execute_script
from local_stack.processes import wait_until

from .finding import Finding
from .locks import asking
from .prometheus import FOLDER, scraping
from .sessions import holding

_WITHIN_SECONDS = 30
_LATE_DELIVERY = """
with person as (insert into public.users (email) values ('late@example.com') returning id),
goal as (insert into public.goals (user_id, title) select id, 'Run' from person returning id, user_id),
task as (insert into public.tasks (user_id, goal_id, title) select user_id, id, 'Run 3 km' from goal returning id, user_id)
insert into public.dispatches (user_id, task_id, channel, dedupe_key, due_at)
select user_id, id, 'push', 'reminder', now() - interval '10 minutes' from task
"""


def rules() -> list[str]:
    """The names of the rules."""
    groups = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]
    return [rule["alert"] for group in groups for rule in group["rules"]]


def every_alert_fires(stack: LocalStack, environment: dict[str, str]) -> Finding:
    """A late delivery, then a locked table with more callers than connections, then a service that is gone."""
    settings = environment | {"GATEWAY_CONNECTIONS": "4", "GATEWAY_TIMEOUT_SECONDS": "1"}
    fired: set[str] = set()

    def have(*names: str) -> bool:
        time.sleep(0.2)
        fired.update(prometheus.firing())
        return fired >= set(names)

    with stack.adapter(environment=settings) as adapter, scraping(adapter, stack.home) as prometheus:
        wait_until(lambda: prometheus.found("flux_gateway_connections"), _WITHIN_SECONDS)
        before = prometheus.firing()
        execute_script(stack.database_url, _LATE_DELIVERY)
        with holding(stack.database_url, "lock table public.tasks"), asking(adapter.url, "/api/v1/tasks/", 12):
            wait_until(lambda: have(*set(rules()) - {"FluxDown"}), _WITHIN_SECONDS)
        adapter.stop()
        wait_until(lambda: have("FluxDown"), _WITHIN_SECONDS)
    missing = sorted(set(rules()) - fired)
    return Finding(
        "each alert rule, with `for: 0s`",
        f"{len(fired)} of {len(rules())} fired" + (f", missing {missing}" if missing else "") + f", {len(before)} before any fault",
        "all fired, 0 before",
        not missing and not before,
    )
