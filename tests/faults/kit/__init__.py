"""Random worlds under faults: systems, people, runs and what goes wrong, all drawn from seeds.

A *world* plays some seeds side by side, each with its own records and the faults of its own requests; reads, kills and the
schedule are the world's. What counts is counted in the systems themselves. ``README.md`` holds the table of faults.
"""
