"""The images that are made where none can be pulled: what they are made of is there."""

import pytest

from deploy.stub_images.images import RECIPES, recipe_digest


@pytest.mark.parametrize("name", RECIPES)
def test_all_that_an_image_is_made_of_is_there(name: str) -> None:
    assert len(recipe_digest(RECIPES[name])) == 16
