-- Releases by data_quality.
SELECT 'releases_by_data_quality' AS kpi, data_quality AS member, count(DISTINCT release_id) AS value
FROM releases_v6
WHERE data_quality IS NOT NULL
GROUP BY data_quality
