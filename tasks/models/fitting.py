"""Whether given weights are those of a network: names, shapes, types and ranges."""

from collections.abc import Collection, Mapping

from torch import Tensor

from tasks.models.errors import ModelError

COUNTED = "num_batches_tracked"
"""Older files lack it, and nothing that is computed here reads it."""
_WRAPPERS = ("module.", "_orig_mod.")
"""What DistributedDataParallel and torch.compile put before every name."""


def fitting(
    given: Mapping[str, Tensor],
    own: Mapping[str, Tensor],
    title: str,
    free: Collection[str] = (),
    heads: Collection[str] = (),
    inside: str = "",
) -> dict[str, Tensor]:
    """Return the given weights under the names of the network, each of its shape.

    The prefixes of DistributedDataParallel and torch.compile are left out. A missing count of batches keeps
    the network's own value.

    Args:
        given: weights of a file.
        own: the state of the network.
        title: what to call the file in a sentence.
        free: names that may be missing.
        heads: names that are left out where the file has another number of classes.
        inside: a prefix that the names may lack, such as ``network.``.

    Raises:
        ModelError: a name is missing, unknown or given twice, or a shape, type or range is wrong.
    """
    found: dict[str, Tensor] = {}
    unknown = []
    for name, value in given.items():
        key = _own_name(name, own, inside)
        if key is None:
            unknown.append(name)
        elif key in found:
            raise ModelError(f"{title} names the layer {key!r} twice, in two spellings, the second {name!r}")
        else:
            found[key] = value
    found = {
        key: value for key, value in found.items() if not (key in heads and _other_rows(value, own[key]))
    }
    optional = {*free, *heads, *(key for key in own if key.endswith(COUNTED))}
    missing = [key for key in own if key not in found and key not in optional]
    wrong = [key for key, value in found.items() if value.shape != own[key].shape]
    _refuse(title, {"are missing": missing, "are unknown": unknown, "have another shape": wrong})
    _check_values(found, own, title)
    return found


def _other_rows(value: Tensor, own: Tensor) -> bool:
    """Say whether the shapes differ in the number of rows, one per class, and in nothing else."""
    return value.shape[:1] != own.shape[:1] and value.shape[1:] == own.shape[1:]


def _own_name(name: str, own: Mapping[str, Tensor], inside: str) -> str | None:
    for candidate in (name, _unwrapped(name)):
        for key in (candidate, f"{inside}{candidate}"):
            if key in own:
                return key
    return None


def _unwrapped(name: str) -> str:
    """Return the name without the prefixes of wrappers; a compiled part has one in the middle."""
    while name.startswith(_WRAPPERS):
        name = name.partition(".")[2]
    return name.replace("._orig_mod.", ".")


def _refuse(title: str, problems: Mapping[str, list[str]]) -> None:
    said = [f"{len(keys)} layers {what}, first {keys[0]!r}" for what, keys in problems.items() if keys]
    if said:
        raise ModelError(f"{title} does not fit the network: {' and '.join(said)}")


def _check_values(found: Mapping[str, Tensor], own: Mapping[str, Tensor], title: str) -> None:
    typed = [key for key, v in found.items() if v.is_floating_point() != own[key].is_floating_point()]
    if typed:
        raise ModelError(
            f"{title} holds {found[typed[0]].dtype} in {typed[0]!r}; needed {own[typed[0]].dtype}, and "
            "quantised weights are not read"
        )
    negative = [key for key, v in found.items() if key.endswith("running_var") and bool((v < 0).any())]
    if negative:
        raise ModelError(f"{title} holds a variance below zero in {negative[0]!r}")


def check_normalisation(found: Mapping[str, Tensor], title: str) -> None:
    """Check ``mean`` and ``std`` of images in [0, 1], where they are given.

    Raises:
        ModelError: a mean outside [0, 1], or a standard deviation outside (0, 1].
    """
    for name, allowed in (("mean", "[0, 1]"), ("std", "(0, 1]")):
        value = found.get(name)
        if value is None:
            continue
        low, high = float(value.min()), float(value.max())
        if low < 0 or high > 1 or (name == "std" and low == 0):
            raise ModelError(
                f"{title} holds {name!r} from {low:g} to {high:g}; needed {allowed}, for pixels in [0, 1]"
            )
