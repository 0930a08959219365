-- How many distinct keys a table has; NULL equals NULL.
SELECT 'distinct_keys' AS kpi, {{member}} AS member, count(*) AS value FROM (SELECT DISTINCT {{key}} FROM {{dataset}}) AS keys
