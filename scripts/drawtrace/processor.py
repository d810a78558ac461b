# SPDX-License-Identifier: GPL-2.0-only
"""Ask Perfetto's trace processor about a trace, in SQL.

It is a C++ class in a shared library that Debian's chromium-shell contains (see
scripts/trace-processor), of which Debian has no header. So its few calls are made
here by hand, with the C++ objects that they take and give laid out as LLVM's
libc++ and the x86-64 ABI have them: a vector is three pointers, a string 24
bytes, and an object that is no plain data is returned where the caller says.
"""
import ctypes
from pathlib import Path
from typing import Dict, List

CLASS = "_ZN4base4test22TestTraceProcessorImpl"
STRING = "NSt3__112basic_stringIcNS2_11char_traitsIcEENS2_9allocatorIcEEEE"
CONSTRUCT = CLASS + "C1Ev"
PARSE = CLASS + "10ParseTraceERKNSt3__16vectorIcNS2_9allocatorIcEEEE"
QUERY = "_ZNK4base4test22TestTraceProcessorImpl12ExecuteQueryERK" + STRING
FREE = "_ZN4base4test18QueryResultOrErrorD1Ev"
OK = 1				# absl::OkStatus()


class ProcessorError(Exception):
    """What Perfetto has to say against a trace or a query."""


def _words(address: int, number: int) -> List[int]:
    return list((ctypes.c_uint64 * number).from_address(address))


def _string(address: int) -> str:
    """Read a std::string: a short one lies in itself, its first byte twice its length; else that byte is odd."""
    first = ctypes.c_uint8.from_address(address).value
    if first & 1:
        _, length, where = _words(address, 3)
    else:
        length, where = first >> 1, address + 1
    return ctypes.string_at(where, length).decode()


class Processor:
    """A trace, loaded."""

    def __init__(self, library: Path, trace: bytes):
        self.library = ctypes.CDLL(str(library))
        self.this = ctypes.create_string_buffer(64)
        self.library[CONSTRUCT](self.this)
        text = ctypes.create_string_buffer(trace, len(trace))
        begin = ctypes.addressof(text)
        vector = (ctypes.c_uint64 * 3)(begin, begin + len(trace), begin + len(trace))
        status = ctypes.c_uint64(0)
        self.library[PARSE](ctypes.byref(status), self.this, vector)
        if status.value != OK:
            raise ProcessorError("Perfetto cannot load the trace")

    def query(self, sql: str) -> List[Dict[str, str]]:
        """The rows of an SQL query, all values as strings."""
        text = sql.encode()
        buffer = ctypes.create_string_buffer(text)
        string = (ctypes.c_uint64 * 3)((len(text) + 1) | 1, len(text), ctypes.addressof(buffer))
        result = ctypes.create_string_buffer(64)
        self.library[QUERY](result, self.this, string)
        address = ctypes.addressof(result)
        error = _string(address + 24)
        begin, end = _words(address, 2)
        rows = [[_string(value) for value in range(*_words(row, 2), 24)] for row in range(begin, end, 24)]
        self.library[FREE](result)
        if error:
            raise ProcessorError(error)
        return [dict(zip(rows[0], row)) for row in rows[1:]]
