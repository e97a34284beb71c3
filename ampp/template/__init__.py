"""Go's `text/template` and `html/template`, Alertmanager's functions and default templates.

The way of a template: text → `lexer.tokenize` → `parse.parse` (a `node.Tree` per definition) → for html first
`escape` (trees to trees, with escapers added to pipelines) → `execute.Program` (closures, made once) → text.

    trees = parse(name, text, functions)          # parse.py: {template name: Tree}, raises TemplateError
    program = Program(trees, functions)           # execute.py: trees and {name: Func}
    program.run(entry, data) -> str               # raises TemplateError and nothing else

Values and types, and how a struct, map, list or method is shown to templates: `value.py`. A function is a
`value.Func(params, call)`: `Func([STRING], str_to_str)`; it gets values already checked against `params` and complains
with `error.CallError(message)`. Go's own functions (`and`, `eq`, `printf`, …) are `builtin.BUILTINS`; `printf.sprint`,
`printf.sprintf` print any value as Go's fmt does; `instant.py` has time.Time, time.Duration and layouts.

A configuration's templates are a `set.TemplateSet(functions, escape=…, filters=…)`: `add(name, text)` per file, then
`text(string, data)` and `html(string, data)` for every configuration string; both raise `TemplateError` and nothing
else. Renderings have `execute.Limits`.

The escaper of html templates is a function `escape(trees, entry) -> trees`, given to `TemplateSet` together with the
functions that its trees call (`filters`); frozen nodes are rewritten with `msgspec.structs.replace`, and a rewritten
tree keeps `source` and `text`, so that errors still point into the template as written.
"""

from ampp.template.error import CallError, TemplateError

__all__ = ["CallError", "TemplateError"]
