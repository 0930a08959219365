-- How many different names of styles there are, when spellings that differ in case and space are one.
SELECT 'distinct_norms' AS kpi, 'style' AS member, count(DISTINCT style_norm) AS value FROM release_style_xref_v1
