# SPDX-License-Identifier: GPL-2.0-only
"""Find the timers of drivers, and tell which of them io_timeout.h or iotimer.h can replace.

This reads the text of the files, so it takes seconds for all drivers of a kernel. It knows the
kernel's coding style: a function's body begins and ends with a brace in the first column.
"""

import functools
import os
import re
from collections import namedtuple

# Why a timer is left alone. The first that applies is reported.
REASONS = {
    "global": "one for the whole driver, or on the stack: shares no tick with other devices",
    "variable": "an element of an array, or reached through a variable",
    "nested": "inside a struct within the driver's struct",
    "elsewhere": "its struct, its callback or what arms it is in no file that was looked at",
    "same-name": "two structs in these files have a timer of this name",
    "flags": "set up with flags, which a tick has not",
    "shared": "the callback serves several timers, or is passed on",
    "body": "the callback does more with its timer than find its struct",
    "macro": "runs through a macro",
    "use": "used in a way that no countdown has",
    "value": "the value of mod_timer() is used",
    "unknown": "no place shows how long it is",
    "subsecond": "shorter than a second",
    "slow": "a period above a second: a tick each second would cost more",
    "postponed": "armed in other places than a start, which may postpone its call; a started iotimer goes on",
    "first": "the first call is not due a second after the start",
    "many": "a device has many of its struct, or each request sets it up: one iotimer must serve all",
    "delay": "only the driver's end clears it: a delay, not a time-out",
    "spatch": "the semantic patch does not match all of it",
}

SETUP = ("timer_setup", "timer_setup_on_stack", "DEFINE_TIMER")
ARM = ("mod_timer", "add_timer")
CLEAR = ("del_timer", "del_timer_sync", "timer_delete", "timer_delete_sync", "timer_shutdown", "timer_shutdown_sync")
FIND = ("from_timer", "timer_container_of", "container_of")
KNOWN = SETUP + ARM + CLEAR + ("timer_pending",)
CALL = re.compile(r"\b(" + "|".join(KNOWN) + r")\s*\(")

# A word in the name of a function that ends a device, stops it for long, or begins it: a clear there is
# no sign of a request that is done.
TEARDOWN = set("remove exit close stop free destroy release shutdown suspend disconnect detach clean cleanup unregister "
               "deinit uninit fini kill down unload quiesce disable dispose unbind delete probe init attach teardown "
               "die halt dead flush term unlink off unregister unprobe del deactivate purge".split())

# A word in the name of a struct of which a device has many, that come and go.
MANY = set("request req cmd command event urb conn connection peer ep endpoint session sta tid qp rport file".split())

# A word in the name of a function that starts a device, so its watchdog does not run yet.
START = set("probe init open start up resume attach bind connect enable setup create add restore register".split())

# Headers that stand elsewhere, by their name.
given = {}

Call = namedtuple("Call", "source pos name args")
Function = namedtuple("Function", "name head start end")
Member = namedtuple("Member", "source pos struct nested plain")


