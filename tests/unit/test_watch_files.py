"""What docker/watch brings along: it can be read, and names only metrics, labels and files that there are."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec.structs import replace

from ghostpy.cli.flag_table import FLAGS
from ghostpy.cli.flags import check_flags, read_flags
from ghostpy.model.passes import Passes
from ghostpy.model.progress import Progress
from ghostpy.model.run_end import RunEnd
from ghostpy.observe.metrics import RunLabels, RunMetrics

_WATCH = Path(__file__).parents[2] / "docker" / "watch"
_METRIC = re.compile(r"\bghostpy_[a-z_]+\b")
_LABELS = re.compile(r"\b([a-z_]+)\s*=~?\s*\"")
_GROUPED = re.compile(r"\bby \(([^)]*)\)")


def read(name: str) -> Any:
    text = (_WATCH / name).read_text()
    return json.loads(text) if name.endswith(".json") else yaml.safe_load(text)


def known() -> tuple[set[str], set[str]]:
    """The names of all metrics and labels of a run that has ended."""
    metrics = RunMetrics(RunLabels("shop", "t", "db1"))
    told = replace(Progress(), eta=1.0, impact=0.1, commit_at_work=0.003, commit_at_rest=0.002)
    metrics.progressed(replace(told, passes=Passes(last_age=1.0)))
    metrics.closed(RunEnd(0, datetime.now(UTC)))
    samples = [sample for family in metrics.collect() for sample in family.samples]
    return {sample.name for sample in samples}, {label for sample in samples for label in sample.labels}


def expressions() -> list[str]:
    dashboard = read("dashboard.json")
    found = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    found += [annotation["expr"] for annotation in dashboard["annotations"]["list"]]
    found += [variable["query"]["query"] for variable in dashboard["templating"]["list"] if variable["type"] == "query"]
    return found + [rule["expr"] for group in read("alerts.yaml")["groups"] for rule in group["rules"]]


@pytest.mark.parametrize("expression", expressions())
def test_every_query_names_metrics_and_labels_that_there_are(expression: str) -> None:
    metrics, labels = known()
    named = set(_METRIC.findall(expression))
    assert named
    assert named <= metrics, named - metrics
    used = {*_LABELS.findall(expression), *re.split(r",\s*", ",".join(_GROUPED.findall(expression)))} - {""}
    assert used <= labels, used - labels


@pytest.mark.parametrize("page", ["docs/metrics.md"])
def test_the_page_names_every_metric_and_no_other(page: str) -> None:
    metrics, _ = known()
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in metrics}
    text = (_WATCH.parents[1] / page).read_text()
    listed = set(re.findall(r"^\| `(ghostpy_[a-z_]+)", text, re.MULTILINE))
    assert listed == families


def test_panels_have_names_and_places_of_their_own() -> None:
    panels = read("dashboard.json")["panels"]
    assert len({panel["id"] for panel in panels}) == len({panel["title"] for panel in panels}) == len(panels)
    covered: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not covered & cells, panel["title"]
        assert max(x for x, _ in cells) < 24
        covered |= cells


def test_alerts_say_what_is_the_matter() -> None:
    rules = [rule for group in read("alerts.yaml")["groups"] for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        assert rule["annotations"]["summary"].endswith("."), rule["alert"]
        assert rule["labels"]["severity"] in ("info", "warning", "critical")
    if shutil.which("promtool"):
        for command in (["check", "rules", "alerts.yaml"], ["check", "config", "--syntax-only", "prometheus.yaml"]):
            checked = subprocess.run(["promtool", *command], cwd=_WATCH, capture_output=True, text=True, check=False)
            assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_compose_file_is_whole() -> None:
    compose = read("compose.yaml")
    services = compose["services"]
    for service in services.values():
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert (_WATCH / source).exists() if source.startswith(".") else source in compose["volumes"], volume
        assert set(service.get("depends_on", ())) <= set(services)
    assert (_WATCH / services["change-mysql"]["build"]["context"] / "pyproject.toml").exists()
    assert (_WATCH.parents[1] / services["change-mysql"]["build"]["dockerfile"]).exists()
    targets = [
        target
        for job in read("prometheus.yaml")["scrape_configs"]
        for part in job["static_configs"]
        for target in part["targets"]
    ]
    assert {target.split(":")[0] for target in targets} <= set(services)


@pytest.mark.parametrize("name", ["change-mysql", "change-postgres"])
def test_its_runs_have_flags_that_work(name: str) -> None:
    command, *flags = read("compose.yaml")["services"][name]["command"]
    assert command == "migrate"
    values = read_flags(flags, {})
    check_flags(values)
    assert not values.notes
    assert set(values.names()) <= set(FLAGS)
