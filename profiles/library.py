"""The files of profiles: where they are looked for, reading and writing them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import Literal

import platformdirs

from .base.errors import ProfileError
from .base.files import write_private
from .loader import read_text, write_text
from .paths import named_as_in, task_reference
from .schema import Profile

__all__ = ["BrokenProfile", "LoadedProfile", "Place", "list_profiles", "load", "places", "save", "task_reference"]

MAX_BYTES = 1_000_000
_SUFFIX = ".toml"

Place = Literal["file", "project", "user", "shipped"]


@dataclass(frozen=True, slots=True)
class LoadedProfile:
    """A profile and the file that it was read from.

    Args:
        name: The file's name without `.toml`.
        path: The file, absolute.
        profile: What it says, overrides applied.
        text: The file's own text, without overrides.
        place: Where it was found; `file` where a path was given.
        shadowed: Whether a profile of the same name stands before it in the order of lookup.
    """

    name: str
    path: Path
    profile: Profile
    text: str
    place: Place = "file"
    shadowed: bool = False


@dataclass(frozen=True, slots=True)
class BrokenProfile:
    """A file that is no valid profile, and why."""

    name: str
    path: Path
    error: ProfileError
    place: Place = "file"
    shadowed: bool = False


def places(cwd: Path | None = None) -> tuple[tuple[Place, Path], ...]:
    """The folders in which names are looked up, in that order.

    Args:
        cwd: The folder whose `profiles/` comes first; the working folder when left out.
    """
    return (
        ("project", (cwd or Path.cwd()) / "profiles"),
        ("user", platformdirs.user_config_path("proctor") / "profiles"),
        ("shipped", Path(str(resources.files(f"{__package__}.shipped")))),
    )


def load(reference: str, *, overrides: Sequence[str] = (), cwd: Path | None = None) -> LoadedProfile:
    """Find and read a profile.

    Args:
        reference: An existing file, or a path (anything with a `/` or ending in `.toml`), or else a name, looked up in
            `./profiles/`, the user's configuration folder and the shipped profiles.
        overrides: `key=value` each, applied before validation, see `apply_overrides`.
        cwd: What relative paths are relative to; the working folder when left out.

    Raises:
        ProfileError: There is no such profile, or it is not valid; `details` has every problem.
    """
    cwd = cwd or Path.cwd()
    path = cwd / os.path.expanduser(reference)
    if "/" in reference or reference.endswith(_SUFFIX) or os.path.isfile(path):
        return _read(path, _label(path, cwd), "file", overrides)
    for place, folder in places(cwd):
        path = folder / f"{reference}{_SUFFIX}"
        if os.path.lexists(path):
            return _read(path, _label(path, cwd), place, overrides)
    raise _not_found(reference, cwd)


def list_profiles(cwd: Path | None = None) -> tuple[LoadedProfile | BrokenProfile, ...]:
    """Every profile that a name can mean, in the order of lookup, and by name in each place; the shadowed are marked.

    Args:
        cwd: The folder whose `profiles/` comes first; the working folder when left out.
    """
    cwd = cwd or Path.cwd()
    found: list[LoadedProfile | BrokenProfile] = []
    names: set[str] = set()
    for place, path in _files(cwd):
        shadowed = path.stem in names
        names.add(path.stem)
        try:
            loaded = _read(path, _label(path, cwd), place)
            found.append(LoadedProfile(loaded.name, loaded.path, loaded.profile, loaded.text, place, shadowed))
        except ProfileError as error:
            found.append(BrokenProfile(path.stem, path, error, place, shadowed))
    return tuple(found)


def save(profile: Profile, path: Path, *, base: Path | None = None) -> None:
    """Write a profile, atomically and readable by its owner only; missing folders are made.

    Everything that was set is written and comes back the same from `load`; fields that are `None` or were never
    set are left out. Paths of tasks are written as they are, so they are relative to the new file's folder from then
    on; those of the base mean the same files as there.

    Args:
        profile: The profile.
        path: The file.
        base: The file that it was made from, if any: its comments, its order and its layout are kept, and only what
            differs is written anew. One that cannot be read any more is none.

    Raises:
        ProfileError: The profile could not be loaded again as it is, holds what looks like a token or what TOML has no
            form for, or the file cannot be written.
    """
    label = _label(path, Path.cwd())
    text: str | None = None
    if base is not None:
        try:
            loaded = _read(base, _label(base, Path.cwd()), "file")
        except ProfileError:
            pass
        else:
            text, profile = loaded.text, named_as_in(loaded.profile, loaded.path, profile, path)
    text = write_text(profile, label, path, base=text)
    target = Path(os.path.realpath(path))  # a link stays a link
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_private(target, text.encode())
    except OSError as error:
        raise ProfileError(f"{label}: cannot be written: {error.strerror}") from error


def _files(cwd: Path) -> Iterator[tuple[Place, Path]]:
    for place, folder in places(cwd):
        if folder.is_dir():
            for path in sorted(folder.glob(f"*{_SUFFIX}")):
                if not path.name.startswith("."):
                    yield place, path


def _read(path: Path, label: str, place: Place, overrides: Sequence[str] = ()) -> LoadedProfile:
    text = _decode(_bytes(path, label), label)
    absolute = Path(os.path.abspath(path))
    profile = read_text(text, label, absolute, overrides)
    return LoadedProfile(path.stem, absolute, profile, text, place)


def _bytes(path: Path, label: str) -> bytes:
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            raise ProfileError(f"{label}: this is a folder, not a profile")
        if not stat.S_ISREG(mode):  # a pipe or a device could be read for ever
            raise ProfileError(f"{label}: not an ordinary file")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ProfileError(f"{label}: there is no such file") from None
    except OSError as error:
        raise ProfileError(f"{label}: cannot be read: {error.strerror}") from error
    except ValueError:  # a NUL in the path
        raise ProfileError(f"{label}: there is no such file") from None
    if len(content) > MAX_BYTES:
        raise ProfileError(f"{label}: larger than {MAX_BYTES // 1_000_000} MB, so hardly a profile")
    return content


def _decode(content: bytes, label: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ProfileError(f"{label}:{line}: not UTF-8 text", "save the file as UTF-8") from None


def _label(path: Path, cwd: Path) -> str:
    return str(path.relative_to(cwd)) if path.is_relative_to(cwd) else str(path)


def _not_found(reference: str, cwd: Path) -> ProfileError:
    if reference and os.path.isdir(cwd / reference):
        return ProfileError(f"{reference}: this is a folder, not a profile")
    here = sorted(path.name for path in cwd.glob(f"*{_SUFFIX}"))
    names = {path.stem: path.stem for _, path in _files(cwd)} | {Path(name).stem: f"./{name}" for name in here}
    nearest = get_close_matches(reference.lower(), sorted(names), 1)
    hint = f'did you mean "{names[nearest[0]]}"?' if nearest else "`proctor profiles` lists them all"
    return ProfileError(f'there is no profile "{reference}"', hint)
