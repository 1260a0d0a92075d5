"""How functions are compiled, and where the compiled ones are kept.

Numba looks at the file of a kept function alone, not at those of the functions that it calls, so an edited rule would
go unnoticed; and it looks at where that file lies and when it was written, so a copy of the same text would be compiled
again. Here a compiled function lies in a folder of the user's own that is named after what all files say that it is
made of: those that its module imports, and so on. An edit of any of them compiles it anew, and no other edit does. A
read-only installation needs no other place. A cache folder that the user has chosen (NUMBA_CACHE_DIR) is left to numba.

Compiling is most of what the first run after an installation takes, so less is compiled: a part of a kernel is never
called from Python and needs no machine code of its own, only to be there when the kernel that calls it is put together.
And nothing is asked twice: what a call with arguments of some types comes to is the same wherever it stands.

No index is ever negative here, and whether it is is not looked at: `-1` is not the last. NUMBA_BOUNDSCHECK=1 in the
environment has each index looked at, and an error where it is none.
"""

# mypy: disable-error-code="misc"
from __future__ import annotations

import atexit
import gc
import json
import os
import re
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numba
from numba.core import types
from numba.core.caching import CompileResultCacheImpl, FunctionCache
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_lock import global_compiler_lock
from numba.core.compiler_machinery import register_pass
from numba.core.runtime import rtsys
from numba.core.targetconfig import ConfigStack
from numba.core.typed_passes import NativeLowering
from numba.core.types.functions import BaseFunction
from numpy import int64

__all__ = ["inlined", "int64", "kernel", "njit", "part"]

PACKAGE: Final = Path(__file__).parents[1]

LIST: Final = "kernels.json"
"""What was kept, with hashes, when a process last left."""

LOCK: Final = "lock"
"""Held by the process that is keeping something."""

IMPORTS: Final = re.compile(r"^[ \t]*from[ \t]+(sim[.\w]*)[ \t]+import[ \t]+(?:\(([^)]*)\)|([^\n]*))", re.MULTILINE)
"""How a file of the package imports from others: the module, and what of it."""


# Where compiled functions are kept


@cache
def sources_digest(module: str) -> str:
    """A short text that differs whenever a source does that a module is made of, or the compiler."""
    said: dict[str, bytes] = {}
    to_read = [module]
    while to_read:
        name = to_read.pop()
        path = PACKAGE.joinpath(*name.split(".")[1:]).with_suffix(".py")
        if name not in said and path.is_file():
            said[name] = path.read_bytes()
            for found in IMPORTS.finditer(said[name].decode()):
                names = re.findall(r"[A-Za-z_]\w*", found[2] or found[3])
                to_read += [found[1], *(f"{found[1]}.{one}" for one in names)]
    whole = b"".join(name.encode() + said[name] for name in sorted(said))
    return sha256(numba.__version__.encode() + whole).hexdigest()[:16]


def _user_cache() -> Path:
    """The folder for caches of this user, as the system has it."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home()))
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))


@cache
def folder_of(module: str) -> Path:
    """A folder to keep the kernels of a module in: the user's, or where none can be written, one of this process alone.

    Never one that others could write to: what is kept there is run.
    """
    try:
        folder = _user_cache() / "tipline" / sources_digest(module)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not (_private(folder) and _private(folder.parent)):
            raise PermissionError(f"others could write to {folder}")
        with tempfile.TemporaryFile(dir=folder):
            heal(folder)
            atexit.register(_list, folder)
            return folder
    except (OSError, RuntimeError):
        folder = Path(tempfile.mkdtemp(prefix="tipline-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        return folder


def lacks(module: str) -> bool:
    """Whether nothing compiled of a module is kept yet where other processes would find it."""
    shared = not (numba.config.CACHE_DIR or numba.config.DISABLE_JIT)
    folder = folder_of(module)
    return shared and folder.name == sources_digest(module) and not any(folder.glob("*.nbi"))


def _private(folder: Path) -> bool:
    """Whether a folder is this user's, and nobody else's to write to."""
    found = folder.stat()
    return sys.platform == "win32" or (found.st_uid == os.geteuid() and not found.st_mode & 0o022)


def heal(folder: Path) -> None:
    """Take away kept kernels that are not as they were when the folder was last listed: they are compiled anew."""
    listed = _listed(folder)
    for name, hashed in _hashes(folder).items():
        if not (folder / name).stat().st_size or listed.get(name, hashed) != hashed:
            (folder / name).unlink(missing_ok=True)


def _listed(folder: Path) -> dict[str, str]:
    try:
        told = json.loads((folder / LIST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _list(folder: Path) -> None:
    """Note what is in the folder, as this process leaves it; where that cannot be done nothing is noted."""
    found = _hashes(folder)
    if not found or found == _listed(folder):
        return
    with suppress(OSError), tempfile.NamedTemporaryFile("w", dir=folder, delete=False, encoding="utf-8") as file:
        json.dump(found, file)
        os.replace(file.name, folder / LIST)


def _hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every kept kernel and index, by its name below the folder."""
    kept = (path for ending in ("nbi", "nbc") for path in sorted(folder.rglob(f"*.{ending}")))
    return {path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest() for path in kept}


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Keep other processes out of a folder, where the system has locks of that kind."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    with ExitStack() as held:
        with suppress(OSError):
            fcntl.flock(held.enter_context((folder / LOCK).open("wb")), fcntl.LOCK_EX)
        yield


