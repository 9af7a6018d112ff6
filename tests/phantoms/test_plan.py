import numpy as np

from tasks.phantoms.plan import plan_cohort, stream
from tasks.phantoms.recipe import PhantomRecipe


def test_slides_come_in_manifest_order_with_their_patients():
    plans = plan_cohort(PhantomRecipe(train=(2, 1), val=(1,), test=(1,)))
    assert [p.slide_id for p in plans] == [
        "phantom_01_1", "phantom_01_2", "phantom_02_1", "phantom_03_1", "phantom_04_1",
    ]  # fmt: skip
    assert [p.split for p in plans] == ["train", "train", "train", "val", "test"]
    assert [p.tumour for p in plans] == [True, False, True, True, True]


def test_no_patient_is_in_two_splits_and_every_split_has_both_kinds():
    plans = plan_cohort(PhantomRecipe())
    for split in ("train", "val", "test"):
        own = {p.patient_id for p in plans if p.split == split}
        assert not own & {p.patient_id for p in plans if p.split != split}
        assert {p.tumour for p in plans if p.split == split} == {True, False}


def test_streams_are_repeatable_and_apart():
    draws = {
        (key, name): stream(3, key, name).random(8).tobytes()
        for key in ((0, 0, 0), (0, 0, 1), (1, 0, 0), (0, 0))
        for name in ("cells", "camera", "ink")
    }
    assert len(set(draws.values())) == len(draws)
    assert np.array_equal(stream(3, (0, 0, 1), "ink").random(8), stream(3, (0, 0, 1), "ink").random(8))
