"""Go's html/template: every value a template writes is escaped for the place it lands in.

`escaper.escape` rewrites trees when the configuration is loaded; `filter.FILTERS` are the functions they then call.
"""

from ampp.template.html.escaper import escape

__all__ = ["escape"]
