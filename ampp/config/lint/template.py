"""Lints of templates: files that do not parse, texts that do not, and calls of templates that nobody defines."""

from collections.abc import Iterator, Mapping, Sequence
from os.path import basename

from ampp.config.lint.finding import Finding, Severity
from ampp.config.lint.route import located
from ampp.config.lint.source import Source
from ampp.config.template import TemplateFile
from ampp.core.plan import Plan
from ampp.template.builtin import BUILTINS
from ampp.template.error import TemplateError
from ampp.template.function import FUNCTIONS
from ampp.template.node import Node, Template, Tree
from ampp.template.parse import parse
from ampp.template.renderer import default_names

__all__ = ["lint_templates"]

_KNOWN = frozenset(BUILTINS) | frozenset(FUNCTIONS)


def lint_templates(
    source: Source, plan: Plan, found: Sequence[tuple[str, Sequence[TemplateFile]]]
) -> Iterator[Finding]:
    """All findings about templates. `found`: the patterns under `templates`, each with the files that it matches."""
    defined = default_names()
    broken = False
    own: dict[str, Mapping[str, Tree]] = {}
    for number, (pattern, files) in enumerate(found):
        spot = source.node(("templates", number))
        if not files:
            yield source.finding("no-template-file", spot, f"no file matches {pattern}", "is the path right?")
        for file in files:
            if file.error:
                broken = True
                yield source.finding("template", spot, file.error)
                continue
            try:
                own[file.path] = parse(basename(file.path), file.text, _KNOWN)
            except TemplateError as error:
                broken = True
                yield Finding("template", Severity.ERROR, file.path, error.line, 0, str(error))
            else:
                defined |= own[file.path].keys()
    if not broken:
        # What is defined is known only when all files could be read.
        for path, trees in own.items():
            yield from _file(path, trees, defined)
    yield from _texts(source, plan, None if broken else defined)


def _file(path: str, trees: Mapping[str, Tree], defined: frozenset[str]) -> Iterator[Finding]:
    for tree in trees.values():
        for call in _calls(tree.root):
            if call.name not in defined:
                line, column = tree.place(call.pos)
                yield Finding("undefined-template", Severity.WARN, path, line, column + 1, *_undefined(call, defined))


def _texts(source: Source, plan: Plan, defined: frozenset[str] | None) -> Iterator[Finding]:
    texts = [node for _, node, _ in source.written("receivers")]
    for _, path in located(plan.root):
        texts += [value for _, value in source.entries((*path, "labels"))]
    for node in texts:
        if "{{" not in node.value:
            continue
        try:
            trees = parse("", node.value, _KNOWN)
        except TemplateError as error:
            yield source.finding("template-syntax", node, f"this text is no valid template: {error.message}")
            continue
        for tree in trees.values():
            for call in _calls(tree.root):
                if defined is not None and call.name not in defined and call.name not in trees:
                    yield source.finding("undefined-template", node, *_undefined(call, defined))


def _undefined(call: Template, defined: frozenset[str]) -> tuple[str, str]:
    from ampp.config.error import closest  # only mistakes need it

    near = closest(call.name, sorted(defined))
    hint = f"did you mean {near}?" if near else "define it in a file that templates names"
    return f"template {call.name} is called here and defined nowhere", hint


def _calls(node: object) -> Iterator[Template]:
    """The `{{ template }}` nodes at and below a node."""
    if isinstance(node, Template):
        yield node
    elif isinstance(node, tuple):
        for inner in node:
            yield from _calls(inner)
    elif isinstance(node, Node):
        for name in ("nodes", "body", "orelse"):
            yield from _calls(getattr(node, name, None))
