"""TRIPOD+AI: 27 items with their letters for studies that develop or evaluate a prediction model.

Source: Collins GS, Moons KGM, Dhiman P, et al. (2024), TRIPOD+AI statement: updated guidance for reporting
clinical prediction models that use regression or machine learning methods, BMJ 385:e078378. Numbers and
subjects of the items are from there; the words are ours.
"""

from tasks.reporting.checklists.checklist import Checklist, ChecklistItem

_TITLE, _INTRODUCTION, _METHODS = "Title and abstract", "Introduction", "Methods"
_OPEN, _PUBLIC, _RESULTS, _DISCUSSION = "Open science", "Patients and the public", "Results", "Discussion"

_BEFORE = (
    ChecklistItem(
        "1", _TITLE, "A title that names model, population and outcome", ("technology",), "the title",
    ),
    ChecklistItem("2", _TITLE, "An abstract by TRIPOD+AI for Abstracts", (), "the whole abstract"),
    ChecklistItem(
        "3a", _INTRODUCTION, "The clinical setting, and why a model", (),
        "the setting, and the models there are",
    ),
    ChecklistItem(
        "3b", _INTRODUCTION, "For whom the model is, and who uses it", (), "population, purpose and users",
    ),
    ChecklistItem("3c", _INTRODUCTION, "Inequalities of health between groups", (), "what is known of them"),
    ChecklistItem(
        "4", _INTRODUCTION, "Aims: development, evaluation or both", ("aims",),
        "the clinical aim behind these endpoints",
    ),
    ChecklistItem(
        "5a", _METHODS, "Sources of the data", ("sources", "sites"),
        "why these data, and whom they represent",
    ),
    ChecklistItem("5b", _METHODS, "Dates of the data", (), "first and last date of inclusion"),
    ChecklistItem(
        "6a", _METHODS, "Setting, with number and location of centres", ("sites",),
        "kind and location of centres",
    ),
    ChecklistItem(
        "6b", _METHODS, "Who could enter", ("exclusion",),
        "the criteria by which patients entered the manifest",
    ),
    ChecklistItem(
        "6c", _METHODS, "Treatments", (),
        "treatments before the specimen was taken, and how they were handled",
    ),
    ChecklistItem("7", _METHODS, "Preparation and checks of the data", ("preprocessing",)),
    ChecklistItem(
        "8a", _METHODS, "The outcome, and how it was assessed", ("reference_standard",), "why this outcome",
    ),
    ChecklistItem(
        "8b", _METHODS, "Who assessed the outcome, where it needs judgement", ("annotators",),
        "training and experience of annotators",
    ),
    ChecklistItem(
        "8c", _METHODS, "Whether assessors were blinded", (),
        "what annotators knew of the patient and of the model",
    ),
    ChecklistItem(
        "9a", _METHODS, "How predictors were chosen", ("preprocessing",),
        "why pixels of these slides predict the outcome",
    ),
    ChecklistItem(
        "9b", _METHODS, "Every predictor, and how it was measured", ("acquisition", "preprocessing"),
        "stain and scanner",
    ),
    ChecklistItem(
        "9c", _METHODS, "Who assessed predictors, where they need judgement", (),
        "that tiles were cut without judgement, or who chose areas",
    ),
    ChecklistItem(
        "10", _METHODS, "How the sample size came about", ("sample_size",),
        "the calculation that was made before the data were collected",
    ),
    ChecklistItem("11", _METHODS, "Missing data", ("missing",), "clinical data that are missing, and why"),
    ChecklistItem(
        "12a", _METHODS, "How data were used, and how they were divided", ("partitions", "disjoint"),
    ),
    ChecklistItem("12b", _METHODS, "How predictors entered the analysis", ("preprocessing", "training")),
    ChecklistItem(
        "12c", _METHODS, "Kind of model, how it was built, tuned and internally tested",
        ("model", "training", "selection", "initialisation"),
    ),
    ChecklistItem(
        "12d", _METHODS, "Differences between clusters, such as hospitals", ("statistics", "sites"),
        "how differences between centres were examined",
    ),
    ChecklistItem(
        "12e", _METHODS, "Measures of performance, and why", ("metrics", "explanations"),
        "why these measures fit the clinical question",
    ),
    ChecklistItem(
        "12f", _METHODS, "Updating of the model after evaluation", (),
        "any recalibration; the study itself makes none",
    ),
    ChecklistItem("12g", _METHODS, "How predictions were computed", ("output", "ensembling")),
    ChecklistItem("13", _METHODS, "What was done about classes of unequal size", ("class_balance",)),
    ChecklistItem("14", _METHODS, "What was done for fairness", (), "the whole statement"),
    ChecklistItem(
        "15", _METHODS, "What the model gives out, and thresholds", ("output",), "why these thresholds",
    ),
    ChecklistItem(
        "16", _METHODS, "Differences between data for training and for evaluation", ("labels", "sites"),
        "differences in setting and in how the outcome was found",
    ),
    ChecklistItem("17", _METHODS, "Approval of an ethics committee", (), "committee, number, and consent"),
)  # fmt: skip
_AFTER = (
    ChecklistItem("18a", _OPEN, "Funding", (), "the whole statement"),
    ChecklistItem("18b", _OPEN, "Conflicts of interest", (), "the whole statement"),
    ChecklistItem("18c", _OPEN, "The protocol", ("protocol",), "where the protocol can be read"),
    ChecklistItem("18d", _OPEN, "Registration", (), "register and number, or that there is none"),
    ChecklistItem(
        "18e", _OPEN, "Sharing of data", ("sources",), "where data can be had, and under which conditions",
    ),
    ChecklistItem(
        "18f", _OPEN, "Sharing of code", ("software", "availability"), "where code and model can be had",
    ),
    ChecklistItem("19", _PUBLIC, "How patients and the public took part", (), "how, or that they did not"),
    ChecklistItem(
        "20a", _RESULTS, "The way of participants through the study", ("flow", "exclusion"),
        "how many were screened before the manifest was written",
    ),
    ChecklistItem(
        "20b", _RESULTS, "What participants are like", ("labels",),
        "age, sex, stage and treatment, by centre",
    ),
    ChecklistItem(
        "20c", _RESULTS, "Training and evaluation data beside one another", ("labels",),
        "the distribution of clinical predictors in both",
    ),
    ChecklistItem("21", _RESULTS, "Participants and events in each analysis", ("flow", "labels")),
    ChecklistItem(
        "22", _RESULTS, "The model in full, so that others can use it", ("model", "availability"),
        "where the weights can be had",
    ),
    ChecklistItem(
        "23a", _RESULTS, "Performance with intervals, also in subgroups",
        ("performance", "claims", "faithfulness"), "performance in the subgroups that matter",
    ),
    ChecklistItem(
        "23b", _RESULTS, "Differences of performance between clusters", (),
        "performance per centre, where that was examined",
    ),
    ChecklistItem(
        "24", _RESULTS, "The updated model and its performance", (),
        "nothing, unless the model was updated after this study",
    ),
    ChecklistItem(
        "25", _DISCUSSION, "What results mean, fairness included", ("claims",), "the interpretation",
    ),
    ChecklistItem(
        "26", _DISCUSSION, "Limits", ("limits", "failures"),
        "limits of the cohort, biases, and how far results carry",
    ),
    ChecklistItem(
        "27a", _DISCUSSION, "Use with poor or missing input", ("missing",),
        "what a user does with a slide that cannot be read",
    ),
    ChecklistItem(
        "27b", _DISCUSSION, "What users must do and know", (), "handling and expertise that are needed",
    ),
    ChecklistItem("27c", _DISCUSSION, "What comes next", (), "further research, and how far results carry"),
)  # fmt: skip

TRIPOD_AI = Checklist(
    name="tripod-ai",
    title="TRIPOD+AI, 2024",
    source=(
        "Collins GS, Moons KGM, Dhiman P, et al. TRIPOD+AI statement: updated guidance for reporting "
        "clinical prediction models that use regression or machine learning methods. BMJ 2024;385:e078378. "
        "doi:10.1136/bmj-2023-078378"
    ),
    items=(*_BEFORE, *_AFTER),
)
