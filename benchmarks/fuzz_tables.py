"""The doors of manifests and of the tables of labels that others write."""

from pathlib import Path

from benchmarks.fuzz_doors import Door, Files
from flows.input_hashes import InputHashes
from tasks.interchange.label_tables import read_clam, read_patho_bench
from tasks.slides.manifest import load_manifest

_MANIFEST: Files = {
    "m.csv": b"slide_id,patient_id,path,split,annotation,label,site,mpp,mpp_override,mpp_override_reason,"
    b"sha256,n\n"
    b"a,p1,a.tif,train,a.xml,,x,0.5,,,,n\nb,p2,b.tif,val,,tumour,y,,0.5x0.5,scanner,,\nc,p3,sub/c.tif,test,,,,,,,,\n",
    "a.tif": b"no slide", "b.tif": b"nor this", "sub/c.tif": b"nor that one", "a.xml": b"<ASAP_Annotations/>",
}  # fmt: skip
_LABELS: Files = {
    "t.csv": b"case_id,slide_id,label\n007,0071,tumour\n08,0081,normal\n",
    "s.csv": b"train,val,test\n0071,0081,\n",
}
_BENCH: Files = {
    "config.yaml": b"task_col: grade\nsample_col: case_id\nlabel_dict: {0: low, 1: high}\n",
    "t.csv": b"case_id,slide_id,grade,label,fold_0\n007,0071,1,a,train\n08,0081,0,b,test\n",
}  # fmt: skip


def _labels(folder: Path) -> None:
    splits = folder / "s.csv"
    read_clam(folder / "t.csv", splits if splits.is_file() else None)
    read_patho_bench(folder / "t.csv", 0 if not splits.is_file() else None)


def _manifest(folder: Path) -> None:
    load_manifest(folder / "m.csv", folder, frozenset(), InputHashes(folder / "home"), ("normal", "tumour"))


DOORS = {"manifest": Door((_MANIFEST,), _manifest), "labels": Door((_LABELS, _BENCH), _labels)}
