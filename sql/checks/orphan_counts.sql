-- Rows that refer to one dataset, by the column they do it with, and those of them whose target is not there. NULL refers to nothing, also when
-- there is no target at all. Columns without a row are left out.
SELECT link, count(reference) AS referring, count(*) FILTER (WHERE reference IS NOT NULL AND NOT found) AS orphans
FROM (
  SELECT link, reference, reference IN (SELECT {{target_column}} FROM {{target}} WHERE {{target_column}} IS NOT NULL) AS found
  FROM (
    {{links}}
  ) AS links
) AS looked_up
GROUP BY link
