"""What the generator reads in checks, defaults, views, comments and names."""

import pytest

from generator.catalog import CannotGenerate, Catalog, DomainCheck
from generator.checks import Facts, read_checks
from generator.expressions import parse, value_of
from generator.introspection import split_comment
from generator.names import class_name, field_name, singular
from generator.view_origins import direct_origins


def facts(*definitions: str) -> Facts:
    return read_checks([DomainCheck(0, f"check_{number}", text) for number, text in enumerate(definitions)])


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        ("CHECK ((VALUE = ANY (ARRAY['a'::text, 'it''s'::text])))", Facts(words=("a", "it's"))),
        ("CHECK (((VALUE)::text = ANY ((ARRAY['a'::character varying])::text[])))", Facts(words=("a",))),
        ("CHECK (((char_length(VALUE) >= 1) AND (char_length(VALUE) <= 255)))", Facts(length={"min": 1, "max": 255})),
        ("CHECK (((char_length(VALUE) > 1) AND (char_length(VALUE) < 255)))", Facts(length={"min": 2, "max": 254})),
        ("CHECK ((VALUE >= (0)::numeric)) NOT VALID", Facts(bounds={"ge": 0})),
        ("CHECK (((VALUE > '-1.5'::numeric) AND (VALUE < 1.5)))", Facts(bounds={"gt": "-1.5", "lt": 1.5})),
        ("CHECK ((VALUE >= '-5'::integer))", Facts(bounds={"ge": "-5"})),
        ("CHECK ((VALUE < '2000-01-01 00:00:00+00'::timestamp with time zone))", Facts(bounds={"lt": "2000-01-01 00:00:00+00"})),
        ("CHECK ((VALUE ~ '^a\\s$'::text))", Facts(pattern="^a\\s$")),
        ("CHECK (private.fits_json_limits(VALUE, 65536))", Facts(json_bytes=65536)),
        ("CHECK (private.fits_json_limits(to_jsonb(VALUE), 5))", Facts(json_bytes=5)),
        ("CHECK ((jsonb_typeof(VALUE) = 'object'::text))", Facts(json_type="object")),
        ("CHECK (((cardinality(VALUE) >= 1) AND (cardinality(VALUE) <= 100)))", Facts(size={"min": 1, "max": 100})),
        (
            "CHECK (((COALESCE(array_ndims(VALUE), 1) = 1) AND (array_position(VALUE, NULL::uuid) IS NULL)))",
            Facts(flat=True),
        ),
    ],
)
def test_a_check_constraint_becomes_its_rule(definition: str, expected: Facts) -> None:
    assert facts(definition) == expected


@pytest.mark.parametrize(
    "definition",
    [
        "CHECK ((VALUE ~* '^a'::text))",
        "CHECK (private.fits_json_limits(lower(VALUE), 5))",
        "CHECK (((VALUE = 'a'::text) OR (VALUE = 'b'::text)))",
        "CHECK ((VALUE <> 1))",
        "CHECK ((VALUE = 1))",
        "CHECK ((lower(VALUE) = 'a'::text))",
        "CHECK ((VALUE = ANY (ARRAY['a'::text, NULL::text])))",
        "CHECK ((VALUE >= other))",
        "CHECK ((char_length(VALUE) >= 1.5))",
        "CHECK ((jsonb_typeof(VALUE) = 'number'::text))",
        "CHECK ((array_position(VALUE, NULL::uuid) IS NULL))",
        "CHECK ((VALUE >= 1)",
        "CHECK (VALUE IS NOT NULL)",
        "CHECK ((VALUE >= 1)) extra",
    ],
)
def test_an_unknown_kind_of_check_is_refused(definition: str) -> None:
    with pytest.raises(CannotGenerate):
        facts(definition)


