-- Rows whose target is not there.
SELECT {{columns}}
FROM {{dataset}}
WHERE {{column}} IS NOT NULL
  AND {{column}} NOT IN (SELECT {{target_column}} FROM {{target}} WHERE {{target_column}} IS NOT NULL)
