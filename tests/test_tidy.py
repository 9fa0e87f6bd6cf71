"""The house rules, as far as a machine can read them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("shared", "services", "cli", "replay", "bench")
SOURCES = sorted(
    [path for name in PACKAGES for path in (ROOT / name).rglob("*.py")]
    + [ROOT / name for name in ("supervisor.py", "setup.py") if (ROOT / name).exists()]
)
TESTS = sorted((ROOT / "tests").rglob("*.py"))

LINES_MAX, FUNCTION_LINES_MAX = 400, 50

LAYERS = {
    "shared": {"shared"},
    "services": {"shared", "services"},
    "replay": {"shared", "services", "replay"},
    "supervisor": {"shared", "services"},
    "cli": {"shared", "services", "replay", "supervisor", "cli"},
    "bench": {"shared", "services", "replay", "bench"},
    "setup": set(),
}
"""Who may import whom, by first name."""

IO_MODULES = {
    "services/exchange/live_feed.py": "keeps another venue's public WebSocket open",
    "services/exchange/opening.py": "reads recordings, instruments and schedules",
    "services/exchange/storage.py": "the account's log, on disk",
    "services/execution/disk.py": "waits for the order journal's thread",
    "services/execution/line.py": "keeps a signed WebSocket open",
    "services/execution/private.py": "the private WebSocket",
    "services/execution/rest.py": "REST on a thread of its own",
    "services/execution/store.py": "the order journal, on disk",
    "services/execution/trade_line.py": "the order-entry WebSocket",
    "services/monitor/csvfile.py": "writes CSV files",
    "services/signals/memory.py": "keeps what the weights have learned, on disk",
    "services/signals/venue_bars.py": "asks the venue for bars",
}
"""Files of a service, beside main.py, that touch the world -> why."""

IMPURE = {
    "time", "random", "datetime", "uuid", "os", "socket", "threading", "asyncio", "zmq", "loguru", "logging", "pybit",
    "aiohttp", "picows", "multiprocessing", "sqlite3", "pathlib", "subprocess", "signal", "select", "ctypes", "uvloop",
    "requests", "psutil", "tempfile", "shutil",
}  # fmt: skip
IMPURE_SHARED = {
    "shared.log",
    "shared.bus",
    "shared.post",
    "shared.service",
    "shared.shm",
    "shared.paths",
    "shared.journal",
}

UNTESTED = {"cli/run.py": "tests/e2e"}
"""Sources without a test file of their own -> which tests cover them instead. Shells (main.py) fly in tests/e2e, and a
file without a function has nothing to test."""

CATCH_ALL = {
    "services/execution/store.py": "what breaks on the journal's thread is raised on the loop",
    "shared/service.py": "the one place that sees every bug of a worker: said, then the process ends",
    "supervisor.py": "a forked child must never return into its parent's code",
}
"""Where everything may be caught -> why."""

UNITS = re.compile(r"_(ns|ms|s|min|ticks|lots|e2|e8)$")
UNITLESS = {
    "side", "direction", "epoch", "version", "generation", "seq", "ring_seq", "head", "first", "symbol_id", "number",
    "decision", "corrections", "weights_version", "universe_version",
}  # fmt: skip
"""Integers on the bus that count or name something."""
QUANTITY = re.compile(r"(^|_)(price|qty|size|fee|balance|value|time|age|delay|wait|timeout|bid|ask|stop|target|entry)$")
"""Names that mean nothing without a unit, in the messages that a service keeps to itself."""


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def is_type_only(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def imports(node: ast.AST) -> Iterator[str]:
    """Yield every module that is imported at run time; of ``from a import b`` both a and a.b, as b may be a module."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, "no relative imports"
            module = child.module or ""
            yield module
            yield from (f"{module}.{alias.name}" for alias in child.names)
        elif not (isinstance(child, ast.stmt) and is_type_only(child)):
            yield from imports(child)


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def calls(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node.lineno


MODULES = {module_of(path): path for path in SOURCES}
CORES = [
    path
    for path in SOURCES
    if path.is_relative_to(ROOT / "services")
    and len(path.relative_to(ROOT).parts) > 2
    and path.name != "main.py"
    and name_of(path) not in IO_MODULES
]
each_source = pytest.mark.parametrize("path", SOURCES, ids=name_of)


@each_source
def test_imports_run_downwards_only(path: Path) -> None:
    parts = module_of(path).split(".")
    for name in imports(tree_of(path)):
        first = name.split(".")[0]
        if first in LAYERS or first == "tests":
            assert first in LAYERS[parts[0]], f"{parts[0]} imports {name}"
        if parts[0] == first == "services":
            assert name.split(".")[:2] in (parts[:2], ["services"]), f"{name} is another service"


@pytest.mark.parametrize("path", CORES, ids=name_of)
def test_cores_are_pure(path: Path) -> None:
    for name in imports(tree_of(path)):
        assert name.split(".")[0] not in IMPURE, name
        assert name not in IMPURE_SHARED, name


def test_lists_of_exceptions_name_only_files_that_exist() -> None:
    listed = {*IO_MODULES, *UNTESTED, *CATCH_ALL}
    assert not [name for name in listed if not (ROOT / name).exists()]


def test_there_are_no_import_cycles() -> None:
    graph = {name: {other for other in imports(tree_of(path)) if other in MODULES} for name, path in MODULES.items()}
    done: set[str] = set()

    def visit(name: str, above: tuple[str, ...]) -> None:
        assert name not in above, " -> ".join((*above, name))
        if name not in done:
            for other in sorted(graph[name] - {name}):
                visit(other, (*above, name))
            done.add(name)

    for name in sorted(graph):
        visit(name, ())


@each_source
def test_our_own_modules_are_imported_at_the_top(path: Path) -> None:
    if path.is_relative_to(ROOT / "cli"):
        return  # A command imports what it needs when it is called.
    for function in functions(path):
        ours = [name for name in imports(function) if name.split(".")[0] in LAYERS]
        assert not ours, f"{function.name} imports {ours}"


@pytest.mark.parametrize("path", [*SOURCES, *TESTS], ids=name_of)
def test_files_and_functions_fit_on_a_screen(path: Path) -> None:
    lines = path.read_text().count("\n")
    assert lines <= LINES_MAX, f"{lines} lines"
    for function in functions(path):
        length = (function.end_lineno or 0) - function.lineno + 1
        assert length <= FUNCTION_LINES_MAX, f"{function.name}: {length} lines"


def test_tests_mirror_sources() -> None:
    shells = {name_of(path) for path in SOURCES if path.name == "main.py" and path.parts[-3] == "services"}
    with_code = {name_of(path) for path in SOURCES if path.name != "__init__.py" and any(functions(path))}
    wanted = {name for name in with_code - shells if not name.startswith("bench/")}
    tested = {
        (path.parent / path.name.removeprefix("test_")).relative_to(ROOT / "tests").as_posix()
        for path in TESTS
        if path.name.startswith("test_")
    }
    assert sorted(wanted - tested) == sorted(UNTESTED)
    mirrors = {name for name in tested if name.split("/")[0] in PACKAGES}
    kernel = {name_of(path.with_suffix(".py")) for path in (ROOT / "shared").rglob("*.pyx")}
    packages = {f"{name_of(path.parent)}.py" for path in SOURCES if path.name == "__init__.py"}
    assert mirrors <= {name_of(path) for path in SOURCES} | kernel | packages


def test_only_the_risk_gate_makes_an_order_request() -> None:
    ours = [path for path in SOURCES if not path.is_relative_to(ROOT / "services" / "exchange")]  # It receives them.
    makers = {name_of(path) for path in ours if any(name.endswith("OrderRequest") for name, _ in calls(path))}
    assert makers <= {"services/execution/gates.py"}


BANNED_CALLS = {
    "time.time": "shared.clock tells the time",
    "datetime.now": "shared.clock tells the time",
    "yaml.load": "it builds any object it is told to",
    "eval": "it runs what it reads",
    "exec": "it runs what it reads",
    "struct.pack_into": "a reader may see half of it",
    "np.ndarray": "it outlives its buffer; np.frombuffer holds it",
    "breakpoint": "left over",
}
MAY_CALL = {("shared/paths.py", "time.time"): "file times are wall time"}


@each_source
def test_calls_that_have_hurt_others_are_not_made(path: Path) -> None:
    quiet = not path.is_relative_to(ROOT / "cli") and not path.is_relative_to(ROOT / "bench")
    banned = BANNED_CALLS | ({"print": "services log"} if quiet else {})
    made = [(name, line) for name, line in calls(path) if (name_of(path), name) not in MAY_CALL]
    assert not [f"line {line}: {name}: {banned[name]}" for name, line in made if name in banned]
    assert not {"pickle", "marshal", "shelve"} & set(imports(tree_of(path)))


@each_source
def test_nothing_is_caught_that_nobody_expected(path: Path) -> None:
    if name_of(path) in CATCH_ALL:
        return
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ExceptHandler):
            caught = ast.unparse(node.type) if node.type else "everything"
            passes_on = any(isinstance(child, ast.Raise) and child.exc is None for child in node.body)
            assert passes_on or caught not in ("everything", "Exception", "BaseException"), f"line {node.lineno}"


