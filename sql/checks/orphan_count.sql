-- Rows that refer to another dataset, and those of them whose target is not there.
SELECT
  (SELECT count({{column}}) FROM {{dataset}}) AS referring,
  (
    SELECT count(*) FROM {{dataset}}
    WHERE {{column}} NOT IN (SELECT {{target_column}} FROM {{target}} WHERE {{target_column}} IS NOT NULL)
  ) AS orphans