class Source:
    """A file, without comments and strings, and what stands in it."""

    def __init__(self, path):
        self.path = path
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            self.text = file.read()

    @functools.cached_property
    def code(self):
        return re.sub(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'",
                      lambda found: re.sub(r"[^\n]", " ", found[0]), self.text, flags=re.DOTALL)

    def line(self, pos):
        return self.text.count("\n", 0, pos) + 1

    @functools.cached_property
    def functions(self):
        found = []
        for brace in re.finditer(r"^\{", self.code, re.MULTILINE):
            before = self.code[max(0, brace.start() - 2000):brace.start()]
            head = re.split(r"\n\s*\n|;|\}|^#.*$", before, flags=re.MULTILINE)[-1]
            name = re.search(r"(\w+)\s*\(", head)
            end = self.code.find("\n}", brace.end())
            if name and end >= 0:
                found.append(Function(name[1], head, brace.end(), end))
        return found

    def in_loop(self, pos):
        """Does a loop stand around this, in its function?"""
        function, depth = self.function_at(pos), 0
        code = self.code[function.start:pos] if function else ""
        heads = [code]
        for brace in reversed(list(re.finditer(r"[{}]", code))):
            depth += 1 if brace[0] == "}" else -1
            if depth < 0:
                depth = 0
                heads.append(code[:brace.start()])
        return any(re.search(r"\b(for|while|\w*for_each\w*)\s*\(.*\)\s*$|\bdo\s*$",
                             re.split(r"[{}]|;(?![^()]*\))", head)[-1], re.DOTALL) for head in heads)

    def function_at(self, pos):
        return next((function for function in self.functions if function.start <= pos < function.end), None)

    @functools.cached_property
    def calls(self):
        return [Call(self, call.start(), call[1], arguments(self.code, call.end())) for call in CALL.finditer(self.code)]

    @functools.cached_property
    def defines(self):
        joined = self.code.replace("\\\n", " ")
        return dict(re.findall(r"^[ \t]*#[ \t]*define[ \t]+(\w+)[ \t]+(\S[^\n]*)$", joined, re.MULTILINE))

    @functools.cached_property
    def members(self):
        """Of each name the struct members that are timers."""
        found = {}
        for declaration in re.finditer(r"\bstruct\s+timer_list\s+([^;(){}]+);", self.code):
            struct, nested = enclosing(self.code, declaration.start())
            for name in declaration[1].split(","):
                word = re.search(r"\w+", name)
                plain = "," not in declaration[1] and not re.search(r"[*\[=]", name)
                if struct is not None and word:
                    found.setdefault(word[0], []).append(Member(self, declaration.start(), struct, nested, plain))
        return found

    def in_macro(self, pos):
        """Does this stand in a #define?"""
        start = self.text.rfind("\n", 0, pos) + 1
        while start > 1 and self.text[start - 2] == "\\":
            start = self.text.rfind("\n", 0, start - 1) + 1
        return bool(re.match(r"\s*#\s*define\b", self.text[start:pos]))

    def includes(self):
        return re.findall(r'^\s*#\s*include\s+"([^"]+)"', self.text, re.MULTILINE)


@functools.lru_cache(None)
def source_of(path):
    return Source(path)


def arguments(code, start):
    """The arguments of a call whose opening parenthesis ends at start, white space made one blank."""
    depth, begin, found = 0, start, []
    for pos in range(start, min(len(code), start + 2000)):
        if code[pos] in "([{":
            depth += 1
        elif code[pos] in ")]}" and depth:
            depth -= 1
        elif code[pos] in "),;" and not depth:
            found.append(" ".join(code[begin:pos].split()))
            begin = pos + 1
            if code[pos] != ",":
                break
    return found


def enclosing(code, pos):
    """The tag of the struct around pos ("" if it has none), or None; is that struct within another?"""
    depth, tags = 0, []
    for brace in reversed(list(re.finditer(r"[{}]", code[max(0, pos - 60000):pos]))):
        if brace[0] == "}":
            depth += 1
        elif depth:
            depth -= 1
        else:
            head = code[max(0, pos - 60000):pos][:brace.start()]
            tag = re.search(r"\b(?:struct|union)(?:\s+(\w+))?\s*(?:__\w+\s*)*$", head)
            if not tag:
                break
            tags.append(tag[1] or "")
    return (tags[0] if tags else None), len(tags) > 1


def member_of(argument):
    """The base and the member in "&base->member", or None."""
    found = re.fullmatch(r"&\(?(.+?)\s*(?:->|\.)\s*(\w+)\)?", argument)
    return (found[1], found[2]) if found else None


@functools.lru_cache(None)
def unit_of(path):
    return Unit(path)


