"""Printing values as Go's package fmt does: `%v` of everything, the verbs and their flags."""

from collections.abc import Sequence
from typing import Final

from ampp.core.quote import go_quote
from ampp.template.error import CallError
from ampp.template.numeral import can_backquote, float_text, quote_ascii, quote_rune, rune
from ampp.template.value import (
    NIL_INTERFACE,
    Kind,
    Map,
    Scalar,
    Slice,
    Value,
    elements,
    kind_of,
    type_of,
)

__all__ = ["NUMBER_MAX", "SIZE_MAX", "Printer", "canonical", "sprint", "sprintln"]

SIZE_MAX: Final = 1 << 26
"""Characters one call may print; a width times many verbs, or a list holding itself often, could fill the memory."""

NUMBER_MAX: Final = 1_000_000
"""The largest width or precision."""

_METHOD_VERBS: Final = frozenset("vsxXq")


def sprint(args: Sequence[Value]) -> str:
    """fmt.Sprint: a space between two operands where neither is a string."""
    if len(args) == 1 and type(args[0]) is str:
        return args[0]
    printer = Printer()
    after_string = True
    for arg in args:
        is_string = kind_of(arg) is Kind.STRING
        if not is_string and not after_string:
            printer.write(" ")
        printer.arg(arg, "v")
        after_string = is_string
    return printer.text()


def sprintln(args: Sequence[Value]) -> str:
    """fmt.Sprintln: always a space, and a newline at the end."""
    printer = Printer()
    for index, arg in enumerate(args):
        if index:
            printer.write(" ")
        printer.arg(arg, "v")
    printer.write("\n")
    return printer.text()