def test_several_checks_of_a_domain_are_combined() -> None:
    assert facts("CHECK ((VALUE >= 1))", "CHECK ((VALUE <= 9))").bounds == {"ge": 1, "le": 9}
    assert facts("CHECK ((VALUE >= 1))", "CHECK ((VALUE >= 3))", "CHECK ((VALUE >= 2))").bounds == {"ge": 3}
    words = [f"CHECK ((VALUE = ANY (ARRAY[{words}])))" for words in ("'a'::text, 'b'::text", "'b'::text, 'c'::text")]
    assert facts(*words).words == ("b",)
    with pytest.raises(CannotGenerate):
        facts("CHECK ((VALUE >= '2000-01-01'::date))", "CHECK ((VALUE >= '2001-01-01'::date))")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("'{}'::jsonb", "{}"),
        ("'it''s'::character varying(9)", "it's"),
        ("NULL::timestamp with time zone", None),
        ("(-1)", -1),
        ("1.0", 1.0),
        ("true", True),
        ("'active'::public.goal_status", "active"),
    ],
)
def test_a_literal_is_read_without_its_casts(expression: str, expected: object) -> None:
    assert value_of(parse(expression)) == expected


@pytest.mark.parametrize(
    "expression",
    ["now() + '1 day'::interval", "private.next_one('a'::text)", "'a'::text OR", "", "1 2", "E'\\n'", "-'a'", "'a'::", "f(", "$1"],
)
def test_an_expression_that_is_no_literal_has_no_value(expression: str) -> None:
    with pytest.raises(CannotGenerate):
        value_of(parse(expression))


@pytest.mark.parametrize(
    ("definition", "origins"),
    [
        ("SELECT id, title AS name, upper(title) AS loud FROM public.goals", {"id": "id", "name": "title"}),
        ("SELECT (title)::text AS title, id FROM public.goals", {"id": "id"}),
        ('SELECT g.id, "G".title FROM (private.x g JOIN public.goals "G" ON ((g.id = "G".id)))', {"title": "title"}),
        ("SELECT id FROM ( SELECT goals.title AS id FROM public.goals) inside", {"id": "title"}),
        ("SELECT c.id AS one FROM (public.goals c LEFT JOIN LATERAL ( SELECT 1 AS id) n ON (true))", {"one": "id"}),
        ("WITH c AS ( SELECT goals.id FROM public.goals) SELECT id AS one FROM c", {"one": "id"}),
        ("SELECT ARRAY( SELECT t.id FROM public.tasks t WHERE (t.goal_id = goals.id)) AS ids FROM public.goals", {}),
    ],
)
def test_the_origins_of_a_views_columns_are_found(definition: str, origins: dict[str, str]) -> None:
    found = direct_origins(definition)
    assert {name: column for name, (*relation, column) in found.items() if relation == ["public", "goals"]} == origins


@pytest.mark.parametrize(
    ("rows", "row"),
    [
        ("users", "User"),
        ("categories", "Category"),
        ("statuses_seen", "StatuseSeen"),
        ("notification_log", "NotificationLog"),
        ("demo_flags", "DemoFlags"),
        ("goals_full", "GoalFull"),
        ("status", "Status"),
    ],
)
def test_the_class_of_a_row_is_singular(rows: str, row: str) -> None:
    assert class_name(singular(rows)) == row


@pytest.mark.parametrize("name", ["json", "model_name", "_private", "with space", "lambda", "list"])
def test_a_column_that_cannot_be_a_field_is_rejected(name: str) -> None:
    with pytest.raises(CannotGenerate, match="rename it"):
        field_name("public.things", name)


@pytest.mark.parametrize(
    ("comment", "text", "tags"),
    [
        ("What it is. @readonly @notnull", "What it is.", {"readonly": "", "notnull": ""}),
        ("Contract 2.0.\n@contract=2.0", "Contract 2.0.", {"contract": "2.0"}),
        ("@required", None, {"required": ""}),
        ("An address has one @ and is not @required here.", "An address has one @ and is not @required here.", {}),
        (None, None, {}),
    ],
)
def test_tags_are_split_from_the_end_of_a_comment(comment: str | None, text: str | None, tags: dict[str, str]) -> None:
    assert split_comment(comment) == (text, tags)


def test_a_relation_without_a_primary_key_has_no_key() -> None:
    assert Catalog((), {}, {}, {}, {}, {}, [], []).primary_key(1) == ()