class Unit:
    """A file, the headers beside it, and the other files that use the same members."""

    def __init__(self, path):
        self.main = source_of(path)
        self.headers = []
        waiting = [self.main]
        while waiting:
            source = waiting.pop()
            for name in source.includes():
                header = os.path.normpath(os.path.join(os.path.dirname(source.path), name))
                if not os.path.isfile(header):
                    header = given.get(os.path.basename(name), "")
                if os.path.isfile(header) and source_of(header) not in self.headers:
                    self.headers.append(source_of(header))
                    waiting.append(source_of(header))

    def members(self, name):
        return [member for source in [self.main, *self.headers] for member in source.members.get(name, [])]

    def files_for(self, member, words):
        """The sources that see the member's struct and hold one of the words."""
        if member.source is self.main:
            return [self.main]
        found = [self.main, member.source]
        word = re.compile(r"\b(" + "|".join(words) + r")\b")
        for path in beside(os.path.dirname(self.main.path)) | beside(os.path.dirname(member.source.path)):
            # The text first: to take all comments out of all files would take minutes.
            if not path.endswith(".c") or not any(name in source_of(path).text for name in words):
                continue
            unit = unit_of(path)
            if member.source in unit.headers:
                found += [source for source in [unit.main, *unit.headers] if word.search(source.code)]
        return sorted(set(found), key=lambda source: source.path)


@functools.lru_cache(None)
def beside(folder):
    """All source files in this folder and below."""
    return frozenset(os.path.join(path, name) for path, _, names in os.walk(folder)
                     for name in names if name.endswith((".c", ".h")))


# A jiffy is a millisecond here.
CONSTANTS = {"HZ": "1000", "MSEC_PER_SEC": "1000", "USEC_PER_SEC": "1000000", "NSEC_PER_SEC": "1000000000",
             "USEC_PER_MSEC": "1000", "NSEC_PER_MSEC": "1000000", "NSEC_PER_USEC": "1000", "TICK_NSEC": "1000000"}


def seconds(expression, unit, depth=0):
    """How many seconds a C expression of jiffies is, None if that cannot be told."""
    text = re.sub(r"\(\s*(?:unsigned |signed )*(?:long|int|u32|u64)\s*\)", "", expression)
    text = re.sub(r"\b(\d+)[uUlL]+\b", r"\1", text)
    factors = {"msecs_to_jiffies": "", "secs_to_jiffies": "1000*", "usecs_to_jiffies": "(1/1000)*"}
    for name, factor in factors.items():
        text = re.sub(rf"\b{name}\s*\(", f"{factor}(", text)
    for word in set(re.findall(r"\b[A-Za-z_]\w*", text)):
        value = CONSTANTS.get(word)
        for source in [unit.main, *unit.headers]:
            value = value or source.defines.get(word)
        if value is None or depth > 8:
            return None
        text = re.sub(rf"\b{word}\b", lambda _, value=value: f"({value})", text)
    if re.search(r"[A-Za-z_]", text):
        return None if depth > 8 else seconds(text, unit, depth + 1)
    if not re.fullmatch(r"[0-9+\-*/()\s]+", text) or "**" in text or "//" in text:
        return None
    try:
        return eval(text, {"__builtins__": {}}) / 1000    # pylint: disable=eval-used
    except (SyntaxError, ArithmeticError, TypeError):
        return None


def delay(expires, unit):
    """How many seconds after now a time lies, None if that cannot be told."""
    rounded = re.fullmatch(r"round_jiffies(?:_up)?\((.*)\)", expires)
    expires = rounded[1] if rounded else expires
    if expires == "jiffies":
        return 0
    for source in [unit.main, *unit.headers]:
        if "jiffies" in source.defines.get(expires, ""):
            return delay(re.sub(r"^\((.*)\)$", r"\1", source.defines[expires].strip()), unit)
    added = re.fullmatch(r"jiffies \+ (.*)", expires) or re.fullmatch(r"(.*) \+ jiffies", expires)
    return seconds(added[1], unit) if added else None


@functools.lru_cache(None)
def assigned(leaf, source, function, files):
    """What is assigned to a member anywhere, or to a variable in its function, or passed as it: expression, source, function."""
    name = re.split(r"->|\.", leaf)[-1]
    found = []
    if name != leaf:
        for other in files:
            for place in re.finditer(rf"(?:->|\.)\s*{name}\s*[+|]?=(?!=)\s*", other.code):
                found += [(text, other, other.function_at(place.start())) for text in arguments(other.code, place.end())[:1]]
        return found

    def assigned_in(code):
        return [(text, source, function) for place in re.finditer(rf"(?<![\w.>]){name}\s*[+|]?=(?!=)\s*", code)
                for text in arguments(code, place.end())[:1]]

    found = assigned_in(source.code[function.start:function.end]) if function else []
    names = parameters(function) if function else []
    if name in names:
        return found + passed(function.name, names.index(name), len(names), files)
    # A variable of the file is looked for if the function assigns nothing.
    return found or assigned_in(source.code)


