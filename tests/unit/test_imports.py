"""The arrows between the rooms point one way: no module imports what its room may not know."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# What each room may import of ampp, and which packages from outside (None: any that pyproject.toml declares).
ROOMS: dict[str, tuple[set[str], set[str] | None]] = {
    "core": (set(), {"fnv_c", "msgspec", "re2", "xxhash"}),
    "config": ({"core", "template"}, None),
    "template": ({"core"}, None),
    "ingest": ({"core"}, None),
    "deliver": ({"core", "template", "config", "observe", "options"}, None),
    "enrich": ({"core", "observe", "options"}, None),
    "store": ({"core", "observe", "options"}, None),
    "history": ({"core", "config", "store", "observe", "options"}, None),
    "observe": ({"core", "options"}, {"msgspec", "prometheus_client", "trio"}),
    "feed": ({"core", "deliver", "observe"}, {"msgspec", "trio"}),
    "options": ({"core"}, {"msgspec"}),
    "external": ({"core", "config"}, {"msgspec"}),
    "loaded": ({"core", "config", "deliver"}, {"msgspec"}),
    "outgoing": ({"core", "store", "observe"}, {"msgspec", "trio"}),
    "live": (
        {
            "core",
            "config",
            "ingest",
            "deliver",
            "enrich",
            "store",
            "history",
            "observe",
            "options",
            "external",
            "feed",
            "loaded",
            "outgoing",
        },
        None,
    ),
    "api": (
        {
            "core",
            "config",
            "template",
            "ingest",
            "deliver",
            "enrich",
            "store",
            "history",
            "observe",
            "options",
            "external",
            "feed",
            "live",
        },
        None,
    ),
}
ROOMS["plugin"] = ({"core", "config", "deliver", "template"}, set())
ROOMS["upkeep"] = (ROOMS["live"][0] | {"live"}, None)
ROOMS["web"] = (ROOMS["api"][0] | {"api"}, None)
ROOMS["daemon"] = (ROOMS["web"][0] | {"web", "upkeep", "loaded"}, None)

# The core takes time, randomness and everything else it could wait for as arguments.
IMPURE = {
    "asyncio",
    "concurrent",
    "http",
    "logging",
    "multiprocessing",
    "os",
    "pathlib",
    "queue",
    "random",
    "secrets",
    "select",
    "selectors",
    "signal",
    "socket",
    "sqlite3",
    "ssl",
    "subprocess",
    "tempfile",
    "threading",
    "time",
    "urllib",
}


def modules() -> list[Path]:
    return sorted((ROOT / "ampp").rglob("*.py"))


def room_of(path: Path) -> str:
    """The first name below `ampp`: a folder, or a module standing alone; "" for ampp/__init__.py."""
    first = path.relative_to(ROOT / "ampp").parts[0]
    return "" if first == "__init__.py" else first.removesuffix(".py")


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            if node.module == "ampp":
                found |= {f"ampp.{alias.name}" for alias in node.names}
            else:
                found.add(node.module or "")
    return found


def complaints(path: Path) -> list[str]:
    room = room_of(path)
    if not room:
        return [name for name in imports(path) if name.partition(".")[0] not in sys.stdlib_module_names]
    own, outside = ROOMS[room]
    wrong = []
    for name in sorted(imports(path)):
        top, *rest = name.split(".")
        if top == "ampp":
            # `from ampp import COMPATIBLE` and the like concern no room.
            known = rest and (rest[0] in ROOMS)
            if known and rest[0] != room and rest[0] not in own:
                wrong.append(name)
        elif top == "ampp_cli" or not _may_use(room, top, outside):
            wrong.append(name)
    return wrong


def _may_use(room: str, package: str, outside: set[str] | None) -> bool:
    if package in sys.stdlib_module_names:
        return room != "core" or package not in IMPURE
    return outside is None or package in outside


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_what_its_room_may_know(path: Path) -> None:
    assert complaints(path) == []


def test_every_room_is_in_the_table() -> None:
    assert {room_of(path) for path in modules()} - {""} <= set(ROOMS)


def test_the_command_line_starts_without_the_daemon() -> None:
    """What `main` imports at its top is what `--version` costs."""
    allowed = {"errno", "gc", "io", "os", "sys"}
    tree = ast.parse((ROOT / "cli" / "ampp_cli" / "main.py").read_text(encoding="utf-8"))
    top = {alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
    top |= {node.module or "" for node in tree.body if isinstance(node, ast.ImportFrom)}
    assert top <= allowed
