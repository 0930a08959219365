-- The largest id of a dataset, NULL when it is empty.
SELECT max({{column}}) AS max_id FROM {{dataset}}