def parameters(function):
    return [re.sub(r".*\W", "", one) for one in arguments(function.head, function.head.find("(") + 1)]


def passed(name, number, count, files):
    """What these files' calls of a function pass as its argument of this number."""
    found = []
    for source in files:
        for call in re.finditer(rf"\b{name}\s*\(", source.code):
            function, given_here = source.function_at(call.start()), arguments(source.code, call.end())
            if function and len(given_here) == count:
                found.append((given_here[number], source, function))
    return found


def lengths(expression, source, function, unit, files, depth=0):
    """The lengths in seconds that can be told, when what is assigned to its variables is put in their place."""
    choice = re.search(r"\([^()?]*\?([^()?:]*):([^()?:]*)\)", expression)
    if choice:
        return [length for arm in choice.groups() for length in lengths(
            f"{expression[:choice.start()]}({arm}){expression[choice.end():]}", source, function, unit, files, depth)]
    length = seconds(re.sub(r"\bjiffies\b", "0", expression), unit)
    if length is not None:
        return [length]
    for leaf in re.finditer(r"[A-Za-z_]\w*(?:(?:->|\.)\w+)*\b(?!\s*\()", expression):
        if leaf[0] == "jiffies" or seconds(leaf[0], unit) is not None:
            continue
        found = assigned(leaf[0], source, function, files) if depth < 4 else []
        # What is assigned in so many places is the name of many things.
        return [length for text, other, there in found if len(found) <= 12 and len(text) < 200
                for length in lengths(f"{expression[:leaf.start()]}({text}){expression[leaf.end():]}",
                                      other, there, unit, files, depth + 1)]
    return []


