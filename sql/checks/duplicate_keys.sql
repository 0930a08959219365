-- Keys that stand on more than one row; NULL equals NULL.
SELECT {{key}}, count(*) AS row_count
FROM {{dataset}}
GROUP BY {{key}}
HAVING count(*) > 1
