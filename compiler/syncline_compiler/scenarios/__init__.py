"""Tests of specs: scenarios played through the plans and the runtime of production, against stand-ins in this process.

``run_scenarios`` gives a ``ScenarioReport``; nothing is printed and nothing is sent anywhere.
"""

from syncline_compiler.scenarios.report import Failure, ScenarioReport, ScenarioResult
from syncline_compiler.scenarios.runner import FaultyProjectError, run_scenarios

__all__ = ["Failure", "FaultyProjectError", "ScenarioReport", "ScenarioResult", "run_scenarios"]
