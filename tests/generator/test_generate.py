"""scripts/generate, run on a real database: what it writes, rejects and reports as stale."""

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from generator.files import check_files, write_files
from generator.from_database import run
from generator.source import FROM_CONTRACTS, FROM_DATABASE
from local_stack import LocalStack
from local_stack.database import execute_script, fetch_rows

Altered = Callable[[str], str]

GENERATED = "adapter/dao_service/generated"


@pytest.fixture(scope="module")
def altered(migrated: LocalStack) -> Altered:
    """A function that copies the migrated database, runs a script in the copy and returns its URL."""
    numbers = count()
    server = migrated.database_url.rpartition("/")[0]

    def copy_and_alter(script: str) -> str:
        name = f"altered_{next(numbers)}"
        fetch_rows(f"{server}/template1", f"create database {name} template postgres")
        execute_script(f"{server}/{name}", script)
        return f"{server}/{name}"

    return copy_and_alter


@pytest.fixture
def generated(altered: Altered, tmp_path: Path) -> Callable[[str], dict[str, str]]:
    """A function that runs a script in a copy of the database and returns the generated files by name."""

    def alter_and_generate(script: str) -> dict[str, str]:
        assert run(altered(script), root=tmp_path) == 0
        return {path.name: path.read_text() for path in (tmp_path / GENERATED).iterdir()}

    return alter_and_generate


def class_in(text: str, name: str) -> str:
    """The source of one class."""
    return text.partition(f"\nclass {name}(")[2].partition("\n\n\n")[0]


