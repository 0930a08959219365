-- Values of one column that are not among those known, and how often each comes. NULL is not a value.
SELECT {{column}}, count(*) AS row_count
FROM {{dataset}}
WHERE {{column}} NOT IN ({{accepted}})
GROUP BY {{column}}
