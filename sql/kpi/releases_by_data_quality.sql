-- Releases by data_quality. A row is a release: its id is unique before a snapshot is sealed.
SELECT 'releases_by_data_quality' AS kpi, data_quality AS member, count(*) AS value
FROM releases_v6
WHERE data_quality IS NOT NULL
GROUP BY data_quality
