-- How many different names of labels there are, when spellings that differ in case and space are one.
SELECT 'distinct_norms' AS kpi, 'label' AS member, count(DISTINCT label_norm) AS value FROM label_release_counts_v1
