-- How many different names there are, when spellings that differ in case and space are one.
SELECT 'distinct_norms' AS kpi, {{member}} AS member, count(DISTINCT {{column}}) AS value FROM {{dataset}}