def canonical(text: str) -> str:
    """Bytes that came side by side and now are UTF-8 read as characters again."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
    return text


class Printer:
    """The growing text and the flags of the verb at work.

    plus_v, sharp_v: `%+v`, `%#v`; erroring: inside of a `%!verb(…)`, where values do not print by their own methods.
    """

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.size = 0
        self.erroring = False
        self.clear()

    def clear(self) -> None:
        self.width: int | None = None
        self.precision: int | None = None
        self.minus = self.plus = self.sharp = self.space = self.zero = False
        self.plus_v = self.sharp_v = False

    def text(self) -> str:
        return canonical("".join(self.pieces))

    def write(self, text: str) -> None:
        self.size += len(text)
        if self.size > SIZE_MAX:
            raise CallError("too much text printed at once")
        self.pieces.append(text)

    def pad(self, text: str, *, zeros: bool = True) -> None:
        missing = (self.width or 0) - len(text)
        if missing <= 0:
            self.write(text)
        elif self.minus:
            self.write(text + " " * missing)
        else:
            self.write(("0" if self.zero and zeros else " ") * missing + text)

    # Values

    def arg(self, arg: Value, verb: str) -> None:
        """One operand, as printf's argument."""
        if arg is None or arg is NIL_INTERFACE:
            if verb in "Tv":
                self.pad("<nil>")
            else:
                self.bad_verb(verb, None)
        elif verb == "T":
            go = type_of(arg)
            assert go is not None
            self.string(go.name)
        elif verb == "p":
            self._pointer(arg)
        elif not self._methods(arg, verb):
            self.value(arg, verb, 0)

    def _methods(self, arg: Value, verb: str) -> bool:
        """Print by the value's own String or GoString method, if it has one and the verb asks for it."""
        if self.erroring:
            return False
        if verb == "w":
            self.bad_verb(verb, arg)
            return True
        go = type_of(arg)
        if go is None or (go.string is None and go.go_string is None):
            return False
        if self.sharp_v:
            if go.go_string is None:
                return False
            self.string(go.go_string(arg))
            return True
        if verb not in _METHOD_VERBS or go.string is None:
            return False
        self._text(go.string(arg), verb, arg)
        return True

    def bad_verb(self, verb: str, arg: Value) -> None:
        self.erroring = True
        self.write(f"%!{verb}(")
        go = type_of(arg)
        if go is None or arg is NIL_INTERFACE:
            self.write("<nil>")
        else:
            self.write(go.name + "=")
            self.value(arg, "v", 0)
        self.write(")")
        self.erroring = False

    def value(self, value: Value, verb: str, depth: int) -> None:
        """A value by its kind; inside of others (`depth` > 0) its methods are asked first."""
        if depth and value is not None and value is not NIL_INTERFACE and self._methods(value, verb):
            return
        match kind_of(value):
            case Kind.BOOL:
                if verb in "tv":
                    self.pad("true" if _plain(value) else "false")
                else:
                    self.bad_verb(verb, value)
            case Kind.INT | Kind.UINT as kind:
                self._integer(value, verb, signed=kind is Kind.INT)
            case Kind.FLOAT:
                self._float(_plain(value), verb, value)
            case Kind.COMPLEX:
                self._complex(_plain(value), verb, value)
            case Kind.STRING:
                self._text(_plain(value), verb, value)
            case Kind.SLICE:
                self._slice(value, verb, depth)
            case Kind.MAP:
                self._map(value, verb, depth)
            case Kind.STRUCT:
                self._struct(value, verb, depth)
            case Kind.POINTER:
                if depth or type(value) is Scalar:
                    self._pointer(value, verb)
                else:
                    self.write("&")
                    self.value(value.value, verb, 1)
            case _:
                self.write("interface {}(nil)" if self.sharp_v else "<nil>")

    def _slice(self, value: Slice, verb: str, depth: int) -> None:
        if self.sharp_v:
            self.write(value.go.name)
            if value.items is None:
                self.write("(nil)")
                return
        self.write("{" if self.sharp_v else "[")
        for index, item in enumerate(elements(value)):
            if index:
                self.write(", " if self.sharp_v else " ")
            self.value(item, verb, depth + 1)
        self.write("}" if self.sharp_v else "]")

    def _map(self, value: Map, verb: str, depth: int) -> None:
        if self.sharp_v:
            self.write(value.go.name)
            if value.items is None:
                self.write("(nil)")
                return
        self.write("{" if self.sharp_v else "map[")
        items = elements(value)
        for index, key in enumerate(sorted(items)):
            if index:
                self.write(", " if self.sharp_v else " ")
            self.value(key, verb, depth + 1)
            self.write(":")
            self.value(items[key], verb, depth + 1)
        self.write("}" if self.sharp_v else "]")

    def _struct(self, value: Value, verb: str, depth: int) -> None:
        if self.sharp_v:
            self.write(value.go.name)
        self.write("{")
        for index, field in enumerate(value.go.fields.values()):
            if index:
                self.write(", " if self.sharp_v else " ")
            if self.plus_v or self.sharp_v:
                self.write(field.name + ":")
            self.value(field.get(value), verb, depth + 1)
        self.write("}")

    def _pointer(self, value: Value, verb: str = "p") -> None:
        """An address. Which one nobody can know, so it is the same for all; what has none is a bad verb."""
        if kind_of(value) not in (Kind.SLICE, Kind.MAP, Kind.POINTER) or verb not in "vpbodxX":
            self.bad_verb(verb, value)
            return
        if type(value) is Scalar:
            address = value.value
        else:
            address = 0 if type(value) in (Slice, Map) and value.items is None else 0xC000000000
        if verb == "v" and self.sharp_v:
            self.write(f"({value.go.name})({f'0x{address:x}' if address else 'nil'})")
        elif verb == "v" and not address:
            self.pad("<nil>")
        elif verb in "vp":
            self.pad(f"0x{address:x}" if not self.sharp else f"{address:x}")
        else:
            self._integer(Scalar(value.go, address), verb, signed=False)

    # Strings

    def string(self, text: str) -> None:
        self.pad(text if self.precision is None else text[: self.precision])

    def _text(self, text: str, verb: str, arg: Value) -> None:
        if verb == "s" or (verb == "v" and not self.sharp_v):
            self.string(text)
        elif verb in "qv":
            self._quoted(text)
        elif verb in "xX":
            self._hex(text, verb)
        else:
            self.bad_verb(verb, arg)

    def _quoted(self, text: str) -> None:
        if self.precision is not None:
            text = text[: self.precision]
        if self.sharp and can_backquote(text):
            self.pad(f"`{text}`")
        else:
            self.pad(quote_ascii(text) if self.plus else go_quote(text))

    def _hex(self, text: str, verb: str) -> None:
        raw = text.encode("utf-8", "surrogateescape")
        if self.precision is not None:
            raw = raw[: self.precision]
        if not raw:
            self.write(("0" if self.zero and not self.minus else " ") * (self.width or 0))
            return
        prefix = f"0{verb}" if self.sharp else ""
        digits = raw.hex(" ") if self.space else raw.hex()
        if verb == "X":
            digits = digits.upper()
        self.pad(prefix + digits.replace(" ", " " + prefix))

    # Numbers

    def _integer(self, value: Value, verb: str, *, signed: bool) -> None:
        number: int = _plain(value)
        if verb == "v" and self.sharp_v and not signed:
            self._digits(number, 16, verb, sharp=True)
        elif verb in "dv":
            self._digits(number, 10, verb, sharp=False)
        elif verb in "boOxX":
            self._digits(number, {"b": 2, "x": 16, "X": 16}.get(verb, 8), verb, sharp=self.sharp)
        elif verb == "c":
            self.pad(rune(number))
        elif verb == "q":
            self.pad(quote_rune(number, ascii_only=self.plus))
        elif verb == "U":
            self._code_point(number)
        else:
            self.bad_verb(verb, value)

    def _digits(self, number: int, base: int, verb: str, *, sharp: bool) -> None:
        if self.precision == 0 and number == 0:
            self.write(" " * (self.width or 0))
            return
        least = self.precision or 0
        sign = "-" if number < 0 else "+" if self.plus else " " if self.space else ""
        if self.precision is None and self.zero and not self.minus and self.width is not None:
            least = self.width - len(sign)
        digits = format(abs(number), {2: "b", 8: "o", 10: "d", 16: "x"}[base]).rjust(least, "0")
        if verb == "X":
            digits = digits.upper()
        if sharp:
            if base == 8:
                digits = digits if digits[0] == "0" else "0" + digits
            elif base != 10:
                digits = {2: "0b", 16: "0X" if verb == "X" else "0x"}[base] + digits
        if verb == "O":
            digits = "0o" + digits
        self.pad(sign + digits, zeros=False)

    def _code_point(self, number: int) -> None:
        number &= (1 << 64) - 1
        text = "U+" + f"{number:X}".rjust(max(self.precision or 0, 4), "0")
        if self.sharp and number <= 0x10FFFF and rune(number) == chr(number) and _printable(chr(number)):
            text += f" '{chr(number)}'"
        self.pad(text, zeros=False)

    def _float(self, number: float, verb: str, arg: Value) -> None:
        if verb == "v":
            self._decimal(number, "g", -1)
        elif verb in "bgGxX":
            self._decimal(number, verb, -1)
        elif verb in "feEF":
            self._decimal(number, "f" if verb == "F" else verb, 6)
        else:
            self.bad_verb(verb, arg)

    def _decimal(self, number: float, verb: str, precision: int) -> None:
        if self.precision is not None:
            precision = self.precision
        text = float_text(number, verb, precision)
        sign, digits = ("-", text[1:]) if text[0] == "-" else ("+", text.removeprefix("+"))
        if self.space and sign == "+" and not self.plus:
            sign = " "
        if digits[0] in "IN":
            bare = digits[0] == "N" and not self.space and not self.plus
            self.pad(digits if bare else sign + digits, zeros=False)
            return
        if self.sharp and verb != "b":
            digits = _with_point(digits, verb, precision)
        if sign == "+" and not self.plus:
            self.pad(digits)
        elif self.zero and not self.minus and self.width is not None and self.width > len(digits) + 1:
            self.write(sign + digits.rjust(self.width - 1, "0"))
        else:
            self.pad(sign + digits)

    def _complex(self, number: complex, verb: str, arg: Value) -> None:
        if verb not in "vbgGxXfFeE":
            self.bad_verb(verb, arg)
            return
        plus = self.plus
        self.write("(")
        self._float(number.real, verb, arg)
        self.plus = True
        self._float(number.imag, verb, arg)
        self.write("i)")
        self.plus = plus


def _plain(value: Value) -> Value:
    return value.value if type(value) is Scalar else value


def _printable(c: str) -> bool:
    return go_quote(c)[1:-1] == c or c in '"\\'


def _with_point(digits: str, verb: str, precision: int) -> str:
    """The `#` flag: a decimal point always, and for %g its trailing zeros."""
    tail = ""
    for mark in "pP" if verb in "xX" else "eEpP":
        head, found, rest = digits.partition(mark)
        if found:
            digits, tail = head, mark + rest
            break
    missing = 0
    if verb in "gGx":
        missing = 6 if precision == -1 else precision
        missing -= len(digits.replace(".", "").lstrip("0"))
    if "." not in digits:
        if digits == "0":
            missing -= 1
        digits += "."
    return digits + "0" * missing + tail
