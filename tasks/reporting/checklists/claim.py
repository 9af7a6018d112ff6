"""CLAIM, update of 2024: 44 items for studies of artificial intelligence in medical imaging.

Source: Tejani AS, Klontzas ME, Gatti AA, Mongan JT, Moy L, Park SH, Kahn CE Jr (2024), Checklist for
Artificial Intelligence in Medical Imaging (CLAIM): 2024 Update, Radiology: Artificial Intelligence
6(4):e240300. Numbers and subjects of the items are from there; the words are ours.
"""

from tasks.reporting.checklists.checklist import Checklist, ChecklistItem

_TITLE, _INTRODUCTION, _DESIGN = "Title and abstract", "Introduction", "Methods: study design"
_DATA, _REFERENCE, _PARTITIONS = "Methods: data", "Methods: reference standard", "Methods: partitions"
_MODEL, _TRAINING, _EVALUATION = "Methods: model", "Methods: training", "Methods: evaluation"
_FLOW, _RESULTS, _DISCUSSION = "Results: data", "Results: model performance", "Discussion"
_OTHER = "Other information"

_ITEMS = (
    ChecklistItem(
        "1", _TITLE, "Say that the study is about AI, and of which kind", ("technology",), "the title",
    ),
    ChecklistItem(
        "2", _TITLE, "An abstract of design, methods, results and conclusions", (), "the whole abstract",
    ),
    ChecklistItem(
        "3", _INTRODUCTION, "Background, and what the AI is for", (),
        "scientific and clinical background, intended use and role of the model",
    ),
    ChecklistItem(
        "4", _INTRODUCTION, "Aims and hypotheses", ("aims",), "the clinical aim behind these endpoints",
    ),
    ChecklistItem(
        "5", _DESIGN, "Prospective or retrospective", (),
        "whether slides were collected before or for the study",
    ),
    ChecklistItem(
        "6", _DESIGN, "The goal of the study", ("aims",),
        "the kind of study, such as development or evaluation",
    ),
    ChecklistItem(
        "7", _DATA, "Where the data come from", ("sources", "sites"),
        "institutions, dates of collection, and whether data were published before",
    ),
    ChecklistItem(
        "8", _DATA, "Who was included and who was not", ("exclusion",),
        "the criteria by which patients and slides entered the manifest",
    ),
    ChecklistItem("9", _DATA, "How data were prepared", ("preprocessing",)),
    ChecklistItem("10", _DATA, "How subsets of the data were chosen", ("subsets",)),
    ChecklistItem(
        "11", _DATA, "How patients were made unrecognisable", ("privacy",),
        "how slides and tables were de-identified before they reached this study",
    ),
    ChecklistItem(
        "12", _DATA, "What was done about missing data", ("missing",),
        "clinical data that are missing, and why",
    ),
    ChecklistItem(
        "13", _DATA, "How images were acquired", ("acquisition",),
        "fixation, stain, section thickness, scanner",
    ),
    ChecklistItem(
        "14", _REFERENCE, "How the reference standard was obtained", ("reference_standard",),
        "the instructions that annotators followed, and their tools",
    ),
    ChecklistItem(
        "15", _REFERENCE, "Why this reference standard", (), "the reason, and its known weaknesses",
    ),
    ChecklistItem(
        "16", _REFERENCE, "Who annotated", ("annotators",), "number, training and experience of annotators",
    ),
    ChecklistItem(
        "17", _REFERENCE, "How the test set was annotated", ("reference_standard", "annotators"),
        "whether test slides were annotated in another way than the others, and blinded to the model",
    ),
    ChecklistItem(
        "18", _REFERENCE, "How far annotators agree, with others and themselves", (),
        "the measured variability, and how disagreements were settled",
    ),
    ChecklistItem(
        "19", _PARTITIONS, "How data were assigned to partitions", ("partitions",),
        "how the splits of the manifest were drawn, where it names them",
    ),
    ChecklistItem("20", _PARTITIONS, "At which level partitions are disjoint", ("disjoint",)),
    ChecklistItem(
        "21", _PARTITIONS, "The intended size of the test set, and why", ("sample_size",),
        "the calculation that was made before the data were collected",
    ),
    ChecklistItem("22", _MODEL, "The model in full: inputs, outputs, layers", ("model", "output")),
    ChecklistItem("23", _MODEL, "Software, with versions", ("software",)),
    ChecklistItem("24", _MODEL, "How parameters were initialised", ("initialisation",)),
    ChecklistItem("25", _TRAINING, "How the model was trained", ("training", "class_balance")),
    ChecklistItem("26", _TRAINING, "How the final model was chosen", ("selection",)),
    ChecklistItem("27", _TRAINING, "Whether and how models were combined", ("ensembling",)),
    ChecklistItem(
        "28", _EVALUATION, "Measures of performance", ("metrics",),
        "why these measures fit the clinical question",
    ),
    ChecklistItem("29", _EVALUATION, "Measures of significance and uncertainty", ("statistics",)),
    ChecklistItem(
        "30", _EVALUATION, "Analyses of robustness or sensitivity", ("robustness",),
        "analyses of other kinds, such as of stain or scanner",
    ),
    ChecklistItem(
        "31", _EVALUATION, "Methods of explanation, and whether they were checked", ("explanations",),
    ),
    ChecklistItem("32", _EVALUATION, "Evaluation on internal data", ("internal_test",)),
    ChecklistItem(
        "33", _EVALUATION, "Evaluation on external data", ("sites",),
        "whether any test slides come from institutions that the model never learned from",
    ),
    ChecklistItem(
        "34", _EVALUATION, "Registration of a clinical trial", (),
        "the registry and number, or that there is none",
    ),
    ChecklistItem(
        "35", _FLOW, "How many patients and slides were included and excluded", ("flow", "exclusion"),
        "how many were screened before the manifest was written, best as a diagram",
    ),
    ChecklistItem(
        "36", _FLOW, "What patients of each partition are like", ("labels",),
        "age, sex, stage and treatment per split",
    ),
    ChecklistItem(
        "37", _RESULTS, "Performance, with its uncertainty", ("performance", "claims", "faithfulness"),
    ),
    ChecklistItem(
        "38", _RESULTS, "Diagnostic performance and its precision", ("performance",),
        "sensitivity and specificity at the threshold that would be used",
    ),
    ChecklistItem(
        "39", _RESULTS, "What went wrong", ("failures",), "what the wrongly classified slides have in common",
    ),
    ChecklistItem(
        "40", _DISCUSSION, "Limits of the study", ("limits",),
        "limits of the cohort, biases, and how far results carry",
    ),
    ChecklistItem("41", _DISCUSSION, "What follows for practice", (), "intended use and clinical role"),
    ChecklistItem(
        "42", _OTHER, "The full protocol, or further details", ("protocol",),
        "where the protocol can be read",
    ),
    ChecklistItem(
        "43", _OTHER, "Whether software, model and data are available", ("availability",),
        "where they can be had, and under which conditions",
    ),
    ChecklistItem("44", _OTHER, "Funding, and the role of funders", (), "the whole statement"),
)  # fmt: skip

CLAIM = Checklist(
    name="claim",
    title="Checklist for Artificial Intelligence in Medical Imaging (CLAIM), 2024 update",
    source=(
        "Tejani AS, Klontzas ME, Gatti AA, et al. Checklist for Artificial Intelligence in Medical Imaging "
        "(CLAIM): 2024 Update. Radiology: Artificial Intelligence 2024;6(4):e240300. doi:10.1148/ryai.240300"
    ),
    items=_ITEMS,
)
