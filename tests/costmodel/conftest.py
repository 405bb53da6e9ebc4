"""What most tests of the cost model start from."""

import pytest

from costmodel.catalog import Catalog, load_catalog
from costmodel.hardware import Device
from costmodel.models import Model, ModelCatalog, load_models


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load_catalog("default")


@pytest.fixture(scope="session")
def paper() -> Catalog:
    return load_catalog("paper-2025")


@pytest.fixture(scope="session")
def models() -> ModelCatalog:
    return load_models()


@pytest.fixture(scope="session")
def h100(catalog: Catalog) -> Device:
    return catalog.device("h100_sxm")


@pytest.fixture(scope="session")
def core(catalog: Catalog) -> Device:
    return catalog.device("xeon_8480p")


@pytest.fixture(scope="session")
def llama(models: ModelCatalog) -> Model:
    return models.model("llama3.1-8b")
