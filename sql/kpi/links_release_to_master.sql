-- How many rows refer from a release to its master, and how many of them to nothing that is there.
SELECT 'links' AS kpi, 'release_to_master' AS member, count(master_id) AS value FROM releases_v6
UNION ALL
SELECT 'orphans', 'release_to_master', count(*)
FROM releases_v6
WHERE master_id IS NOT NULL
  AND master_id NOT IN (SELECT master_id FROM masters_v1_typed)
