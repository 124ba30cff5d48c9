"""The same records through Splink; runs in the environment of the peers.

    python by_splink.py FILE

In: what ``records.py`` wrote. Out, as JSON: seconds and CPU seconds to train, predict and cluster, and the pairs at several thresholds.
Comparisons and blocks are those of Splink's own examples for these records.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from itertools import combinations

import pandas as pd
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

THRESHOLDS = (0.5, 0.9, 0.99)
COMPARISONS = [
    cl.NameComparison("given_name"), cl.NameComparison("surname"), cl.LevenshteinAtThresholds("date_of_birth", [1, 2]),
    cl.LevenshteinAtThresholds("soc_sec_id", [1, 2]), cl.ExactMatch("street_number"),
    cl.LevenshteinAtThresholds("postcode", [1, 2]), cl.JaroWinklerAtThresholds("suburb"),
    cl.JaroWinklerAtThresholds("address_1"), cl.JaroWinklerAtThresholds("address_2"),
]  # fmt: skip
BLOCKS = [
    block_on("given_name", "surname"), block_on("given_name", "postcode"), block_on("date_of_birth"), block_on("soc_sec_id"),
    block_on("surname", "suburb"), block_on("address_1", "address_2"), block_on("surname", "street_number"),
]  # fmt: skip


def main(path: str) -> None:
    with open(path, encoding="utf-8") as file:
        rows = json.load(file)["rows"]
    frames = [pd.DataFrame(one).rename(columns={"_native_id": "unique_id"}) for one in rows.values()]
    begun, cpu = time.perf_counter(), time.process_time()
    linker = _trained(frames)
    predicted = linker.inference.predict(threshold_match_probability=min(THRESHOLDS))
    clustered = {at: _pairs(linker, predicted, at, len(frames)) for at in THRESHOLDS}
    told = {"seconds": time.perf_counter() - begun, "cpu": time.process_time() - cpu, "pairs": clustered}
    print(json.dumps(told))


def _trained(frames: list[pd.DataFrame]) -> Linker:
    kind = "link_only" if len(frames) > 1 else "dedupe_only"
    settings = SettingsCreator(
        link_type=kind, comparisons=COMPARISONS, blocking_rules_to_generate_predictions=BLOCKS,
        retain_intermediate_calculation_columns=False, retain_matching_columns=False,
    )  # fmt: skip
    api = DuckDBAPI()
    linker = Linker([api.register(frame) for frame in frames], settings)
    sure = [block_on("soc_sec_id"), block_on("given_name", "surname", "date_of_birth")]
    linker.training.estimate_probability_two_random_records_match(sure, recall=0.8)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6)
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("date_of_birth"))
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("postcode"))
    return linker


def _pairs(linker: Linker, predicted: object, at: float, files: int) -> list[list[str]]:
    found = linker.clustering.cluster_pairwise_predictions_at_threshold(predicted, at).as_pandas_dataframe()
    groups = found.groupby("cluster_id")["unique_id"].apply(list)
    pairs = [sorted(pair) for group in groups for pair in combinations(group, 2)]
    return [pair for pair in pairs if files == 1 or pair[0].split("-")[2] != pair[1].split("-")[2]]


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    main(sys.argv[1])
