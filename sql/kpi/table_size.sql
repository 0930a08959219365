-- How many rows a table has, and how many distinct keys.
SELECT 'rows' AS kpi, {{member}} AS member, count(*) AS value FROM {{dataset}}
UNION ALL
SELECT 'distinct_keys', {{member}}, count(*) FROM (SELECT DISTINCT {{key}} FROM {{dataset}}) AS keys
