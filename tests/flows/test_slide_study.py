"""One tiny study of level slide from slides to pages: every stage, both axes, and what a person opens."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from flows.config import StudyConfig
from flows.study import load_study
from tasks.phantoms.bags.generate import generate_bags
from tasks.phantoms.bags.recipe import BagPhantomRecipe

COHORT = BagPhantomRecipe(train=4, val=4, test=8, columns=4, rows=5, most=4)
