"""The model card that is written next to the exported weights."""

from __future__ import annotations

import json
from pathlib import Path

from training import manifest, report, text

_TEXT = """\
# Hark's built-in model

A Qwen3-ASR model of {millions:.1f} million parameters ({megabytes:.1f} MB in bfloat16), trained
from scratch by the recipe in `training/`. It comes with Hark so that a fresh installation
transcribes without a download.

## What it is for, and what it is not

It transcribes **synthetic speech of the voices below, in the demo domain** of the recipe's
grammar: everyday sentences, smart-home commands, times, dates, numbers, spelled letters, talk
about lectures, captions and servers, in English and some Spanish, and **single digits spoken by
four people**. Numbers are written as words. It is there to try the server, its clients and
its tests.

It is **not a speech recogniser for people**: free human speech comes out as fluent nonsense, as do
words outside the grammar, which has about {vocabulary} of them. Use a released Qwen3-ASR model
for that.

## Figures

Held-out sentences only: a sentence is kept for testing by a hash of its words, so none of these
was trained on, though their sentence patterns were; patterns without a variable part are not
tested. The clips are synthesised for the
evaluation (seed {eval_seed}). WER counts lower-cased words without punctuation; weights in
bfloat16, greedy decoding. The last two columns give 8 s / 1 s window counts of clips.

{table}
## Training data

- **Speech:** {hours} h, {clips} clips, {sentences} different sentences, all synthetic except
  for the digits.
- **eSpeak NG {espeak}** ({espeak_voices} combinations of accent and variant; the variants
  {held_out} were kept for testing). The program is under GPL-3.0; the weights
  contain none of it, and its licence does not extend to the audio it makes.
- **CMU Flite {flite}** (voices {flite_voices}). Copyright Carnegie Mellon
  University, Language Technologies Institute. Program and voices share one licence: use,
  modification and redistribution are free of charge, provided that the notice is kept, changes
  are marked and the authors' names are not used for endorsement.
- **Digits:** {digit_count} recordings of the
  [Free Spoken Digit Dataset](https://github.com/Jakobovski/free-spoken-digit-dataset), speakers
  {speakers}, **CC BY-SA 4.0**; the recordings 45-49 of every
  speaker and digit were kept for testing.
- Corpus seed {seed}, fingerprint `{fingerprint}`, SHA-256
  `{corpus_sha256}`.
  `training/manifest/` lists the hashes of all training sentences and the digit recordings.

## Training

{hours_seen:.0f} h of audio seen in {steps} steps, {wall:.0f} min of wall time on {cpu}
({threads} threads, other work running beside it); seed {run_seed}. The auxiliary losses
(word alignment, CTC, phones) use the synthesisers' exact times and are not part of the
weights. To make it again:

```
apt-get install libespeak-ng1 espeak-ng-data libflite1
pip install torch numpy safetensors tokenizers soxr
python -m training corpus --dir corpus --digits DIGITS --seed {seed} --shards {shards}
python -m training train --dir corpus --run run --until HH:MM --seed {run_seed}
python -m training eval --model run/export --digits DIGITS --fresh 100 --seed {eval_seed}
```

with DIGITS the dataset's folder of recordings and HH:MM about {wall:.0f} minutes ahead. The
schedule follows the wall clock, so the number of steps depends on the machine, and the
weights of two runs are alike but not equal.
"""


def write(folder: Path, run: Path, evaluation: Path, note: str = "") -> None:
    """Write ``CARD.md`` into ``folder`` from the records of run, evaluation and corpus.

    ``note`` is added to the section on training, for what the records do not tell.
    """
    training = json.loads((run / "run.json").read_text())
    figures = json.loads((evaluation / "eval.json").read_text())
    corpus = manifest.read()
    size = (folder / "model.safetensors").stat().st_size
    card = _TEXT.format(
        millions=training["parameters"] / 1e6,
        megabytes=size / 1e6,
        vocabulary=round(text.vocabulary_size(), -2),
        eval_seed=figures["seed"],
        table=report.table(figures),
        espeak=corpus["synthesisers"]["espeak-ng"],
        flite=corpus["synthesisers"]["flite"],
        espeak_voices=len(corpus["espeak_variants"])
        * (len(corpus["english_accents"]) + len(corpus["spanish_accents"])),
        held_out=", ".join(corpus["held_out_variants"]),
        flite_voices=", ".join(
            f.removeprefix("flite-") for f in corpus["clips_per_family"] if "flite" in f
        ),
        digit_count=len(corpus["digit_recordings"]),
        speakers=", ".join(sorted({n.split("_")[1] for n in corpus["digit_recordings"]})),
        hours_seen=training["hours_seen"],
        steps=training["steps"],
        wall=training["wall_seconds"] / 60,
        cpu=training["cpu"],
        threads=training["threads"],
        run_seed=training["seed"],
        **{
            key: corpus[key]
            for key in (
                "hours",
                "clips",
                "sentences",
                "seed",
                "fingerprint",
                "corpus_sha256",
                "shards",
            )
        },
    )
    (folder / "CARD.md").write_text(card + (f"\n{note}\n" if note else ""))
