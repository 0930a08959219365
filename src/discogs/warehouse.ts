import type { Dataset } from './dataset.ts'
import { computed, refers, warehouse } from './declare.ts'

const releaseId = computed('release_id', 'BIGINT', 'Discogs id of the release')

/** Tables that `sql/build/<name>.sql` computes from the relationship tables, sorted by all their columns. */
export const warehouseTables: readonly Dataset[] = [
  warehouse('artist_name_map_v1', {
    about: 'Every normalised name an artist is known by.',
    columns: [
      computed('norm_name', 'VARCHAR', 'name in lower case, spaces collapsed, its trailing number removed'),
      computed('artist_id', 'BIGINT', 'Discogs id of the artist'),
    ],
    key: ['norm_name', 'artist_id'],
    references: [refers('artist_id', 'artists_v1_typed', 'artist_id')],
  }),
  warehouse('release_artists_v1', {
    about: 'Main artists of releases, by normalised name. A credit without a name is not included, whatever its name variation.',
    columns: [
      releaseId,
      computed('artist_norm', 'VARCHAR', 'name in lower case, trimmed'),
      computed('artist_id', 'BIGINT', 'Discogs id of the artist', true),
      computed('artist_name', 'VARCHAR', 'name as credited', true),
    ],
    key: ['release_id', 'artist_norm', 'artist_id', 'artist_name'],
  }),
  warehouse('release_label_xref_v1', {
    about: 'Labels of releases, by normalised name.',
    columns: [
      releaseId,
      computed('label_name', 'VARCHAR', 'name of the label', true),
      computed('label_norm', 'VARCHAR', 'name in lower case, trimmed'),
      computed('label_catno', 'VARCHAR', 'catalogue number', true),
      computed('label_id', 'BIGINT', 'Discogs id of the label', true),
    ],
    key: ['release_id', 'label_name', 'label_norm', 'label_catno', 'label_id'],
  }),
  warehouse('label_release_counts_v1', {
    about: 'Releases per normalised label name.',
    columns: [
      computed('label_norm', 'VARCHAR', 'name in lower case, trimmed'),
      computed('label_name_sample', 'VARCHAR', 'the first of its spellings by code point', true),
      computed('n_total_releases', 'BIGINT', 'distinct releases'),
    ],
    key: ['label_norm'],
  }),
  warehouse('release_genre_xref_v1', {
    about: 'Genres of releases, by normalised name.',
    columns: [
      releaseId,
      computed('genre', 'VARCHAR', 'genre', true),
      computed('genre_norm', 'VARCHAR', 'genre in lower case, trimmed'),
    ],
    key: ['release_id', 'genre', 'genre_norm'],
  }),
  warehouse('release_style_xref_v1', {
    about: 'Styles of releases, by normalised name.',
    columns: [
      releaseId,
      computed('style', 'VARCHAR', 'style', true),
      computed('style_norm', 'VARCHAR', 'style in lower case, trimmed'),
    ],
    key: ['release_id', 'style', 'style_norm'],
  }),
]
