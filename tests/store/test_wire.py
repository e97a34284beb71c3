import pytest

from ampp.store import wire


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (0, "00"),
        (127, "7f"),
        (128, "8001"),
        (300, "ac02"),
        (2**63, "80808080808080808001"),
        (2**64 - 1, "ffffffffffffffffff01"),
        (-1, "ffffffffffffffffff01"),
    ],
)
def test_varint(value: int, encoded: str) -> None:
    assert wire.varint(value).hex() == encoded
    assert wire.varints(bytes.fromhex(encoded)) == (value % 2**64,)


def test_signed_reads_twos_complement() -> None:
    assert [wire.signed(v) for v in (0, 5, 2**63 - 1, 2**63, 2**64 - 1)] == [0, 5, 2**63 - 1, -(2**63), -1]


def test_fields_of_every_type() -> None:
    data = bytes.fromhex("0896011203616263190102030405060708" + "2d01020304")
    assert list(wire.fields(data)) == [(1, 150), (2, b"abc"), (3, bytes(range(1, 9))), (5, bytes(range(1, 5)))]


def test_zero_scalars_are_left_out_and_empty_blobs_are_not() -> None:
    assert wire.number(1, 0) + wire.text(2, "") == b""
    assert wire.blob(3, b"") == b"\x1a\x00"


@pytest.mark.parametrize("data", ["08", "0880", "12", "1205abcd", "190102", "0b", "0c", "08ffffffffffffffffffff01"])
def test_what_is_no_message(data: str) -> None:
    with pytest.raises(wire.WireError):
        list(wire.fields(bytes.fromhex(data)))


@pytest.mark.parametrize("cut", range(1, 6))
def test_a_file_cut_anywhere_is_told(cut: int) -> None:
    whole = b"\x02ab\x03cde"
    assert list(wire.delimited(whole)) == [b"ab", b"cde"]
    if cut != 4:
        with pytest.raises(wire.WireError, match="cut short"):
            list(wire.delimited(whole[:-cut]))
    else:
        assert list(wire.delimited(whole[:-cut])) == [b"ab"]