class _Place:
    """Where numba finds a kept function, in the words in which it asks."""

    def __init__(self, function: Callable[..., Any]):
        self._line = function.__code__.co_firstlineno
        self._module = function.__module__

    @classmethod
    def from_function(cls, function: Callable[..., Any], _file: str) -> _Place:
        return cls(function)

    def ensure_cache_path(self) -> None:
        """It is there: `folder_of` has made it."""

    def get_cache_path(self) -> str:
        return str(folder_of(self._module))

    def get_source_stamp(self) -> str:
        return sources_digest(self._module)

    def get_disambiguator(self) -> str:
        return str(self._line)


class _KeptImpl(CompileResultCacheImpl):
    _locator_classes = [_Place]  # noqa: RUF012

    def reduce(self, cres: Any) -> Any:
        """As numba's, but for what it keeps of the modules of functions that are compiled into this one: where these
        hold nothing that the machine code reads, they would only be imported."""
        *told, environments = super().reduce(cres)
        return *told, tuple(one for one in environments if one.consts)


class _Kept(FunctionCache):
    """The compiled forms of a function that were kept."""

    _impl_class = _KeptImpl

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """As numba's, but what translates functions is not made ready for one that is translated already.

        That would import half of numba, and scipy's linear algebra, for a twentieth of a short run; the compiler does
        it itself as soon as there is something to compile. What allocates needs numba's memory.
        """
        rtsys.initialize(target_context)
        with self._guard_against_spurious_io_errors():
            return self._load_overload(sig, target_context)

    def save_overload(self, sig: Any, data: Any) -> None:
        """As numba's, but one process at a time: of two that keep different forms of one function at once, the list of
        the one would name the file of the other."""
        with _alone_in(Path(self.cache_path)):
            super().save_overload(sig, data)


# How functions are compiled


def njit(function: Callable[..., Any] | None = None, *, cache: bool = False, **options: Any) -> Any:
    """As numba's, but what it compiles is kept as said above, where `cache` asks for it."""

    def compiled(function: Callable[..., Any]) -> Any:
        made = numba.njit(**options)(function)
        if cache and made is not function:  # it is where numba is switched off
            if numba.config.CACHE_DIR:
                made.enable_caching()
            else:
                made._cache = _Kept(function)
            compile_one = made.compile

            def compile_it(signature: Any) -> Any:
                with _undisturbed():
                    return compile_one(signature)

            made.compile = compile_it
        return made

    return compiled if function is None else compiled(function)


_compiling: int = 0
_collects: bool = False
_counting: Final = threading.Lock()
_found: Final[dict[Any, Any]] = {}
"""What calls came to, by function, types of arguments, and the way to compile, as words."""
_ways: Final[dict[int, tuple[Any, str]]] = {}
"""These words, by the number of the object that says the way, which is kept so that no other gets its number."""

RESOLVE: Final = "get_call_type"
"""The name by which numba asks what a call comes to."""

_resolve: Final[Callable[..., Any]] = getattr(BaseFunction, RESOLVE)


def _resolve_once(function: Any, context: Any, arguments: Any, named: Any) -> Any:
    """As numba finds what a call comes to, which tries dozens of candidates in turn, for an index as for a sum."""
    how = ConfigStack.top_or_none()
    _, told = _ways.get(id(how)) or _ways.setdefault(id(how), (how, repr(how)))
    call = function, context, tuple(arguments), tuple(named.items()), told
    found = _found.get(call)
    if found is None:
        found = _found[call] = _resolve(function, context, arguments, named)
    return found


