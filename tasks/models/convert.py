"""Weights move unchanged between our networks and MONAI's."""

from monai.networks.nets import ResNet

from tasks.models.classifier import Classifier, Colour
from tasks.models.recipe import NetworkRecipe
from tasks.models.resnet import build_resnet, monai_resnet


def to_monai(classifier: Classifier, recipe: NetworkRecipe) -> ResNet:
    """Return MONAI's own ResNet with this classifier's weights; it takes *normalised* images.

    Its logits on ``(images - mean) / std`` equal the classifier's to the last bit.
    """
    state = classifier.network.state_dict()
    twin = monai_resnet(recipe, classes=len(state["fc.bias"]))
    twin.load_state_dict(state)
    return twin.train(classifier.training)


def from_monai(network: ResNet, recipe: NetworkRecipe, mean: Colour, std: Colour) -> Classifier:
    """Return a classifier with the weights of MONAI's ResNet, made with the widths that ``recipe`` says."""
    state = network.state_dict()
    ours = build_resnet(recipe, classes=len(state["fc.bias"]), seed=0)
    ours.load_state_dict(state)
    classifier = Classifier(ours, mean, std)
    return classifier.train(network.training)
