"""Logs for TensorBoard, where it is installed."""

import importlib
import os
from typing import Any

from rnndyn._common.optional import MissingPackageError


def open_tensorboard(folder: str | os.PathLike[str]) -> Any:
    """Return a writer of a log in `folder`."""
    try:
        module = importlib.import_module("torch.utils.tensorboard")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "tensorboard":
            raise
        raise MissingPackageError(
            "Trainer(tensorboard=...) needs tensorboard, which is not installed; install it with: "
            "pip install tensorboard"
        ) from error
    return module.SummaryWriter(os.fspath(folder))