@contextmanager
def _undisturbed() -> Iterator[None]:
    """While functions are compiled, let Python not look for garbage, since the millions of objects are mostly none yet,
    and numba not look again for what it has found.

    The one takes a sixth of the time otherwise, the other an eighth.
    """
    global _compiling, _collects
    _take_indices_as_they_are()
    with _counting:
        if _compiling == 0:
            _collects = gc.isenabled()
            gc.disable()
            setattr(BaseFunction, RESOLVE, _resolve_once)
        _compiling += 1
    try:
        yield
    finally:
        with _counting:
            _compiling -= 1
            if _compiling == 0:
                setattr(BaseFunction, RESOLVE, _resolve)
                if _collects:
                    gc.enable()


OURS: Final = f"_ZN{len(PACKAGE.name)}{PACKAGE.name}"
"""How the name of each function of the package begins that is compiled."""


@cache
def _take_indices_as_they_are() -> None:
    """Have numba compile it so that an index of ours counts from the beginning; those of others are as ever.

    To find that out at each use took two fifths of the time of the engine. It comes with the compiler, which what is
    compiled already does not need.
    """
    from numba.np import arrayobj

    from_the_end = arrayobj.fix_integer_index

    def as_it_is(context: Any, builder: Any, its_type: Any, index: Any, size: Any) -> Any:
        if builder.function.name.startswith(OURS):
            return context.cast(builder, index, its_type, types.intp)
        return from_the_end(context, builder, its_type, index, size)

    arrayobj.fix_integer_index = as_it_is


def _let_nobody_compile() -> None:
    global_compiler_lock.acquire()
    _counting.acquire()


def _let_compile() -> None:
    _counting.release()
    global_compiler_lock.release()


if hasattr(os, "register_at_fork"):
    # A copy of this process has no other thread: made while one compiles, it would wait for that one for ever.
    os.register_at_fork(before=_let_nobody_compile, after_in_parent=_let_compile, after_in_child=_let_compile)


class _PartLibrary(JITCodeLibrary):
    """The code of a part, as it was translated: what it is put into optimises it with all the rest."""

    def finalize(self) -> None:
        self._raise_if_finalized()
        for library in dict.fromkeys(self._linking_libraries):
            self._final_module.link_in(library._get_module_for_linking(), preserve=True)
        self._finalized = True


@register_pass(mutates_CFG=True, analysis_only=False)
class _TranslatePart(NativeLowering):
    """The last step of compiling a part: no machine code, and nothing by which Python or C could call it."""

    _name = "translate_part"

    def run_pass(self, state: Any) -> bool:
        state.library = _PartLibrary(state.targetctx.codegen(), state.func_id.func_qualname)
        state.flags.no_compile = state.flags.no_cpython_wrapper = state.flags.no_cfunc_wrapper = True
        super().run_pass(state)
        # What stands for it among its callers has to be a function of C; nobody calls this one.
        stands_for_it = list[object]().index
        state.targetctx.insert_user_function(stands_for_it, state.cr.fndesc, [state.library])
        state.cr = state.cr._replace(cfunc=stands_for_it)
        return True


UNUSED: Final = {
    "InlineClosureLikes",
    "InlineInlinables",
    "InlineOverloads",
    "LiteralUnroll",
    "MakeFunctionToJitFunction",
    "NopythonRewrites",
    "WithLifting",
}
"""Steps for what no part has: closures, sums of whole arrays, blocks of `with`. Together a fifteenth of the time."""


class _PartCompiler(CompilerBase):
    """Numba's own steps, but for the last, and those that find nothing to do."""

    def define_pipelines(self) -> list[Any]:
        steps = DefaultPassBuilder.define_nopython_pipeline(self.state)
        steps.passes = [
            (_TranslatePart, "translate a part") if one is NativeLowering else (one, told)
            for one, told in steps.passes
            if one.__name__ not in UNUSED
        ]
        steps.finalize()
        return [steps]


kernel = njit(cache=True, nogil=True, _nrt=False)
"""A compiled function that allocates nothing: arrays are its caller's, so that nobody has to count who holds them."""

part = njit(_nrt=False, pipeline_class=_PartCompiler)
"""A function that kernels call, and Python never does."""

inlined = njit(_nrt=False, forceinline=True, pipeline_class=_PartCompiler)
"""A part that has a name only to be read: it is compiled as if it stood where it is called."""
