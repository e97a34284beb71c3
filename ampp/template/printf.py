"""fmt.Sprintf: format strings, and their mistakes, which print instead of failing."""

from collections.abc import Sequence

from ampp.template.printer import NUMBER_MAX, SIZE_MAX, Printer, canonical, sprint, sprintln
from ampp.template.value import NIL_INTERFACE, Kind, Value, kind_of, type_of, underlying

__all__ = ["SIZE_MAX", "canonical", "sprint", "sprintf", "sprintln"]


def sprintf(pattern: str, args: Sequence[Value]) -> str:
    """fmt.Sprintf. Wrong verbs, missing and extra arguments show as `%!…` in the result."""
    printer = Printer()
    _Format(printer, pattern, args).run()
    return printer.text()


class _Format:
    """The walk through a format string. `reordered`: `%[n]` was used, so extra arguments are nobody's mistake."""

    def __init__(self, printer: Printer, pattern: str, args: Sequence[Value]) -> None:
        self.printer = printer
        self.pattern = pattern
        self.args = args
        self.at = 0
        self.next = 0
        self.reordered = False
        self.good = True
        self.after_index = False

    def run(self) -> None:
        pattern, printer, end = self.pattern, self.printer, len(self.pattern)
        while self.at < end:
            percent = pattern.find("%", self.at)
            if percent < 0:
                printer.write(pattern[self.at :])
                break
            if percent > self.at:
                printer.write(pattern[self.at : percent])
            self.at = percent + 1
            self.good = True
            printer.clear()
            self._flags()
            self._index()
            self._width()
            self._precision()
            if not self.after_index:
                self._index()
            if self.at >= end:
                printer.write("%!(NOVERB)")
                break
            verb = pattern[self.at]
            self.at += 1
            self._verb("�" if "\udc80" <= verb <= "\udcff" else verb)
        if not self.reordered and self.next < len(self.args):
            self._extra()

    def _flags(self) -> None:
        printer = self.printer
        while self.at < len(self.pattern):
            match self.pattern[self.at]:
                case "#":
                    printer.sharp = True
                case "0":
                    printer.zero = True
                case "+":
                    printer.plus = True
                case "-":
                    printer.minus = True
                case " ":
                    printer.space = True
                case _:
                    return
            self.at += 1

    def _index(self) -> None:
        """`[n]`: take argument n (from 1) next."""
        self.after_index = False
        pattern = self.pattern
        if not pattern.startswith("[", self.at):
            return
        self.reordered = True
        close = pattern.find("]", self.at + 1)
        if close < 0 or len(pattern) - self.at < 3:
            self.good = False
            self.at += 1
            return
        digits = pattern[self.at + 1 : close]
        self.at = close + 1
        number = _small(digits) if digits.isascii() and digits.isdecimal() else None
        if number is None:
            self.good = False
            return
        self.after_index = True
        if 1 <= number <= len(self.args):
            self.next = number - 1
        else:
            self.good = False

    def _width(self) -> None:
        printer = self.printer
        if self.pattern.startswith("*", self.at):
            self.at += 1
            printer.width = self._from_arg()
            if printer.width is None:
                printer.write("%!(BADWIDTH)")
            elif printer.width < 0:
                printer.width = -printer.width
                printer.minus = True
                printer.zero = False
            self.after_index = False
            return
        printer.width = self._number()
        if self.after_index and printer.width is not None:
            self.good = False

    def _precision(self) -> None:
        if not self.pattern.startswith(".", self.at) or self.at + 1 >= len(self.pattern):
            return
        printer = self.printer
        self.at += 1
        if self.after_index:
            self.good = False
        self._index()
        if self.pattern.startswith("*", self.at):
            self.at += 1
            printer.precision = self._from_arg()
            if printer.precision is not None and printer.precision < 0:
                printer.precision = None
            if printer.precision is None:
                printer.write("%!(BADPREC)")
            self.after_index = False
            return
        printer.precision = self._number() or 0

    def _number(self) -> int | None:
        """Decimal digits at the cursor; a number that is far too large swallows the rest of the format."""
        start = self.at
        while self.at < len(self.pattern) and "0" <= self.pattern[self.at] <= "9":
            self.at += 1
        if self.at == start:
            return None
        number = _small(self.pattern[start : self.at])
        if number is None:
            self.at = len(self.pattern)
        return number

    def _from_arg(self) -> int | None:
        if self.next >= len(self.args):
            return None
        arg = self.args[self.next]
        self.next += 1
        number = underlying(arg) if kind_of(arg) in (Kind.INT, Kind.UINT) else None
        return number if number is not None and -NUMBER_MAX <= number <= NUMBER_MAX else None

    def _verb(self, verb: str) -> None:
        printer = self.printer
        if verb == "%":
            printer.write("%")
        elif not self.good:
            printer.write(f"%!{verb}(BADINDEX)")
        elif self.next >= len(self.args):
            printer.write(f"%!{verb}(MISSING)")
        else:
            if verb in "vw":
                printer.sharp_v, printer.sharp = printer.sharp, False
                printer.plus_v, printer.plus = printer.plus, False
            printer.arg(self.args[self.next], verb)
            self.next += 1

    def _extra(self) -> None:
        printer = self.printer
        printer.clear()
        printer.write("%!(EXTRA ")
        for index, arg in enumerate(self.args[self.next :]):
            if index:
                printer.write(", ")
            go = type_of(arg)
            if go is None or arg is NIL_INTERFACE:
                printer.write("<nil>")
            else:
                printer.write(go.name + "=")
                printer.arg(arg, "v")
        printer.write(")")


def _small(digits: str) -> int | None:
    """The number, None from a size on that Go takes for a mistake."""
    number = int(digits) if len(digits.lstrip("0")) < 9 else NUMBER_MAX + 1
    return number if number <= NUMBER_MAX else None
