-- How many rows refer from a release to a label, and how many of them to nothing that is there.
SELECT 'links' AS kpi, 'release_to_label' AS member, count(label_id) AS value FROM release_labels_v1
UNION ALL
SELECT 'orphans', 'release_to_label', count(*)
FROM release_labels_v1
WHERE label_id IS NOT NULL
  AND label_id NOT IN (SELECT label_id FROM labels_v10)