class Timer:
    """A timer_setup(), and what becomes of it: kind is "request", "watchdog", or None with a reason."""

    def __init__(self, unit, call):
        self.unit, self.call = unit, call
        self.source, self.where = call.source, f"{call.source.path}:{call.source.line(call.pos)}"
        self.fn = call.args[1] if len(call.args) > 1 else ""
        member = member_of(call.args[0])
        self.base, self.name = member or (None, re.sub(r"\W+", " ", call.args[0]).split()[-1])
        self.kind = self.reason = None
        self.at, self.note = self.where, ""
        self.files, self.struct, self.unknown_limits = [], "", 0
        try:
            self.judge(member)
        except Left as left:
            self.leave(left.reason, left.note)
            if left.source:
                self.at = f"{left.source.path}:{left.source.line(left.pos)}"

    def leave(self, reason, note=""):
        self.kind, self.reason, self.note = None, reason, note

    def judge(self, member):
        if self.source.in_macro(self.call.pos):
            raise Left("macro")
        if not member:
            simple = re.fullmatch(r"&\w+", self.call.args[0]) and self.call.name == "timer_setup"
            raise Left("global" if simple or self.call.name != "timer_setup" else "variable", note=self.call.args[0])
        if not re.fullmatch(r"\w+", self.fn):
            raise Left("elsewhere", note="its callback")
        self.find_struct()
        self.find_callback()
        if self.call.args[2:] != ["0"]:
            raise Left("flags", note=" ".join(self.call.args[2:]))
        self.find_uses()
        self.tell_kind()

    def find_struct(self):
        found = self.unit.members(self.name)
        if not found:
            raise Left("elsewhere", note="its struct")
        if len({(member.source.path, member.struct) for member in found}) > 1:
            raise Left("same-name", found[1].source, found[1].pos)
        member = found[0]
        if member.nested or not member.struct:
            raise Left("nested", member.source, member.pos)
        if not member.plain:
            raise Left("variable", member.source, member.pos)
        self.struct, self.files = member.struct, self.unit.files_for(member, [self.name, self.fn])
        for source in self.files:
            for other in source.members.get(self.name, []):
                if other.source is not member.source or other.struct != member.struct:
                    raise Left("same-name", other.source, other.pos)

    def find_callback(self):
        found = [(source, f) for source in self.files for f in source.functions if f.name == self.fn]
        if len(found) != 1:
            raise Left("elsewhere", note="its callback")
        self.home, self.callback = found[0]
        body = self.home.code[self.callback.start:self.callback.end]
        parameter = re.search(r"struct\s+timer_list\s*\*\s*(\w+)\s*\)", self.callback.head)
        if not parameter:
            raise Left("body", self.home, self.callback.start)
        self.parameter = parameter[1]
        found = [(call, arguments(body, call.end())) for call in re.finditer(r"\b(" + "|".join(FIND) + r")\s*\(", body)]
        found = [(call, args) for call, args in found if len(args) == 3 and self.parameter in args[:2]]
        if len(found) != 1:
            raise Left("body", self.home, self.callback.start)
        if found[0][1][2] != self.name:
            raise Left("nested", self.home, self.callback.start, note=found[0][1][2])
        rest = re.sub(rf"\b(mod|add)_timer\s*\(\s*{self.parameter}\b", "", body)
        if len(re.findall(rf"\b{self.parameter}\b", rest)) > 1:
            raise Left("body", self.home, self.callback.start)
        for source in self.files:
            self.check_names(source)

    def check_names(self, source):
        """The callback may be set up, declared, defined and called, each with this member."""
        for word in re.finditer(rf"\b{self.fn}\b", source.code):
            rest = source.code[word.end():].lstrip()
            call = next((c for c in source.calls if c.name in SETUP and c.pos < word.start()
                         < c.pos + 400 and c.args[1:2] == [self.fn]), None)
            if call and member_of(call.args[0]) and member_of(call.args[0])[1] == self.name:
                continue
            if call or not rest.startswith("("):
                raise Left("shared", source, word.start())
            args = arguments(source.code, source.code.index("(", word.end()) + 1)
            if not re.match(r"struct timer_list", args[0]) and (member_of(args[0]) or ("", ""))[1] != self.name:
                raise Left("shared", source, word.start())

    def find_uses(self):
        """Sort all uses of the member: calls that are known, times, and what is neither."""
        self.arms, self.clears, self.expiries = [], [], []
        other_type = any(re.search(rf"\b(?!timer_list\b)\w+\s+\**{self.name}\s*;", source.code) for source in self.files)
        for source in self.files:
            known = {match.end() for match in re.finditer(rf"\b{self.fn}\s*\(\s*&[^;()]*?(?=\b{self.name}\s*\))", source.code)}
            for call in source.calls:
                if not call.args or (member_of(call.args[0]) or ("", ""))[1] != self.name:
                    continue
                if source.in_macro(call.pos):
                    raise Left("macro", source, call.pos)
                known.add(source.code.index(self.name, source.code.index("(", call.pos)))
                if call.name in ARM:
                    self.arms.append(call)
                elif call.name in CLEAR:
                    self.clears.append(call)
                elif call.name in SETUP and call.args[1:2] != [self.fn]:
                    raise Left("shared", source, call.pos)
            for use in re.finditer(rf"(?:->|\.)\s*({self.name})\b", source.code):
                expires = re.match(r"\.expires\s*=(?!=)\s*([^;]*);", source.code[use.end():])
                if expires:
                    self.expiries.append(Call(source, use.start(), "expires", ["", " ".join(expires[1].split())]))
                elif not any(start <= use.start(1) <= start + 120 and source.code[start:use.end()].count(";") == 0
                             for start in known) and not other_type and not source.in_macro(use.start()):
                    raise Left("use", source, use.start())
        inside = range(self.callback.start, self.callback.end)
        self.arms += [call for call in self.home.calls if call.name in ARM and call.pos in inside
                      and call.args[0] == self.parameter]
        self.again = [call for call in self.arms if call.source is self.home and call.pos in inside]

    def times(self, calls):
        """For each call that arms, where it does and how many seconds later the timer expires."""
        for call in calls:
            if call.name == "mod_timer":
                yield call, delay(call.args[1], self.unit)
        if any(call.name == "add_timer" for call in calls):
            names = {call.source.function_at(call.pos) for call in calls if call.name == "add_timer"}
            for call in self.expiries:
                if call.source.function_at(call.pos) in names:
                    yield call, delay(call.args[1], self.unit)

    def tell_kind(self):
        if not self.arms:
            raise Left("elsewhere", note="what arms it")
        for call in self.arms:
            if re.search(r"[=!(,&|?]\s*$|\breturn\s*$", source_before(call)) and not re.search(
                    r"\b(if|while|for)\s*\([^;{}]*\)\s*$", source_before(call)):
                raise Left("value", call.source, call.pos)
        if self.again:
            self.tell_watchdog()
        else:
            self.tell_request()

    def tell_watchdog(self):
        if re.fullmatch(r"&\w+\.\w+", self.call.args[0]):
            raise Left("global", note=self.call.args[0])
        for call, length in self.times(self.again):
            if length is None:
                raise Left("unknown", call.source, call.pos, call.args[1])
            if length != 1:
                raise Left("subsecond" if length < 1 else "slow", call.source, call.pos, call.args[1])
        for call, length in self.times([call for call in self.arms if call not in self.again]):
            if length != 1:
                raise Left("unknown" if length is None else "first", call.source, call.pos, call.args[1])
        if self.source.in_loop(self.call.pos):
            raise Left("many")
        for call in self.arms:
            function = call.source.function_at(call.pos)
            if call not in self.again and function and not self.starts(call, function):
                raise Left("postponed", call.source, call.pos)
        self.kind = "watchdog"

    def starts(self, call, function):
        """Does the watchdog rest where this call arms it?"""
        asked = re.search(rf"!\s*timer_pending\s*\([^;]*\b{self.name}\s*\)", call.source.code[function.start:call.pos])
        return bool(asked or set(function.name.lower().split("_")) & START)

    def tell_request(self):
        longest = []
        for call, length in self.times(self.arms):
            if "usecs_to_jiffies" in call.args[1] if length is None else length < 1:
                raise Left("subsecond", call.source, call.pos, call.args[1])
            self.unknown_limits += length is None
            longest += lengths(call.args[1], call.source, call.source.function_at(call.pos), self.unit, tuple(self.files)) if length is None else [length]
        if any(0 < length < 1 for length in longest) or max(longest, default=1) < 1:
            raise Left("subsecond")
        if not longest:
            raise Left("unknown")
        if self.has_many():
            raise Left("many")
        ends = {function.name for call in self.clears if (function := call.source.function_at(call.pos))}
        if not any(self.ends_request(name) for name in ends - {self.fn}):
            raise Left("delay")
        self.kind = "request"

    def has_many(self):
        """Does a device have many of these timers? Then the driver's routine must walk them, which is no rewriting."""
        here = self.source.function_at(self.call.pos)
        return bool(set(self.struct.lower().split("_")) & MANY or self.source.in_loop(self.call.pos)
                    or any(call.source is self.source and here is self.source.function_at(call.pos) for call in self.arms))

    def ends_request(self, name, depth=0):
        """Is this a function that runs when a request is done? What only clears timers is judged by its callers."""
        words = set(re.split("_|(?<=[a-z])(?=[A-Z])", name.lower()))
        if not words & {"timer", "timers", "timeout", "watchdog", "tmr", "wd"}:
            return not words & TEARDOWN
        callers = {function.name for source in self.files for function in source.functions
                   if re.search(rf"\b{name}\s*\(", source.code[function.start:function.end])} - {name, self.fn}
        return any(self.ends_request(caller, depth + 1) for caller in callers) if depth < 3 else True


class Left(Exception):
    """The timer is left alone."""

    def __init__(self, reason, source=None, pos=0, note=""):
        super().__init__(reason)
        self.reason, self.source, self.pos, self.note = reason, source, pos, note


def source_before(call):
    return call.source.code[max(0, call.pos - 200):call.pos]


def timers_of(path):
    """All timers that this file sets up."""
    source = source_of(path)
    setups = [call for call in source.calls if call.name in SETUP and call.args]
    if not setups:
        return []
    unit = unit_of(path)
    return [Timer(unit, call) for call in setups if not re.search(r"\bstruct\b|\bvoid\b", call.args[0])]
