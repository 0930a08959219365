import {
  contract,
  dataQualities,
  each,
  eachRecord,
  id,
  joined,
  joinedIds,
  position,
  recordId,
  refers,
  relationship,
  text,
} from './declare.ts'
import type { Dump } from './dataset.ts'

const labelId = recordId('label_id', 'Discogs id of the label')
const toLabels = (column: string) => refers(column, 'labels_v10', 'label_id')

/** Record `labels/label`, id in the child `id`; a `sublabels/label` inside it is no record. */
export const labels: Dump = {
  name: 'labels',
  root: 'labels',
  record: 'label',
  idPath: 'id',
  nested: null,
  datasets: [
    contract('labels', 'labels_v10', {
      about: 'One row per label, series or company.',
      rows: eachRecord,
      columns: [
        labelId,
        text('name', 'name', 'name on Discogs', { maxNullPercent: 1 }),
        text('profile', 'profile', 'description, in Discogs markup'),
        text('contact_info', 'contactinfo', 'addresses as written'),
        text('data_quality', 'data_quality', 'vote of the Discogs community', { accepted: dataQualities }),
        id('parent_label_id', 'parentLabel/@id', 'id of the label it belongs to'),
        text('parent_label_name', 'parentLabel', 'name of the label it belongs to'),
        joined('urls_csv', 'urls/url*', 'web addresses, joined by ", "'),
        joinedIds('sublabel_ids_csv', 'sublabels/label*/@id', 'ids of its sublabels, joined by ", "'),
        joined('sublabel_names_csv', 'sublabels/label*', 'names of its sublabels, joined by ", "'),
      ],
      key: ['label_id'],
      references: [toLabels('parent_label_id')],
    }),
    relationship('labels', 'label_urls_v1', {
      about: 'Web addresses of labels.',
      rows: each('urls/url'),
      columns: [labelId, position(), text('url', '.', 'the address as written')],
      key: ['label_id', 'position'],
    }),
    relationship('labels', 'label_sublabels_v1', {
      about: 'Sublabels as the parent lists them. Some months have lost their ids and names: then both are NULL.',
      rows: each('sublabels/label'),
      columns: [
        labelId,
        position(),
        id('sublabel_id', '@id', 'id of the sublabel'),
        text('sublabel_name', '.', 'name of the sublabel'),
      ],
      key: ['label_id', 'position'],
      references: [toLabels('sublabel_id')],
    }),
  ],
  ignored: ['images/**', '**/resource_url'],
}
