"""Speech Commands v2 (Warden 2018, CC BY 4.0) as keyword spotting: ten words, silence, unknown."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.benchmark import benchmark
from tinyperf.datasets.download import Archive
from tinyperf.datasets.frontends import KWS_SAMPLES, kws_features
from tinyperf.datasets.originals import Item, Original, Split, save, wav
from tinyperf.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

KWS = benchmark("kws")
WORDS = tuple(label.lower() for label in KWS.labels[:10])
SILENCE, UNKNOWN = 10, 11
# fmt: off
OTHER_WORDS = (
    "backward", "bed", "bird", "cat", "dog", "eight", "five", "follow", "forward", "four", "happy", "house", "learn",
    "marvin", "nine", "one", "seven", "sheila", "six", "three", "tree", "two", "visual", "wow", "zero",
)
# fmt: on
NOISE = "_background_noise_"
NOISE_STEP = KWS_SAMPLES // 2
PHASE_SAMPLES = 160  # 10 ms: the training arrays have twice the model's frame rate


def find(folder: Path) -> tuple[list[Item], list[str]]:
    """Clips below `folder`, or below `speech_commands_v0.02` in it; a companion test set beside them is used too.

    Split by `testing_list.txt` and `validation_list.txt`, or by the dataset's own hash rule where they are missing.

    Raises: DataError: none of the ten words is there.
    """
    roots = [folder, folder / "speech_commands_v0.02", folder / "SpeechCommands" / "speech_commands_v0.02"]
    root = next((r for r in roots if any((r / word).is_dir() for word in WORDS)), None)
    if root is None:
        raise DataError(
            f"no folder of a word ({', '.join(WORDS)}) in {folder}",
            means="--from is the unpacked Speech Commands archive",
            hint="'tinyperf data kws --pull --from DIR --out DIR' fetches it",
        )
    notes = [f"no folder for the words {', '.join(gone)}"] if (gone := _absent(root)) else []
    lists, gone_lists = _lists(root)
    notes += gone_lists
    items = [item for word in sorted({*WORDS, *OTHER_WORDS}) for item in _word(root, word, lists)]
    listed = {name for names in lists.values() for name in names}
    if missing := sorted(listed - {item.name for item in items}):
        notes.append(f"{len(missing)} clips named in the split lists are missing, the first is {missing[0]}")
    noise = _noise(root)
    if not noise:
        notes.append(f"no {NOISE} folder: there will be no silence to train on")
    return items + noise + _test_set(folder), notes


def split_by_hash(name: str) -> Split:
    """The split of a clip by its speaker, so that no speaker is in two; the rule of the dataset's README."""
    speaker = name.rpartition("/")[2].partition("_nohash_")[0]
    percent = int(hashlib.sha1(speaker.encode()).hexdigest(), 16) % 2**27 * (100.0 / (2**27 - 1))  # noqa: S324  (a split)
    if percent < 10:
        return "validation"
    return "test" if percent < 20 else "training"


def _absent(root: Path) -> list[str]:
    return [word for word in [*WORDS, *OTHER_WORDS] if not (root / word).is_dir()]


def _lists(root: Path) -> tuple[dict[Split, frozenset[str]], list[str]]:
    found: dict[Split, frozenset[str]] = {}
    names: tuple[tuple[Split, str], ...] = (("test", "testing_list.txt"), ("validation", "validation_list.txt"))
    for split, name in names:
        if (root / name).is_file():
            try:
                found[split] = frozenset((root / name).read_text(encoding="utf-8").split())
            except UnicodeDecodeError as exc:
                raise DataError(f"{root / name} is no list of clips: {exc}", hint="unpack the archive again") from exc
    if len(found) == len(names):
        return found, []
    return {}, ["testing_list.txt or validation_list.txt is missing: split by the dataset's hash rule instead"]


def _word(root: Path, word: str, lists: dict[Split, frozenset[str]]) -> list[Item]:
    label = WORDS.index(word) if word in WORDS else UNKNOWN
    items = []
    for path in sorted((root / word).glob("*.wav")):
        name = f"{word}/{path.name}"
        listed: Split = next((split for split, names in lists.items() if name in names), "training")
        items.append(Item(name, label, listed if lists else split_by_hash(name), path))
    return items


