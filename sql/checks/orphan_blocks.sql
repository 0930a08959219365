-- Blocks of 32 ids that columns refer to, and those of them with an id that the dataset does not have: as bits, so that a block is one row
-- whatever refers to it. Much cheaper than looking each reference up. Columns without a value are left out.
SELECT link, CAST(sum(referring) AS BIGINT) AS referring, count(*) FILTER (WHERE bitwise_and(bits, bitwise_not(coalesce(present, 0))) <> 0) AS blocks
FROM (
  {{links}}
) AS links
LEFT JOIN (
  SELECT bitwise_right_shift({{target_column}}, 5) AS present_block, bitwise_or_agg({{target_bit}}) AS present
  FROM {{target}}
  GROUP BY bitwise_right_shift({{target_column}}, 5)
) AS target ON present_block = block
GROUP BY link
