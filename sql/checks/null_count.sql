-- Rows, and rows without a value in one column.
SELECT count(*) AS row_count, count(*) - count({{column}}) AS null_count FROM {{dataset}}
