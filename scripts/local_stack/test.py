"""scripts/test: every check of the project, in order, and a summary."""

import argparse
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from . import advisors, migrations, pgtap
from .beside import Finish, beside
from .debian import DebianPostgres, debian_postgres
from .errors import StackError
from .installation import enter_environment
from .processes import Command, pass_through
from .programs import embedded_postgres
from .project import ROOT, SUPABASE
from .stack import LocalStack
from .stopping import become

_HELP = """\
Installs what is missing. Checks formatting, types and SQL, runs the pgTAP files on two versions of Postgres, and runs pytest
against stacks of its own on free ports. A step that fails does not stop the others.

Other arguments go to pytest, which then runs alone: scripts/test -k bulk, scripts/test tests/scripts/test_local_stack.py
Without a database: scripts/test -m "not integration"
"""


@dataclass
class Run:
    """What the steps share: the databases, each made when a step first needs it, and the count of tests."""

    resources: ExitStack
    passed: int = 0
    failed: int = 0
    _databases: dict[str, str] = field(default_factory=dict)
    _mypy: Finish | None = None

    def mypy(self) -> Finish:
        """The check of the types, begun by the first call. It uses one processor only."""
        self._mypy = self._mypy or self.resources.enter_context(beside(_python("mypy"), cwd=ROOT))
        return self._mypy

    def database(self) -> str:
        """The URL of a migrated database on the stack's own Postgres."""
        return self._database("npm", LocalStack)

    def debian(self) -> DebianPostgres:
        return debian_postgres(_say)

    def debian_database(self) -> str:
        """The URL of one on Debian's Postgres, an older version, with the example data: as after `supabase start`."""
        return self._database("debian", lambda: LocalStack(seed=True, postgres_programs=self.debian().programs))

    def _database(self, name: str, make: Callable[[], LocalStack]) -> str:
        if name not in self._databases:
            stack = make()
            self.resources.callback(stack.stop)
            stack.start_database()
            self._databases[name] = stack.database_url
        return self._databases[name]


@dataclass(frozen=True)
class Step:
    """One check. `run` prints the problems and returns whether there are none."""

    name: str
    title: str
    run: Callable[[Run], bool]
    needs_debian: bool = False
    counts_tests: bool = False


def _python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]


def _passes(command: Command) -> Callable[[Run], bool]:
    return lambda _: pass_through(command, cwd=ROOT) == 0


def _types_fit(run: Run) -> bool:
    exit_code, output = run.mypy()()
    _say(output.rstrip())
    return exit_code == 0


def _lint_functions(run: Run) -> bool:
    url = run.debian_database()
    levels = ("--level", "warning", "--fail-on", "warning")
    schemas = ("--schema", ",".join(migrations.own_schemas(url)))
    output = migrations.supabase_cli("db", "lint", f"--remote={url}?sslmode=disable", *levels, *schemas, check="db lint")
    if "No schema errors found" not in output:
        raise StackError(f"supabase db lint found something, or its output has changed:\n{output}")
    return True


def _ask_advisors(run: Run) -> bool:
    problems = advisors.problems(run.database())
    for problem in problems:
        _say(problem)
    return not problems


def _run_pgtap(run: Run) -> bool:
    files = sorted((SUPABASE / "tests").glob("*.sql"))
    if not files:
        raise StackError("supabase/tests is empty")
    debian = run.debian()
    debian.copy_pgtap_into(embedded_postgres())
    passes = True
    for name, url in (("Postgres 17", run.database()), (f"Postgres {debian.major}, example data", run.debian_database())):
        results = pgtap.run_files(files, url, debian)
        for result in results:
            for problem in result.problems:
                _say(f"  {result.file.relative_to(ROOT)}: {problem}")
        passed, failed = sum(result.passed for result in results), sum(len(result.problems) for result in results)
        _say(f"{name}: {len(files)} files, {passed} tests passed, {failed} failed")
        run.passed += passed
        run.failed += failed
        passes = passes and failed == 0
    return passes


