-- How many rows a table has.
SELECT 'rows' AS kpi, {{member}} AS member, count(*) AS value FROM {{dataset}}