def test_the_committed_files_are_what_the_migrations_generate(migrated: LocalStack, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(migrated.database_url, check=True) == 0, capsys.readouterr().err


def test_a_new_column_makes_the_contract_stale(altered: Altered, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(altered("alter table public.tasks add column mood text"), check=True) == 1
    problems = capsys.readouterr().err
    assert f"{GENERATED}/contract_1_2.py is stale" in problems
    assert "+    mood: str | None" in problems
    assert "contract_1_0.py" not in problems


def test_a_file_that_nothing_generates_is_reported_and_removed(
    migrated: LocalStack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(migrated.database_url, root=tmp_path) == 0
    left_over = tmp_path / GENERATED / "contract_0_9.py"
    left_over.write_text("")
    assert run(migrated.database_url, check=True, root=tmp_path) == 1
    assert f"{GENERATED}/contract_0_9.py" in capsys.readouterr().err
    assert run(migrated.database_url, root=tmp_path) == 0
    assert not left_over.exists()
    assert run(migrated.database_url, check=True, root=tmp_path) == 0


def test_each_step_removes_what_it_wrote_once_and_nothing_of_the_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    package = tmp_path / "adapter/dao_service"
    for name, first_line in (
        ("generated/model.py", FROM_DATABASE),
        ("generated/client.py", FROM_CONTRACTS),
        ("dao/old_dao.py", FROM_CONTRACTS),
        ("generated/by_hand.py", '"""Ours."""'),
        ("in_process/by_hand.py", '"""Ours."""'),
    ):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(f"{first_line}\n")
    files = {"adapter/dao_service/generated/client.py": f"{FROM_CONTRACTS}\n"}
    assert check_files(tmp_path, files, FROM_CONTRACTS) == 1
    assert capsys.readouterr().err.count("is no longer generated") == 2
    write_files(tmp_path, files, FROM_CONTRACTS)
    left = {str(path.relative_to(package)) for path in package.rglob("*.py")}
    assert left == {"generated/client.py", "generated/model.py", "in_process/by_hand.py"}


def test_the_models_of_both_contracts_have_the_words_of_each(generated: Callable[[str], dict[str, str]]) -> None:
    text = generated(
        "alter table public.tasks add column mood text; grant insert (mood), update (mood) on public.tasks to service_role"
    )["both_contracts.py"]
    row, create = class_in(text, "Task"), class_in(text, "TaskCreate")
    assert "mood: str | None" in row
    assert 'mood: str | None | MISSING = Field(default=MISSING, description="A word of contract 1.2.")' in create
    assert 'state: TaskState = Field(description="Where the task stands. A word of contract 1.0.")' in row
    assert "tasks: list[Task] =" in class_in(text, "GoalFull")
    assert "tasks: list[TaskStructure] =" in class_in(text, "MilestoneStructure")
    assert 'ON_LEAVING_HOME = "on_leaving_home"' in class_in(text, "TriggerType")
    assert "class User(" not in text


@pytest.mark.parametrize(
    ("script", "named"),
    [
        ("alter table public.tasks add column area box", ["public.tasks.area", "box"]),
        ("create type public.mood as enum ('good'); alter table public.tasks add column mood public.mood", ["public.mood"]),
        ("create domain public.code as text check (value ~* '^[A-Z]+$')", ["public.code", "'^[A-Z]+$'"]),
        ("create domain public.tiny as integer check (value <> 0)", ["public.tiny", "tiny_check"]),
        ("create domain public.tags as text[]", ["public.tags", "text[]"]),
        ("comment on column public.tasks.title is 'A title. @requird'", ["A title.", "@requird"]),
        ("comment on column public.task_day.by_status is 'Counts. @tally=moods'", ["public.moods", "words"]),
        ("comment on schema public is 'No contract.'", ["schema public", "@contract"]),
        (
            "create table public.moods (id uuid primary key); grant select on public.moods to service_role",
            ["seed.sql", "public.moods"],
        ),
        ("alter table public.goals add constraint short check (char_length(title) < 9)", ["short", "public.goals", "comment"]),
        ("alter table public.goals add column schema text", ["public.goals", "'schema'"]),
        ("alter table public.goals add column class text", ["public.goals", "'class'"]),
        (
            "create domain public.task as text check (value in ('a')); alter table public.goals add column first public.task",
            ["dao_service.generated.vocabulary", "called Task"],
        ),
        (
            "create view public.words as select title from public.goals; grant select on public.words to service_role",
            ["public.words"],
        ),
        (
            """create function public.list_messages(goal text) returns text language sql as 'select goal';
            grant execute on function public.list_messages(text) to service_role""",
            ["public.list_messages", "overloaded"],
        ),
        (
            """create function public.count_all(out tasks bigint) language sql as 'select 1';
            grant execute on function public.count_all() to service_role""",
            ["public.count_all", "output"],
        ),
    ],
)
def test_a_type_without_a_python_equivalent_stops_the_generator_and_is_named(
    altered: Altered, tmp_path: Path, capsys: pytest.CaptureFixture[str], script: str, named: list[str]
) -> None:
    assert run(altered(script), root=tmp_path) == 1
    error = capsys.readouterr().err
    assert all(name in error for name in named), error
    assert len(error.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_an_unreachable_database_is_one_readable_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("postgresql://postgres@127.0.0.1:1/postgres", root=tmp_path) == 1
    assert capsys.readouterr().err.startswith("error: can't read the database")


def test_grants_and_tags_decide_which_fields_can_be_written(generated: Callable[[str], dict[str, str]]) -> None:
    text = generated(
        """
        alter table public.patterns
          add column closed text, add column shown text, add column wanted text, add column stamp text default now()::text;
        comment on column public.patterns.shown is 'Shown. @readonly';
        comment on column public.patterns.wanted is 'Wanted. @required';
        grant insert (shown, wanted, stamp), update (shown, wanted, stamp, closed) on public.patterns to service_role
        """
    )["contract_1_2.py"]
    create, update = class_in(text, "PatternCreate"), class_in(text, "PatternUpdate")
    assert 'wanted: str | None = Field(description="Wanted.")' in class_in(text, "Pattern")
    assert 'wanted: str = Field(description="Wanted.")' in create
    assert "wanted: str | MISSING" in update
    assert "stamp: str | None | MISSING = MISSING" in create
    assert "shown" not in create + update
    assert "closed" not in create + update
    assert "closed: str | None | MISSING = MISSING" in class_in(text, "PatternFunctionUpdate")


def test_a_view_over_a_view_inherits_the_rules_of_the_table_unless_it_overrides_them(
    generated: Callable[[str], dict[str, str]],
) -> None:
    text = generated(
        """
        create view private.renamed as
        select id, user_id as owner, title, target_weeks as weeks, category, upper(title) as loud from public.goals;
        comment on column private.renamed.title is 'From the view beneath.';
        create view public.plans as select *, loud || '!' as louder, 1 as one from private.renamed;
        comment on column public.plans.category is 'Its own.';
        comment on column public.plans.louder is 'Louder. @notnull';
        alter view public.plans alter column weeks set default 9;
        alter view public.plans alter column one set default 1;
        grant select on public.plans to service_role;
        grant insert (id, owner, title, weeks), update (title) on public.plans to service_role
        """
    )["contract_1_2.py"]
    row, create = class_in(text, "Plan"), class_in(text, "PlanCreate")
    for model in (row, create):
        assert 'owner: UUID = Field(description="Whose goal it is. Does not change.")' in model
    assert 'title: Title = Field(description="From the view beneath.")' in row
    assert 'category: ShortText | None = Field(description="Its own.")' in row
    assert "loud: str | None" in row
    assert 'louder: str = Field(description="Louder.")' in row
    assert "one: Integer\n" in row + "\n"
    assert "id:" not in create
    assert "weeks: TargetWeeks = Field(default=9," in create
    assert 'owner: UUID | MISSING = Field(default=MISSING, description="Whose goal it is.")' in class_in(text, "PlanFilters")


def test_a_schema_with_a_tag_is_another_contract(generated: Callable[[str], dict[str, str]]) -> None:
    files = generated(
        """
        create schema v2;
        comment on schema v2 is '@contract=2.0';
        create domain v2.mood as text check (value in ('good', 'so-so'));
        create view v2.people as select id, email as address, 'good'::v2.mood as mood from public.users;
        create function v2.find_task(id uuid) returns public.tasks language sql stable
        as 'select * from public.tasks where tasks.id = find_task.id';
        grant select on v2.people to service_role;
        grant execute on function v2.find_task(uuid) to service_role
        """
    )
    text = files["contract_2_0.py"]
    assert 'SO_SO = "so-so"' in class_in(text, "Mood")
    assert "mood: Mood | None" in class_in(text, "People")
    assert "Task = contract_1_2.Task" in text
    assert 'field="address", message="A people with this address exists already."' in text
    assert "v2" not in files["contract_1_2.py"]
    assert '"2.0": Schema(' in files["__init__.py"]


def test_domains_become_types_with_their_constraints(generated: Callable[[str], dict[str, str]]) -> None:
    text = generated(
        """
        create domain public.above_zero as numeric check (value > 0 and value < 'Infinity'::numeric);
        create domain public.small_label as public.label check (char_length(value) < 10);
        create domain public.this_century as timestamptz check (value >= '2000-01-01 01:00:00+01');
        create domain public.one_word as text check (value = 'word');
        create domain public.delta as bigint check (value between -5 and 5)
        """
    )["vocabulary.py"]
    assert "AboveZero = Annotated[float, Field(gt=0, allow_inf_nan=False)]" in text
    assert "SmallLabel = Annotated[str, StringConstraints(min_length=1, max_length=9)]" in text
    assert "ThisCentury = Annotated[AwareDatetime, Field(ge=datetime(2000, 1, 1, 0, 0, 0, tzinfo=UTC)), AS_TIMESTAMP]" in text
    assert 'WORD = "word"' in class_in(text, "OneWord")
    assert "Delta = Annotated[int, Field(ge=-5, le=5)]" in text


def test_a_check_with_a_comment_is_left_to_the_database(generated: Callable[[str], dict[str, str]]) -> None:
    files = generated(
        """
        create domain public.code as text
        constraint code_length check (char_length(value) < 10) constraint code_signs check (value ~ '^[A-Z]+$');
        comment on constraint code_signs on domain public.code is 'A code is made of capitals.'
        """
    )

    assert "Code = Annotated[str, StringConstraints(max_length=9)]" in files["vocabulary.py"]
    for contract in ("contract_1_2.py", "contract_1_0.py"):
        assert '"code_signs": Constraint(kind="check", field="", message="A code is made of capitals.")' in files[contract]


def test_a_structure_has_the_fields_that_create_its_rows_without_references(generated: Callable[[str], dict[str, str]]) -> None:
    script = """
        alter table public.milestones add column mood text;
        grant insert (mood), update (mood) on public.milestones to service_role
    """
    text = generated(script)["contract_1_2.py"]
    assert "mood: str | None = None" in class_in(text, "MilestoneStructure")
    assert "tasks: list[TaskStructure]" in class_in(text, "MilestoneStructure")
    assert not any(f"{name}: UUID" in class_in(text, "TaskStructure") for name in ("user_id", "goal_id", "milestone_id"))
