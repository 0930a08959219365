-- Rows, and for each column in question in how many of them it has a value.
SELECT count(*) AS row_count{{value_counts}}
FROM {{dataset}}
