"""The doors of study files and of score jobs."""

from benchmarks.fuzz_doors import Door
from flows.commands.score import load_job
from flows.config import load_study

_STUDY = b"""study: tiny
manifest: cohort/manifest.csv
device: cpu
tile: {mpp: 1.0, tile_px: 32, classes: [normal, tumour], outline_classes: {Tumor: tumour}}
train:
  arms:
    - {id: standard}
    - {id: noise, regularizers: [{name: noise_modulation, blend: 0.5}]}
  seeds: [0, 1]
  recipe: {network: {width: 0.125}, epochs: 2, batch: 16, lr: 1.0e-3}
explain:
  explainers: [{name: gradient}, {name: smoothgrad, samples: 2}]
  controls: [{name: random_map}]
evaluate:
  metrics: [{name: gini}, {name: deletion, steps: 4, tiles_per_slide: 8}]
compare: {}
folds: {by: patient, count: 3, seed: 1}
resources: {batch: 32, runner: inline, devices: [cpu]}
record: {experiment: e, tracking_uri: "http://127.0.0.1:5000"}
"""
_SLIDE_STUDY = b"""study: bags
manifest: m.csv
level: slide
device: cpu
tile: {mpp: 0.5, tile_px: 64, classes: [negative, positive], thumbnail_px: 256}
embed: {encoder: colour_statistics}
train:
  arms: [{id: mean, model: mean_pool}, {id: abmil, model: {name: abmil, embed: 8, attention: 4}}]
  seeds: [0]
  recipe: {bag: {model: mean_pool}, classes: [negative, positive], target_class: positive, epochs: 2}
explain: {explainers: [attention], controls: [darkness]}
evaluate: {metrics: [tile_deletion, tile_marks]}
compare: {}
"""
_JOB = b"""model: {factory: "json:loads", weights: w.safetensors}
index: i.csv
metrics: [{name: deletion, output: margin, ranked_by: signed, steps: 8}, {name: gini}]
kinds: {true: contribution}
out: out/report
device: cpu
batch: 8
"""
_BAG_JOB = b"""model: {checkpoint: c, takes: auto}
features: features
classes: [normal, tumour]
target: tumour
slides: slides.csv
tiles: tiles.csv
maps: {mine: maps}
kinds: contribution
explainers: {own: {name: attention}}
out: report
"""

DOORS = {
    "study": Door(({"s.yaml": _STUDY}, {"s.yaml": _SLIDE_STUDY}), lambda f: load_study(f / "s.yaml")),
    "score job": Door(({"s.yaml": _JOB}, {"s.yaml": _BAG_JOB}), lambda f: load_job(f / "s.yaml")),
}
