-- Rows that refer to another dataset, and those of them whose target is not there. NULL refers to nothing, also when there is no target at all.
SELECT
  (SELECT count({{column}}) FROM {{dataset}}) AS referring,
  (
    SELECT count(*) FROM {{dataset}}
    WHERE {{column}} IS NOT NULL
      AND {{column}} NOT IN (SELECT {{target_column}} FROM {{target}} WHERE {{target_column}} IS NOT NULL)
  ) AS orphans
