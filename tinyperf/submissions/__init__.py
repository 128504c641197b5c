"""MLPerf Tiny submission trees: what a round wants of them, and everything that is wrong with one.

Sources: mlcommons/tiny 1afd2c9 (`tools/submission/submission_checker.py`, `directory_structure.adoc` of the rounds'
repositories, MLPerfTiny_Rules.adoc) for what is wanted; the files that the two runners write for what is read.
"""
