"""Clusters: who belongs together when pairs are followed to their ends.

In: ``S/pairs/N`` of a rule of likeness (l, node). Out: ``S/clusters/N``: every row and canonical id in a pair, and the
label of its cluster. Set-based: labels go along pairs until nothing changes, so that a chain costs its length in rounds.
"""

from __future__ import annotations

from syncline_runtime.state import State, quoted


def follow_pairs(state: State, pairs: str, clusters: str) -> None:
    """Give each row of a pair the least row that it leads to."""
    edges, labels = quoted(f"{clusters}/edges"), quoted(clusters)
    both = f"SELECT l, node FROM {quoted(pairs)} UNION SELECT node, l FROM {quoted(pairs)}"
    state.make(f"{clusters}/edges", f"SELECT l AS row, node AS other FROM ({both})")
    state.make(clusters, f"SELECT row, least(row, min(other)) AS label FROM {edges} GROUP BY row")
    if state.scalar(f"SELECT count(*) FROM {edges}") == state.scalar(f"SELECT count(*) FROM {labels}"):
        state.drop(f"{clusters}/edges")
        return  # nobody is in two pairs
    while state.scalar(
        f"""
        UPDATE {labels} AS c SET label = n.label FROM (
            SELECT e.row, min(o.label) AS label FROM {edges} AS e JOIN {labels} AS o ON o.row = e.other GROUP BY e.row
        ) AS n WHERE n.row = c.row AND n.label < c.label
        """
    ):
        # who carries another's label has that one's label too: long chains end in few rounds
        state.execute(
            f"UPDATE {labels} AS c SET label = o.label FROM {labels} AS o WHERE o.row = c.label AND o.label < c.label"
        )
    state.drop(f"{clusters}/edges")