def _noise(root: Path) -> list[Item]:
    """One-second crops every half second; those from the last tenth of a recording are for validation."""
    items = []
    for path in sorted((root / NOISE).glob("*.wav")):
        try:
            count = len(wav(path))
        except DataError:  # `convert` names it, among all that are damaged
            items.append(Item(f"{NOISE}/{path.stem}", SILENCE, "training", path))
            continue
        for start in range(0, count - KWS_SAMPLES + 1, NOISE_STEP):
            late = start + KWS_SAMPLES > count * 9 // 10
            if late and start < count * 9 // 10:
                continue  # a crop across the border would be in both
            items.append(
                Item(f"{NOISE}/{path.stem}_{start}", SILENCE, "validation" if late else "training", path, start)
            )
    return items


def _test_set(folder: Path) -> list[Item]:
    """The companion test set: the only source of official silence and unknown clips."""
    root = folder / "speech_commands_test_set_v0.02"
    labels = {word: index for index, word in enumerate([*WORDS, "_silence_", "_unknown_"])}
    return [
        Item(f"test_set/{name}/{path.name}", label, "test", path)
        for name, label in labels.items()
        for path in sorted((root / name).glob("*.wav"))
    ]


def convert(item: Item) -> bytes:
    """Features int8 [10, 98] (coefficient, frame every 10 ms) of one clip; nothing for digital silence."""
    audio = wav(item.path)[item.place : item.place + KWS_SAMPLES]
    if not len(audio) or audio.max() <= 0:
        return b""
    # The model's 49 frames are the even ones; both halves are normalized by the whole clip's maximum.
    even = kws_features(audio)
    odd = kws_features(audio, first_sample=PHASE_SAMPLES)
    return np.stack([even, odd], axis=1).reshape(98, 10).T.tobytes()


def evaluation(item: Item, blob: bytes) -> tuple[str, bytes]:
    features = np.frombuffer(blob, np.int8).reshape(10, 98)[:, ::2].T
    name = item.name.replace("/", "_").removesuffix(".wav")
    return f"{name}_{KWS.labels[item.label]}_{item.label}.bin", features.tobytes()


def train(items: Sequence[Item], blobs: Sequence[bytes], folder: Path) -> list[Path]:
    """`kws_sc2_mfcc.npz` and, where there are recordings of noise, `kws_noise.npz`."""
    kept = [i for i, item in enumerate(items) if item.split != "test"]
    items, blobs = [items[i] for i in kept], [blobs[i] for i in kept]
    speakers = [
        "" if item.label == SILENCE else item.name.rpartition("/")[2].partition("_nohash_")[0] for item in items
    ]
    written = [
        save(
            folder / "kws_sc2_mfcc.npz",
            mfcc=np.frombuffer(b"".join(blobs), np.int8).reshape(-1, 10, 98),
            y=np.array([item.label for item in items], np.uint8),
            speaker=np.array(speakers),
            fname=np.array([item.name for item in items]),
            split=np.array([item.split for item in items]),
            exact=np.ones(len(items), np.uint8),
        )
    ]
    recordings = {item.path.name: item.path for item in items if item.name.startswith(NOISE)}
    if recordings:
        written.append(save(folder / "kws_noise.npz", **{name: wav(path) for name, path in recordings.items()}))
    return written


ORIGINAL = Original(
    title="Speech Commands v2",
    archives=(
        # Sizes and digests: tensorflow/datasets, url_checksums/speech_commands.txt.
        Archive(
            "https://download.tensorflow.org/data/speech_commands_v0.02.tar.gz",
            2428923189,
            "sha256",
            "af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58",
        ),
        Archive(
            "https://download.tensorflow.org/data/speech_commands_test_set_v0.02.tar.gz",
            112563277,
            "sha256",
            "cc2a00c1147c2254e9be3fa0f779d8c17421dc349b86366567a8edfa9acd51df",
        ),
    ),
    find=find,
    convert=convert,
    evaluation=evaluation,
    train=train,
)
