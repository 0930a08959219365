-- Releases by country. A row is a release: its id is unique before a snapshot is sealed.
SELECT 'releases_by_country' AS kpi, country AS member, count(*) AS value
FROM releases_v6
WHERE country IS NOT NULL
GROUP BY country