# Three processes, each with its own stack, for two processors: many tests wait. A file stays in one process.
_IN_PARALLEL = ("-n", "3", "--dist", "loadfile", "--no-loadscope-reorder")


def _run_pytest(run: Run) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        exit_code = pass_through(_python("pytest", *_IN_PARALLEL, f"--junitxml={report}"), cwd=ROOT)
        suite = ET.parse(report).getroot()[0].attrib if report.exists() else {}  # noqa: S314 - pytest has just written it
    tests, failures, errors, skipped = (int(suite.get(count, 0)) for count in ("tests", "failures", "errors", "skipped"))
    run.passed += tests - failures - errors - skipped
    run.failed += failures + errors
    return exit_code == 0


STEPS = (
    Step("format", "formatting (ruff)", _passes(_python("ruff", "format", "--check", "--quiet", "."))),
    Step("lint", "lint (ruff)", _passes(_python("ruff", "check", "--quiet", "."))),
    Step("sqlfluff", "SQL style (sqlfluff)", _passes(_python("sqlfluff", "lint", "--nocolor", "--processes", "0", "supabase"))),
    Step("dblint", "SQL functions (supabase db lint)", _lint_functions, needs_debian=True),
    Step("advisors", "database advice (supabase db advisors)", _ask_advisors),
    Step(
        "generated",
        "generated code is up to date (scripts/generate --check)",
        _passes([sys.executable, ROOT / "scripts" / "generate", "--check"]),
    ),
    Step("pgtap", "database tests (pgTAP)", _run_pgtap, needs_debian=True, counts_tests=True),
    Step("types", "types (mypy)", _types_fit),
    Step("pytest", "tests (pytest)", _run_pytest, counts_tests=True),
)


def main() -> int:
    """Run the command; its exit code."""
    parser = argparse.ArgumentParser(
        prog="scripts/test",
        description=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    names = [step.name for step in STEPS]
    parser.add_argument("--only", action="append", choices=names, help="run this step only; repeatable")
    parser.add_argument(
        "--skip-sql",
        action="store_true",
        help="skip pgTAP and supabase db lint, which need Debian packages (apt)",
    )
    ours, pytests = parser.parse_known_args()
    enter_environment()
    if pytests:
        if ours.only or ours.skip_sql:
            parser.error(f"{' '.join(pytests)} would go to pytest, which then runs alone")
        # Not as a child, so that it has the terminal.
        become(_python("pytest", *pytests))
    chosen = [step for step in STEPS if step.name in (ours.only or names)]
    return _run_all(chosen, skip_debian=ours.skip_sql)


def _run_all(steps: list[Step], *, skip_debian: bool) -> int:
    outcomes: list[tuple[Step, str, float]] = []
    with ExitStack() as resources:
        run = Run(resources)
        if any(step.name == "types" for step in steps):
            run.mypy()
        for step in steps:
            _say(f"== {step.title}")
            started = time.monotonic()
            outcome = "skipped" if step.needs_debian and skip_debian else _outcome(step, run)
            outcomes.append((step, outcome, time.monotonic() - started))
    _say("")
    for step, outcome, seconds in outcomes:
        _say(f"{outcome:8}{seconds:7.1f} s  {step.title}")
    failed_steps = [step.name for step, outcome, _ in outcomes if outcome == "failed"]
    if any(step.counts_tests for step in steps):
        _say(f"{run.passed} passed, {run.failed} failed")
    return 1 if failed_steps else 0


def _outcome(step: Step, run: Run) -> str:
    failed_before = run.failed
    try:
        if step.run(run):
            return "ok"
    except StackError as error:
        _say(f"error: {error}")
    # A failed step that counts no tests counts as one.
    run.failed = max(run.failed, failed_before + 1)
    return "failed"


def _say(line: str) -> None:
    print(line, flush=True)
