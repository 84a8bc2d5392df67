"""deploy/prometheus: Debian's Prometheus scrapes the service, and every rule and panel names series that it finds."""

import json
import re

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from fault_drills.alerts import every_alert_fires
from fault_drills.prometheus import FOLDER, promtool
from local_stack import LocalStack
from tests.conftest import gateway_environment

pytestmark = pytest.mark.scale


def _series_named_in(expressions: str) -> set[str]:
    return set(re.findall(r"\bflux_\w+", expressions))


@pytest.mark.one_gateway
async def test_every_series_that_a_rule_or_panel_names_is_in_the_metrics(client_1_2: httpx.AsyncClient) -> None:
    panels = json.loads((FOLDER / "dashboard.json").read_text())["panels"]
    drawn = _series_named_in(" ".join(target["expr"] for panel in panels for target in panel["targets"]))
    ruled = _series_named_in((FOLDER / "alerts.yml").read_text())
    await client_1_2.get("/api/v1/users/", params={"limit": 1})
    answered = (await client_1_2.get("/metrics")).text
    samples = {sample.name for family in text_string_to_metric_families(answered) for sample in family.samples}

    assert len(drawn) > 5
    assert len(ruled) > 3
    assert (drawn | ruled) - samples == set()


def test_promtool_accepts_the_configuration_and_the_rules_of_patroni_fire_as_its_tests_say() -> None:
    promtool("check", "config", FOLDER / "prometheus.yml")
    promtool("test", "rules", FOLDER / "patroni_alerts_test.yml")


def test_each_rule_fires_from_the_metrics_of_the_service(migrated: LocalStack) -> None:
    found = every_alert_fires(migrated, gateway_environment(migrated, "postgres"))

    assert found.holds, found