def messages() -> list[tuple[Path, ast.ClassDef]]:
    return [
        (path, node)
        for path in SOURCES
        for node in tree_of(path).body
        if isinstance(node, ast.ClassDef) and any(ast.unparse(base) == "Message" for base in node.bases)
    ]


@pytest.mark.parametrize(("path", "message"), messages(), ids=lambda value: getattr(value, "name", ""))
def test_messages_say_what_they_are_and_in_which_unit(path: Path, message: ast.ClassDef) -> None:
    assert ast.get_docstring(message), f"{name_of(path)}: {message.name} has no docstring"
    on_the_bus = name_of(path) == "shared/messages.py"
    for field in message.body:
        if isinstance(field, ast.AnnAssign) and ast.unparse(field.annotation) == "int":
            name = ast.unparse(field.target)
            clear = UNITS.search(name) or name in UNITLESS if on_the_bus else not QUANTITY.search(name)
            assert clear, f"{message.name}.{name}: which unit?"


@pytest.mark.parametrize("path", TESTS, ids=name_of)
def test_tests_use_no_mocks_and_wait_for_conditions_only(path: Path) -> None:
    assert "unittest.mock" not in set(imports(tree_of(path)))
    loops = [node for node in ast.walk(tree_of(path)) if isinstance(node, ast.While | ast.For)]
    polled = {call.lineno for loop in loops for call in ast.walk(loop) if isinstance(call, ast.Call)}
    sleeps = [line for name, line in calls(path) if name in ("time.sleep", "sleep") and line not in polled]
    assert not sleeps, f"sleeps on lines {sleeps}"


LEFTOVERS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|/(work|root|home)/\w", re.ASCII)


@pytest.mark.parametrize("path", [path for path in [*SOURCES, *TESTS] if path != Path(__file__)], ids=name_of)
def test_nothing_is_left_over(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert not [f"{number}: {line}" for number, line in enumerate(lines, 1) if LEFTOVERS.search(line)]
