-- How many rows a dataset has.
SELECT count(*) AS row_count FROM {{dataset}}
