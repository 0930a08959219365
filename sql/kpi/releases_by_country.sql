-- Releases by country.
SELECT 'releases_by_country' AS kpi, country AS member, count(DISTINCT release_id) AS value
FROM releases_v6
WHERE country IS NOT NULL
GROUP BY country
