"""What an own model is, and adapters that make one of what you have. See `docs/own-model.md`."""

from model.own.functions import FromFunction
from model.own.own_model import OwnModel
from model.own.quantiles import FromQuantiles
from model.own.river import FromRiver

__all__ = ["FromFunction", "FromQuantiles", "FromRiver", "OwnModel"]
